"""The day board's facts: which room is taken when and by what, as far as the user may know, and licences in use.

A fixed number of queries, whatever is booked; arrangement into rows and columns is the page's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from accounts.models import User
from bookings.board_holds import BoardSession, Held, SeatUse, Taker, held_in
from bookings.board_office import BoardOffice, office_at
from rooms import hours
from rooms.interval import Interval
from rooms.models import Room

__all__ = ["Board", "BoardSession", "LicenceHour", "Taker", "day_board", "highest_use", "whole_day"]


@dataclass(frozen=True, slots=True)
class LicenceHour:
    """Highest use in one hour of the day, of what is granted then."""

    interval: Interval
    in_use: int
    granted: int


@dataclass(frozen=True, slots=True)
class Board:
    """A day of all rooms. `frame`: the earliest opening to the latest closing, full hours; never empty."""

    day: date
    zone: ZoneInfo
    frame: Interval
    rooms: tuple[Room, ...]
    sessions: Mapping[int, tuple[BoardSession, ...]]
    open: dict[int, tuple[Interval, ...]]
    licences: tuple[LicenceHour, ...]
    #: What rooms and hours are of; another object when the office has changed.
    office: BoardOffice | None = None
    #: Whose licences these are, where the office has several pools.
    pool: str = ""


def whole_day(day: date, zone: ZoneInfo) -> Interval:
    """Return `day` in `zone` from midnight to midnight."""
    return Interval(datetime.combine(day, time(), zone), datetime.combine(day + timedelta(days=1), time(), zone))


def day_board(
    user: User,
    day: date,
    *,
    zone: ZoneInfo,
    now: datetime,
    site: str = "",
    office: BoardOffice | None = None,
    held: Held | None = None,
) -> Board:
    """Return the board of `day`, whose hours are read in `zone`: at most one query, and those for roles and office.

    `sessions` and `open` are keyed by room id and site id; rooms come in the order of lists. `now`: what held a room
    until before it, an open form or an offer, holds it no more. `site`: a code, to read the rooms of this site alone.
    `office`: as `board_office` keeps it, where the caller has it already. `held`: what holds these rooms on
    `whole_day`, where the caller has read it.
    """
    office = office or office_at("")
    rooms = office.rooms_at(site)
    sites = {room.site_id: room.site for room in rooms}
    open_stretches = {pk: tuple(hours.open_on(office.hours[pk], day, one.zone)) for pk, one in sites.items()}
    held = held or held_in(rooms, whole_day(day, zone), now=now)
    sessions = held.seen_by(user, rooms)
    # Closures say what can't be used, nights and weekends included: they make no hour worth showing.
    booked = [item for row in sessions.values() for item in row if item.kind is not Taker.CLOSURE]
    frame = _frame(day, zone, open_stretches, booked)
    licences_used = () if office.grants is None else tuple(_licence_hours(office, held.uses, frame))
    return Board(day, zone, frame, rooms, sessions, open_stretches, licences_used, office, office.pool)


def _frame(
    day: date, zone: ZoneInfo, open_stretches: dict[int, tuple[Interval, ...]], taken: list[BoardSession]
) -> Interval:
    """Return the hours to show: the opening hours of the day and everything booked, in full hours of `zone`."""
    stretches = [stretch for row in open_stretches.values() for stretch in row]
    if taken:
        begins, ends = min(item.begins for item in taken), max(item.ends for item in taken)
        stretches.append(Interval(datetime.fromtimestamp(begins, UTC), datetime.fromtimestamp(ends, UTC)))
    if not stretches:
        return Interval(datetime.combine(day, time(8), zone), datetime.combine(day, time(16), zone))
    begins_at = max(min(item.start_at for item in stretches), datetime.combine(day, time(), zone)).astimezone(zone)
    midnight = datetime.combine(day + timedelta(days=1), time(), zone)
    ends_at = min(max(item.end_at for item in stretches), midnight).astimezone(zone)
    first = begins_at.replace(minute=0, second=0, microsecond=0)
    last = ends_at if ends_at.minute == 0 else ends_at.replace(minute=0) + timedelta(hours=1)
    return Interval(first, last)


def _licence_hours(office: BoardOffice, uses: Iterable[SeatUse], frame: Interval) -> Iterator[LicenceHour]:
    """Yield the highest use of each hour, of everything that the office owns: shares, named and emergency seats."""
    hours_shown, at = [], frame.start_at
    while at < frame.end_at:
        hours_shown.append(Interval(at, min(at + timedelta(hours=1), frame.end_at)))
        at += timedelta(hours=1)
    spans = [(int(hour.start_at.timestamp()), int(hour.end_at.timestamp())) for hour in hours_shown]
    for hour, peak in zip(hours_shown, highest_use(uses, spans), strict=True):
        yield LicenceHour(hour, peak, office.owned(hour.start_at))


def highest_use(uses: Iterable[SeatUse], spans: Iterable[tuple[int, int]]) -> Iterator[int]:
    """Yield the highest number of licences in use at one instant of each span: whole seconds, in order of time."""
    # What ends at an instant has made room for what begins then: it is sorted before it.
    changes = sorted(change for use in uses for change in ((use.begins, use.seats), (use.ends, -use.seats)))
    position = in_use = 0
    for begins, ends in spans:
        while position < len(changes) and changes[position][0] <= begins:
            in_use += changes[position][1]
            position += 1
        peak = in_use
        while position < len(changes) and changes[position][0] < ends:
            in_use += changes[position][1]
            peak = max(peak, in_use)
            position += 1
        yield peak
