"""The day board's facts: which room is taken when and by what, as far as the user may know, and licences in use.

A fixed number of queries, whatever is booked; arrangement into rows and columns is the page's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from accounts.models import User
from bookings.board_holds import BoardSession, Taker, sessions_between
from bookings.models import LONGEST_HOLD, LicenceHold, as_interval
from rooms import hours, licences, queries, terms
from rooms.interval import Interval
from rooms.models import Room

__all__ = ["Board", "BoardSession", "LicenceHour", "Taker", "day_board"]


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
    sessions: dict[int, tuple[BoardSession, ...]]
    open: dict[int, tuple[Interval, ...]]
    licences: tuple[LicenceHour, ...]
    #: Whose licences these are, where the office has several pools.
    pool: str = ""


def day_board(user: User, day: date, *, zone: ZoneInfo, now: datetime) -> Board:
    """Return the board of `day`, whose hours are read in `zone`.

    `sessions` and `open` are keyed by room id and site id; rooms come in the order of lists. `now`: what held a room
    until before it, an open form or an offer, holds it no more.
    """
    rooms = tuple(queries.active_rooms())
    sites = {room.site_id: room.site for room in rooms}
    opening = queries.opening_hours(set(sites))
    open_stretches = {pk: tuple(hours.open_on(opening[pk], day, site.zone)) for pk, site in sites.items()}
    whole_day = Interval(datetime.combine(day, time(), zone), datetime.combine(day + timedelta(days=1), time(), zone))
    sessions = sessions_between(user, rooms, whole_day, now=now)
    # Closures say what can't be used, nights and weekends included: they make no hour worth showing.
    taken = [item.interval for row in sessions.values() for item in row if item.kind != Taker.CLOSURE]
    frame = _frame(day, zone, open_stretches, taken)
    pools = terms.load_pools()
    have = next((pool for pool in pools.values() if pool.pool.is_default), None)
    return Board(
        day,
        zone,
        frame,
        rooms,
        sessions,
        open_stretches,
        _licence_hours(have, frame, now=now) if have else (),
        have.pool.name if have and len(pools) > 1 else "",
    )


def _frame(
    day: date, zone: ZoneInfo, open_stretches: dict[int, tuple[Interval, ...]], taken: list[Interval]
) -> Interval:
    """Return the hours to show: the opening hours of the day and everything booked, in full hours of `zone`."""
    stretches = [stretch for row in open_stretches.values() for stretch in row] + taken
    if not stretches:
        return Interval(datetime.combine(day, time(8), zone), datetime.combine(day, time(16), zone))
    begins = max(min(item.start_at for item in stretches), datetime.combine(day, time(), zone)).astimezone(zone)
    midnight = datetime.combine(day + timedelta(days=1), time(), zone)
    ends = min(max(item.end_at for item in stretches), midnight).astimezone(zone)
    first = begins.replace(minute=0, second=0, microsecond=0)
    last = ends if ends.minute == 0 else ends.replace(minute=0) + timedelta(hours=1)
    return Interval(first, last)


def _licence_hours(have: terms.PoolTerms, frame: Interval, *, now: datetime) -> tuple[LicenceHour, ...]:
    """Return the highest use of each hour, of everything that the office owns: shares, named and emergency seats."""
    # By the beginnings, so that the plain index finds them however long the history is (LONGEST_HOLD).
    rows = LicenceHold.objects.filter(
        pool=have.pool,
        live=True,
        period__startswith__gt=frame.start_at - LONGEST_HOLD,
        period__startswith__lt=frame.end_at,
    )
    uses = [
        licences.Use(site_id, seats, as_interval(period))
        for site_id, seats, period, expires_at in rows.values_list("site_id", "seats", "period", "expires_at")
        if period.upper > frame.start_at and (expires_at is None or expires_at > now)
    ]
    found = []
    at = frame.start_at
    while at < frame.end_at:
        hour = Interval(at, min(at + timedelta(hours=1), frame.end_at))
        found.append(LicenceHour(hour, licences.peak_use(uses, span=hour), have.owned(at)))
        at += timedelta(hours=1)
    return tuple(found)
