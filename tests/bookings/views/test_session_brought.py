"""What the page of a session says of whom guests bring along: beside their names, and in the history."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bookings import services
from tests.bookings.answering import LATER, MIGRI, book, guest
from tests.bookings.parties import EWA, JAN, of_one_meeting, send
from tests.bookings.series import meetings
from tests.bookings.views.test_session_answers import line_of, page, text
from tests.factories import Office

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def they_read_english(office: Office) -> None:
    office.staff.language = "en"
    office.staff.save()


@pytest.fixture(autouse=True)
def afternoon() -> object:
    with time_machine.travel(LATER + 4 * HOUR, tick=False):
        yield


def test_who_comes_in_whose_place_stands_beside_the_names(office: Office, staff_client: Client) -> None:
    booking = book(office)
    send(guest(booking, MIGRI))
    html = page(staff_client, booking)
    assert "in the place of Finnish Immigration Service (Migri)" in text(html)
    assert "sends Ewa Kos" in line_of(html, "Finnish Immigration Service (Migri)")
    assert "Finnish Immigration Service (Migri) sends Ewa Kos instead." in text(html)


def test_every_kind_of_coming_and_going_is_told(office: Office, staff_client: Client) -> None:
    booking = book(office)
    maz, migri = guest(booking), guest(booking, MIGRI)
    ewa = send(maz)
    services.take_back(maz, named=ewa, now=LATER + HOUR)
    [_ewa, jan] = services.register(maz, [EWA, JAN], now=LATER + HOUR)
    services.take_back(maz, named=jan, now=LATER + HOUR)
    services.correct_own_address(migri, "m@migri.example", now=LATER + HOUR)
    services.leave_session(maz, now=LATER + 2 * HOUR)
    said = text(page(staff_client, booking))
    office_name = "Mazowiecki Urząd Wojewódzki"
    for words in (
        f"{office_name} sends Ewa Kos instead.",
        f"{office_name} no longer sends anybody instead; no longer invited: Ewa Kos.",
        f"{office_name} registered: Ewa Kos, Jan Nowak.",
        f"{office_name} took off the list: Jan Nowak.",
        "Corrected their own address: Finnish Immigration Service (Migri).",
        f"Left the list: {office_name}.",
    ):
        assert words in said


def test_who_is_replaced_is_named_and_a_meeting_has_its_date(office: Office, staff_client: Client) -> None:
    booking = book(office, series=True)
    meeting = meetings(booking)[1]
    own = of_one_meeting(booking, meeting)
    send(own)
    send(own, JAN, minutes=1)
    html = page(staff_client, booking, "?spotkanie=2026-12-01")
    assert "1 December: raz@gmina.example sends Jan Nowak instead. No longer invited: Ewa Kos." in text(html)
    assert "in the place of raz@gmina.example" in text(html)


def test_one_and_three_who_were_brought_take_the_same_queries(office: Office, staff_client: Client) -> None:
    booking = book(office)

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            page(staff_client, booking)
        return len(queries)

    services.register(guest(booking), [EWA], now=LATER)
    page(staff_client, booking)
    one = count()
    services.register(guest(booking), [JAN, ("", "k@mazowiecki.example")], now=LATER)
    assert count() == one
