"""What hangs on the doors of a session's rooms: all that is booked in each of them on a day, for anybody to read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from accounts.models import User
from bookings.models import LONGEST_HOLD, Booking, Occurrence, RoomHold
from rooms.interval import Interval
from rooms.models import Room


@dataclass(frozen=True, slots=True)
class DoorLine:
    """A session of the day. Of a closed one there is neither title nor organizer, whoever prints it."""

    interval: Interval
    title: str
    organizer: User | None
    is_closed: bool


@dataclass(frozen=True, slots=True)
class DoorPlan:
    """A room on a day."""

    room: Room
    day: date
    lines: tuple[DoorLine, ...]


def door_plans(meetings: Iterable[Occurrence], *, zone: ZoneInfo) -> list[DoorPlan]:
    """Return a plan for each room of these meetings and each of their days, by day and then in the meeting's order.

    `zone`: of the office, whose days these are. Two queries, however many rooms and meetings.
    """
    wanted = _rooms_by_day(meetings, zone)
    if not wanted:
        return []
    days = [day for day, _room in wanted]
    span = Interval(_midnight(min(days), zone), _midnight(max(days) + timedelta(days=1), zone))
    lines = _lines({pk for _day, pk in wanted}, span, zone)
    return [DoorPlan(room, day, tuple(lines.get((day, pk), ()))) for (day, pk), room in wanted.items()]


def _rooms_by_day(meetings: Iterable[Occurrence], zone: ZoneInfo) -> dict[tuple[date, int], Room]:
    by_key = {meeting.pk: meeting for meeting in meetings}
    holds = RoomHold.objects.filter(occurrence__in=by_key, live=True).select_related("room__site")
    found = [(by_key[hold.occurrence_id], hold) for hold in holds if hold.occurrence_id is not None]
    found.sort(key=lambda item: (item[0].starts_at, item[1].position, item[1].pk))
    return {(meeting.starts_at.astimezone(zone).date(), hold.room_id): hold.room for meeting, hold in found}


def _lines(room_ids: Collection[int], span: Interval, zone: ZoneInfo) -> dict[tuple[date, int], list[DoorLine]]:
    """Return what is booked for certain, by day and room: requests, open forms and offers may be gone by then."""
    # By room and beginning, so that the plain index finds them however long the history is (LONGEST_HOLD).
    holds = RoomHold.objects.filter(
        room__in=room_ids,
        live=True,
        period__startswith__gt=span.start_at - LONGEST_HOLD,
        period__startswith__lt=span.end_at,
        occurrence__status=Occurrence.Status.CONFIRMED,
        occurrence__booking__status=Booking.Status.CONFIRMED,
    )
    found: dict[tuple[date, int], list[DoorLine]] = defaultdict(list)
    for hold in holds.select_related("occurrence__booking__organizer").order_by("period", "pk"):
        meeting = hold.occurrence
        assert meeting is not None
        found[meeting.starts_at.astimezone(zone).date(), hold.room_id].append(_line(meeting))
    return found


def _line(meeting: Occurrence) -> DoorLine:
    booking = meeting.booking
    if booking.is_private:
        return DoorLine(meeting.interval, "", None, is_closed=True)
    return DoorLine(meeting.interval, meeting.own_title or booking.title, booking.organizer, is_closed=False)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)
