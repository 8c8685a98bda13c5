"""Erasing beside everything else: real threads on real PostgreSQL, and processes that are killed on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from accounts.models import Erasure
from bookings import services
from bookings.models import Attendee, Booking, BookingEvent
from bookings.rules import Participant
from notifications import erasing
from notifications.models import Message
from tests.at_once import at_once as together
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office, make_office
from tests.notifications.guest_data import ADDRESS, LONG_AFTER, NAME, found_in_database, person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]

ROOT = Path(__file__).resolve().parents[2]
NEXT_YEAR = at(10, day=at(0).replace(year=2027))


@pytest.fixture
def office(transactional_db: None, settings: Any) -> Office:
    settings.GUEST_DATA_DAYS = 90
    return make_office()


@pytest.fixture(autouse=True)
def no_rows_left_behind(transactional_db: None) -> Iterator[None]:
    return


at_once = partial(together, expected=(erasing.ChangedMeanwhile, services.Refused))


def book(office: Office, *people: Participant, hour: int = 10, **fields: Any) -> Booking:
    request = ask(office.staff, start=fields.pop("start", at(hour)), participants=people or (person(),), **fields)
    return services.book(request, by=office.staff, now=NOW)


def whole(attendee: Attendee) -> bool:
    """Say whether a participant is one thing or the other: known by everything, or by nothing."""
    erased = (attendee.name, attendee.email) == ("", f"erased-{attendee.pk}@erased.invalid")
    return erased == (attendee.erased_at is not None) and (erased or (attendee.name, attendee.email) == (NAME, ADDRESS))


@pytest.mark.parametrize("round_", range(4))
def test_who_is_invited_at_the_same_moment_is_invited_whole(office: Office, round_: int) -> None:
    old = book(office).attendees.get(email=ADDRESS)
    _done, new = at_once(lambda: erasing.erase_due(LONG_AFTER), lambda: book(office, start=NEXT_YEAR))
    fresh = new.attendees.get(is_organizer=False)
    assert (fresh.email, fresh.name, fresh.erased_at) == (ADDRESS, NAME, None)
    assert Message.objects.filter(attendee=fresh, kind="invitation", recipient=ADDRESS, state="queued").count() == 1
    assert whole(Attendee.objects.get(pk=old.pk))


@pytest.mark.parametrize("round_", range(4))
def test_who_asks_while_somebody_invites_them_is_erased_or_told(office: Office, round_: int) -> None:
    old = book(office).attendees.get(email=ADDRESS)
    asked, new = at_once(
        lambda: erasing.ask_by_guest(old, is_whole=True, now=LONG_AFTER), lambda: book(office, start=NEXT_YEAR)
    )
    assert all(whole(attendee) for attendee in Attendee.objects.filter(user=None))
    if not isinstance(asked, erasing.ChangedMeanwhile):
        assert Attendee.objects.get(pk=old.pk).erased_at == LONG_AFTER
    fresh = new.attendees.get(is_organizer=False)
    waiting = Message.objects.filter(attendee=fresh, state="queued")
    assert waiting.exists() == (fresh.erased_at is None)


@pytest.mark.parametrize("round_", range(3))
def test_a_session_that_moves_into_the_future_keeps_its_people(office: Office, round_: int) -> None:
    """Of moving and erasing one is first; whoever still takes part is not erased."""
    booking = book(office)
    moved = ask(office.staff, start=NEXT_YEAR, participants=(person(),))
    at_once(
        lambda: services.change(booking, moved, by=office.staff, now=NOW, version=booking.version),
        lambda: erasing.erase_due(LONG_AFTER),
    )
    attendees = list(Attendee.objects.filter(booking=booking, user=None))
    assert all(whole(attendee) for attendee in attendees)


def test_two_runs_at_once_erase_each_person_once(office: Office) -> None:
    for hour in range(8, 12):
        book(office, Participant(email=f"gosc{hour}@osoba.example", name="Gość", language="pl"), hour=hour)
    at_once(*[lambda: erasing.erase_due(LONG_AFTER)] * 3)
    assert Attendee.objects.filter(user=None, erased_at=None).count() == 0
    assert BookingEvent.objects.filter(kind="data_erased").count() == 4
    assert sum(Erasure.objects.values_list("people", flat=True)) == 4


_RUN = """
import django; django.setup()
from datetime import datetime
from notifications import erasing
erasing.TOGETHER = 1
erasing.erase_due(datetime.fromisoformat(%r))
"""


@pytest.mark.long
def test_a_run_that_is_killed_leaves_nobody_half_erased_and_the_next_one_goes_on(office: Office) -> None:
    for number in range(30):
        guest = Participant(email=f"gosc{number}@osoba.example", name=f"Gość {number}", language="pl")
        book(office, guest, start=at(8 + number // 10) - timedelta(days=number % 10))
    database = connection.settings_dict["NAME"]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings_test",
        "DATABASE_URL": os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{database}",
        "GUEST_DATA_DAYS": "90",
    }
    command = [sys.executable, "-c", _RUN % LONG_AFTER.isoformat()]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 30
        while not 1 <= _erased() < 30 and time.monotonic() < until and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    done = _erased()
    assert done >= 1
    events = BookingEvent.objects.filter(kind="data_erased").count()
    assert (events, Erasure.objects.get().people) == (done, done)
    erasing.erase_due(LONG_AFTER)
    assert _erased() == 30
    assert found_in_database("osoba.example") == []
    assert BookingEvent.objects.filter(kind="data_erased").count() == 30


def _erased() -> int:
    return Attendee.objects.filter(erased_at__isnull=False).count()
