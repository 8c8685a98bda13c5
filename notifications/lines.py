"""Lets go what would hold up a mail that must not wait: mails to one address about one session leave in order (P11)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bookings.models import BookingEvent
from notifications.models import Message
from rooms import prepared

# Only what waits for more news leaves sooner: what a mail server has put off stays so, and a reminder has its time.
_HURRY = """
UPDATE notifications_message message
SET priority = least(message.priority, person.priority),
    due_at = CASE
        WHEN message.state = 'queued' AND message.kind NOT IN ('reminder', 'nudge')
        THEN least(message.due_at, person.due_at) ELSE message.due_at
    END
FROM unnest(%(emails)s::text[], %(priorities)s::int[], %(due)s::timestamptz[]) AS person (email, priority, due_at)
WHERE message.booking_id = ANY(%(bookings)s::bigint[]) AND lower(message.recipient) = person.email
  AND message.state IN ('queued', 'retrying')
  AND (message.priority > person.priority OR message.due_at > person.due_at)
"""


def hurry(event: BookingEvent, rows: Iterable[Message]) -> None:
    """Have what is in front of these mails of the event leave no later than they, and no less urgently.

    In front is what waits for the same address about this session, or about the series that it continues.
    """
    first: dict[str, tuple[int, datetime]] = {}
    for row in rows:
        priority, due_at = first.get(row.recipient.lower(), (row.priority, row.due_at))
        first[row.recipient.lower()] = min(priority, row.priority), min(due_at, row.due_at)
    if not first:
        return
    values = {
        "emails": list(first),
        "priorities": [priority for priority, _ in first.values()],
        "due": [due_at for _, due_at in first.values()],
        "bookings": [pk for pk in (event.booking_id, event.booking.follows_id) if pk],
    }
    prepared.run(_HURRY, values)
