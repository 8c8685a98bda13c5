"""What if the pool were larger or smaller, and when will it run out: counted at most once an hour, then kept.

Both look months back, which is bounded but not cheap. What is kept are numbers, in no language.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from itertools import groupby
from math import ceil
from zoneinfo import ZoneInfo

from django.core.cache import cache

from reports.licence_usage import days_between, planned_peaks, working_days
from reports.licence_wishes import wishes_between
from rooms.interval import Interval
from rooms.licence_forecast import Forecast, MonthMean, forecast
from rooms.licence_replay import replay_sizes
from rooms.terms import PoolTerms

#: Days of requests that are replayed.
REPLAYED_DAYS = 90
#: Months that the forecast looks back, the running one included, and ahead.
MONTHS_BACK, MONTHS_AHEAD = 6, 3
_KEPT_SECONDS = 3600
_FEWER, _MORE = 4, 6


@dataclass(frozen=True, slots=True)
class Size:
    """How many requests of the window a pool of `seats` would have refused."""

    seats: int
    refused: int

    @property
    def monthly(self) -> float:
        return self.refused * 30 / REPLAYED_DAYS


@dataclass(frozen=True, slots=True)
class Outlook:
    """`sizes`: by seats, in steps of `step`; empty where nobody asked for anything. `months`: those with any use.

    `forecast`: None where there is too little to go by.
    """

    computed_at: datetime
    wishes: int
    refused: int
    sizes: tuple[Size, ...]
    step: int
    months: tuple[MonthMean, ...]
    forecast: Forecast | None


def outlook(terms: PoolTerms, *, now: datetime) -> Outlook:
    """Return both, from the cache where they were counted less than an hour ago with the same pool."""
    key = _key(terms, now)
    found = cache.get(key)
    if not isinstance(found, Outlook):
        found = compute_outlook(terms, now=now)
        cache.set(key, found, _KEPT_SECONDS)
    return found


def compute_outlook(terms: PoolTerms, *, now: datetime) -> Outlook:
    owned = terms.owned(now)
    wishes = wishes_between(terms.pool, Interval(now - timedelta(days=REPLAYED_DAYS), now))
    kept_out = owned - terms.allocation.granted(now)
    sizes, step = sizes_around(owned)
    shares = terms.allocation.shares_by_site(now)
    keeping = terms.allocation.keeps_to_share
    runs = replay_sizes(wishes, shares=shares, sizes=sizes, kept_out=kept_out, keeps_to_share=keeping) if wishes else []
    months = monthly_means(terms, now=now)
    return Outlook(
        computed_at=now,
        wishes=len(wishes),
        refused=sum(wish.was_refused for wish in wishes),
        sizes=tuple(Size(run.seats, run.refused) for run in runs),
        step=step,
        months=months,
        forecast=forecast(months, capacity=owned, months_ahead=MONTHS_AHEAD),
    )


def sizes_around(owned: int) -> tuple[list[int], int]:
    """Return eleven sizes of a pool, four below what there is and six above, and their step: 1 up to 20 seats."""
    step = max(1, ceil(owned / 20))
    return [size for number in range(-_FEWER, _MORE + 1) if (size := owned + number * step) > 0], step


def monthly_means(terms: PoolTerms, *, now: datetime) -> tuple[MonthMean, ...]:
    """Return the mean peak of the working days of each month back, up to today, from the first one with any use."""
    today = now.astimezone(ZoneInfo(terms.pool.time_zone)).date()
    first = months_from(today, 1 - MONTHS_BACK)
    peaks = planned_peaks(terms.pool, first, today, now=now)
    if not peaks:
        return ()
    first_used = min(peaks)
    days = [day for day in working_days(days_between(first, today)) if day >= first_used]
    found = []
    for month, group in groupby(days, key=lambda day: day.replace(day=1)):
        values = [peaks.get(day, 0) for day in group]
        found.append(MonthMean(month, sum(values) / len(values), len(values)))
    return tuple(found)


def months_from(day: date, count: int) -> date:
    """Return the first day of the month that comes `count` months after that of `day`; before it where negative."""
    number = day.year * 12 + day.month - 1 + count
    return date(number // 12, number % 12 + 1, 1)


def _key(terms: PoolTerms, now: datetime) -> str:
    """Name the pool as it is: whoever changes it sees at once what that does."""
    day = now.astimezone(ZoneInfo(terms.pool.time_zone)).date()
    shares = sorted(terms.allocation.shares_by_site(now).items(), key=str)
    kept = sorted(terms.allocation.keeps_to_share, key=str)
    state = (terms.owned(now), terms.allocation.granted(now), shares, kept)
    return f"licence-outlook:{terms.pool.pk}:{day}:{sha256(repr(state).encode()).hexdigest()[:16]}"
