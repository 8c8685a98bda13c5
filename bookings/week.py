"""The week's facts: what takes each room on which day, as far as the user may know, and licences at their peak.

One query, whatever is booked; words and the drawing are the page's business.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from accounts.models import User
from bookings.board import highest_use
from bookings.board_holds import BoardSession, Held, SeatUse, Taker, held_in
from bookings.board_office import BoardOffice
from rooms import hours
from rooms.interval import Interval
from rooms.models import Room
from rooms.queries import midnight

#: From Monday; what follows is shown in a week in which something opens or takes place then.
_WORKING_DAYS = 5
_QUARTER = 15 * 60
_DAY_MINUTES = 24 * 60
_USUAL_HOURS = (8, 16)


class Stretch(NamedTuple):
    """Whole seconds since 1970, as `BoardSession` has them."""

    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class LicencePeak:
    """Highest use on a day, of what is granted when it begins."""

    in_use: int
    granted: int


@dataclass(frozen=True, slots=True)
class Week:
    """The days of a week on which there is something to see. Keyed by room or site, and day.

    `first_hour`, `last_hour`: wall clock, from the earliest opening to the latest closing of the week and everything
    booked; 24 is the midnight that ends the day. `taken` is in order of time.
    """

    days: tuple[date, ...]
    zone: ZoneInfo
    first_hour: int
    last_hour: int
    rooms: tuple[Room, ...]
    taken: Mapping[tuple[int, date], Sequence[BoardSession]]
    open: Mapping[tuple[int, date], Sequence[Stretch]]
    peaks: Mapping[date, LicencePeak]
    #: Whose licences these are, where the office has several pools.
    pool: str = ""

    def is_free_at(self, room: Room, at: datetime) -> bool:
        """Say whether the room is open and not held at an instant of the week."""
        day, moment = at.astimezone(self.zone).date(), at.timestamp()
        is_open = any(begins <= moment < ends for begins, ends in self.open.get((room.site_id, day), ()))
        taken = self.taken.get((room.pk, day), ())
        return is_open and not any(item.held_from <= moment < item.held_to for item in taken)


class DayClock:
    """Tells seconds since 1970 as minutes of one day's wall clock, 0 to 1440: what lies outside is cut off."""

    def __init__(self, day: date, zone: ZoneInfo) -> None:
        self._day, self._zone = day, zone
        self.begins = int(midnight(day, zone).timestamp())
        self.ends = int(midnight(day + timedelta(days=1), zone).timestamp())
        # When clocks change the wall has to be asked.
        self._is_plain = self.ends - self.begins == _DAY_MINUTES * 60

    def minutes(self, at: int) -> int:
        if at <= self.begins:
            return 0
        if at >= self.ends:
            return _DAY_MINUTES
        if self._is_plain:
            return (at - self.begins) // 60
        local = datetime.fromtimestamp(at, UTC).astimezone(self._zone)
        return local.hour * 60 + local.minute


def whole_week(day: date, zone: ZoneInfo) -> Interval:
    """Return the week of `day` in `zone`, from midnight before Monday to midnight after Sunday."""
    monday = day - timedelta(days=day.weekday())
    return Interval(midnight(monday, zone), midnight(monday + timedelta(days=7), zone))


def load_week(
    user: User,
    day: date,
    office: BoardOffice,
    *,
    zone: ZoneInfo,
    now: datetime,
    site: str = "",
    held: Held | None = None,
) -> Week:
    """Return the week of `day`, whose hours are read in `zone`: at most one query, and one for the roles.

    Rooms come in the order of lists. `now`: what held a room until before it, an open form or an offer, holds it no
    more. `site`: a code, to read the rooms of this site alone. `held`: what holds these rooms in `whole_week`, where
    the caller has read it.
    """
    monday = day - timedelta(days=day.weekday())
    clocks = {each: DayClock(each, zone) for each in (monday + timedelta(days=n) for n in range(7))}
    rooms = office.rooms_at(site)
    held = held or held_in(rooms, whole_week(day, zone), now=now)
    opened = _open_stretches(office, rooms, clocks)
    taken = _by_day(held.seen_by(user, rooms), clocks)
    # Closures say what can't be used, nights included: they make no hour and no day worth showing.
    booked = {
        key: found
        for key, items in taken.items()
        if (found := [Stretch(item.begins, item.ends) for item in items if item.kind is not Taker.CLOSURE])
    }
    opens = {day for (_pk, day), found in opened.items() if found}
    shown = _shown_days(list(clocks), opens | {day for _pk, day in booked})
    first_hour, last_hour = _frame([*opened.items(), *booked.items()], clocks)
    peaks = {} if office.grants is None else dict(_peaks(office, held.uses, [clocks[day] for day in shown], shown))
    return Week(shown, zone, first_hour, last_hour, rooms, taken, opened, peaks, office.pool)


def longest_free(week: Week, room: Room, day: date, *, now: int) -> Stretch | None:
    """Return the longest stretch of a quarter of an hour at least that can still be booked; the first of several.

    It lies within opening hours, begins at a full quarter where it is in progress, and leaves the time that a session
    in this room needs before and after itself. `now`: whole seconds since 1970.
    """
    setup, clearing = int(room.setup.total_seconds()), int(room.clearing.total_seconds())
    blocked = [(item.held_from - clearing, item.held_to + setup) for item in week.taken.get((room.pk, day), ())]
    begins = now - now % -_QUARTER
    found: Stretch | None = None
    for opens, closes in week.open.get((room.site_id, day), ()):
        for free in _gaps(blocked, max(opens, begins), closes):
            length = free.ends - free.begins
            if length >= _QUARTER and (found is None or length > found.ends - found.begins):
                found = free
    return found


def _gaps(blocked: Iterable[tuple[int, int]], begins: int, ends: int) -> Iterator[Stretch]:
    """Yield what nothing blocks, in order of time as `blocked` is."""
    at = begins
    for first, last in blocked:
        if first > at:
            yield Stretch(at, min(first, ends))
        at = max(at, last)
    if at < ends:
        yield Stretch(at, ends)


def _open_stretches(
    office: BoardOffice, rooms: Sequence[Room], days: Iterable[date]
) -> dict[tuple[int, date], tuple[Stretch, ...]]:
    sites = {room.site_id: room.site for room in rooms}
    return {
        (pk, day): tuple(
            Stretch(int(item.start_at.timestamp()), int(item.end_at.timestamp()))
            for item in hours.open_on(office.hours[pk], day, site.zone)
        )
        for day in days
        for pk, site in sites.items()
    }


def _by_day(
    sessions: Mapping[int, Sequence[BoardSession]], clocks: Mapping[date, DayClock]
) -> dict[tuple[int, date], list[BoardSession]]:
    """Return the sessions of each room and day; one that goes on after midnight is on both days."""
    days, bounds = list(clocks), [clock.begins for clock in clocks.values()]
    found: dict[tuple[int, date], list[BoardSession]] = defaultdict(list)
    for room_id, row in sessions.items():
        for item in row:
            # Half-open: what ends at midnight isn't on the next day.
            first, last = bisect_right(bounds, item.held_from) - 1, bisect_left(bounds, item.held_to)
            for day in days[max(first, 0) : last]:
                found[room_id, day].append(item)
    return dict(found)


def _shown_days(days: Sequence[date], needed: set[date]) -> tuple[date, ...]:
    """Return the working days, and of the weekend as much as leads to the last day needed."""
    last = max((n for n, day in enumerate(days, 1) if day in needed), default=_WORKING_DAYS)
    return tuple(days[: max(last, _WORKING_DAYS)])


def _frame(
    stretches: Iterable[tuple[tuple[int, date], Sequence[Stretch]]], clocks: Mapping[date, DayClock]
) -> tuple[int, int]:
    """Return the first and last full hour of what is open or booked, whatever the day."""
    begins, ends = _DAY_MINUTES, 0
    for (_pk, day), found in stretches:
        clock = clocks[day]
        for item in found:
            # Set-up and clearing may reach into a day on which the session itself isn't.
            if item.begins < clock.ends and item.ends > clock.begins:
                begins, ends = min(begins, clock.minutes(item.begins)), max(ends, clock.minutes(item.ends))
    return (begins // 60, -(-ends // 60)) if begins < ends else _USUAL_HOURS


def _peaks(
    office: BoardOffice, uses: Iterable[SeatUse], clocks: Sequence[DayClock], days: Sequence[date]
) -> Iterator[tuple[date, LicencePeak]]:
    in_use = highest_use(uses, [(clock.begins, clock.ends) for clock in clocks])
    for day, clock, peak in zip(days, clocks, in_use, strict=True):
        yield day, LicencePeak(peak, office.owned(datetime.fromtimestamp(clock.begins, UTC)))
