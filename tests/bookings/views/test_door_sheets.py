"""Sheets for doors: a page for each room, with what is booked there that day and nothing of closed sessions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bookings import services
from bookings.models import Booking
from bookings.rules import Participant
from tests.bookings.requests import NOW, ask, at
from tests.bookings.views.weekly import weekly
from tests.factories import Office

ENGLISH = {"headers": {"accept-language": "en"}}


@pytest.fixture(autouse=True)
def tuesday_morning() -> Iterator[None]:
    """Tuesday 24 November 2026, 7:30 in Warsaw."""
    with time_machine.travel(datetime(2026, 11, 24, 6, 30, tzinfo=UTC), tick=False):
        yield


@pytest.fixture(autouse=True)
def everybody_reads_english(office: Office) -> None:
    for user in (office.staff, office.colleague, office.it_admin):
        user.language = "en"
        user.save()


def book(office: Office, *codes: str, **fields: object) -> Booking:
    rooms = [office.room(code) for code in codes]
    return services.book(ask(office.staff, *rooms, **fields), by=office.staff, now=NOW)


def page(client: Client, booking: Booking, query: str = "") -> str:
    response = client.get(reverse("door_sheets", args=[booking.number]) + query, **ENGLISH)
    assert response.status_code == 200
    return response.content.decode()


def sheets(html: str) -> list[str]:
    found = re.findall(r'<article class="sheet.*?</article>', html, re.S)
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", sheet)).strip() for sheet in found]


def test_each_room_has_a_sheet_with_its_day(office: Office, staff_client: Client) -> None:
    booking = book(office, "KOS/2.14", "TAB/A", start=at(11), minutes=90, title="Konsultacje")
    book(office, "KOS/2.14", start=at(9), minutes=90, title="Kontrola jakości")
    book(office, "TAB/B", start=at(9), title="Gdzie indziej")
    book(office, "KOS/2.14", start=at(9, day=datetime(2026, 11, 25)), title="Nazajutrz")
    first, second = sheets(page(staff_client, booking))
    assert first.startswith("Sala wideo 2.14 Koszykowa 16, floor 2, ")
    assert "Tuesday, 24 November 2026" in first
    assert re.search(r"9:00–10:30 Kontrola jakości Anna Wrzesińska.* 11:00–12:30 Konsultacje Anna Wrzesińska", first)
    assert "Printed 24.11.2026, 7:30." in first
    assert second.startswith("Sala wideo A")
    assert "Kontrola jakości" not in second
    for other in ("Gdzie indziej", "Nazajutrz"):
        assert other not in first + second


def test_of_a_closed_session_it_says_nothing_whoever_prints_it(office: Office, staff_client: Client) -> None:
    booking = book(office, "KOS/2.14", start=at(11), title="Sprawa Kowalskiego", is_private=True)
    [sheet] = sheets(page(staff_client, booking))
    assert "11:00–12:00 Hearing, closed session" in sheet
    assert "Kowalskiego" not in sheet
    assert "Wrzesińska" not in sheet


def test_a_series_has_the_meeting_that_is_looked_at_or_its_week(office: Office, staff_client: Client) -> None:
    series = weekly(office.staff, office.room("TAB/B"), count=3, first=at(9), title="Odprawa")
    [sheet] = sheets(page(staff_client, series, "?spotkanie=2026-12-01"))
    assert "Tuesday, 1 December 2026" in sheet
    assert "tydzien" not in page(staff_client, series)
    assert len(sheets(page(staff_client, series, "?spotkanie=2026-12-01&tydzien"))) == 1


def test_without_a_room_or_a_date_that_holds_it_says_so(office: Office, staff_client: Client) -> None:
    no_room = book(office)
    request = book(office, "KOS/3.01", start=at(14))
    gone = book(office, "TAB/A", start=at(15))
    services.cancel(gone, by=office.staff, now=NOW, reason="")
    for booking, words in (
        (no_room, "This session has no room"),
        (request, "this one is not booked"),
        (gone, "this one is not booked"),
    ):
        address = reverse("door_sheets", args=[booking.number])
        answered = staff_client.get(address, follow=True, **ENGLISH)
        assert answered.redirect_chain == [(reverse("booking_show", args=[booking.number]), 302)]
        assert words in answered.content.decode()


def test_who_may_open_the_session_may_print_and_nobody_else(
    office: Office, colleague_client: Client, staff_client: Client
) -> None:
    mine = book(office, "KOS/2.14", participants=(Participant(user_id=office.colleague.pk),))
    other = book(office, "TAB/A")
    assert len(sheets(page(colleague_client, mine))) == 1
    assert colleague_client.get(reverse("door_sheets", args=[other.number])).status_code == 404
    assert Client().get(reverse("door_sheets", args=[mine.number])).status_code == 302
    link = reverse("door_sheets", args=[mine.number])
    assert f'href="{link}"' in staff_client.get(reverse("booking_show", args=[mine.number])).content.decode()


def test_one_room_takes_as_many_queries_as_three(office: Office, staff_client: Client) -> None:
    def count(booking: Booking) -> int:
        with CaptureQueriesContext(connection) as queries:
            page(staff_client, booking)
        return len(queries)

    one = book(office, "TAB/B", start=at(9))
    three = book(office, "KOS/2.14", "TAB/A", "BIA/5", start=at(11))
    for hour in (13, 14):
        book(office, "KOS/2.14", start=at(hour))
    # What a session of the database plans once is planned by the first.
    count(one)
    assert count(one) == count(three)


def test_a_day_of_the_series_is_a_date(office: Office, staff_client: Client) -> None:
    series = weekly(office.staff, office.room("TAB/B"), count=2, first=at(9), title="Odprawa")
    address = reverse("door_sheets", args=[series.number])
    assert staff_client.get(address + "?spotkanie=kiedys").status_code == 404
    assert staff_client.get(f"{address}?spotkanie={date(2026, 11, 26)}").status_code == 404
