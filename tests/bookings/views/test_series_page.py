"""The page of a series over HTTP: its meetings, the one that is looked at, and what is special about them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bookings import services
from bookings.models import Booking
from bookings.recurrence import Frequency, Pattern
from bookings.rules import Participant, Scope, Series
from tests.bookings.requests import NOW, ask, at
from tests.bookings.views.weekly import at_another_time, meeting, skip, weekly
from tests.factories import Office


@pytest.fixture(autouse=True)
def tuesday_morning() -> Iterator[time_machine.Traveller]:
    """Tuesday 24 November 2026, 10:42 in Warsaw."""
    with time_machine.travel(datetime(2026, 11, 24, 9, 42, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def series(office: Office) -> Booking:
    """Twelve Thursdays from 12 November: two are over, one is left out, one on another day, one at another hour."""
    people = (Participant(contact_id=office.migri.pk), Participant(user_id=office.colleague.pk))
    return weekly(
        office.staff,
        office.room("KOS/2.14"),
        office.room("TAB/A"),
        first=datetime(2026, 11, 12, 10),
        participants=people,
        decisions=(
            skip(date(2026, 12, 10)),
            at_another_time(date(2026, 12, 17), 13, days=-1),
            at_another_time(date(2027, 1, 14), 13),
        ),
    )


def _page(client: Client, booking: Booking, query: str = "") -> str:
    response = client.get(reverse("booking_show", args=[booking.number]) + query)
    assert response.status_code == 200
    return response.content.decode()


def _text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def _line(html: str, key: str) -> str:
    (found,) = re.findall(rf'<li id="d{key}".*?</li>', html, re.DOTALL)
    return _text(found).strip()


def test_the_page_shows_the_next_meeting_and_says_what_repeats(series: Booking, staff_client: Client) -> None:
    text = _text(_page(staff_client, series))
    assert "czwartek, 26 listopada 2026, 10:00–11:00" in text
    assert "3. spotkanie z 10" in text
    assert "co czwartek 10:00–11:00" in text
    assert "Spotkania, 10" in text


def test_each_date_says_what_is_special_about_it(series: Booking, office: Office, staff_client: Client) -> None:
    cancelled = meeting(series, date(2026, 12, 3))
    services.cancel(series, by=office.staff, now=NOW, scope=Scope.ONE, occurrence=cancelled, reason="urlop")
    html = _page(staff_client, series)
    lines = {key: _line(html, key) for key in re.findall(r'<li id="d([\d-]+)"', html)}
    assert list(lines)[:7] == [
        "2026-11-26",
        "2026-12-03",
        "2026-12-10",
        "2026-12-17",
        "2026-12-24",
        "2026-12-31",
        "2027-01-07",
    ]
    assert lines["2026-11-26"] == "czw. 26 listopada 10:00–11:00"
    assert lines["2026-12-03"] == "czw. 3 grudnia 10:00–11:00 odwołane"
    assert lines["2026-12-10"] == "czw. 10 grudnia pominięte"
    assert lines["2026-12-17"] == "śr. 16 grudnia 13:00–14:00 przeniesione z: czw. 17 grudnia"
    assert lines["2026-12-24"] == "czw. 24 grudnia Wigilia Bożego Narodzenia"
    assert lines["2027-01-14"] == "czw. 14 stycznia 13:00–14:00 inna godzina"
    assert "czw. 3 grudnia: Odwołano: „urlop”." in _text(html)


def test_every_meeting_has_an_address_of_its_own(series: Booking, staff_client: Client) -> None:
    html = _page(staff_client, series, "?spotkanie=2026-12-17")
    assert "środa, 16 grudnia 2026, 13:00–14:00" in _text(html)
    # The way in is that of the next meeting.
    assert ("joincard" in html, "joincard" in _page(staff_client, series)) == (False, True)
    assert re.search(r'<li id="d2026-12-17" aria-current="true">', html)
    for query in ("?spotkanie=2026-12-10", "?spotkanie=2026-12-18", "?spotkanie=jutro"):
        assert staff_client.get(reverse("booking_show", args=[series.number]) + query).status_code == 404


def test_past_meetings_stand_behind_a_link(series: Booking, staff_client: Client) -> None:
    html = _page(staff_client, series)
    assert "d2026-11-12" not in html
    assert "Pokaż 2 minione spotkania" in html
    assert "d2026-11-12" in _page(staff_client, series, "?minione")


def test_a_cancelled_meeting_says_so_and_keeps_its_rooms(series: Booking, office: Office, staff_client: Client) -> None:
    cancelled = meeting(series, date(2026, 12, 3))
    services.cancel(series, by=office.staff, now=NOW, scope=Scope.ONE, occurrence=cancelled)
    html = _page(staff_client, series, "?spotkanie=2026-12-03")
    assert "to spotkanie jest odwołane" in html
    assert "joincard" not in html
    assert "Sale, 2" in html
    assert "Ta seria jest odwołana" not in html


def test_a_holiday_has_its_name_in_the_language_of_the_page(
    series: Booking, office: Office, staff_client: Client
) -> None:
    office.staff.language = "en"
    office.staff.save()
    html = _page(staff_client, series)
    assert "Christmas Eve" in html
    assert "Wigilia" not in html


def test_a_month_does_not_count_its_cancelled_meetings(series: Booking, office: Office, staff_client: Client) -> None:
    def held() -> list[int]:
        response = staff_client.get(reverse("booking_show", args=[series.number]))
        return [month.held for month in response.context["series"].months]

    before = held()
    cancelled = meeting(series, date(2026, 12, 3))
    services.cancel(series, by=office.staff, now=NOW, scope=Scope.ONE, occurrence=cancelled)
    assert held() == [before[0], before[1] - 1, *before[2:]]


def test_people_of_one_meeting_stand_on_its_page_alone(series: Booking, office: Office, staff_client: Client) -> None:
    only = meeting(series, date(2026, 12, 3))
    request = ask(
        office.staff,
        office.room("KOS/2.14"),
        start=datetime(2026, 12, 3, 10),
        participants=(Participant(email="tlumacz@biuro.example", name="Ewa Tłumacz"),),
    )
    services.change(series, request, by=office.staff, now=NOW, version=series.version, scope=Scope.ONE, occurrence=only)
    changed = _text(_page(staff_client, series, "?spotkanie=2026-12-03"))
    assert "Uczestnicy, 2" in changed
    assert "Ewa Tłumacz" in changed
    assert "Sale, 1" in changed
    assert "inni uczestnicy" in changed
    assert "bez jednej z sal" in changed
    assert "czw. 3 grudnia: Zwolniono salę: Sala wideo A. Zaproszono: Ewa Tłumacz." in changed
    others = _text(_page(staff_client, series))
    assert "Uczestnicy, 3" in others
    assert "Sale, 2" in others


def test_a_series_that_was_split_leads_to_the_other_part(series: Booking, office: Office, staff_client: Client) -> None:
    first = meeting(series, date(2027, 1, 7))
    pattern = Pattern(Frequency.WEEKLY, weekdays=(3,), count=3)
    request = ask(office.staff, office.room("TAB/B"), start=datetime(2027, 1, 7, 14), series=Series(pattern))
    tail = services.change(
        series, request, by=office.staff, now=NOW, version=series.version, scope=Scope.FOLLOWING, occurrence=first
    )
    html = _page(staff_client, series)
    assert f'<a href="{reverse("booking_show", args=[tail.number])}">{tail.number}</a>' in html
    assert "Seria kończy się przed dniem: czwartek, 7 stycznia 2027." in _text(html)
    html = _page(staff_client, tail)
    assert f'<a href="{reverse("booking_show", args=[series.number])}">{series.number}</a>' in html


def test_history_says_how_a_whole_series_moved(series: Booking, office: Office, staff_client: Client) -> None:
    later = weekly(office.staff, office.room("BIA/5"), first=datetime(2026, 11, 27, 9), count=4)
    pattern = Pattern(Frequency.WEEKLY, weekdays=(4,), count=4)
    request = ask(office.staff, office.room("BIA/5"), start=datetime(2026, 11, 27, 12), series=Series(pattern))
    services.change(later, request, by=office.staff, now=NOW, version=later.version)
    text = _text(_page(staff_client, later))
    assert "Przeniesiono serię z „co piątek 9:00–10:00” na „co piątek 12:00–13:00”." in text


def test_the_list_shows_a_series_by_its_next_meeting(
    series: Booking, office: Office, staff_client: Client, tuesday_morning: time_machine.Traveller
) -> None:
    text = _text(staff_client.get(reverse("my_sessions")).content.decode())
    assert text.count("Konsultacje z Mazowieckim UW") == 1
    assert re.search(r"czwartek, 26 listopada 2026 .* i jeszcze 7 spotkań", text)
    tuesday_morning.move_to(datetime(2027, 2, 1, tzinfo=UTC))
    staff_client.force_login(office.staff)
    html = staff_client.get(reverse("my_sessions"), {"past": ""}).content.decode()
    assert re.search(r"czwartek, 28 stycznia 2027 .* spotkanie serii .* czwartek, 21 stycznia 2027", _text(html))
    assert html.count("agenda__time") == 10


def test_a_request_says_who_answers_and_until_when(office: Office, staff_client: Client) -> None:
    booking = services.book(ask(office.staff, office.room("KOS/3.01"), start=at(14)), by=office.staff, now=NOW)
    assert booking.is_requested
    html = _page(staff_client, booking)
    text = _text(html)
    assert "Ten wniosek czeka na zgodę" in text
    assert f"Pytani: {office.manager}." in text
    assert "Odpowiadają kierownicy lokalizacji" in text
    assert "joincard" not in html
    assert reverse("attendee_invite_again", args=[booking.number, booking.attendees.get().pk]) not in html
    assert "czeka na zgodę" in staff_client.get(reverse("my_sessions")).content.decode()
    address = reverse("booking_cancel", args=[booking.number])
    assert "Wycofać ten wniosek?" in staff_client.get(address).content.decode()
    staff_client.post(address, {"version": booking.version})
    booking.refresh_from_db()
    assert booking.is_cancelled
    assert not booking.approvals.filter(state="pending").exists()


def test_four_hundred_meetings_stay_below_a_hundred_kilobytes(office: Office, staff_client: Client) -> None:
    pattern = Pattern(Frequency.DAILY, count=400)
    start = datetime(2026, 11, 24, 17)
    series = Series(pattern, skip_holidays=False)
    request = ask(office.staff, start=start, minutes=30, series=series)
    booking = services.book(request, by=office.staff, now=NOW)
    html = _page(staff_client, booking)
    assert html.count('<li id="d') == 400
    assert len(html.encode()) < 100_000


def test_one_and_sixty_meetings_take_the_same_queries(office: Office, staff_client: Client) -> None:
    def count(number: str) -> int:
        addresses = [reverse("booking_show", args=[number]), reverse("booking_cancel", args=[number])]
        with CaptureQueriesContext(connection) as queries:
            for address in [*addresses, reverse("my_sessions")]:
                assert staff_client.get(address).status_code == 200
        return len(queries)

    short = weekly(office.staff, office.room("KOS/2.14"), count=2)
    long = weekly(
        office.staff, office.room("TAB/A"), count=60, first=datetime(2026, 11, 25, 10), now=NOW + timedelta(minutes=1)
    )
    services.cancel(long, by=office.staff, now=NOW, scope=Scope.ONE, occurrence=meeting(long, date(2026, 12, 9)))
    count(short.number)
    assert count(short.number) == count(long.number)
