"""Takes the rows that are due: finds them, leases them, and leaves out what is no longer true or has to wait."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from notifications import pacing, truth
from notifications.claims.rows import BATCH, Kind, State, end, lease
from notifications.clock import SLACK
from notifications.models import Message
from rooms import prepared

# From one priority to the next, each by index from what has been due longest: what is not due is not looked at, however
# much of it there is. A row waits for older ones in its line, but for reminders that are not due: those are no mails of
# the calendar, and may be queued long before their time. Asked row by row, and only until the batch is full: as a join,
# which PostgreSQL makes of NOT EXISTS, it is asked of all rows first, and with statistics from before ten thousand fell
# due at once that took minutes.
_IN_FRONT = """
SELECT before.id FROM notifications_message before
WHERE before.booking_id = message.{booking} AND lower(before.recipient) = lower(message.recipient)
  AND before.id < message.id AND before.state IN ('queued', 'retrying', 'sending')
  AND (before.kind NOT IN ('reminder', 'nudge') OR before.due_at <= %(now)s OR before.state = 'sending')
LIMIT 1
"""
_TAKE = """
WITH due AS MATERIALIZED (
    SELECT found.id FROM (VALUES (0), (1), (2)) AS rank (priority)
    CROSS JOIN LATERAL (
        SELECT message.id FROM notifications_message message
        WHERE message.priority = rank.priority AND message.state IN ('queued', 'retrying')
          AND message.due_at <= %(now)s::timestamptz AND message.kind {lane} 'webhook'
          AND ({of_booking}) IS NULL
          AND ({of_other}) IS NULL
        ORDER BY message.due_at, message.id
        LIMIT {batch} FOR NO KEY UPDATE SKIP LOCKED
    ) found
    LIMIT {batch}
)
UPDATE notifications_message message SET state = 'sending', lease_until = %(until)s
FROM due WHERE message.id = due.id
RETURNING message.id
"""
_LINES = {"of_booking": _IN_FRONT.format(booking="booking_id"), "of_other": _IN_FRONT.format(booking="waits_for_id")}
_TAKE_MAIL = _TAKE.format(lane="<>", batch=BATCH, **_LINES)
_TAKE_CALLS = _TAKE.format(lane="=", batch=BATCH, **_LINES)

# A worker that did not finish in time is dead, or slow: what it had begun may arrive, which is counted. A slow one can
# still record its success as long as nobody has begun another try, and takes that back.
# A lease that no clock of today can have given is cut to its length; whoever holds it has that long to go on.
_FREE = """
WITH expired AS MATERIALIZED (
    SELECT id FROM notifications_message
    WHERE state = 'sending' AND (lease_until <= %(now)s::timestamptz OR lease_until > %(latest)s)
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE notifications_message message
SET state = CASE WHEN lease_until <= %(now)s THEN 'retrying' ELSE state END,
    due_at = CASE WHEN lease_until <= %(now)s THEN %(now)s ELSE due_at END,
    doubts = doubts + (lease_until <= %(now)s AND begun_at IS NOT NULL)::int,
    begun_at = CASE WHEN lease_until > %(now)s THEN begun_at END,
    lease_until = CASE WHEN lease_until > %(now)s THEN %(until)s::timestamptz END
FROM expired WHERE message.id = expired.id
"""
_WAIT = """
UPDATE notifications_message message
SET state = CASE WHEN attempts = 0 THEN 'queued' ELSE 'retrying' END, lease_until = NULL,
    due_at = wait.until, slot_at = wait.slot_at
FROM unnest(%(ids)s::bigint[], %(untils)s::timestamptz[], %(slots)s::timestamptz[]) AS wait (id, until, slot_at)
WHERE message.id = wait.id AND message.state = 'sending' AND message.lease_until = %(lease_until)s
"""


def claim(now: datetime, *, calls: bool = False) -> list[Message]:
    """Take the next due mails and return them, ready to be composed or sent; empty when nothing is due.

    `calls`: take calls of webhooks, and nothing else; by default everything but those. What is urgent comes first.
    Rows of workers that died are due again. What is no longer true is set aside as superseded on the way, and what has
    to wait for the pace of its domain gets the time at which it may leave (`pacing`).
    """
    _free_expired(now)
    while ids := _take(now, calls=calls):
        mine = Message.objects.filter(pk__in=ids, state=State.SENDING, lease_until=now + lease())
        good = truth.which_are_true(ids, now)
        if stale := set(ids) - good:
            end(mine.filter(pk__in=stale), State.SUPERSEDED)
        query = mine.filter(pk__in=good).select_related(
            "booking__organizer", "booking__created_by", "attendee", "occurrence", "user"
        )
        found = _without_waiting(list(query.order_by("priority", "due_at", "pk")), now)
        _invite_the_unheard(found)
        if found:
            return found
    return []


def _take(now: datetime, *, calls: bool) -> Collection[int]:
    rows = prepared.fetch(_TAKE_CALLS if calls else _TAKE_MAIL, {"now": now, "until": now + lease()})
    return [pk for (pk,) in rows]


def _free_expired(now: datetime) -> None:
    """Make rows due again whose worker did not finish in time."""
    until = now + lease()
    prepared.run(_FREE, {"now": now, "until": until, "latest": until + SLACK})


def _without_waiting(messages: list[Message], now: datetime) -> list[Message]:
    """Give back what its domain has no room for yet, and return the rest."""
    waits = pacing.find_waits(messages, now) if messages else {}
    if waits:
        values = {
            "ids": list(waits),
            "untils": [wait.until for wait in waits.values()],
            "slots": [wait.slot_at for wait in waits.values()],
            "lease_until": now + lease(),
        }
        prepared.run(_WAIT, values)
    return [message for message in messages if message.pk not in waits]


def _heard_of() -> QuerySet[Message]:
    return Message.objects.filter(attendee=OuterRef("attendee"), may_have_arrived=True)


def _invite_the_unheard(messages: list[Message]) -> None:
    """Turn an update into an invitation where the invitation before it was, after all, never handed to a server.

    Who belongs to the whole series is then invited to the whole of it, even if the news is about one meeting.
    """
    updates = {message.pk: message for message in messages if message.kind == Kind.UPDATE and message.raw is None}
    if not updates:
        return
    unheard = Message.objects.filter(pk__in=updates, state=State.SENDING).exclude(Exists(_heard_of()))
    for pk in unheard.values_list("pk", flat=True):
        message = updates[pk]
        assert message.attendee
        message.kind = Kind.INVITATION
        if message.attendee.occurrence_id is None:
            message.occurrence = message.recurrence_at = None
        message.save(update_fields=["kind", "occurrence", "recurrence_at"])
