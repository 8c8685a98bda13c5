"""Reads what the participants of a session have heard of it so far, and what they are still to hear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bookings.models import BookingEvent
from notifications.models import Message
from rooms import prepared

Kind = Message.Kind

# Locked by a statement of its own, and first: the next one sees what a worker had taken before us.
_WAITING = """
SELECT attendee_id, id, kind, occurrence_id, recurrence_at, due_at FROM notifications_message
WHERE booking_id = %s AND version < %s AND state IN ('queued', 'retrying') AND kind <> 'counter'
ORDER BY id FOR NO KEY UPDATE
"""
_LAST = """
SELECT DISTINCT ON (attendee_id) attendee_id, id, kind, occurrence_id, recurrence_at, due_at
FROM notifications_message
WHERE booking_id = %s AND attendee_id IS NOT NULL AND (may_have_arrived OR state = 'sending')
  AND kind NOT IN ('counter', 'nudge')
ORDER BY attendee_id, kind = 'reminder', id DESC
"""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a mail to a participant was about."""

    pk: int
    kind: str
    occurrence_id: int | None
    recurrence_at: datetime | None
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """`waiting`: older mails by participant that no worker has taken. `last`: the newest mail of each that has reached
    them, may have, or is on its way just now.
    """

    waiting: Mapping[int, Sequence[Heard]]
    last: Mapping[int, Heard]

    @property
    def whole_waits(self) -> set[int]:
        """Those for whom a mail about the whole session still waits."""
        return {pk for pk, rows in self.waiting.items() if any(row.occurrence_id is None for row in rows)}

    def meeting_of(self, attendee_id: int) -> datetime | None:
        """Return the RECURRENCE-ID that the calendar of somebody invited to one meeting has, None if it has none."""
        last = self.last.get(attendee_id)
        return last.recurrence_at if last and last.kind != Kind.CANCELLATION else None

    def is_taken_back(self, attendee_id: int, *, own: bool) -> bool:
        """Say whether the last that this person heard was that it is off for them."""
        last = self.last.get(attendee_id)
        return last is not None and last.kind == Kind.CANCELLATION and (own or last.occurrence_id is None)


def read_told(event: BookingEvent) -> Told:
    """Return what was told before this event: two queries.

    The waiting rows are locked first, which waits for a worker that is taking some of them: no row slips away between.
    """
    waiting: dict[int, list[Heard]] = {}
    for attendee_id, *mail in prepared.fetch(_WAITING, [event.booking_id, event.version]):
        waiting.setdefault(attendee_id, []).append(Heard(*mail))
    last = prepared.fetch(_LAST, [event.booking_id])
    return Told(waiting, {attendee_id: Heard(*mail) for attendee_id, *mail in last})
