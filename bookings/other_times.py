"""Other times for meetings that can't stay where they are: near ones, judged as a change of the meeting would be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from accounts.models import User
from bookings import as_request, availability
from bookings.availability.holds import Ignoring, Probe, taken_rooms
from bookings.models import Occurrence
from bookings.rules import Code, Scope, to_instant
from rooms import hours, queries
from rooms.hours import Hours
from rooms.interval import Interval
from rooms.models import Room

#: Each proposal is judged, which takes some queries; beyond this many meetings the organizers look for themselves.
_MOST = 40
_TRIES = 3
_DAYS_ON = 14
_STEP = timedelta(minutes=30)
_STEPS = 8

Closes = Callable[[Iterable[Room], Interval], bool]


def propose(
    meetings: Sequence[Occurrence], *, closes: Closes, spans: Sequence[Interval], by: User, now: datetime
) -> dict[int, tuple[datetime, datetime]]:
    """Return by meeting another time, wall clock of its booking, for all its rooms; no two proposals meet.

    The same day first, then the same hour on the days after what closes. `closes`: whether a meeting in these rooms at
    that time would be in the way again; `spans`: when it closes. Meetings come with `room_holds` and their rooms.
    """
    rooms = {item.pk: [hold.room for hold in item.room_holds.all()] for item in meetings}
    wanted = [item for item in meetings if item.starts_at > now and rooms[item.pk]][:_MOST]
    sites = {room.site_id for item in wanted for room in rooms[item.pk]}
    open_hours = queries.opening_hours(sites) if wanted else {}
    slots = {
        item.pk: [
            slot
            for slot in _near(item, spans, now=now)
            if not closes(rooms[item.pk], slot.interval) and _are_open(rooms[item.pk], slot.interval, open_hours)
        ]
        for item in wanted
    }
    free = _free(wanted, slots, rooms, now=now)
    promised: dict[int, list[Interval]] = {}
    found = {}
    for item in wanted:
        slot = _first_that_works(item, free[item.pk], rooms[item.pk], promised, by=by, now=now)
        if slot is not None:
            found[item.pk] = (slot.start, slot.end)
    return found


class _Slot:
    """A time to try, on the wall clock and as instants."""

    def __init__(self, start: datetime, end: datetime, interval: Interval) -> None:
        self.start, self.end, self.interval = start, end, interval


def _near(meeting: Occurrence, spans: Sequence[Interval], *, now: datetime) -> Iterator[_Slot]:
    zone = ZoneInfo(meeting.booking.time_zone)
    start, end = (datetime.fromisoformat(text) for text in (meeting.local_start, meeting.local_end))
    over = max((span.end_at for span in spans if span.overlaps(meeting.interval)), default=meeting.ends_at)
    after = max(start.date(), over.astimezone(zone).date())
    days = [start.date(), *(after + timedelta(days=number) for number in range(_DAYS_ON))]
    shifts = sorted((_STEP * number for number in range(-_STEPS, _STEPS + 1)), key=abs)
    starts = [datetime.combine(day, time(start.hour, start.minute)) for day in dict.fromkeys(days)]
    for at in dict.fromkeys([*(starts[0] + shift for shift in shifts), *starts[1:]]):
        instants = to_instant(at, zone), to_instant(at + (end - start), zone)
        if isinstance(instants[0], Code) or isinstance(instants[1], Code) or instants[0] <= now:
            continue
        if instants[0] < instants[1] and instants[0] != meeting.starts_at:
            yield _Slot(at, at + (end - start), Interval(instants[0], instants[1]))


def _are_open(rooms: Iterable[Room], interval: Interval, open_hours: Mapping[int, tuple[Hours, ...]]) -> bool:
    return all(hours.is_open(open_hours[room.site_id], interval, room.site.zone) for room in rooms)


def _free(
    meetings: Sequence[Occurrence],
    slots: Mapping[int, Sequence[_Slot]],
    rooms: Mapping[int, Sequence[Room]],
    *,
    now: datetime,
) -> dict[int, list[_Slot]]:
    """Return the slots at which nothing else has the rooms: one query for all meetings."""
    probes = [
        Probe(number, room.pk, slot.interval.start_at - room.setup, slot.interval.end_at + room.clearing)
        for number, (pk, slot) in enumerate((item.pk, slot) for item in meetings for slot in slots[item.pk])
        for room in rooms[pk]
    ]
    # A meeting's own holds go with it, so that the same hour of its own day may overlap what it has now.
    ignoring = Ignoring(now, tuple(item.pk for item in meetings))
    taken = {key for key, _room in taken_rooms(probes, ignoring)}
    free: dict[int, list[_Slot]] = {item.pk: [] for item in meetings}
    for number, (pk, slot) in enumerate((item.pk, slot) for item in meetings for slot in slots[item.pk]):
        if number not in taken:
            free[pk].append(slot)
    return free


def _first_that_works(
    meeting: Occurrence,
    slots: Iterable[_Slot],
    rooms: Sequence[Room],
    promised: dict[int, list[Interval]],
    *,
    by: User,
    now: datetime,
) -> _Slot | None:
    tries = 0
    for slot in slots:
        periods = {room.pk: slot.interval.widened(before=room.setup, after=room.clearing) for room in rooms}
        if any(period.overlaps(other) for pk, period in periods.items() for other in promised.get(pk, ())):
            continue
        if tries == _TRIES:
            return None
        tries += 1
        if _works(meeting, slot, by=by, now=now):
            for pk, period in periods.items():
                promised.setdefault(pk, []).append(period)
            return slot
    return None


def _works(meeting: Occurrence, slot: _Slot, *, by: User, now: datetime) -> bool:
    """Ask the judge whether the meeting could be at that time instead."""
    booking = meeting.booking
    scope, only = (Scope.ONE, meeting) if booking.is_series else (Scope.ALL, None)
    request = as_request.of_meeting(meeting).at(slot.start, slot.end)
    return not availability.assess(request, by=by, now=now, changing=booking, scope=scope, only=only).refusals
