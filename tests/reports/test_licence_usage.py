"""Peaks of each day and site, asked of the database and counted minute by minute by hand."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.models import LicenceHold, as_range
from reports.licence_usage import (
    DayUse,
    Peak,
    daily_use,
    days_between,
    mean_peak,
    peaks_by_site,
    planned_peaks,
    working_days,
)
from rooms.interval import Interval
from rooms.models import LicenceGrant, LicencePool
from tests.factories import Office, make_pool
from tests.reports.usage import NOW, TODAY, at, hold, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def pool(office: Office) -> LicencePool:
    """A pool that nothing fills, so that any sessions can be written."""
    LicenceGrant.objects.filter(pool=office.pool).update(seats=1000)
    return office.pool


def naive_peaks(holds: list[LicenceHold], days: list[date]) -> dict[date, Peak]:
    """Look at every five minutes of every day, on the clock of Warsaw."""
    found = {}
    for day in days:
        start = at(0, day=day)
        end = at(0, day=day + timedelta(days=1))
        best: Peak | None = None
        for number in range((end - start) // timedelta(minutes=5)):
            now = start + number * timedelta(minutes=5)
            used = sum(held.seats for held in holds if held.live and held.interval.contains(now))
            if used and (best is None or used > best.seats):
                best = Peak(used, now)
        if best:
            found[day] = best
    return found


@pytest.mark.parametrize("seed", range(4))
def test_peaks_are_those_of_a_count_by_hand(office: Office, pool: LicencePool, seed: int) -> None:
    """Sessions of up to 36 hours around the night in which clocks go back, in two sites and none."""
    chance = random.Random(seed)
    first, last = date(2026, 10, 23), date(2026, 10, 27)
    sites = [office.koszykowa, office.taborowa, None]
    holds = []
    for _ in range(40):
        start = at(0, day=first) + timedelta(minutes=5 * chance.randrange(-600, 1700))
        end = start + timedelta(minutes=5 * chance.choice([1, 6, 12, 18, 100, 432]))
        live = chance.random() > 0.15
        holds.append(
            hold(pool, chance.choice(sites), start, end, by=office.staff, live=live, seats=chance.choice([1, 1, 2]))
        )
    days = days_between(first, last)
    wanted = naive_peaks(holds, days)
    assert [(item.day, item.peak) for item in daily_use(pool, first, last, now=NOW)] == [
        (day, wanted.get(day)) for day in days
    ]
    assert planned_peaks(pool, first, last, now=NOW) == {day: peak.seats for day, peak in wanted.items()}
    of_site = [held for held in holds if held.site == office.taborowa]
    by_site = daily_use(pool, first, last, now=NOW, site_id=office.taborowa.pk)
    assert {item.day: item.peak for item in by_site if item.peak} == naive_peaks(of_site, days)
    for site in sites:
        best = naive_peaks([held for held in holds if held.site == site], days)
        found = peaks_by_site(pool, first, last, now=NOW).get(site.pk if site else None)
        assert (found.seats if found else 0) == max((peak.seats for peak in best.values()), default=0)


def test_the_instant_of_a_peak_is_the_first_one(office: Office, pool: LicencePool) -> None:
    for hour in (9, 13):
        for _ in range(2):
            hold(pool, office.koszykowa, at(hour), at(hour + 1), by=office.staff)
    [use] = daily_use(pool, TODAY, TODAY, now=NOW)
    assert use == DayUse(TODAY, Peak(2, at(9)), None)
    assert peaks_by_site(pool, TODAY, TODAY, now=NOW) == {office.koszykowa.pk: Peak(2, at(9))}


def test_sessions_that_touch_are_not_at_once(office: Office, pool: LicencePool) -> None:
    for hour in (9, 10):
        hold(pool, office.koszykowa, at(hour), at(hour + 1), by=office.staff)
    [use] = daily_use(pool, TODAY, TODAY, now=NOW)
    assert use.seats == 1


def test_a_session_until_midnight_is_not_of_the_next_day(office: Office, pool: LicencePool) -> None:
    hold(pool, office.koszykowa, at(22), at(0, day=TODAY + timedelta(days=1)), by=office.staff)
    assert [use.seats for use in daily_use(pool, TODAY, TODAY + timedelta(days=1), now=NOW)] == [1, 0]


def test_days_are_those_of_the_zone_of_the_pool(office: Office, pool: LicencePool) -> None:
    # 23:30 in Warsaw is half past midnight in Kyiv.
    LicencePool.objects.filter(pk=pool.pk).update(time_zone="Europe/Kyiv")
    pool.refresh_from_db()
    hold(pool, office.koszykowa, at(23, 30), at(23, 45), by=office.staff)
    assert [use.seats for use in daily_use(pool, TODAY, TODAY + timedelta(days=1), now=NOW)] == [0, 1]


def test_other_pools_and_what_was_given_up_do_not_count(office: Office, pool: LicencePool) -> None:
    other = make_pool(10, name="Inny", is_default=False)
    hold(other, office.koszykowa, at(9), at(10), by=office.staff)
    hold(pool, office.koszykowa, at(9), at(10), by=office.staff, live=False)
    assert [use.peak for use in daily_use(pool, TODAY, TODAY, now=NOW)] == [None]


def test_the_use_of_a_site_leaves_out_what_its_share_does_not_pay(office: Office, pool: LicencePool) -> None:
    from rooms.models import EmergencySeats

    EmergencySeats.objects.create(pool=pool, seats=1, valid_from=date(2019, 1, 1))
    hold(pool, office.koszykowa, at(9), at(10), by=office.staff)
    hold(pool, office.koszykowa, at(9), at(10), by=office.staff, source="emergency")
    assert [use.seats for use in daily_use(pool, TODAY, TODAY, now=NOW)] == [2]
    assert [use.seats for use in daily_use(pool, TODAY, TODAY, now=NOW, site_id=office.koszykowa.pk)] == [1]


def test_conferences_that_really_ran_are_counted_apart(office: Office, pool: LicencePool) -> None:
    day = TODAY - timedelta(days=1)
    held = [hold(pool, office.koszykowa, at(9, day=day), at(10, day=day), by=office.staff) for _ in range(3)]
    run(held[0], at(9, 5, day=day), at(9, 40, day=day))
    run(held[1], at(9, 30, day=day), at(10, 20, day=day))
    # The second run of one conference, and one that nobody came to.
    run(held[0], at(9, 45, day=day), at(9, 50, day=day))
    use = daily_use(pool, day, day, now=NOW)
    assert use == [DayUse(day, Peak(3, at(9, day=day)), Peak(2, at(9, 30, day=day)))]


def test_a_conference_uses_the_seats_that_its_meeting_held_then(office: Office, pool: LicencePool) -> None:
    """The meeting gave its first seat up at ten past nine, and came back with two of another site's at half past."""
    day = TODAY - timedelta(days=1)
    held = hold(pool, office.koszykowa, at(9, day=day), at(9, 10, day=day), by=office.staff)
    back = as_range(Interval(at(9, 30, day=day), at(10, day=day)))
    LicenceHold.objects.create(pool=pool, site=office.taborowa, seats=2, period=back, occurrence=held.occurrence)
    run(held, at(9, day=day), at(9, 8, day=day))
    run(held, at(9, 30, day=day), at(9, 50, day=day))
    # Somebody looks in once more when all is over: the meeting has three seats, and none at that time.
    run(held, at(12, day=day), at(12, 5, day=day))
    [use] = daily_use(pool, day, day, now=NOW)
    assert use.actual == Peak(3, at(12, day=day))
    [use] = daily_use(pool, day, day, now=NOW, site_id=office.koszykowa.pk)
    assert use.actual == Peak(1, at(9, day=day))


def test_a_conference_that_nobody_saw_end_does_not_run_for_ever(office: Office, pool: LicencePool) -> None:
    first = TODAY - timedelta(days=6)
    held = hold(pool, office.koszykowa, at(9, day=first), at(10, day=first), by=office.staff)
    run(held, at(9, day=first), None)
    ran = [use.actual.seats if use.actual else 0 for use in daily_use(pool, first, TODAY, now=NOW)]
    # Three days, of which the first began at nine.
    assert ran == [1, 1, 1, 1, 0, 0, 0]


def test_a_running_conference_counts_until_now(office: Office, pool: LicencePool) -> None:
    held = hold(pool, office.koszykowa, at(9), at(12), by=office.staff)
    run(held, at(9), None)
    [use] = daily_use(pool, TODAY, TODAY, now=NOW)
    assert use.actual == Peak(1, at(9))


@pytest.mark.parametrize("days", [1, 60])
def test_asking_takes_two_statements_however_many_days(office: Office, pool: LicencePool, days: int) -> None:
    for number in range(days):
        day = TODAY - timedelta(days=number)
        hold(pool, office.koszykowa, at(9, day=day), at(10, day=day), by=office.staff)
    with CaptureQueriesContext(connection) as asked:
        found = daily_use(pool, TODAY - timedelta(days=days - 1), TODAY, now=NOW)
    assert [use.seats for use in found] == [1] * days
    assert len(asked) == 2


def test_the_window_is_found_by_index_whatever_the_history(office: Office, pool: LicencePool) -> None:
    from reports import licence_usage

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        sql = "EXPLAIN " + licence_usage._PEAK_BY_DAY.format(taken=licence_usage._HELD)
        values: dict[str, Any] = {
            "pool": pool.pk,
            "now": NOW,
            "start": at(0),
            "end": at(0, day=TODAY + timedelta(days=1)),
            "zone": "Europe/Warsaw",
            "longest": timedelta(hours=36),
            "site": None,
        }
        cursor.execute(sql, values)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "licence_hold_starts" in plan
    assert "lower(period) <" in plan.partition("Index Cond")[2].partition("\n")[0]


def test_working_days_leave_out_weekends_and_holidays() -> None:
    # 11 November, a Wednesday, is Independence Day.
    days = working_days(days_between(date(2026, 11, 9), date(2026, 11, 16)))
    assert [day.day for day in days] == [9, 10, 12, 13, 16]
    assert working_days([]) == []


def test_the_mean_is_of_working_days_alone() -> None:
    saturday = datetime(2026, 11, 21, 9, tzinfo=UTC)
    use = [
        DayUse(date(2026, 11, 20), Peak(4, saturday)),
        DayUse(date(2026, 11, 21), Peak(9, saturday)),
        DayUse(date(2026, 11, 23)),
    ]
    assert mean_peak(use) == 2
    assert mean_peak(use[1:2]) is None


def test_one_kind_of_seat_after_another_is_one_in_use(office: Office, pool: LicencePool) -> None:
    """An ordinary seat until noon, an emergency seat for what the conference ran on."""
    held = hold(pool, office.taborowa, at(9), at(10), by=office.staff)
    later = as_range(Interval(at(10), at(10, 15)))
    LicenceHold.objects.create(occurrence=held.occurrence, pool=pool, seats=1, source="share", period=later)
    run(held, at(9), at(10, 10))
    (day,) = daily_use(pool, TODAY, TODAY, now=NOW)
    assert (day.peak, day.actual) == (Peak(1, at(9)), Peak(1, at(9)))
