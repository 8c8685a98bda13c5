"""Keeps mails that came in, whole and once, before anybody looks at them; later forgets what is in them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from accounts.models import User
from integrations.mailbox.models import InboundMail
from integrations.mailbox.outcomes import Outcome

#: Of one mail, in bytes: what most mail servers pass on at most.
MAX_SIZE = 25_000_000
#: Rows that one statement forgets: short locks, whatever has piled up.
_FORGOTTEN_AT_ONCE = 500

State = InboundMail.State

# The same bytes again, from wherever: the row that is there. What is new is for whom they are: where a room of ours had
# not been asked, the request is read once more, which services bear.
_STORE = """
INSERT INTO integrations_inboundmail
    (state, digest, raw, size, source, envelope_to, received_at, message_id, what, sender, subject, text,
     authentication, outcome, reason, attempts, handled_at)
VALUES (%(state)s, %(digest)s, %(raw)s, %(size)s, %(source)s, to_jsonb(%(envelope_to)s::text[]), %(now)s,
        '', '', '', '', '', '', %(outcome)s, %(reason)s, 0, %(handled_at)s)
ON CONFLICT (digest) DO UPDATE SET
    envelope_to = integrations_inboundmail.envelope_to || excluded.envelope_to,
    state = CASE WHEN integrations_inboundmail.state IN ('done', 'ignored')
                  AND integrations_inboundmail.what IN ('request', 'cancel')
                  AND integrations_inboundmail.forgotten_at IS NULL
            THEN 'waiting' ELSE integrations_inboundmail.state END,
    attempts = CASE WHEN integrations_inboundmail.state = 'reading' THEN integrations_inboundmail.attempts ELSE 0 END
WHERE NOT integrations_inboundmail.envelope_to @> excluded.envelope_to
"""


class TooBig(Exception):
    """The mail is bigger than MAX_SIZE and was not kept."""


def store(raw: bytes, *, source: str, envelope_to: Collection[str] = (), now: datetime) -> InboundMail:
    """Keep a mail as it is, once: the same bytes again return the row that is there. Committed when this returns.

    `source`: "imap", "lmtp" or "command". `envelope_to`: to which addresses the mail server delivered it, if known.
    Raises: TooBig; OperationalError when the database is away, and then nothing was kept.
    """
    if len(raw) > MAX_SIZE:
        raise TooBig
    return _insert(raw, size=len(raw), source=source, envelope_to=envelope_to, now=now)


def store_headers(headers: bytes, *, size: int, source: str, now: datetime) -> InboundMail:
    """Keep the headers of a mail that is too big to keep, for IT admins to see."""
    reason = f"It has {size // 1_000_000} MB and was not fetched; only its headers are kept."
    return _insert(headers[:MAX_SIZE], size=size, source=source, envelope_to=(), now=now, parked=reason)


def forget(now: datetime) -> int:
    """Empty mails that were handled MAIL_KEPT_DAYS ago: bytes, text, subject, addresses. Return how many.

    What stays (digest, kind, outcome, times) names nobody, and still tells the same mail from a new one.
    """
    before = now - timedelta(days=settings.MAIL_KEPT_DAYS)
    done = 0
    while True:
        old = InboundMail.objects.filter(handled_at__lt=before, forgotten_at=None).exclude(state__in=InboundMail.OPEN)
        ids = list(old.order_by("handled_at").values_list("pk", flat=True)[:_FORGOTTEN_AT_ONCE])
        if not ids:
            return done
        rows = InboundMail.objects.filter(pk__in=ids).exclude(state__in=InboundMail.OPEN)
        done += rows.update(raw=b"", text="", subject="", sender="", message_id="", envelope_to=[], forgotten_at=now)


def read_again(mail: InboundMail, *, by: User) -> bool:
    """Have a mail read anew that nobody could make anything of. False when that is not so (any more)."""
    rows = InboundMail.objects.filter(pk=mail.pk, state__in=InboundMail.TO_LOOK_AT, forgotten_at=None)
    return bool(by.is_it_admin and rows.update(state=State.WAITING, attempts=0, handled_at=None, handled_by=by))


def call_done(mail: InboundMail, *, by: User, now: datetime) -> bool:
    """Note that somebody has looked at it. False when nobody had to."""
    rows = InboundMail.objects.filter(pk=mail.pk, state__in=InboundMail.TO_LOOK_AT)
    return bool(by.is_it_admin and rows.update(state=State.DONE, handled_at=now, handled_by=by))


def _insert(
    raw: bytes, *, size: int, source: str, envelope_to: Collection[str], now: datetime, parked: str = ""
) -> InboundMail:
    digest = hashlib.sha256(raw).hexdigest()
    values: dict[str, Any] = {
        "state": State.PARKED if parked else State.WAITING,
        "digest": digest,
        "raw": raw,
        "size": size,
        "source": source,
        "envelope_to": sorted({address.lower() for address in envelope_to if "\0" not in address}),
        "now": now,
        "outcome": Outcome.TOO_BIG if parked else "",
        "reason": parked,
        "handled_at": now if parked else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(_STORE, values)
    return InboundMail.objects.defer("raw").get(digest=digest)
