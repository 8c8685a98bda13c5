"""Named, borrowed and emergency licences under sixteen threads: each goes to one, and what was free is given out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest

from bookings import services
from bookings.models import LicenceHold
from bookings.rules import Code, LicenceWish
from rooms.interval import Interval
from rooms.licences import Use, first_overuse
from rooms.models import EmergencySeats, LicenceGrant, LicenceLoan, NamedLicence, SiteShare, SiteTerms
from rooms.terms import allocation
from tests.bookings.requests import NOW, ask, at
from tests.bookings.test_races import THREADS, all_at_once, losers, winners
from tests.factories import Office, make_pool, make_room

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
SINCE = date(2019, 1, 1)


@pytest.fixture(autouse=True)
def no_rows_left_behind(transactional_db: None) -> Iterator[None]:
    return


def assert_sound(office: Office) -> None:
    """No share, reserve, emergency or named seat is used twice, by arithmetic that asks the guard nothing."""
    holds = list(LicenceHold.objects.filter(live=True, pool=office.pool))
    span = Interval(min(hold.interval.start_at for hold in holds), max(hold.interval.end_at for hold in holds))
    uses = [Use(hold.site_id, hold.seats, hold.interval) for hold in holds if hold.source == "share"]
    assert first_overuse(allocation(office.pool), uses, span=span) is None
    for named in NamedLicence.objects.all():
        own = sorted((hold.interval for hold in holds if hold.named_id == named.pk), key=lambda item: item.start_at)
        assert all(first.end_at <= second.start_at for first, second in pairwise(own))
    urgent = [hold.interval for hold in holds if hold.source == "emergency"]
    seats = sum(item.seats for item in EmergencySeats.objects.all())
    for one in urgent:
        assert sum(other.contains(one.start_at) for other in urgent) <= seats


@pytest.mark.parametrize("round_", range(3))
def test_named_licence_goes_to_one_and_the_others_take_what_all_share(office: Office, round_: int) -> None:
    """One person, sixteen rooms, one time: the named seat, four of the share and the reserve."""
    named = NamedLicence.objects.create(pool=office.pool, user=office.manager, valid_from=SINCE)
    LicenceGrant.objects.update(seats=11)
    rooms = [make_room(office.koszykowa, f"X{n}") for n in range(THREADS)]
    outcomes = all_at_once(
        [lambda room=room: services.book(ask(office.manager, room), by=office.manager, now=NOW) for room in rooms]
    )
    assert len(winners(outcomes)) == 6
    assert {refusal.code for refused in losers(outcomes) for refusal in refused.refusals} == {Code.LICENCE_NONE_FREE}
    assert LicenceHold.objects.filter(live=True, named=named).count() == 1
    assert_sound(office)


@pytest.mark.parametrize("round_", range(3))
def test_idle_seats_of_a_site_are_borrowed_as_often_as_there_are_any(office: Office, round_: int) -> None:
    SiteTerms.objects.create(pool=office.pool, site=office.taborowa, lend_days=30)
    rooms = [make_room(office.koszykowa, f"X{n}") for n in range(THREADS)]
    wish = LicenceWish(borrow_from=office.taborowa.pk)
    outcomes = all_at_once(
        [
            lambda room=room: services.book(
                replace(ask(office.manager, room), licence=wish), by=office.manager, now=NOW
            )
            for room in rooms
        ]
    )
    assert len(winners(outcomes)) == 4 + 1 + 3
    assert LicenceHold.objects.filter(live=True, site=office.taborowa, borrowed_by=office.koszykowa).count() == 3
    assert_sound(office)


@pytest.mark.parametrize("round_", range(3))
def test_borrowers_against_the_lender_itself(office: Office, round_: int) -> None:
    """Whoever comes first: together they never have more than Taborowa's three and the reserve of one."""
    SiteTerms.objects.create(pool=office.pool, site=office.taborowa, lend_days=30)
    for n in range(4):
        services.book(ask(office.manager, make_room(office.koszykowa, f"F{n}")), by=office.manager, now=NOW)
    wish = LicenceWish(borrow_from=office.taborowa.pk)
    theirs = [make_room(office.taborowa, f"T{n}") for n in range(8)]
    ours = [make_room(office.koszykowa, f"X{n}") for n in range(8)]
    outcomes = all_at_once(
        [lambda room=room: services.book(ask(office.it_admin, room), by=office.it_admin, now=NOW) for room in theirs]
        + [
            lambda room=room: services.book(
                replace(ask(office.manager, room), licence=wish), by=office.manager, now=NOW
            )
            for room in ours
        ]
    )
    assert len(winners(outcomes)) == 4
    assert_sound(office)


@pytest.mark.parametrize("round_", range(3))
def test_emergency_seat_goes_to_one(office: Office, round_: int) -> None:
    LicenceGrant.objects.update(seats=11)
    EmergencySeats.objects.create(pool=office.pool, seats=1, valid_from=SINCE)
    rooms = [make_room(office.koszykowa, f"X{n}") for n in range(THREADS)]
    wish = LicenceWish(emergency_reason="Zatrzymanie")
    outcomes = all_at_once(
        [
            lambda room=room: services.book(
                replace(ask(office.manager, room), licence=wish), by=office.manager, now=NOW
            )
            for room in rooms
        ]
    )
    assert len(winners(outcomes)) == 4 + 1 + 1
    assert LicenceHold.objects.filter(live=True, source="emergency").count() == 1
    assert_sound(office)


def test_two_pools_in_opposite_order(office: Office) -> None:
    """Sessions in rooms of both pools, named in either order: nobody waits in a circle, nothing is over-used."""
    other = make_pool(4, name="Drugi system", is_default=False)
    first = [make_room(office.koszykowa, f"X{n}") for n in range(THREADS)]
    second = [make_room(office.koszykowa, f"Y{n}", licence_pool=other) for n in range(THREADS)]
    outcomes = all_at_once(
        [
            lambda n=n: services.book(
                ask(office.manager, *((first[n], second[n]) if n % 2 else (second[n], first[n]))),
                by=office.manager,
                now=NOW,
            )
            for n in range(THREADS)
        ]
    )
    assert len(winners(outcomes)) == 4
    assert LicenceHold.objects.filter(live=True, pool=other).count() == 4
    assert_sound(office)


def test_loan_ends_at_midnight_for_whoever_books_meanwhile(office: Office) -> None:
    """Half of them ask for the last day of the loan, half for the day after."""
    day = date(2026, 11, 24)
    LicenceLoan.objects.create(
        pool=office.pool, lender=office.taborowa, borrower=office.koszykowa, seats=3, valid_from=day, valid_to=day
    )
    rooms = [make_room(office.koszykowa, f"X{n}") for n in range(THREADS)]
    days = [at(10), at(10, day=at(10).replace(day=25))]
    outcomes = all_at_once(
        [
            lambda n=n: services.book(ask(office.manager, rooms[n], start=days[n % 2]), by=office.manager, now=NOW)
            for n in range(THREADS)
        ]
    )
    starts = [booking.local_start for booking in winners(outcomes)]
    assert (starts.count("2026-11-24T10:00"), starts.count("2026-11-25T10:00")) == (8, 5)
    assert_sound(office)


def test_shares_are_read_as_they_are_when_the_lock_is_had(office: Office) -> None:
    """The reserve of nobody: a site without a share books as long as there is one."""
    SiteShare.objects.filter(site=office.biala).delete()
    rooms = [make_room(office.biala, f"Y{n}") for n in range(THREADS)]
    outcomes = all_at_once(
        [lambda room=room: services.book(ask(office.colleague, room), by=office.colleague, now=NOW) for room in rooms]
    )
    assert len(winners(outcomes)) == 3
    assert_sound(office)
