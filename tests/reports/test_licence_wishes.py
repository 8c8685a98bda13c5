"""What a replay replays: granted, cancelled, ended early and refused requests, each once."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings import services
from bookings.models import Booking, LicenceHold, LicenceRefusal, Occurrence, as_range
from bookings.rules import Scope
from reports.licence_outlook import (
    REPLAYED_DAYS,
    Size,
    compute_outlook,
    monthly_means,
    months_from,
    outlook,
    sizes_around,
)
from reports.licence_wishes import wishes_between
from rooms.interval import Interval
from rooms.licence_forecast import MonthMean
from rooms.licence_replay import Wish
from rooms.models import EmergencySeats, LicenceGrant, SiteShare
from rooms.terms import load_pools
from tests.bookings import requests
from tests.bookings.views.weekly import meeting, weekly
from tests.factories import Office, make_pool
from tests.reports.usage import NOW, TODAY, at, hold, make_booking, refuse

pytestmark = pytest.mark.django_db

SPAN = Interval(NOW - timedelta(days=90), NOW)
DAY = TODAY - timedelta(days=10)
ASKED = at(12, day=TODAY - timedelta(days=20))
Outcome = LicenceRefusal.Outcome


def hour(start: int, *, day: date = DAY) -> Interval:
    return Interval(at(start, day=day), at(start + 1, day=day))


def test_a_session_is_a_wish_from_when_it_was_booked(office: Office) -> None:
    kos = office.koszykowa
    hold(office.pool, kos, at(9, day=DAY), at(10, day=DAY), by=office.staff, asked_at=ASKED, seats=2)
    assert wishes_between(office.pool, SPAN) == [Wish(ASKED, hour(9), ((kos.pk, 2),))]


def test_what_begins_before_or_after_the_window_is_left_out(office: Office) -> None:
    for day in (TODAY - timedelta(days=91), TODAY + timedelta(days=1)):
        hold(office.pool, office.koszykowa, at(9, day=day), at(10, day=day), by=office.staff)
    assert wishes_between(office.pool, SPAN) == []


def test_other_pools_named_and_emergency_licences_are_no_wishes(office: Office) -> None:
    from rooms.models import EmergencySeats

    EmergencySeats.objects.create(pool=office.pool, seats=1, valid_from=date(2019, 1, 1))
    other = make_pool(10, name="Inny", is_default=False)
    hold(other, office.koszykowa, at(9, day=DAY), at(10, day=DAY), by=office.staff)
    hold(office.pool, office.koszykowa, at(9, day=DAY), at(10, day=DAY), by=office.staff, source="emergency")
    assert wishes_between(office.pool, SPAN) == []


def test_a_cancelled_session_wanted_its_seat_until_it_was_cancelled(office: Office) -> None:
    gone_at = at(15, day=TODAY - timedelta(days=12))
    held = hold(office.pool, None, at(9, day=DAY), at(10, day=DAY), by=office.staff, asked_at=ASKED, live=False)
    booking = held.occurrence.booking
    Occurrence.objects.filter(booking=booking).update(status="cancelled")
    Booking.objects.filter(pk=booking.pk).update(status="cancelled", cancelled_at=gone_at)
    assert wishes_between(office.pool, SPAN) == [Wish(ASKED, hour(9), ((None, 1),), given_up_at=gone_at)]


def test_what_was_given_up_by_a_change_of_a_session_that_took_place_is_no_wish(office: Office) -> None:
    held = hold(office.pool, office.koszykowa, at(9, day=DAY), at(10, day=DAY), by=office.staff, asked_at=ASKED)
    held.pk = None
    held.site, held.live = office.taborowa, False
    held.save()
    assert [wish.seats_by_site for wish in wishes_between(office.pool, SPAN)] == [((office.koszykowa.pk, 1),)]


def test_a_session_that_ended_early_gave_the_rest_up(office: Office) -> None:
    kos = office.koszykowa
    end = at(9, 20, day=DAY)
    hold(office.pool, kos, at(9, day=DAY), end, by=office.staff, asked_at=ASKED, planned_end=at(10, day=DAY))
    assert wishes_between(office.pool, SPAN) == [Wish(ASKED, hour(9), ((kos.pk, 1),), given_up_at=end)]


def test_a_cancelled_meeting_of_a_series_was_given_up_when_it_was_cancelled(office: Office) -> None:
    """A series of four Tuesdays, of which one is cancelled a week later, and then the last two."""
    series = weekly(office.staff, office.room("TAB/B"), count=4, first=requests.at(10), title="Odprawa zespołu")
    later, last = requests.NOW + timedelta(days=7), requests.NOW + timedelta(days=8)
    services.cancel(
        series,
        by=office.staff,
        now=later,
        scope=Scope.ONE,
        occurrence=meeting(series, date(2026, 12, 1)),
        reason="urlop",
    )
    series.refresh_from_db()
    services.cancel(
        series,
        by=office.staff,
        now=last,
        scope=Scope.FOLLOWING,
        occurrence=meeting(series, date(2026, 12, 8)),
        reason="koniec",
    )
    span = Interval(requests.NOW, requests.NOW + timedelta(days=90))
    found = wishes_between(office.pool, span)
    assert [(wish.interval.start_at.date().day, wish.given_up_at) for wish in found] == [
        (24, None),
        (1, later),
        (8, last),
        (15, last),
    ]
    assert {wish.asked_at for wish in found} == {requests.NOW}


def test_a_refused_request_is_a_wish_and_what_was_booked_instead_stands_in_it(office: Office) -> None:
    tab = office.taborowa
    moved = hold(office.pool, tab, at(11, day=DAY), at(12, day=DAY), by=office.staff, asked_at=ASKED)
    refused_at = ASKED - timedelta(minutes=5)
    refuse(
        office,
        tab,
        at(9, day=DAY),
        at=refused_at,
        outcome=Outcome.MOVED,
        booking=moved.occurrence.booking,
    )
    refuse(office, None, at(10, day=DAY), at=ASKED)
    instead = Wish(ASKED, hour(11), ((tab.pk, 1),))
    assert wishes_between(office.pool, SPAN) == [
        Wish(refused_at, hour(9), ((tab.pk, 1),), was_refused=True, instead=instead),
        Wish(ASKED, hour(10), ((None, 1),), was_refused=True),
    ]


def test_what_was_booked_instead_counts_also_after_the_window(office: Office) -> None:
    tab, later = office.taborowa, TODAY + timedelta(days=3)
    moved = hold(office.pool, tab, at(9, day=later), at(10, day=later), by=office.staff, asked_at=ASKED)
    refuse(office, tab, at(9, day=DAY), at=ASKED, outcome=Outcome.MOVED, booking=moved.occurrence.booking)
    [wish] = wishes_between(office.pool, SPAN)
    assert wish.instead == Wish(ASKED, hour(9, day=later), ((tab.pk, 1),))


def test_refused_twice_until_it_was_booked_is_one_wish(office: Office) -> None:
    tab = office.taborowa
    moved = hold(office.pool, tab, at(13, day=DAY), at(14, day=DAY), by=office.staff, asked_at=ASKED)
    for number, start in enumerate((9, 11)):
        refuse(
            office,
            tab,
            at(start, day=DAY),
            at=ASKED - timedelta(minutes=10 - number),
            outcome=Outcome.MOVED,
            booking=moved.occurrence.booking,
        )
    [wish] = wishes_between(office.pool, SPAN)
    assert wish.interval == hour(9)
    assert wish.instead is not None
    assert wish.instead.interval == hour(11)
    assert wish.instead.instead is not None
    assert wish.instead.instead.interval == hour(13)


def test_a_refused_date_of_a_series_has_the_meeting_of_that_date_instead(office: Office) -> None:
    booking = make_booking(office.staff, "Seria", ASKED, is_private=False, host=office.taborowa)
    Booking.objects.filter(pk=booking.pk).update(rrule="FREQ=DAILY;COUNT=2")
    days = (DAY, DAY + timedelta(days=1))
    for day in days:
        hold(office.pool, office.taborowa, at(11, day=day), at(12, day=day), by=office.staff, booking=booking)
    refuse(office, office.taborowa, at(9, day=days[1]), at=ASKED, outcome=Outcome.MOVED, booking=booking)
    found = wishes_between(office.pool, SPAN)
    assert sorted(wish.interval for wish in found) == [hour(11), hour(9, day=days[1])]
    [refused] = [wish for wish in found if wish.was_refused]
    assert refused.instead == Wish(ASKED, hour(11, day=days[1]), ((office.taborowa.pk, 1),))


@pytest.mark.parametrize("count", [1, 8])
def test_asking_takes_five_statements_however_many_wishes(office: Office, count: int) -> None:
    for number in range(count):
        day = DAY - timedelta(days=number)
        held = hold(office.pool, office.taborowa, at(11, day=day), at(12, day=day), by=office.staff)
        Booking.objects.filter(pk=held.occurrence.booking_id).update(rrule="FREQ=DAILY;COUNT=1")
        Occurrence.objects.filter(pk=held.occurrence_id).update(status="cancelled")
        refuse(office, office.taborowa, at(9, day=day), outcome=Outcome.MOVED, booking=held.occurrence.booking)
    with CaptureQueriesContext(connection) as asked:
        assert len(wishes_between(office.pool, SPAN)) == count
    assert len(asked) == 5


def test_a_larger_pool_would_have_refused_fewer(office: Office) -> None:
    """Ten seats in use from 9 to 10, and three requests more that were refused."""
    SiteShare.objects.all().delete()
    for _ in range(10):
        hold(office.pool, office.koszykowa, at(9, day=DAY), at(10, day=DAY), by=office.staff, asked_at=ASKED)
    for _ in range(3):
        refuse(office, office.koszykowa, at(9, day=DAY))
    found = compute_outlook(load_pools()[office.pool.pk], now=NOW)
    assert found.step == 1
    assert (found.wishes, found.refused) == (13, 3)
    assert found.sizes == tuple(Size(seats, max(0, 13 - seats)) for seats in range(6, 17))
    assert found.sizes[0].monthly == 7 * 30 / REPLAYED_DAYS


def test_nobody_asked_so_nothing_is_replayed(office: Office) -> None:
    found = compute_outlook(load_pools()[office.pool.pk], now=NOW)
    assert (found.sizes, found.months, found.forecast) == ((), (), None)


@pytest.mark.parametrize(
    ("owned", "sizes", "step"),
    [
        (10, [6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], 1),
        (2, [1, 2, 3, 4, 5, 6, 7, 8], 1),
        (0, [1, 2, 3, 4, 5, 6], 1),
        (120, [96, 102, 108, 114, 120, 126, 132, 138, 144, 150, 156], 6),
    ],
)
def test_sizes_lie_around_what_there_is(owned: int, sizes: list[int], step: int) -> None:
    assert sizes_around(owned) == (sizes, step)


def test_means_of_months_begin_with_the_first_use(office: Office) -> None:
    """Two sessions at once on 15 October (Thursday), and one on 2 November: the days before have no part in it."""
    for day, count in ((date(2026, 10, 15), 2), (date(2026, 11, 2), 1)):
        for _ in range(count):
            hold(office.pool, office.koszykowa, at(9, day=day), at(10, day=day), by=office.staff)
    found = monthly_means(load_pools()[office.pool.pk], now=NOW)
    # 15, 16, 19 to 23 and 26 to 30 October are 12 working days; up to 24 November there are 16 without the 11th.
    assert found == (MonthMean(date(2026, 10, 1), 2 / 12, 12), MonthMean(date(2026, 11, 1), 1 / 16, 16))


@pytest.mark.parametrize(
    ("day", "count", "month"),
    [
        (date(2026, 11, 24), -5, date(2026, 6, 1)),
        (date(2026, 1, 31), -1, date(2025, 12, 1)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
        (date(2026, 11, 24), 0, date(2026, 11, 1)),
    ],
)
def test_months_are_counted_over_the_year(day: date, count: int, month: date) -> None:
    assert months_from(day, count) == month


def test_what_was_counted_is_kept_until_the_pool_changes(office: Office) -> None:
    cache.clear()
    hold(office.pool, office.koszykowa, at(9, day=DAY), at(10, day=DAY), by=office.staff)
    first = outlook(load_pools()[office.pool.pk], now=NOW)
    assert first.wishes == 1
    hold(office.pool, office.koszykowa, at(9, day=DAY), at(10, day=DAY), by=office.staff)
    assert outlook(load_pools()[office.pool.pk], now=NOW + timedelta(minutes=5)) == first
    LicenceGrant.objects.create(pool=office.pool, seats=2, valid_from=date(2019, 1, 1))
    later = outlook(load_pools()[office.pool.pk], now=NOW + timedelta(minutes=5))
    assert later.wishes == 2
    assert [size.seats for size in later.sizes] == list(range(8, 19))


def test_what_a_conference_took_to_run_on_is_no_wish(office: Office) -> None:
    EmergencySeats.objects.create(pool=office.pool, seats=1, valid_from=date(2019, 1, 1))
    held = hold(office.pool, office.koszykowa, at(9), at(10), by=office.staff, source="emergency")
    later = as_range(Interval(at(10), at(10, 15)))
    LicenceHold.objects.create(occurrence=held.occurrence, pool=office.pool, site=office.koszykowa, period=later)
    assert wishes_between(office.pool, SPAN) == []
