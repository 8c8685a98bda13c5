"""The page of the search for sessions: what it shows to whom, marks, pages, ways on, and whatever is typed."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from bookings import search_walk, services
from bookings.rules import Participant
from bookings.views.session_search_form import read_place, write_place
from tests.bookings.requests import NOW, ask, at
from tests.bookings.views.weekly import weekly
from tests.factories import Office

pytestmark = pytest.mark.django_db
SEARCH = reverse("session_search")


@pytest.fixture(autouse=True)
def today() -> object:
    with time_machine.travel(NOW, tick=False):
        yield


def page(client: Client, status: int = 200, **query: str) -> str:
    answer = client.get(SEARCH, query)
    assert answer.status_code == status
    assert "no-store" in answer["Cache-Control"]
    return answer.content.decode()


def links(html: str) -> list[str]:
    """Return where the lines of the list lead."""
    return re.findall(r'class="agenda__main"><a href="([^"]+)"', html)


def test_the_page_wants_a_signed_in_user() -> None:
    answer = Client().get(SEARCH, {"q": "x"})
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, reverse("account_login"))


def test_what_matched_is_marked_and_leads_to_the_session(staff_client: Client, office: Office) -> None:
    people = (Participant(email="ktos@gmina.example", name="Józef Ćwik"),)
    request = ask(office.staff, office.room("KOS/2.14"), title="Łódzki <b> & ćwiczenia", participants=people)
    booking = services.book(request, by=office.staff, now=NOW)
    html = page(staff_client, q="lodz cwi")
    assert "<mark>Łódz</mark>ki &lt;b&gt; &amp; <mark>ćwi</mark>czenia" in html
    assert "Józef <mark>Ćwi</mark>k" in html
    assert links(html) == [reverse("booking_show", args=[booking.number])]
    assert "<b>" not in html


def test_an_address_that_matched_stands_beside_the_name(staff_client: Client, office: Office) -> None:
    people = (Participant(email="ktos@gmina.example", name="Józef Ćwik"),)
    services.book(ask(office.staff, participants=people), by=office.staff, now=NOW)
    assert "Józef Ćwik (ktos@<mark>gmina</mark>.example)" in page(staff_client, q="gmina")


def test_sessions_of_others_lead_to_the_board(colleague_client: Client, office: Office) -> None:
    people = (Participant(email="ktos@gmina.example", name="Józef Odprawa"),)
    room = office.room("KOS/2.14")
    services.book(ask(office.staff, room, title="Odprawa", participants=people), by=office.staff, now=NOW)
    services.book(ask(office.staff, room, start=at(12), title="Odprawa", is_private=True), by=office.staff, now=NOW)
    html = page(colleague_client, q="odprawa")
    assert links(html) == ["/tablica/2026-11-24/"]
    assert "Józef" not in html
    assert office.staff.name not in html


def test_a_meeting_of_a_series_leads_to_that_meeting(staff_client: Client, office: Office) -> None:
    series = weekly(office.staff, count=3, title="Odprawa")
    (link,) = links(page(staff_client, q="odprawa czw. 3.12"))
    assert link == reverse("booking_show", args=[series.number]) + "?spotkanie=2026-12-03"


def test_a_day_without_a_year_says_how_it_was_read(staff_client: Client, office: Office) -> None:
    html = page(staff_client, q="3 grudnia")
    assert "śr. 3 gru 2025; czw. 3 gru 2026; pt. 3 gru 2027" in html


def test_past_and_to_come_have_parts_and_pages_follow_each_other(staff_client: Client, office: Office) -> None:
    for index in range(23):
        start = at(9, day=datetime(2026, 11, 9)) + timedelta(minutes=30 * index)
        services.book(ask(office.staff, start=start, minutes=30, title=f"Odprawa {index}"), by=office.staff, now=NOW)
    with time_machine.travel(NOW + timedelta(hours=7), tick=False):
        first = page(staff_client, q="odprawa")
        (then,) = re.findall(r'rel="next" href="\?q=odprawa&amp;after=([^"]+)"', first)
        second = page(staff_client, q="odprawa", after=then)
    times = re.findall(r'agenda__time num">([0-9]+):([0-9]+)', first)
    starts = [int(hour) * 60 + int(minute) for hour, minute in times]
    assert starts == [*range(15 * 60, 20 * 60 + 30, 30), *range(14 * 60 + 30, 14 * 60 + 30 - 9 * 30, -30)]
    assert len(links(first)) == 20
    assert len(links(second)) == 3
    assert not set(links(first)) & set(links(second))


def test_nothing_found_offers_ways_on(staff_client: Client, office: Office) -> None:
    html = page(staff_client, q="nieznany 3 grudnia", state="past")
    assert f'href="{SEARCH}?q=nieznany+3+grudnia"' in html
    assert 'href="/tablica/2026-12-03/"' in html
    assert f'href="{reverse("room_find")}?day=2026-12-03"' in html


def test_who_may_book_nothing_is_not_sent_to_free_rooms(office: Office) -> None:
    client = Client()
    client.force_login(office.newcomer)
    assert f'class="btn" href="{reverse("room_find")}' not in page(client, q="nieznany")


def test_a_search_that_stops_on_the_way_can_go_on(
    staff_client: Client, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_walk, "FEW", -1)
    monkeypatch.setattr(search_walk, "STEP", 1)
    for hour in range(8, 16):
        services.book(ask(office.staff, start=at(hour), title=f"Odprawa {hour}"), by=office.staff, now=NOW)
    html = page(staff_client, q="odprawa 15")
    (then,) = re.findall(r'href="\?q=odprawa\+15&amp;after=([^"]+)"', html)
    assert links(html) == []
    for _step in range(9):
        html = page(staff_client, q="odprawa 15", after=then)
        if links(html):
            break
        (then,) = re.findall(r'href="\?q=odprawa\+15&amp;after=([^"]+)"', html)
    assert len(links(html)) == 1


@pytest.mark.parametrize(
    "query",
    [
        {"q": "\0"},
        {"q": "a" * 10_000},
        {"q": "%_'\\:*|&!()<>"},
        {"q": "x", "after": "p99999999999999999999-1"},
        {"q": "odprawa", "after": "c999999999999999999-999999999999999999"},
        {"q": "odprawa", "after": "\0"},
        {"q": "odprawa", "place": "r999999999999999999999"},
        {"q": "odprawa", "state": "x\0", "mine": "\0"},
        {"since": "1.1.2000", "until": "31.12.2199"},
    ],
)
def test_whatever_is_sent_is_answered(staff_client: Client, query: dict[str, str]) -> None:
    page(staff_client, **query)


@pytest.mark.parametrize("query", [{"since": "31.11"}, {"until": "x" * 99}, {"since": "4.12", "until": "3.12"}])
def test_days_that_are_none_are_said_and_nothing_typed_is_lost(staff_client: Client, query: dict[str, str]) -> None:
    html = page(staff_client, status=422, q="odprawa", **query)
    assert 'role="alert"' in html
    assert 'value="odprawa"' in html
    assert all(f'value="{text}"' in html for text in query.values())


def test_one_letter_is_too_little_and_says_so(staff_client: Client) -> None:
    assert 'class="notice notice--warn" role="status"' in page(staff_client, q="w")


def test_places_of_pages_are_read_as_they_were_written() -> None:
    for text in ("c0-0", "p1764230400000000-15"):
        place = read_place(text)
        assert place is not None
        assert write_place(place) == text


def test_three_sessions_ask_as_often_as_one(office: Office) -> None:
    def queries() -> int:
        client = Client()
        client.force_login(User.objects.get(pk=office.staff.pk))
        page(client, q="odprawa")  # The first one prepares statements.
        with CaptureQueriesContext(connection) as asked:
            page(client, q="odprawa")
        return len(asked)

    def book(hour: int) -> None:
        request = ask(office.staff, office.room("KOS/2.14"), office.room("TAB/A"), start=at(hour), title="Odprawa")
        services.book(request, by=office.staff, now=NOW)

    book(9)
    one = queries()
    book(11)
    book(13)
    assert queries() == one
