"""Others who write past the services' locks: nobody who books ever hears of a deadlock or of a constraint."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, connections, transaction

from bookings import services
from bookings.models import Booking, Occurrence, RoomHold, as_range
from bookings.rules import Code
from tests.bookings.requests import NOW, ask
from tests.bookings.series import ask_series, held, meetings
from tests.factories import Office

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
ROOM = "KOS/2.14"


@pytest.fixture(autouse=True)
def no_rows_left_behind(transactional_db: None) -> Iterator[None]:
    return


@contextmanager
def meanwhile(action: Callable[[], None]) -> Iterator[None]:
    """Run the action in a thread of its own for the length of the block."""

    def run() -> None:
        try:
            action()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    yield
    thread.join()


def wait_for_a_waiter() -> None:
    """Return as soon as some transaction waits for a lock."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.01)
    raise AssertionError("nobody waited")


def execute(sql: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def test_deadlock_with_somebody_who_locks_the_other_way_round(office: Office) -> None:
    room = office.room(ROOM)
    pool_is_locked = threading.Event()

    def lock_pool_then_room() -> None:
        with transaction.atomic():
            execute("SELECT FROM rooms_licencepool FOR UPDATE")
            pool_is_locked.set()
            wait_for_a_waiter()
            execute("SELECT FROM rooms_room WHERE id = %s FOR UPDATE", room.pk)

    with meanwhile(lock_pool_then_room):
        assert pool_is_locked.wait(10)
        booking = services.book(ask_series(office.staff, room), by=office.staff, now=NOW)
    assert len(held(booking)) == 5


@pytest.mark.parametrize("stays", [True, False])
def test_hold_that_somebody_writes_past_the_locks(office: Office, stays: bool) -> None:
    """It stays: the booking is refused in the judge's words. It is undone: the booking never knew of it."""
    room = office.room(ROOM)
    other = services.book(ask(office.manager), by=office.manager, now=NOW)
    third = meetings(services.book(ask_series(office.staff), by=office.staff, now=NOW))[2]
    hold_is_written = threading.Event()

    def write() -> None:
        with transaction.atomic():
            meeting = Occurrence.objects.get(booking=other)
            RoomHold.objects.create(occurrence=meeting, room=room, period=as_range(third.interval))
            hold_is_written.set()
            wait_for_a_waiter()
            transaction.set_rollback(not stays)

    with meanwhile(write):
        assert hold_is_written.wait(10)
        try:
            services.book(ask_series(office.staff, room), by=office.staff, now=NOW)
        except services.Refused as refused:
            codes = [(refusal.code, refusal.on) for refusal in refused.refusals]
            assert codes == [(Code.ROOM_TAKEN, third.starts_at.date())]
            assert stays
        else:
            assert not stays
    assert Booking.objects.count() == (2 if stays else 3)
