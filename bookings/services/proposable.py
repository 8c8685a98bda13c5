"""Which other times a participant may propose: those at which the session could be."""

from __future__ import annotations

from datetime import datetime

from bookings.availability.search import nearest_slots
from bookings.models import Attendee, Occurrence, Proposal, RoomHold, as_range
from bookings.rules import Code
from bookings.services.proposals import find_obstacles
from rooms.interval import Interval

#: As many as are looked through at a glance.
TIMES = 6
#: What stands in the way of deciding here and now, but not of the time itself.
_NO_OBSTACLE = frozenset({Code.APPROVAL_NEEDED})


def find_proposable(meeting: Occurrence, *, now: datetime, limit: int = TIMES) -> list[Interval]:
    """Return the nearest times at which all rooms of the meeting and a licence are free, as its organizer may book.

    As long as the meeting is, none overlaps another. Empty where it has no rooms: then any time will do.
    """
    booking = meeting.booking
    holds = RoomHold.objects.filter(occurrence=meeting, live=True).order_by("position")
    room_ids = list(holds.values_list("room_id", flat=True))
    if not room_ids:
        return []
    around = max(meeting.starts_at, now).astimezone(booking.zone)
    return nearest_slots(
        room_ids,
        duration=meeting.interval.duration,
        around=around,
        organizer_id=booking.organizer_id,
        user_ids=(booking.organizer_id,),
        by=booking.organizer,
        now=now,
        limit=limit,
    )


def can_be_at(
    attendee: Attendee, meeting: Occurrence, interval: Interval, *, is_whole_series: bool = False, now: datetime
) -> bool:
    """Say whether the organizer could move the meeting, or the whole series, to this time as things stand.

    Why not is nobody's business who is a guest: what others have booked is not told to them.
    """
    proposal = Proposal(
        booking=meeting.booking,
        attendee=attendee,
        occurrence=meeting,
        is_whole_series=is_whole_series,
        period=as_range(interval),
        stamped_at=now,
        received_at=now,
    )
    obstacles = find_obstacles(proposal, by=meeting.booking.organizer, now=now)
    return all(obstacle.code in _NO_OBSTACLE for obstacle in obstacles)
