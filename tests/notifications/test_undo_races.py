"""Undoing against everybody else, with real threads: one of two wins, whole, and nobody is left with half the news."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import defaultdict
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from django.db import connection

from bookings import services
from bookings.models import Booking, Draft, RoomHold
from bookings.rules import Scope
from notifications.delivery import deliver_due
from notifications.models import Message
from tests.at_once import at_once as together
from tests.bookings.requests import NOW, ask
from tests.bookings.series import meetings, weekly
from tests.bookings.undoing import HALF_A_MINUTE, cancel, kinds_of, rows_of, temporary_holds, undo
from tests.factories import Office
from tests.notifications.outbox_rows import MAZ, MIGRI, invited
from tests.notifications.test_restoring import FINAL, LATER, wire
from tests.servers import ROOT, MailServer, environment, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
_REFUSED = (services.Refused, services.AlreadyOver, services.UndoTooLate)
GUESTS = [MIGRI, MAZ, *(f"gosc{number}@urzad.example" for number in range(8))]
ROUNDS = 6


at_once = partial(together, expected=_REFUSED)


def overlapping() -> int:
    """Count pairs of live holds of one room that overlap, asking the table rather than its constraint."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM bookings_roomhold a JOIN bookings_roomhold b"
            " ON a.room_id = b.room_id AND a.id < b.id AND a.period && b.period AND a.live AND b.live"
        )
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize("number", range(ROUNDS))
def test_undoing_while_mails_leave(open_office: Office, smtp: MailServer, number: int) -> None:
    """Whatever the workers' clock says: who has the cancellation has the invitation after it."""
    booking = invited(open_office, *GUESTS)
    event = cancel(booking)
    undone, *_ = at_once(lambda: undo(event, seconds=29), *[lambda: deliver_due(FINAL) for _ in range(number % 3 + 1)])
    assert undone.status == "confirmed"
    for minutes in range(1, 200, 20):
        deliver_due(NOW + timedelta(minutes=minutes))
    assert not Message.objects.filter(state__in=Message.UNFINISHED).exists()
    heard: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for who, method, sequence in wire(smtp):
        heard[who].append((method, sequence))
    for mails in heard.values():
        assert mails in ([("CANCEL", 1), ("REQUEST", 2)], [("REQUEST", 2)])


@pytest.mark.parametrize("number", range(ROUNDS))
def test_undoing_against_somebody_who_wants_the_room(open_office: Office, number: int) -> None:
    booking = invited(open_office, MIGRI)
    before = rows_of(booking)
    event = cancel(booking)
    # As if it were over already for whoever books: their machine's clock is ahead.
    now = FINAL if number % 2 else NOW
    wanted = ask(open_office.manager, open_office.room("KOS/2.14"))
    undone, booked = at_once(
        lambda: undo(event, seconds=29), lambda: services.book(wanted, by=open_office.manager, now=now)
    )
    booking.refresh_from_db()
    assert overlapping() == 0
    if isinstance(undone, Booking):
        assert isinstance(booked, services.Refused)
        assert rows_of(booking) == before
    else:
        assert isinstance(booked, Booking)
        assert booking.status == "cancelled"
        assert [refusal.code for refusal in undone.refusals] == ["room_taken"]


def test_two_who_undo_at_once_do_it_once(open_office: Office) -> None:
    booking = invited(open_office, MIGRI)
    before = rows_of(booking)
    event = cancel(booking)
    first, second = at_once(lambda: undo(event), lambda: undo(event, by=open_office.manager))
    assert (first.version, second.version) == (3, 3)
    assert list(kinds_of(booking)) == ["booked", "cancelled", "restored"]
    assert rows_of(booking) == before


@pytest.mark.parametrize("number", range(ROUNDS))
def test_undoing_against_another_who_cancels(open_office: Office, number: int) -> None:
    booking = invited(open_office, MIGRI)
    before = rows_of(booking)
    event = cancel(booking)
    undone, cancelled = at_once(
        lambda: undo(event),
        lambda: services.cancel(booking, by=open_office.manager, now=NOW + timedelta(seconds=20)),
    )
    assert isinstance(undone, Booking)
    booking.refresh_from_db()
    if isinstance(cancelled, Booking):
        assert booking.status == "cancelled"
        assert not RoomHold.objects.filter(live=True).exists()
    else:
        assert rows_of(booking) == before
    assert temporary_holds() == [0, 0, 0]


def test_undoing_one_meeting_against_cancelling_another(open_office: Office) -> None:
    booking = invited(open_office, MIGRI, series=weekly(4))
    first, second = meetings(booking)[:2]
    event = cancel(booking, scope=Scope.ONE, occurrence=first)
    later = NOW + timedelta(seconds=5)
    undone, other = at_once(
        lambda: undo(event, seconds=5),
        lambda: services.cancel(
            booking, by=open_office.staff, now=later, scope=Scope.ONE, occurrence=second, undo_for=HALF_A_MINUTE
        ),
    )
    assert isinstance(other, Booking)
    booking.refresh_from_db()
    off = [item["on"] for item in booking.skipped]
    assert off == (["2026-12-01"] if isinstance(undone, Booking) else ["2026-11-24", "2026-12-01"])
    assert len(meetings(booking)) == 4 - len(off)


@pytest.mark.parametrize("_number", range(ROUNDS))
def test_undoing_against_the_end_of_the_window(open_office: Office, _number: int) -> None:
    """Neither waits for the other in a circle: both take rooms first, then the window, then what it holds."""
    booking = invited(open_office, MIGRI)
    before = rows_of(booking)
    services.join_waitlist(ask(open_office.manager, open_office.room("KOS/2.14")), by=open_office.manager, now=NOW)
    event = cancel(booking)
    undone, _ended = at_once(lambda: undo(event, seconds=29), lambda: services.lapse_offers(FINAL))
    booking.refresh_from_db()
    assert overlapping() == 0
    assert not Draft.objects.exists()
    if isinstance(undone, Booking):
        assert rows_of(booking) == before
    else:
        assert booking.status == "cancelled"


_CANCEL = """
import django; django.setup()
from datetime import timedelta
from bookings import services
from bookings.models import Booking
from tests.bookings.requests import NOW
booking = Booking.objects.get()
services.cancel(booking, by=booking.organizer, now=NOW, undo_for=timedelta(seconds=30))
print("done", flush=True)
import time; time.sleep(60)
"""


def test_a_process_killed_in_the_window_leaves_all_that_is_needed(
    open_office: Office, smtp: MailServer, tmp_path: Path
) -> None:
    booking = invited(open_office, MIGRI)
    before = rows_of(booking)
    process = subprocess.Popen([sys.executable, "-c", _CANCEL], cwd=ROOT, env=environment(tmp_path, EMAIL_URL=smtp.url))
    wait_until(lambda: Booking.objects.get().status == "cancelled", timeout_seconds=30)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    undo(booking.events.latest("pk"))
    assert rows_of(booking) == before
    event = cancel(booking, now=NOW + timedelta(minutes=5))
    assert event.final_at is not None
    deliver_due(LATER)
    services.lapse_offers(LATER)
    assert [method for _who, method, _sequence in wire(smtp)] == ["CANCEL", "CANCEL"]
    assert not RoomHold.objects.filter(live=True).exists()
