"""The day board over HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bookings import services
from rooms.models import LicenceGrant, OpeningHours, Room
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office

_BOARD = "/tablica/2026-11-24/"


@pytest.fixture(autouse=True)
def tuesday_morning() -> Iterator[None]:
    """Tuesday 24 November 2026, 10:42 in Warsaw."""
    with time_machine.travel(datetime(2026, 11, 24, 9, 42, tzinfo=UTC), tick=False):
        yield


def _html(client: Client, path: str = _BOARD) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def _row(html: str, room: str) -> str:
    (row,) = [part for part in html.split('<div class="board__row"')[1:] if f">{room}</strong>" in part]
    return row


def test_today_has_its_own_address_and_the_now_line(office: Office, staff_client: Client) -> None:
    html = _html(staff_client, "/")
    assert "wtorek, 24 listopada 2026" in html
    assert "Dziś, teraz <span data-clock>10:42</span>" in html
    # 10:42 is 222 minutes after 7:00: 44 whole columns and 2 minutes.
    assert '<i class="nowline a-46 m-2" data-now></i>' in html
    assert 'href="/tablica/2026-11-23/"' in html
    assert 'href="/tablica/2026-11-25/"' in html


def test_another_day_has_no_now_line_and_leads_back(office: Office, staff_client: Client) -> None:
    html = _html(staff_client, "/tablica/2026-11-25/")
    assert "data-now" not in html
    assert re.search(r'<a class="btn btn--sm" href="/">Dziś</a>', html)


def test_a_free_stretch_leads_to_the_form_with_room_and_time(office: Office, staff_client: Client) -> None:
    services.book(ask(office.staff, office.room("KOS/2.14"), start=at(12)), by=office.staff, now=NOW)
    row = _row(_html(staff_client), "Sala wideo 2.14")
    pk = office.room("KOS/2.14").pk
    address = f"{reverse('booking_new')}?day=2026-11-24&amp;room={pk}&amp;start=10:45&amp;end=11:45"
    assert f'href="{address}"' in row
    assert "wolne 1 h 15 min" in row
    assert "wolne 5 h" in row


def test_rooms_that_need_approval_say_so_to_all_but_their_managers(
    office: Office, staff_client: Client, manager_client: Client
) -> None:
    asked = _row(_html(staff_client), "Gabinet narad 3.01")
    assert 'class="free free--ask" href="' + reverse("booking_new") in asked
    assert "free--ask" not in _row(_html(manager_client), "Gabinet narad 3.01")


def test_who_may_book_nothing_gets_no_link(office: Office) -> None:
    client = Client()
    client.force_login(office.newcomer)
    row = _row(_html(client), "Sala wideo A")
    assert 'class="free free--ask"' in row
    assert "<a " not in row


def test_a_closed_session_of_others_shows_neither_title_nor_link(
    office: Office, staff_client: Client, colleague_client: Client
) -> None:
    request = ask(office.staff, office.room("TAB/A"), title="Sprawa pana Kowalskiego", is_private=True)
    booking = services.book(request, by=office.staff, now=NOW)
    html = _html(colleague_client)
    assert "Kowalskiego" not in html
    assert booking.number not in html
    assert "Przesłuchanie, sesja niejawna" in _row(html, "Sala wideo A")
    own = _row(_html(staff_client), "Sala wideo A")
    assert "Sprawa pana Kowalskiego" in own
    assert f"/sesje/{booking.number}/" in own


def test_an_open_session_of_others_shows_its_title_without_a_link(office: Office, colleague_client: Client) -> None:
    booking = services.book(ask(office.staff, office.room("TAB/A")), by=office.staff, now=NOW)
    row = _row(_html(colleague_client), "Sala wideo A")
    assert "Konsultacje z Mazowieckim UW" in row
    assert booking.number not in row


def test_a_title_is_text_never_markup(office: Office, staff_client: Client) -> None:
    request = ask(office.staff, office.room("TAB/A"), title='<img src=x onerror="alert(1)">')
    services.book(request, by=office.staff, now=NOW)
    html = _html(staff_client)
    assert "<img" not in html
    assert "&lt;img" in html


def test_rooms_of_one_session_share_letter_and_thread(office: Office, staff_client: Client) -> None:
    rooms = [office.room("KOS/2.14"), office.room("TAB/A"), office.room("BIA/5")]
    services.book(ask(office.staff, *rooms, start=at(11)), by=office.staff, now=NOW)
    html = _html(staff_client)
    parts = {
        name: re.findall(r"thread--(\w+) th-1 a-50", _row(html, name))
        for name in ("Sala wideo 2.14", "Sala wideo 2.16")
    }
    assert parts == {"Sala wideo 2.14": ["from"], "Sala wideo 2.16": ["pass"]}
    assert "sesja A łączy 3 sale" in html
    assert html.count('<span class="badge">A</span>') == 3


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", 12),
        ("?site=TAB", 5),
        ("?seats=20", 4),
        ("?with=petla-indukcyjna", 2),
        ("?with=petla-indukcyjna&with=kamera-dokumentowa", 1),
        ("?site=TAB&seats=20&with=petla-indukcyjna", 1),
        ("?seats=-1&with=", 12),
        ("?seats=99999999999999999999", 12),
        ("?free=now", 11),
    ],
)
def test_filters_of_the_address_choose_rooms(office: Office, staff_client: Client, query: str, expected: int) -> None:
    services.book(ask(office.staff, office.room("TAB/A"), start=at(10), minutes=120), by=office.staff, now=NOW)
    assert _html(staff_client, "/" + query).count('<div class="board__row"') == expected


def test_links_keep_the_filters(office: Office, staff_client: Client) -> None:
    html = _html(staff_client, "/?site=TAB&seats=10")
    assert 'href="/tablica/2026-11-25/?site=TAB&amp;seats=10"' in html
    assert 'href="/?site=TAB&amp;seats=10&amp;with=dostepna"' in html
    assert '<input type="hidden" name="site" value="TAB">' in html


def test_when_nothing_fits_each_filter_can_be_taken_away(office: Office, staff_client: Client) -> None:
    html = _html(staff_client, "/?site=BIA&with=petla-indukcyjna")
    assert "Żadna sala nie spełnia filtrów" in html
    assert 'href="/?site=BIA"' in html
    assert 'href="/?with=petla-indukcyjna"' in html


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("25.11.2026", "/tablica/2026-11-25/"),
        ("25.11", "/tablica/2026-11-25/"),
        ("2026-11-24", "/"),
        ("śr. 25.11", "/tablica/2026-11-25/"),
        ("jutro", "/tablica/2026-11-25/"),
        ("3 grudnia", "/tablica/2026-12-03/"),
        ("", "/"),
    ],
)
def test_the_date_field_leads_to_the_day(office: Office, staff_client: Client, text: str, address: str) -> None:
    assert staff_client.get("/", {"day": text, "site": "TAB"})["Location"] == f"{address}?site=TAB"


def test_a_day_on_which_all_is_closed_offers_the_next_one(office: Office, staff_client: Client) -> None:
    html = _html(staff_client, "/tablica/2026-11-29/")
    assert "Tego dnia sale są zamknięte" in html
    assert "poniedziałek, 30 listopada 2026" in html
    assert 'href="/tablica/2026-11-30/"' in html


def test_a_session_on_a_closed_day_is_shown_all_the_same(office: Office, staff_client: Client) -> None:
    services.book(ask(office.staff, office.room("TAB/A")), by=office.staff, now=NOW)
    OpeningHours.objects.all().delete()
    assert "Konsultacje z Mazowieckim UW" in _html(staff_client)


def test_the_licence_strip_says_near_and_full(office: Office, staff_client: Client) -> None:
    LicenceGrant.objects.update(seats=9)
    codes = ["KOS/2.14", "KOS/2.16", "KOS/0.07", "KOS/3.01", "TAB/A", "TAB/B", "TAB/0.18", "BIA/5", "BIA/SW"]
    for index, code in enumerate(codes):
        minutes = 60 if index == 8 else 120
        by = office.it_admin
        request = ask(by, office.room(code), start=at(12), minutes=minutes)
        services.book(request, by=by, now=NOW)
    html = _html(staff_client)
    assert 'aria-label="12:00–13:00: w użyciu 9 z 9 licencji"' in html
    strip = re.findall(r'class="lic a-(\d+) v-(\d+)([^"]*)"', html)
    assert strip[5:7] == [("62", "10", " lic--full"), ("74", "9", " lic--near")]
    assert "9 brak</span>" in html


def test_the_number_of_queries_does_not_grow_with_rooms_and_sessions(office: Office, staff_client: Client) -> None:
    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            _html(staff_client)
        return len(queries)

    count()  # Prepares statements, which is no query of the page.
    services.book(ask(office.staff, office.room("TAB/A")), by=office.staff, now=NOW)
    few = count()
    assert count() == few - 1, "a day that has not changed is read once"
    for code in ("TAB/B", "KOS/2.14", "KOS/2.16", "BIA/5"):
        services.book(ask(office.staff, office.room(code), start=at(13)), by=office.staff, now=NOW)
    for number in range(20):
        Room.objects.create(site=office.taborowa, code=f"X{number}", name=f"Sala X{number}", seats=5)
    assert count() == few + 1
    services.book(ask(office.staff, office.room("TAB/A"), start=at(15)), by=office.staff, now=NOW)
    assert count() == few
    # Session with user and roles, marks with navigation, what holds rooms; the office is kept while nobody changes it.
    assert few == 3


def test_english_from_top_to_bottom(office: Office, staff_client: Client) -> None:
    staff_client.post(reverse("preferences"), {"language": "en"})
    html = _html(staff_client)
    assert "Tuesday, 24 November 2026" in html
    assert "free 7 h 15 min" in html
