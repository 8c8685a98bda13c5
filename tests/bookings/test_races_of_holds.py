"""Many at once, with real threads on real PostgreSQL: equipment, open forms, the waiting list."""

from __future__ import annotations

import random
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections

from accounts.models import User
from bookings import services
from bookings.models import Booking, Draft, LicenceHold, Occurrence, RoomHold, WaitlistEntry
from bookings.rules import Code, Wishes
from rooms.models import LicenceGrant, MovableEquipment
from tests.bookings.requests import NOW, ask, at
from tests.bookings.test_races import assert_no_overuse, overlapping_holds
from tests.factories import Office, make_room, make_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
THREADS = 16
State = WaitlistEntry.State
_EXPECTED = (
    services.Refused,
    services.OfferLapsed,
    services.AlreadyBooked,
    services.AlreadyOver,
    services.NotAllowed,
)


@pytest.fixture(autouse=True)
def no_rows_left_behind(transactional_db: None) -> Iterator[None]:
    return


@pytest.fixture
def crowd(office: Office) -> list[User]:
    return [make_user(f"osoba.{n}@urzad.example", staff_of=[office.koszykowa]) for n in range(THREADS)]


def all_at_once(actions: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run every action in a thread of its own; return what each gave, or how it was refused. Errors fail the test."""
    gate = threading.Barrier(len(actions))

    def run(action: Callable[[], Any]) -> Any:
        gate.wait()
        try:
            return action()
        except _EXPECTED as refused:
            return refused
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


def booked(outcomes: Sequence[Any]) -> list[Booking]:
    return [outcome for outcome in outcomes if isinstance(outcome, Booking)]


def most_pieces_held() -> int:
    """Return the highest number of pieces held at one instant, asking the table rather than its guard."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(max(held), 0) FROM (SELECT sum(b.quantity) AS held FROM bookings_equipmenthold a"
            " JOIN bookings_equipmenthold b ON a.equipment_id = b.equipment_id AND b.period @> lower(a.period)"
            " WHERE a.live AND b.live GROUP BY a.id) AS instants"
        )
        return cursor.fetchone()[0]


@pytest.mark.parametrize("round_", range(2))
def test_the_last_pieces_of_equipment_go_to_as_many_as_there_are(
    office: Office, crowd: list[User], round_: int
) -> None:
    cameras = MovableEquipment.objects.create(site=office.koszykowa, name="kamera", quantity=3)
    LicenceGrant.objects.update(seats=100)
    wishes = Wishes(movable=((cameras.pk, 1),))
    rooms = [make_room(office.koszykowa, f"9.{n}") for n in range(THREADS)]
    outcomes = all_at_once(
        [
            lambda user=user, room=room: services.book(ask(user, room, wishes=wishes), by=user, now=NOW)
            for user, room in zip(crowd, rooms, strict=True)
        ]
    )
    assert len(booked(outcomes)) == 3
    assert most_pieces_held() == 3
    for refused in outcomes:
        if not isinstance(refused, Booking):
            assert [refusal.code for refusal in refused.refusals] == [Code.EQUIPMENT_NONE_FREE]


def test_sixteen_forms_hold_the_same_room_once(office: Office, crowd: list[User]) -> None:
    room = office.room("KOS/2.14")
    states = all_at_once(
        [
            lambda user=user, n=n: services.hold_draft(
                ask(user, room), submission=uuid.UUID(int=n + 1), user=user, now=NOW
            )
            for n, user in enumerate(crowd)
        ]
    )
    assert [state.held for state in states].count(True) == 1
    assert RoomHold.objects.filter(live=True).count() == 1
    losers = [state for state in states if not state.held]
    assert {tuple(refusal.code for refusal in state.refusals) for state in losers} == {(Code.ROOM_TAKEN,)}


def test_a_form_that_expired_gives_its_room_to_exactly_one(office: Office, crowd: list[User]) -> None:
    room = office.room("KOS/2.14")
    services.hold_draft(ask(office.manager, room), submission=uuid.UUID(int=1), user=office.manager, now=NOW)
    later = NOW + timedelta(minutes=10)
    outcomes = all_at_once(
        [lambda: services.forget_drafts(later)]
        + [lambda user=user: services.book(ask(user, room), by=user, now=later) for user in crowd[1:]]
    )
    assert len(booked(outcomes)) == 1
    assert overlapping_holds() == 0
    services.forget_drafts(later)
    assert Draft.objects.count() == 0


def test_a_form_is_sent_while_it_looks_again(office: Office) -> None:
    """The preview of a form and the form itself arrive together: booked once, nothing is held twice."""
    room, form = office.room("KOS/2.14"), uuid.UUID(int=1)
    request = ask(office.staff, room)
    services.hold_draft(request, submission=form, user=office.staff, now=NOW)
    outcomes = all_at_once(
        [lambda: services.hold_draft(request, submission=form, user=office.staff, now=NOW)] * 8
        + [lambda: services.book(request, by=office.staff, now=NOW, submission=form)] * 8
    )
    assert len(booked(outcomes)) == 1
    assert sum(isinstance(outcome, services.AlreadyBooked) for outcome in outcomes) == 7
    assert (Draft.objects.count(), RoomHold.objects.filter(live=True).count()) == (0, 1)


@pytest.mark.parametrize("round_", range(2))
def test_what_comes_free_is_offered_to_the_first_alone(office: Office, crowd: list[User], round_: int) -> None:
    """Everybody promotes at once: the one who cancels, and a dozen workers that run at the same time."""
    room = office.room("KOS/2.14")
    session = services.book(ask(office.manager, room), by=office.manager, now=NOW)
    entries = [services.join_waitlist(ask(user, room), by=user, now=NOW) for user in crowd[:5]]
    all_at_once(
        [lambda: services.cancel(session, by=office.manager, now=NOW)] + [lambda: services.lapse_offers(NOW)] * 15
    )
    services.lapse_offers(NOW)
    offered = [entry.pk for entry in entries if WaitlistEntry.objects.get(pk=entry.pk).state == State.OFFERED]
    assert offered == [entries[0].pk]
    assert RoomHold.objects.filter(live=True).count() == 1
    assert_no_overuse(office)


def offered(office: Office, user: User) -> WaitlistEntry:
    room = office.room("KOS/2.14")
    session = services.book(ask(office.manager, room), by=office.manager, now=NOW)
    entry = services.join_waitlist(ask(user, room), by=user, now=NOW)
    services.cancel(session, by=office.manager, now=NOW)
    return entry


def test_an_offer_is_accepted_once(office: Office) -> None:
    entry = offered(office, office.staff)
    outcomes = all_at_once([lambda: services.accept(entry, by=office.staff, now=NOW)] * THREADS)
    (winner,) = booked(outcomes)
    others = [outcome for outcome in outcomes if outcome is not winner]
    assert all(isinstance(outcome, services.AlreadyBooked) and outcome.booking == winner for outcome in others)
    assert RoomHold.objects.filter(live=True).count() == 1


@pytest.mark.parametrize("round_", range(2))
def test_accepting_against_the_end_of_the_offer_and_those_who_want_the_room(
    office: Office, crowd: list[User], round_: int
) -> None:
    """Some clocks say that the offer still stands, others that it is over: one has the room in the end."""
    entry = offered(office, office.staff)
    next_one = services.join_waitlist(ask(crowd[0], office.room("KOS/2.14")), by=crowd[0], now=NOW)
    before, after = NOW + timedelta(minutes=119), NOW + timedelta(minutes=121)
    room = office.room("KOS/2.14")
    actions: list[Callable[[], Any]] = [lambda: services.accept(entry, by=office.staff, now=before)] * 4
    actions += [lambda: services.lapse_offers(after)] * 4
    actions += [lambda user=user: services.book(ask(user, room), by=user, now=after) for user in crowd[1:9]]
    random.Random(round_).shuffle(actions)
    outcomes = all_at_once(actions)
    assert overlapping_holds() == 0
    assert len(booked(outcomes)) <= 1
    services.lapse_offers(after)
    states = [WaitlistEntry.objects.get(pk=pk).state for pk in (entry.pk, next_one.pk)]
    assert RoomHold.objects.filter(live=True, room=room).count() == 1, "a session has it, or an offer"
    if State.ACCEPTED in states:
        assert states == [State.ACCEPTED, State.WAITING]
    assert_no_overuse(office)


def test_leaving_against_accepting(office: Office, crowd: list[User]) -> None:
    entry = offered(office, office.staff)
    outcomes = all_at_once(
        [
            lambda: services.accept(entry, by=office.staff, now=NOW),
            lambda: services.leave(entry, by=office.staff, now=NOW),
        ]
        * 4
    )
    entry.refresh_from_db()
    assert len(booked(outcomes)) == (entry.state == State.ACCEPTED)
    assert RoomHold.objects.filter(live=True).count() == (entry.state == State.ACCEPTED)


@pytest.mark.long
def test_everything_at_once_on_few_rooms(office: Office, crowd: list[User]) -> None:
    """Forms open, sessions are booked and cancelled, people wait and accept: no deadlock, no overlap, no over-use."""
    rooms = [office.room(code) for code in ("KOS/2.14", "KOS/2.16", "TAB/A")]
    cameras = MovableEquipment.objects.create(site=office.koszykowa, name="kamera", quantity=2)

    def busy(n: int, user: User) -> None:
        chance = random.Random(n)
        for step in range(6):
            start = at(9 + chance.randrange(3)) + timedelta(minutes=30 * chance.randrange(2))
            wishes = Wishes(movable=((cameras.pk, 1),)) if chance.random() < 0.3 else Wishes()
            request = ask(user, *chance.sample(rooms, chance.choice((1, 1, 2))), start=start, wishes=wishes)
            form = uuid.UUID(int=100 * (n + 1) + step)
            try:
                if chance.random() < 0.5:
                    services.hold_draft(request, submission=form, user=user, now=NOW)
                booking = services.book(request, by=user, now=NOW, submission=form)
                if chance.random() < 0.6:
                    services.cancel(booking, by=user, now=NOW)
            except services.Refused:
                services.release_draft(form, user)
                entry = services.join_waitlist(request, by=user, now=NOW)
                if WaitlistEntry.objects.get(pk=entry.pk).state == State.OFFERED:
                    services.accept(entry, by=user, now=NOW)
            services.lapse_offers(NOW)

    all_at_once([lambda n=n, user=user: busy(n, user) for n, user in enumerate(crowd)])
    assert overlapping_holds() == 0
    assert most_pieces_held() <= 2
    assert_no_overuse(office)
    live = Occurrence.objects.filter(status=Occurrence.Status.CONFIRMED).exclude(room_holds__live=True)
    assert not live.exists(), "whoever was booked has a room"
    assert LicenceHold.objects.filter(live=True, occurrence__status=Occurrence.Status.CANCELLED).count() == 0
