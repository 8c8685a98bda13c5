"""Which incoming mail a worker owns: found by query, leased, one at a time; oldest first.

The life of a row: waiting -> reading (leased) -> done, shown, ignored or parked. A worker that dies loses nothing: its
lease runs out. What breaks worker after worker is parked, and holds up nobody.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from integrations.mailbox import limits
from integrations.mailbox.models import InboundMail
from integrations.mailbox.outcomes import MAX_REASON, Outcome

State = InboundMail.State

MAX_ATTEMPTS = 3
#: Longer than reading one mail and answering it can take: the reading is bounded, the rest is one transaction.
LEASE = timedelta(seconds=limits.WAIT_SECONDS * 4)

_GIVEN_UP = "It was begun three times, and the worker never came to an end with it. The worker's log may say why."

# One row at a time: a worker that is killed costs one mail one attempt, and no other waits for its lease.
_TAKE = """
UPDATE integrations_inboundmail mail
SET state = 'reading', lease_until = %(until)s, attempts = mail.attempts + 1
WHERE mail.id = (
    SELECT id FROM integrations_inboundmail
    WHERE state IN ('waiting', 'reading') AND (state = 'waiting' OR lease_until <= %(now)s) AND attempts < %(most)s
    ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
)
RETURNING mail.*
"""

# What another worker handles just now is locked, and is not given up.
_PARK_THE_HOPELESS = """
UPDATE integrations_inboundmail
SET state = 'parked', lease_until = NULL, handled_at = %(now)s, outcome = %(outcome)s, reason = %(reason)s
WHERE id IN (
    SELECT id FROM integrations_inboundmail
    WHERE state IN ('waiting', 'reading') AND (state = 'waiting' OR lease_until <= %(now)s) AND attempts >= %(most)s
    FOR NO KEY UPDATE SKIP LOCKED
)
"""


def claim(now: datetime) -> InboundMail | None:
    """Take the oldest mail that waits, or whose worker did not come to an end; None when there is none."""
    taken = InboundMail.objects.raw(_TAKE, {"now": now, "until": now + LEASE, "most": MAX_ATTEMPTS})
    return next(iter(taken), None)


def park_the_hopeless(now: datetime) -> int:
    """Set aside what was begun too often. Return how many."""
    with connection.cursor() as cursor:
        values: dict[str, Any] = {
            "now": now,
            "most": MAX_ATTEMPTS,
            "reason": _GIVEN_UP,
            "outcome": str(Outcome.GIVEN_UP),
        }
        cursor.execute(_PARK_THE_HOPELESS, values)
        return int(cursor.rowcount)


def lock(mail: InboundMail) -> bool:
    """Lock the row until the transaction ends. False when it is another worker's by now."""
    rows = InboundMail.objects.select_for_update(no_key=True).filter(pk=mail.pk, state=State.READING)
    # `attempts` counts up with every worker's: it is the ticket.
    return rows.filter(attempts=mail.attempts, lease_until=mail.lease_until).values_list("pk").first() is not None


def park(mail: InboundMail, reason: str, *, outcome: str, now: datetime) -> bool:
    """Set aside a mail that can't be read, now or later. False when it is another worker's by now."""
    rows = InboundMail.objects.filter(pk=mail.pk, state=State.READING, attempts=mail.attempts)
    return bool(
        rows.update(
            state=State.PARKED,
            lease_until=None,
            handled_at=now,
            outcome=outcome,
            reason=reason[:MAX_REASON] or "It can't be read.",
        )
    )
