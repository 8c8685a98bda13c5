"""Opening hours: which stretches of a day a site is open. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from rooms.interval import Interval, merged


@dataclass(frozen=True, slots=True)
class Hours:
    """Open on `weekday` (0 is Monday) in `[opens, closes)`, wall clock of the site."""

    weekday: int
    opens: time
    closes: time


def open_on(hours: Iterable[Hours], day: date, zone: ZoneInfo) -> list[Interval]:
    """Return the stretches of `day` in which the site is open, sorted, in UTC."""
    return merged(
        Interval(datetime.combine(day, item.opens, zone), datetime.combine(day, item.closes, zone))
        for item in hours
        if item.weekday == day.weekday()
    )


@lru_cache(maxsize=4096)
def _has_one_offset(day: date, zone: ZoneInfo) -> bool:
    """Say whether clocks stay as they are from one midnight to the next, so that wall clock and instants agree."""
    midnight = datetime.combine(day, time(), zone)
    return midnight.utcoffset() == (midnight + timedelta(days=1)).utcoffset()


def is_open(hours: Iterable[Hours], interval: Interval, zone: ZoneInfo) -> bool:
    """Say whether the site is open during the whole interval."""
    hours = list(hours)
    starts, ends = interval.start_at.astimezone(zone), interval.end_at.astimezone(zone)
    first, last = starts.date(), ends.date()
    # Most sessions lie within one stretch of an ordinary day: then the wall clock says it all.
    if first == last and _has_one_offset(first, zone):
        weekday, begins, closes = first.weekday(), starts.time(), ends.time()
        if any(item.weekday == weekday and item.opens <= begins and closes <= item.closes for item in hours):
            return True
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    open_stretches = merged(stretch for day in days for stretch in open_on(hours, day, zone))
    return any(stretch.covers(interval) for stretch in open_stretches)


def next_opening(hours: Iterable[Hours], after: datetime, zone: ZoneInfo) -> datetime | None:
    """Return when the site opens next after that instant, in UTC; None where it never does."""
    hours, first = list(hours), after.astimezone(zone).date()
    # A week and a day: what opens only today, and has opened already, opens next on the same weekday.
    stretches = (stretch for ahead in range(8) for stretch in open_on(hours, first + timedelta(days=ahead), zone))
    return next((stretch.start_at for stretch in stretches if stretch.start_at > after), None)
