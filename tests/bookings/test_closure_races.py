"""Closing while people book, cancel and lift: what is closed is held by nobody else, whoever came first."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection, connections

from bookings import services
from bookings.closure_times import ClosureDraft
from bookings.models import Booking, EquipmentHold, Occurrence, RoomHold
from bookings.rules import Wishes
from rooms.models import Closure, MovableEquipment, Room
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
THREADS = 16


def at_once(actions: list[Callable[[], object]]) -> list[object]:
    """Run every action in a thread of its own; a refusal is an outcome, anything else fails the test."""
    gate = threading.Barrier(len(actions))

    def run(action: Callable[[], object]) -> object:
        gate.wait()
        try:
            return action()
        except (services.Refused, services.AlreadyOver) as refused:
            return refused
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


def overlaps() -> int:
    """Count live holds of a room that overlap, asking the table rather than its constraint."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM bookings_roomhold a JOIN bookings_roomhold b"
            " ON a.room_id = b.room_id AND a.id < b.id AND a.period && b.period WHERE a.live AND b.live"
        )
        return int(cursor.fetchone()[0])


def unheld(closure: Closure, rooms: list[Room]) -> timedelta:
    """Return how much of four hours in these rooms neither a live session nor the closure has."""
    held = RoomHold.objects.filter(room__in=rooms, live=True)
    assert not held.exclude(closure=closure).exclude(occurrence__isnull=False).exists()
    return len(rooms) * timedelta(hours=4) - sum((hold.interval.duration for hold in held), timedelta(0))


@pytest.mark.parametrize("round_", range(3))
def test_closing_against_booking(office: Office, round_: int) -> None:
    rooms = [office.room(code) for code in ("KOS/2.14", "KOS/2.16", "KOS/0.07")]
    chance = random.Random(round_)
    draft = ClosureDraft("closure", "Awaria", at(9), at(13), site_id=office.koszykowa.pk)
    wanted = [(chance.choice(rooms), at(9) + timedelta(minutes=30 * chance.randrange(7))) for _n in range(THREADS - 2)]
    bookings: list[Callable[[], object]] = [
        partial(services.book, ask(office.staff, room, start=start, minutes=30), by=office.staff, now=NOW)
        for room, start in wanted
    ]
    actions = [*bookings, *[lambda: services.close(draft, by=office.it_admin, now=NOW)] * 2]
    chance.shuffle(actions)
    outcomes = at_once(actions)
    done = [outcome for outcome in outcomes if isinstance(outcome, services.Closed)]
    assert len(done) == 2
    assert overlaps() == 0
    first = min(done, key=lambda closed: closed.closure.pk).closure
    booked = [outcome for outcome in outcomes if isinstance(outcome, Booking)]
    everything = RoomHold.objects.filter(room__in=rooms, live=True)
    assert sum((hold.interval.duration for hold in everything), timedelta(0)) == 3 * timedelta(hours=4)
    assert everything.filter(occurrence__isnull=False).count() == len(booked)
    assert everything.filter(closure=first).exists()


@pytest.mark.parametrize("round_", range(3))
def test_closing_against_cancelling_leaves_no_gap(office: Office, round_: int) -> None:
    rooms = [office.room(code) for code in ("KOS/2.14", "KOS/2.16")]
    sessions = [
        services.book(
            ask(office.staff, room, start=at(9) + timedelta(minutes=40 * n), minutes=40), by=office.staff, now=NOW
        )
        for room in rooms
        for n in range(6)
    ]
    drafts = [ClosureDraft("closure", "Awaria", at(9), at(13), room_id=room.pk) for room in rooms]
    actions: list[Callable[[], object]] = [
        partial(services.cancel, session, by=office.staff, now=NOW) for session in sessions
    ]
    actions += [partial(services.close, draft, by=office.manager, now=NOW) for draft in drafts]
    random.Random(round_).shuffle(actions)
    at_once(actions)
    for closure in Closure.objects.all():
        assert closure.room is not None
        assert unheld(closure, [closure.room]) == timedelta(0)
    assert overlaps() == 0


def test_moving_the_same_meetings_by_two_closures_moves_each_once(office: Office) -> None:
    room = office.room("KOS/2.16")
    starts = [at(9), at(10), at(11), at(12)]
    sessions = [services.book(ask(office.staff, room, start=start), by=office.staff, now=NOW) for start in starts]
    ids = [session.occurrences.get().pk for session in sessions]
    decisions = dict.fromkeys(ids, services.ClosureDecision.ROOM)
    draft = ClosureDraft("closure", "Awaria", at(9), at(13), room_id=room.pk)
    outcomes = at_once([lambda: services.close(draft, by=office.manager, now=NOW, decisions=decisions)] * 8)
    assert sum(outcome.moved for outcome in outcomes if isinstance(outcome, services.Closed)) == len(sessions)
    assert not RoomHold.objects.filter(room=room, live=True, occurrence__isnull=False).exists()
    assert RoomHold.objects.filter(occurrence__in=ids, live=True).count() == len(sessions)
    assert overlaps() == 0


@pytest.mark.parametrize("round_", range(3))
def test_lifting_against_cancelling_leaves_nothing_closed(office: Office, round_: int) -> None:
    room = office.room("KOS/2.16")
    starts = [at(9) + timedelta(minutes=30 * n) for n in range(8)]
    sessions = [
        services.book(ask(office.staff, room, start=start, minutes=30), by=office.staff, now=NOW) for start in starts
    ]
    draft = ClosureDraft("closure", "Awaria", at(9), at(13), room_id=room.pk)
    closure = services.close(draft, by=office.manager, now=NOW).closure
    actions: list[Callable[[], object]] = [
        partial(services.cancel, session, by=office.staff, now=NOW) for session in sessions
    ]
    actions += [lambda: services.lift(closure, by=office.manager, now=NOW)] * 8
    random.Random(round_).shuffle(actions)
    at_once(actions)
    assert not RoomHold.objects.filter(room=room, live=True).exists()
    assert not Occurrence.objects.filter(status=Occurrence.Status.CONFIRMED).exists()


def test_taking_equipment_away_against_booking_it(office: Office) -> None:
    camera = MovableEquipment.objects.create(site=office.koszykowa, name="Kamera", quantity=3)
    rooms = [office.room(code) for code in ("KOS/2.14", "KOS/2.16", "KOS/0.07")]
    one = Wishes(movable=((camera.pk, 1),))
    actions: list[Callable[[], object]] = [
        partial(services.book, ask(office.staff, room, start=at(hour), wishes=one), by=office.staff, now=NOW)
        for room in rooms
        for hour in (9, 10, 11, 12)
    ]
    draft = ClosureDraft("maintenance", "Serwis", at(9), at(13), equipment_id=camera.pk, quantity=2)
    actions += [partial(services.close, draft, by=office.manager, now=NOW)] * 2
    random.Random(1).shuffle(actions)
    assert sum(isinstance(outcome, services.Closed) for outcome in at_once(actions)) == 2
    for hour in (9, 10, 11, 12):
        instant = at(hour).replace(tzinfo=office.koszykowa.zone) + timedelta(minutes=30)
        held = EquipmentHold.objects.filter(live=True, period__contains=instant)
        assert sum(held.values_list("quantity", flat=True)) == 3
