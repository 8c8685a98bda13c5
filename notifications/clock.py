"""Sets right what would wait for an hour that the machine's clock has been set back by.

Rows are due by the clock, so whatever was put off while it ran ahead would wait until it comes round again. The latest
time that a worker has seen is kept; a worker that sees an earlier one puts everything back by the difference. What is
due at a time of its own, such as a reminder before a start, keeps it, unless it was due already.

Clocks of several machines may differ by `SLACK`; beyond that the office's clocks have to be set (NTP), which the log
says. A clock that is set forward needs nothing: what is due sooner leaves sooner, and a lease that seems to have run
out while a mail was under way counts as a doubt (`claims`).
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction

from rooms import prepared

logger = logging.getLogger(__name__)

#: Less than this is no jump: requests take time, and clocks of machines differ.
SLACK = timedelta(minutes=1)
#: How old the time that is kept may be.
_NOTED_EVERY = timedelta(seconds=10)

# The newest row that waits is found by index, however many wait and whatever history there is.
_READ = """
SELECT (SELECT seen_at FROM notifications_clock),
       (SELECT max(created_at) FROM notifications_message WHERE state IN ('queued', 'retrying'))
"""
_NOTE = """
INSERT INTO notifications_clock AS clock (id, seen_at) VALUES (1, %(at)s)
ON CONFLICT (id) DO UPDATE SET seen_at = greatest(clock.seen_at, excluded.seen_at)
"""
_LOCK = "SELECT seen_at FROM notifications_clock FOR UPDATE"
_SET = "UPDATE notifications_clock SET seen_at = %s"

# Locked in the order in which everybody locks them.
_MESSAGES = """
WITH late AS MATERIALIZED (
    SELECT id FROM notifications_message
    WHERE state IN ('queued', 'retrying') AND (due_at > %(now)s OR created_at > %(now)s)
    ORDER BY id FOR NO KEY UPDATE
)
UPDATE notifications_message message
SET created_at = least(created_at, %(now)s),
    slot_at = slot_at - %(by)s::interval,
    due_at = CASE
        WHEN due_at <= %(now)s THEN due_at
        WHEN due_at > %(seen)s AND attempts = 0 AND slot_at IS NULL
             AND kind IN ('reminder', 'nudge', 'summary', 'digest') THEN due_at
        ELSE greatest(due_at - %(by)s::interval, least(created_at, %(now)s))
    END
FROM late WHERE message.id = late.id
"""
_DOMAINS = """
UPDATE notifications_maildomain
SET next_at = next_at - %(by)s::interval, paused_until = paused_until - %(by)s::interval
WHERE next_at > %(now)s OR paused_until > %(now)s
"""
_ROUTES = """
UPDATE notifications_mailroute
SET down_since = least(down_since, %(now)s), ask_again_at = least(ask_again_at, %(now)s)
WHERE down_since IS NOT NULL
"""


def settle(now: datetime) -> timedelta:
    """Put back what waits if the clock was set back since a worker last looked; return by how much, zero as a rule.

    Called at the start of each run: one statement, and one more every ten seconds. Any number of workers may.
    """
    ((seen_at, written_at),) = prepared.fetch(_READ)
    latest = max(filter(None, (seen_at, written_at)), default=now)
    if latest > now + SLACK:
        return _set_back(now)
    if seen_at is None or now - seen_at >= _NOTED_EVERY:
        note(now)
    return timedelta()


def note(now: datetime) -> None:
    """Keep this time, if it is the latest so far."""
    prepared.run(_NOTE, {"at": now})


def _set_back(now: datetime) -> timedelta:
    with transaction.atomic():
        note(now)
        # One worker at a time; the next one finds everything set right.
        ((seen_at,),) = prepared.fetch(_LOCK)
        ((_, written_at),) = prepared.fetch(_READ)
        latest = max(seen_at, written_at or seen_at)
        if latest <= now + SLACK:
            return timedelta()
        by = latest - now
        values = {"now": now, "by": by, "seen": latest}
        prepared.run(_MESSAGES, values)
        prepared.run(_DOMAINS, {"now": now, "by": by})
        prepared.run(_ROUTES, {"now": now})
        prepared.run(_SET, [now])
    logger.warning("The clock was set back by %s; what was to wait for that long leaves when it would have.", by)
    return by
