"""The waiting list over HTTP: place in line, offers, taking and declining them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from bookings import services
from bookings.models import Booking, WaitlistEntry
from bookings.recurrence import Frequency, Pattern
from bookings.rules import Decision, Series
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office

LIST = "/oczekujace/"


@pytest.fixture(autouse=True)
def monday_morning(office: Office) -> Iterator[time_machine.Traveller]:
    """Monday 9 November 2026, 8:30 in Warsaw; everybody reads English."""
    User.objects.update(language="en")
    with time_machine.travel(datetime(2026, 11, 9, 7, 30, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def taken(office: Office) -> Booking:
    """The IT admin's, 10:00–11:00 on 24 November in Koszykowa 2.14."""
    return services.book(ask(office.it_admin, office.room("KOS/2.14")), by=office.it_admin, now=NOW)


def _wait(office: Office, who: User, *, minutes: int = 60, title: str = "Szkolenie", hour: int = 10) -> WaitlistEntry:
    request = ask(who, office.room("KOS/2.14"), minutes=minutes, title=title, start=at(hour))
    return services.join_waitlist(request, by=who, now=NOW)


def _offer(office: Office, taken: Booking, who: User) -> WaitlistEntry:
    entry = _wait(office, who)
    services.cancel(taken, by=office.it_admin, now=NOW + timedelta(minutes=25))
    entry.refresh_from_db()
    assert entry.state == WaitlistEntry.State.OFFERED
    return entry


def _text(client: Client) -> str:
    response = client.get(LIST)
    assert response.status_code == 200
    main = re.search(r"<main.*</main>", response.content.decode(), re.DOTALL)
    assert main
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main[0]))


def test_the_page_says_for_what_and_at_which_place_one_waits(
    office: Office, taken: Booking, staff_client: Client, colleague_client: Client
) -> None:
    _wait(office, office.colleague)
    _wait(office, office.staff)
    assert "first in line" in _text(colleague_client)
    mine = _text(staff_client)
    assert "1 person is before you" in mine
    assert "Szkolenie" in mine
    assert "Tuesday, 24 November 2026, 10:00–11:00" in mine
    assert "Sala wideo 2.14" in mine


def test_the_place_counts_those_who_want_the_same_room_at_that_time_alone(
    office: Office, taken: Booking, staff_client: Client
) -> None:
    services.book(ask(office.it_admin, office.room("KOS/2.14"), start=at(14)), by=office.it_admin, now=NOW)
    services.book(ask(office.it_admin, office.room("KOS/2.16")), by=office.it_admin, now=NOW)
    _wait(office, office.colleague, hour=14)
    elsewhere = ask(office.manager, office.room("KOS/2.16"))
    services.join_waitlist(elsewhere, by=office.manager, now=NOW)
    _wait(office, office.staff)
    assert "first in line" in _text(staff_client)


def test_a_date_of_a_series_names_the_series(office: Office, taken: Booking, staff_client: Client) -> None:
    weekly = Pattern(Frequency.WEEKLY, weekdays=(1,), count=3)
    skip = Decision(at(10).date(), "skip")
    asked = ask(office.staff, office.room("KOS/2.14"), series=Series(weekly, decisions=(skip,)), title="Co wtorek")
    series = services.book(asked, by=office.staff, now=NOW)
    without = replace(asked, series=Series(weekly))
    services.join_waitlist(without, by=office.staff, now=NOW, booking=series, on=at(10).date())
    assert "a date of the series Co wtorek" in _text(staff_client)
    services.cancel(taken, by=office.it_admin, now=NOW + timedelta(minutes=25))
    assert "a date of the series Co wtorek" in _text(staff_client)
    entry = WaitlistEntry.objects.get()
    assert staff_client.post(reverse("waiting_accept", args=[entry.pk])).url == f"/sesje/{series.number}/"
    assert series.occurrences.filter(status="confirmed").count() == 3


def test_nobody_waits_for_anything_at_first(staff_client: Client) -> None:
    text = _text(staff_client)
    assert "You are not waiting for anything" in text


def test_an_offer_is_taken_with_one_button(office: Office, taken: Booking, staff_client: Client) -> None:
    entry = _offer(office, taken, office.staff)
    assert "held until today" in _text(staff_client)
    response = staff_client.post(reverse("waiting_accept", args=[entry.pk]))
    booking = Booking.objects.get(organizer=office.staff)
    assert response.url == reverse("booking_show", args=[booking.number])
    assert booking.status == Booking.Status.CONFIRMED
    again = staff_client.post(reverse("waiting_accept", args=[entry.pk]))
    assert again.url == response.url
    assert Booking.objects.filter(organizer=office.staff).count() == 1


def test_a_declined_offer_goes_to_the_next(
    office: Office, taken: Booking, staff_client: Client, colleague_client: Client
) -> None:
    first = _wait(office, office.staff)
    second = _wait(office, office.colleague)
    services.cancel(taken, by=office.it_admin, now=NOW + timedelta(minutes=25))
    staff_client.post(reverse("waiting_leave", args=[first.pk]))
    second.refresh_from_db()
    assert second.state == WaitlistEntry.State.OFFERED
    assert "1 offer for you" in _text(colleague_client)
    assert "You are not waiting for anything" in _text(staff_client)


def test_an_offer_that_ended_says_so_and_books_nothing(
    office: Office, taken: Booking, staff_client: Client, monday_morning: time_machine.Traveller
) -> None:
    entry = _offer(office, taken, office.staff)
    monday_morning.move_to(datetime(2026, 11, 20, 7, 0, tzinfo=UTC))
    staff_client.force_login(office.staff)
    response = staff_client.post(reverse("waiting_accept", args=[entry.pk]), follow=True)
    assert "This offer has ended" in response.content.decode()
    assert not Booking.objects.filter(organizer=office.staff).exists()


def test_leaving_twice_does_no_harm(office: Office, taken: Booking, staff_client: Client) -> None:
    entry = _wait(office, office.staff)
    for _ in range(2):
        assert staff_client.post(reverse("waiting_leave", args=[entry.pk])).status_code == 302
    entry.refresh_from_db()
    assert entry.state == WaitlistEntry.State.WITHDRAWN


@pytest.mark.parametrize("address", ["waiting_accept", "waiting_leave"])
def test_another_persons_entry_is_not_there(
    office: Office, taken: Booking, colleague_client: Client, admin_client: Client, address: str
) -> None:
    entry = _wait(office, office.staff)
    for client in (colleague_client, admin_client):
        assert client.post(reverse(address, args=[entry.pk])).status_code == 404
        assert client.get(reverse(address, args=[entry.pk])).status_code == 405
    assert Client().post(reverse(address, args=[entry.pk])).url.startswith("/konto/")
    entry.refresh_from_db()
    assert entry.state == WaitlistEntry.State.WAITING


def test_waiting_for_more_costs_no_more_queries(office: Office, taken: Booking, staff_client: Client) -> None:
    counts = []
    for lengths in ([60], [45, 30]):
        for minutes in lengths:
            _wait(office, office.staff, minutes=minutes)
        with CaptureQueriesContext(connection) as queries:
            _text(staff_client)
        counts.append(len(queries))
    assert counts[0] == counts[1]
