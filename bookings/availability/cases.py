"""What ways out are looked for: each meeting that is refused, with the bounds within which another time may lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from bookings.availability.clashes import Asker
from bookings.availability.facts import Facts
from bookings.availability.judge import Assessment, limits
from bookings.availability.openings import rounded_up
from bookings.rules import BookingRequest, Code, Refusal
from rooms.interval import Interval
from rooms.models import Room
from rooms.queries import midnight
from rooms.rules import Kind

SEARCH_DAYS = 14
_DAY = timedelta(days=1)

#: What another time may cure, and what an earlier end may.
BY_TIME = frozenset(
    {
        Code.ROOM_TAKEN,
        Code.ROOM_CLOSED,
        Code.SITE_CLOSED,
        Code.LICENCE_NONE_FREE,
        Code.EQUIPMENT_NONE_FREE,
        Code.IN_PAST,
        Code.TOO_FAR,
        Code.NO_SUCH_TIME,
        Code.TWICE_THAT_TIME,
        Code.RULE_WINDOW,
        Code.RULE_NOTICE,
        Code.RULE_PERSON_HOURS,
        Code.RULE_UNIT_HOURS,
    }
)
BY_SHORTER = frozenset(
    {
        Code.ROOM_TAKEN,
        Code.ROOM_CLOSED,
        Code.SITE_CLOSED,
        Code.LICENCE_NONE_FREE,
        Code.EQUIPMENT_NONE_FREE,
        Code.TOO_LONG,
        Code.RULE_LENGTH,
        Code.RULE_PERSON_HOURS,
        Code.RULE_UNIT_HOURS,
    }
)
BY_ROOM = frozenset({Code.ROOM_TAKEN, Code.ROOM_CLOSED})


@dataclass(frozen=True, slots=True)
class Case:
    """One refused meeting. `on`: its date in a series. `window`: where another time may begin and end."""

    on: date | None
    interval: Interval
    rooms: tuple[Room, ...]
    refusals: tuple[Refusal, ...]
    window: Interval | None
    others: tuple[Interval, ...] = ()

    @property
    def codes(self) -> frozenset[Code]:
        return frozenset(refusal.code for refusal in self.refusals)

    @property
    def length(self) -> int:
        return self.interval.duration // timedelta(seconds=1)


def find_cases(assessment: Assessment, request: BookingRequest, asker: Asker, now: datetime) -> list[Case]:
    """Return a case for each date with refusals that another time, room or end may cure."""
    by_date: dict[date | None, list[Refusal]] = {}
    for refusal in assessment.refusals:
        if refusal.code in BY_TIME | BY_SHORTER:
            by_date.setdefault(refusal.on, []).append(refusal)
    maker = _Maker(assessment, request, asker, now)
    return list(maker.make(by_date))


def find_bounds(rooms: Sequence[Room], facts: Facts, asker: Asker, now: datetime) -> tuple[datetime, datetime] | None:
    """Return the first and the last instant at which a meeting may begin, as far as limits and rules say."""
    earliest, latest = rounded_up(now), now + limits().horizon
    roles, book = asker.roles, facts.rule_book
    for place in [roles.place_of(room) for room in rooms] or [roles.no_place(timezone.get_default_timezone())]:
        notice, ahead = book.binding(Kind.NOTICE, place), book.binding(Kind.WINDOW, place)
        if notice is not None and book.waiver(Kind.NOTICE, place) is None:
            earliest = max(earliest, rounded_up(now + timedelta(minutes=notice.value)))
        if ahead is not None and book.waiver(Kind.WINDOW, place) is None:
            after = now.astimezone(place.zone).date() + timedelta(days=ahead.value + 1)
            latest = min(latest, midnight(after, place.zone) - timedelta(minutes=1))
    return (earliest, latest) if earliest <= latest else None


@dataclass(frozen=True, slots=True)
class _Maker:
    assessment: Assessment
    request: BookingRequest
    asker: Asker
    now: datetime

    def make(self, by_date: dict[date | None, list[Refusal]]) -> Iterator[Case]:
        meetings = {meeting.on: meeting for meeting in self.assessment.meetings}
        is_series = self.request.series is not None and len(self.assessment.dates) != 0
        for on, refusals in by_date.items():
            if on is None and is_series:
                continue  # said of the series as a whole: the length, or a rule that many dates break
            meeting = meetings.get(on) if on is not None else next(iter(meetings.values()), None)
            interval = meeting.interval if meeting else self._guess(refusals)
            rooms = meeting.rooms if meeting else self.assessment.rooms
            bounds = find_bounds(rooms, self.assessment.facts, self.asker, self.now)
            if bounds is None:
                window = None
            elif is_series and on is not None:
                window = self._day(meeting.local_start.date() if meeting else on, interval, bounds)
            else:
                window = self._fortnight(interval, bounds)
            yield Case(on if is_series else None, interval, rooms, tuple(refusals), window, self._others(on))

    def _guess(self, refusals: Sequence[Refusal]) -> Interval:
        """Return about the time that was meant where that time does not exist."""
        local = next((item.data["local"] for item in refusals if "local" in item.data), self.request.local_start)
        start_at = local.replace(tzinfo=ZoneInfo(self.request.time_zone)).astimezone(UTC)
        length = self.request.local_end - self.request.local_start
        return Interval(start_at, start_at + max(length, timedelta(minutes=15)))

    def _day(self, day: date, interval: Interval, bounds: tuple[datetime, datetime]) -> Interval | None:
        zone = ZoneInfo(self.request.time_zone)
        following = midnight(day + _DAY, zone) - timedelta(minutes=1)
        first, last = max(midnight(day, zone), bounds[0]), min(following, bounds[1])
        return Interval(first, last + interval.duration) if first <= last else None

    def _fortnight(self, interval: Interval, bounds: tuple[datetime, datetime]) -> Interval | None:
        """Return the days to search: from the day asked for on, or the last ones that may be booked."""
        zone = ZoneInfo(self.request.time_zone)
        first, last = bounds
        if interval.start_at > last:
            first = max(first, last - SEARCH_DAYS * _DAY)
        else:
            begins = max(interval.start_at, first).astimezone(zone)
            first = max(first, midnight(begins.date(), zone))
            last = min(last, first + (SEARCH_DAYS + 1) * _DAY)
        first, last = self._between_neighbours(first, last, zone)
        return Interval(first, last + interval.duration) if first <= last else None

    def _between_neighbours(self, first: datetime, last: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Keep one meeting of a series between the days of those before and after it."""
        changed = self.assessment.changed
        if changed.only is None or not changed.is_series or self.request.series is not None:
            return first, last
        for other in changed.meetings:
            if other.is_cancelled or other.pk == changed.only.pk:
                continue
            day = other.starts_at.astimezone(zone).date()
            if other.original_start_at < changed.only.original_start_at:
                first = max(first, midnight(day + _DAY, zone))
            else:
                last = min(last, midnight(day, zone) - timedelta(minutes=1))
        return first, last

    def _others(self, on: date | None) -> tuple[Interval, ...]:
        """Return the meetings before and after, with their preparation: this one must not run into them."""
        if self.request.series is None or on is None:
            return ()
        found = []
        meetings = self.assessment.meetings
        for n, meeting in enumerate(meetings):
            is_next = (n > 0 and meetings[n - 1].on == on) or (n + 1 < len(meetings) and meetings[n + 1].on == on)
            if is_next:
                around = max((room.setup + room.clearing for room in meeting.rooms), default=timedelta(0))
                found.append(meeting.interval.widened(before=around, after=around))
        return tuple(found)
