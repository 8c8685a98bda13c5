"""How many seats of a pool were and will be in use: the peak of each day, planned and real, and of each site.

A statement for each question. What touches a window begins within LONGEST_HOLD before it, so the plain index on
beginnings finds it, and the cost is that of the window however long the history is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from bookings.holidays import holidays_between
from bookings.licence_queries import LONGEST_RUN
from bookings.models import LONGEST_HOLD
from rooms.models import LicencePool
from rooms.queries import midnight

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Peak:
    """The most seats in use at once, and the first instant at which they were. Without any use there is no peak."""

    seats: int
    at: datetime


@dataclass(frozen=True, slots=True)
class DayUse:
    """A day in the pool's zone. `peak`: planned, as held by sessions. `actual`: of conferences that really ran."""

    day: date
    peak: Peak | None = None
    actual: Peak | None = None

    @property
    def seats(self) -> int:
        return self.peak.seats if self.peak else 0


_HELD = """
SELECT lower(period) AS begins, upper(period) AS ends, seats::int AS seats, site_id
FROM bookings_licencehold hold
WHERE pool_id = %(pool)s AND live AND (expires_at IS NULL OR expires_at > %(now)s)
    AND lower(period) > %(start)s - %(longest)s AND lower(period) < %(end)s AND upper(period) > %(start)s /* of site */
"""

# The seats that a meeting held while its conference ran; outside of its time, those that it has. A conference that
# nobody saw end is taken to have ended when its time was up. What ran unplanned held its seats just as long. Where one
# kind of seat `follows` another while it ran, each counts for its own time.
_RAN = """
SELECT CASE WHEN follows THEN greatest(run.begins, lower(hold.period)) ELSE run.begins END AS begins,
    CASE WHEN follows THEN least(run.ends, upper(hold.period)) ELSE run.ends END AS ends, hold.seats::int AS seats,
    hold.site_id
FROM (
    SELECT occurrence_id, started_at AS begins, least(coalesce(ended_at, %(now)s), started_at + %(longest_run)s) AS ends
    FROM bookings_conferencerun
    WHERE started_at > %(start)s - %(longest_run)s AND started_at < %(end)s
) AS run JOIN bookings_licencehold hold USING (occurrence_id)
CROSS JOIN LATERAL (
    SELECT hold.period && tstzrange(run.begins, run.ends) AND EXISTS (
        SELECT FROM bookings_licencehold other WHERE other.occurrence_id = hold.occurrence_id
            AND other.pool_id = hold.pool_id AND other.live AND other.period && tstzrange(run.begins, run.ends)
            AND NOT other.period && hold.period) AS follows
) AS order_of_seats
WHERE run.ends > greatest(run.begins, %(start)s) AND hold.pool_id = %(pool)s AND hold.live
    AND (hold.period && tstzrange(run.begins, run.ends) OR NOT EXISTS (
        SELECT FROM bookings_licencehold other WHERE other.occurrence_id = hold.occurrence_id
            AND other.pool_id = hold.pool_id AND other.live AND other.period && tstzrange(run.begins, run.ends)))
    /* of site */
UNION ALL
SELECT lower(period), least(upper(period), %(now)s), seats::int, site_id FROM bookings_licencehold hold
WHERE unplanned_id IS NOT NULL AND pool_id = %(pool)s AND live AND lower(period) > %(start)s - %(longest)s
    AND lower(period) < least(%(end)s, %(now)s) AND upper(period) > %(start)s /* of site */
"""

# Each use is cut at midnight of the pool's zone; on each day it is counted in where it begins and out where it ends.
_PEAK_BY_DAY = """
WITH taken AS MATERIALIZED ({taken}), part AS (
    SELECT taken.*, found::date AS day FROM taken CROSS JOIN LATERAL generate_series(
        (greatest(begins, %(start)s) AT TIME ZONE %(zone)s)::date::timestamp,
        ((least(ends, %(end)s) - interval '1 microsecond') AT TIME ZONE %(zone)s)::date::timestamp,
        interval '1 day') AS found
), step AS (
    SELECT day, greatest(begins, day::timestamp AT TIME ZONE %(zone)s) AS at, seats FROM part
    UNION ALL
    SELECT day, ends, -seats FROM part WHERE ends < (day + 1)::timestamp AT TIME ZONE %(zone)s
), change AS (
    SELECT day, at, sum(seats) AS seats FROM step GROUP BY day, at
), level AS (
    SELECT day, at, sum(seats) OVER (PARTITION BY day ORDER BY at) AS seats FROM change
)
SELECT DISTINCT ON (day) day, seats::int, at FROM level WHERE seats > 0 ORDER BY day, seats DESC, at
"""

_PEAK_BY_SITE = """
WITH taken AS MATERIALIZED ({taken}), step AS (
    SELECT site_id, greatest(begins, %(start)s) AS at, seats FROM taken
    UNION ALL
    SELECT site_id, ends, -seats FROM taken WHERE ends < %(end)s
), change AS (
    SELECT site_id, at, sum(seats) AS seats FROM step GROUP BY site_id, at
), level AS (
    SELECT site_id, at, sum(seats) OVER (PARTITION BY site_id ORDER BY at) AS seats FROM change
)
SELECT DISTINCT ON (site_id) site_id, seats::int, at FROM level WHERE seats > 0 ORDER BY site_id, seats DESC, at
"""

_OF_SITE = "AND hold.site_id = %(site)s AND hold.source = 'share'"


def daily_use(pool: LicencePool, first: date, last: date, *, now: datetime, site_id: int | None = None) -> list[DayUse]:
    """Return each day from `first` to `last`, both included: two statements.

    `site_id`: only what is taken from the share of that site, or from the reserve for want of one; None: all there is.
    Open forms and offers count until `now`, from which on they hold nothing.
    """
    planned = _by_day(_HELD, pool, first, last, now, site_id)
    ran = _by_day(_RAN, pool, first, last, now, site_id)
    return [DayUse(day, planned.get(day), ran.get(day)) for day in days_between(first, last)]


def planned_peaks(pool: LicencePool, first: date, last: date, *, now: datetime) -> dict[date, int]:
    """Return the planned peak of each day that has any use, both ends included: one statement."""
    return {day: peak.seats for day, peak in _by_day(_HELD, pool, first, last, now, None).items()}


def peaks_by_site(pool: LicencePool, first: date, last: date, *, now: datetime) -> dict[int | None, Peak]:
    """Return the highest use of each site from its share and the reserve within these days: one statement.

    None: of sessions without a site. Sites without use are left out.
    """
    sql = _PEAK_BY_SITE.format(taken=_HELD.replace("/* of site */", "AND source = 'share'"))
    rows = _fetch(sql, pool, first, last, now, None)
    return {site_id: Peak(seats, at) for site_id, seats, at in rows}


def _by_day(
    taken: str, pool: LicencePool, first: date, last: date, now: datetime, site_id: int | None
) -> dict[date, Peak]:
    of_site = _OF_SITE if site_id else ""
    rows = _fetch(_PEAK_BY_DAY.format(taken=taken.replace("/* of site */", of_site)), pool, first, last, now, site_id)
    return {day: Peak(seats, at) for day, seats, at in rows}


def _fetch(
    sql: str, pool: LicencePool, first: date, last: date, now: datetime, site_id: int | None
) -> list[tuple[Any, ...]]:
    zone = ZoneInfo(pool.time_zone)
    values: dict[str, Any] = {
        "pool": pool.pk,
        "now": now,
        "start": midnight(first, zone),
        "end": midnight(last + timedelta(days=1), zone),
        "zone": pool.time_zone,
        "longest": LONGEST_HOLD,
        "longest_run": LONGEST_RUN,
        "site": site_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def days_between(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def working_days(days: Sequence[date]) -> list[date]:
    """Return the days from Monday to Friday that are no public holidays of Poland. `days`: in order."""
    if not days:
        return []
    holidays = holidays_between(days[0], days[-1], "pl")
    return [day for day in days if day.weekday() < _SATURDAY and day not in holidays]


def mean_peak(use: Iterable[DayUse]) -> float | None:
    """Return the mean of the planned peaks of the working days; None without any such day."""
    by_day = {item.day: item.seats for item in use}
    days = working_days(sorted(by_day))
    return sum(by_day[day] for day in days) / len(days) if days else None
