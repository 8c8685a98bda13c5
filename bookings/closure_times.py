"""When a closure closes: its dates on the wall clock of the site as stretches of time, cut into days. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bookings import recurrence
from bookings.recurrence import Pattern
from rooms.interval import Interval, merged

#: As long as a series may be.
LONGEST = timedelta(days=recurrence.MAX_DAYS)


@dataclass(frozen=True, slots=True)
class ClosureDraft:
    """A closure as somebody asks for it: of exactly one of a site, a room, and pieces of movable equipment.

    Times are the wall clock of the site, naive, `[local_start, local_end)`; whole days run from midnight to midnight.
    `pattern`: repeats it on further dates, None: once. `quantity`: of movable equipment, how many pieces are away.
    """

    kind: str
    title: str
    local_start: datetime
    local_end: datetime
    title_en: str = ""
    site_id: int | None = None
    room_id: int | None = None
    equipment_id: int | None = None
    quantity: int | None = None
    pattern: Pattern | None = None


def dates(draft: ClosureDraft) -> list[date]:
    """Return the days on which the closure begins. Raises: recurrence.PatternRefused."""
    first = draft.local_start.date()
    return [first] if draft.pattern is None else recurrence.dates(draft.pattern, first=first)


def closed_times(draft: ClosureDraft, zone: ZoneInfo) -> list[Interval]:
    """Return when the closure closes, sorted, what touches or overlaps joined into one.

    Every date keeps the wall clock across changes of the clocks. A time that comes twice or not at all that night is
    read so that more is closed rather than less. Raises: recurrence.PatternRefused.
    """
    span = draft.local_end - draft.local_start
    starts = [datetime.combine(day, draft.local_start.time()) for day in dates(draft)]
    return merged(
        Interval(min(_readings(start, zone)), max(_readings(start + span, zone)))
        for start in starts
        # An hour that clocks skip is no time at all.
        if min(_readings(start, zone)) < max(_readings(start + span, zone))
    )


def _readings(local: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return what a wall clock can mean: the same instant twice, but for the nights in which clocks change."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC), local.replace(tzinfo=zone, fold=1).astimezone(UTC)


def day_pieces(times: Iterable[Interval], zone: ZoneInfo) -> list[Interval]:
    """Return the stretches cut at every midnight of the site, so that no piece is longer than a day of 25 hours."""
    pieces = []
    for stretch in times:
        start_at = stretch.start_at
        while start_at < stretch.end_at:
            following = start_at.astimezone(zone).date() + timedelta(days=1)
            midnight = datetime.combine(following, time.min, zone).astimezone(UTC)
            end_at = min(midnight, stretch.end_at)
            pieces.append(Interval(start_at, end_at))
            start_at = end_at
    return pieces


def from_now_on(times: Iterable[Interval], now: datetime) -> list[Interval]:
    """Return what of the stretches is still to come: a closure doesn't change the past."""
    return [Interval(max(stretch.start_at, now), stretch.end_at) for stretch in times if stretch.end_at > now]
