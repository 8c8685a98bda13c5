"""Many people at once, with real threads on real PostgreSQL: one wins, the others are told who, nobody deadlocks."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, connections

from bookings import services, wording
from bookings.models import Booking, LicenceHold, RoomHold
from bookings.rules import Code
from rooms import licences, terms
from rooms.models import LicenceGrant, SiteShare
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
THREADS = 16


@pytest.fixture(autouse=True)
def no_rows_left_behind(transactional_db: None) -> Iterator[None]:
    return


def all_at_once(actions: list[Callable[[], Booking]]) -> list[Booking | services.Refused]:
    """Run every action in a thread of its own, started together; anything but a refusal is a failure of the test."""
    gate = threading.Barrier(len(actions))

    def run(action: Callable[[], Booking]) -> Booking | services.Refused:
        gate.wait()
        try:
            return action()
        except services.Refused as refused:
            return refused
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


def winners(outcomes: list[Booking | services.Refused]) -> list[Booking]:
    return [outcome for outcome in outcomes if isinstance(outcome, Booking)]


def losers(outcomes: list[Booking | services.Refused]) -> list[services.Refused]:
    return [outcome for outcome in outcomes if isinstance(outcome, services.Refused)]


def overlapping_holds() -> int:
    """Count pairs of live holds of a room that overlap, asking the table rather than its constraint."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM bookings_roomhold a JOIN bookings_roomhold b"
            " ON a.room_id = b.room_id AND a.id < b.id AND a.period && b.period WHERE a.live AND b.live"
        )
        return cursor.fetchone()[0]


@pytest.mark.parametrize("round_", range(3))
def test_sixteen_people_want_the_same_room(office: Office, round_: int) -> None:
    room = office.room("KOS/2.14")
    users = [office.staff, office.manager, office.it_admin, office.colleague] * 4
    outcomes = all_at_once(
        [
            lambda user=user, n=n: services.book(ask(user, room, title=f"Sesja {n}"), by=user, now=NOW)
            for n, user in enumerate(users)
        ]
    )
    (winner,) = winners(outcomes)
    for refused in losers(outcomes):
        (refusal,) = refused.refusals
        assert refusal.code == Code.ROOM_TAKEN
        assert refusal.holder is not None
        assert (refusal.holder.title, refusal.holder.organizer) == (winner.title, winner.organizer.name)
        assert refusal.fixes, "another room or time was free"
        text = wording.refusal_text(refusal)
        assert winner.title in text
        assert "11:00" in text, "until when"
    assert overlapping_holds() == 0


def test_losers_of_a_closed_session_learn_only_that_there_is_one(office: Office) -> None:
    room = office.room("KOS/0.07")
    services.book(ask(office.staff, room, title="Przesłuchanie X", is_private=True), by=office.staff, now=NOW)
    outcomes = all_at_once([lambda: services.book(ask(office.colleague, room), by=office.colleague, now=NOW)] * 4)
    for refused in losers(outcomes):
        text = wording.refusal_text(refused.refusals[0])
        assert "Przesłuchanie X" not in text
        assert office.staff.name not in text
    assert len(losers(outcomes)) == 4


@pytest.mark.parametrize("round_", range(3))
def test_rooms_asked_for_in_opposite_order_do_not_deadlock(office: Office, round_: int) -> None:
    rooms = [office.room(code) for code in ("KOS/2.14", "TAB/A", "BIA/5", "TAB/B")]
    orders = [rooms if n % 2 else rooms[::-1] for n in range(THREADS)]
    outcomes = all_at_once(
        [lambda order=order: services.book(ask(office.staff, *order), by=office.staff, now=NOW) for order in orders]
    )
    assert len(winners(outcomes)) == 1
    assert all(len(refused.refusals) == 4 for refused in losers(outcomes)), "every taken room is named"
    assert overlapping_holds() == 0


def test_random_pairs_of_rooms_at_overlapping_times(office: Office) -> None:
    chance = random.Random(20261124)
    rooms = [office.room(code) for code in ("KOS/2.14", "KOS/2.16", "TAB/A", "TAB/B", "BIA/5")]

    def action() -> Callable[[], Booking]:
        pair = chance.sample(rooms, 2)
        start = at(9) + timedelta(minutes=15 * chance.randrange(12))
        return lambda: services.book(ask(office.staff, *pair, start=start, minutes=45), by=office.staff, now=NOW)

    outcomes = all_at_once([action() for _n in range(THREADS)])
    assert winners(outcomes)
    assert overlapping_holds() == 0
    assert RoomHold.objects.filter(live=True).count() == 2 * len(winners(outcomes))


@pytest.mark.parametrize("round_", range(3))
def test_the_last_licence_goes_to_one(office: Office, round_: int) -> None:
    """Koszykowa may use its 4 and the reserve of 1: four sessions hold seats, sixteen people want the fifth."""
    for _n in range(4):
        services.book(ask(office.manager, office.room("KOS/2.16"), start=at(10 + _n)), by=office.manager, now=NOW)
    LicenceHold.objects.update(period=LicenceHold.objects.first().period)
    outcomes = all_at_once([lambda: services.book(ask(office.staff), by=office.staff, now=NOW)] * THREADS)
    assert len(winners(outcomes)) == 1
    for refused in losers(outcomes):
        (refusal,) = refused.refusals
        assert refusal.code == Code.LICENCE_NONE_FREE
        assert (refusal.data["in_use"], refusal.data["granted"]) == (5, 10)
        assert refusal.fixes
    assert_no_overuse(office)


def test_the_reserve_goes_to_one_of_two_sites(office: Office) -> None:
    SiteShare.objects.filter(site=office.koszykowa).update(seats=1)
    SiteShare.objects.filter(site=office.taborowa).update(seats=1)
    SiteShare.objects.filter(site=office.biala).update(seats=1)
    LicenceGrant.objects.update(seats=4)
    services.book(ask(office.staff, office.room("KOS/2.14")), by=office.staff, now=NOW)
    services.book(ask(office.staff, office.room("TAB/A")), by=office.staff, now=NOW)
    kos, tab = office.room("KOS/2.16"), office.room("TAB/B")
    outcomes = all_at_once(
        [
            lambda: services.book(ask(office.staff, kos), by=office.staff, now=NOW),
            lambda: services.book(ask(office.staff, tab), by=office.staff, now=NOW),
        ]
    )
    assert len(winners(outcomes)) == 1
    services.book(ask(office.staff, office.room("BIA/5")), by=office.staff, now=NOW)
    assert_no_overuse(office)


def test_moves_into_the_same_gap(office: Office) -> None:
    """Eight sessions at different hours all move to 10:00 in one room: one gets there, the others stay as they were."""
    room = office.room("KOS/2.14")
    requests = [ask(office.staff, room, start=at(11) + timedelta(minutes=30 * n), minutes=30) for n in range(8)]
    bookings = [services.book(request, by=office.staff, now=NOW) for request in requests]
    outcomes = all_at_once(
        [
            lambda booking=booking, request=request: services.change(
                booking, request.at(at(10), at(10, 30)), by=office.staff, now=NOW, version=1
            )
            for booking, request in zip(bookings, requests, strict=True)
        ]
    )
    assert len(winners(outcomes)) == 1
    assert overlapping_holds() == 0
    assert RoomHold.objects.filter(live=True).count() == 8


def test_two_sessions_swap_rooms_without_deadlock(office: Office) -> None:
    """Each wants the other's room at its own hour: locks cross, but are taken in key order."""
    first, second = office.room("KOS/2.14"), office.room("KOS/2.16")
    one = services.book(ask(office.staff, first), by=office.staff, now=NOW)
    two = services.book(ask(office.staff, second), by=office.staff, now=NOW)
    outcomes = all_at_once(
        [
            lambda: services.change(one, ask(office.staff, first, second), by=office.staff, now=NOW, version=1),
            lambda: services.change(two, ask(office.staff, second, first), by=office.staff, now=NOW, version=1),
        ]
    )
    assert len(losers(outcomes)) == 2
    assert overlapping_holds() == 0


def test_two_people_change_the_same_session(office: Office) -> None:
    booking = services.book(ask(office.staff), by=office.staff, now=NOW)
    outcomes = all_at_once(
        [
            lambda n=n: services.change(
                booking, ask(office.staff, title=f"Tytuł {n}"), by=office.staff, now=NOW, version=1
            )
            for n in range(8)
        ]
    )
    (winner,) = winners(outcomes)
    booking.refresh_from_db()
    assert (booking.version, booking.title) == (2, winner.title)
    assert {refused.refusals[0].code for refused in losers(outcomes)} == {Code.CHANGED_MEANWHILE}


def test_cancelling_frees_the_room_for_exactly_one(office: Office) -> None:
    room = office.room("KOS/2.14")
    booking = services.book(ask(office.staff, room), by=office.staff, now=NOW)
    outcomes = all_at_once(
        [lambda: services.cancel(booking, by=office.staff, now=NOW)]
        + [lambda: services.book(ask(office.manager, room), by=office.manager, now=NOW)] * 8
    )
    assert len([outcome for outcome in winners(outcomes) if outcome.pk != booking.pk]) <= 1
    assert overlapping_holds() == 0


def assert_no_overuse(office: Office) -> None:
    holds = list(LicenceHold.objects.filter(live=True))
    uses = [licences.Use(hold.site_id, hold.seats, hold.interval) for hold in holds]
    allocation = terms.allocation(office.pool)
    assert all(licences.first_overuse(allocation, uses, span=hold.interval) is None for hold in holds)
