"""What of a series is to be changed or cancelled; longer and shorter while a session runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from bookings import services
from bookings.models import Booking, Occurrence
from bookings.rules import Participant
from tests.bookings.requests import NOW, ask, at
from tests.bookings.views.weekly import at_another_time, meeting, weekly
from tests.factories import Office


@pytest.fixture(autouse=True)
def tuesday_morning() -> Iterator[time_machine.Traveller]:
    """Tuesday 24 November 2026, 10:42 in Warsaw."""
    with time_machine.travel(datetime(2026, 11, 24, 9, 42, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def series(office: Office) -> Booking:
    """Eight Thursdays from 26 November, one left out for a holiday, one at another hour."""
    return weekly(
        office.staff,
        office.room("KOS/2.14"),
        office.room("TAB/A"),
        count=8,
        participants=(Participant(user_id=office.colleague.pk), Participant(contact_id=office.migri.pk)),
        decisions=(at_another_time(date(2027, 1, 7), 13),),
    )


def _choices(html: str) -> dict[str, str]:
    found = re.findall(r'name="scope" value="(\w+)".*?<span>(.*?)</span></label>', html, re.DOTALL)
    return {value: re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", words)).strip() for value, words in found}


def _states(booking: Booking) -> list[str]:
    return list(booking.occurrences.order_by("original_start_at").values_list("status", flat=True))


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ("2026-11-26", ["one", "all"]),
        ("2026-12-03", ["one", "following", "all"]),
        ("2027-01-14", ["one", "all"]),
    ],
    ids=["first", "middle", "last"],
)
def test_choices_are_those_that_differ(series: Booking, staff_client: Client, on: str, expected: list[str]) -> None:
    for name in ("booking_scope", "booking_cancel"):
        html = staff_client.get(reverse(name, args=[series.number]), {"spotkanie": on}).content.decode()
        assert list(_choices(html)) == expected
        assert re.findall(r'name="scope" value="(\w+)" checked', html) == ["one"]


def test_choices_say_how_much_they_concern(series: Booking, staff_client: Client) -> None:
    html = staff_client.get(reverse("booking_scope", args=[series.number]), {"spotkanie": "2026-12-03"}).content
    choices = _choices(html.decode())
    assert choices["one"] == "Tylko to spotkanie czwartek, 3 grudnia 2026, 10:00–11:00 2 sale, 3 osoby"
    following = "To i wszystkie następne, 6 spotkań od czw. 3 grudnia 2026 do czw. 14 stycznia 2027"
    assert choices["following"].startswith(following)
    assert choices["all"].startswith("Cała seria, 7 spotkań")
    assert "Zmienione osobno: czw. 7 stycznia. Zachowa swoje zmiany" in choices["all"]


def test_the_choice_leads_to_the_form(series: Booking, staff_client: Client) -> None:
    html = staff_client.get(reverse("booking_scope", args=[series.number]), {"spotkanie": "2026-12-03"}).content
    assert f'<form method="get" action="{reverse("booking_edit", args=[series.number])}"' in html.decode()
    assert '<input type="hidden" name="spotkanie" value="2026-12-03">' in html.decode()


def test_a_single_session_has_nothing_to_choose(office: Office, staff_client: Client) -> None:
    booking = services.book(ask(office.staff, start=at(14)), by=office.staff, now=NOW)
    response = staff_client.get(reverse("booking_scope", args=[booking.number]))
    assert response.url == reverse("booking_edit", args=[booking.number])


@pytest.mark.parametrize(("scope", "left"), [("one", 6), ("following", 1), ("all", 0)], ids=["one", "following", "all"])
def test_what_was_chosen_is_cancelled_and_nothing_else(
    series: Booking, staff_client: Client, settings: Any, scope: str, left: int
) -> None:
    settings.CANCEL_UNDO_SECONDS = 0
    posted = {"spotkanie": "2026-12-03", "scope": scope, "reason": "urlop", "version": series.version}
    response = staff_client.post(reverse("booking_cancel", args=[series.number]), posted, follow=True)
    said = {"one": "1 spotkanie jest odwołane.", "following": "6 spotkań jest", "all": "7 spotkań jest odwołanych."}
    assert said[scope] in response.content.decode()
    assert _states(series).count(Occurrence.Status.CONFIRMED) == left


def test_without_a_choice_nothing_is_cancelled(series: Booking, staff_client: Client) -> None:
    posted = {"spotkanie": "2026-12-03", "version": series.version}
    response = staff_client.post(reverse("booking_cancel", args=[series.number]), posted)
    assert response.status_code == 422
    assert "Wybierz spotkania." in response.content.decode()
    assert Occurrence.Status.CANCELLED not in _states(series)


def test_a_series_changed_meanwhile_is_left_alone(series: Booking, staff_client: Client) -> None:
    posted = {"spotkanie": "2026-12-03", "scope": "all", "version": series.version - 1}
    assert staff_client.post(reverse("booking_cancel", args=[series.number]), posted).status_code == 422
    assert Occurrence.Status.CANCELLED not in _states(series)


@pytest.mark.parametrize("name", ["booking_scope", "booking_cancel", "booking_end"])
def test_only_those_who_may_change_the_series_get_there(
    series: Booking, office: Office, colleague_client: Client, name: str
) -> None:
    address = reverse(name, args=[series.number])
    send = colleague_client.post if name == "booking_end" else colleague_client.get
    assert send(address).status_code == 403
    stranger = Client()
    stranger.force_login(office.newcomer)
    send = stranger.post if name == "booking_end" else stranger.get
    assert send(address).status_code == 404


def _running(office: Office) -> Booking:
    """From 10:00 to 11:00, and the room is taken again from 11:15."""
    room = office.room("TAB/B")
    booking = services.book(ask(office.staff, room, start=at(10)), by=office.staff, now=NOW)
    services.book(ask(office.manager, room, start=at(11, 15)), by=office.manager, now=NOW)
    return booking


def test_only_what_is_free_is_offered_while_it_runs(office: Office, staff_client: Client) -> None:
    html = staff_client.get(reverse("booking_show", args=[_running(office).number])).content.decode()
    assert re.findall(r'name="do" value="(\w+)"', html) == ["15", "now"]
    assert "Od 11:15 sala jest znów zajęta." in html


@pytest.mark.parametrize(("do", "minute"), [("15", 75), ("now", 42)])
def test_a_running_session_gets_longer_or_ends(office: Office, staff_client: Client, do: str, minute: int) -> None:
    booking = _running(office)
    staff_client.post(reverse("booking_end", args=[booking.number]), {"do": do})
    (occurrence,) = booking.occurrences.all()
    assert (occurrence.ends_at - occurrence.starts_at).total_seconds() == minute * 60


def test_a_room_that_is_taken_keeps_the_session_as_it_was(office: Office, staff_client: Client) -> None:
    booking = _running(office)
    response = staff_client.post(reverse("booking_end", args=[booking.number]), {"do": "30"}, follow=True)
    said = re.search(r'role="alert">(.*?)</div></div>', response.content.decode(), re.DOTALL)
    assert said
    assert "Sala wideo B: wt. 24 listopada, 11:15–12:15 zajmuje" in said[1]
    assert "<strong>" not in said[1]
    (occurrence,) = booking.occurrences.all()
    assert occurrence.ends_at == datetime(2026, 11, 24, 10, tzinfo=UTC)
    assert staff_client.post(reverse("booking_end", args=[booking.number]), {"do": "x"}).status_code == 404


def test_one_meeting_of_a_series_ends_early_and_the_others_stay(
    office: Office, staff_client: Client, tuesday_morning: time_machine.Traveller, series: Booking
) -> None:
    tuesday_morning.move_to(datetime(2026, 11, 26, 9, 30, tzinfo=UTC))
    staff_client.force_login(office.staff)
    response = staff_client.post(reverse("booking_end", args=[series.number]), {"do": "now"}, follow=True)
    assert "Sesja skończyła się o 10:30." in response.content.decode()
    assert meeting(series, date(2026, 11, 26)).ends_at == datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
    assert meeting(series, date(2026, 12, 3)).ends_at == datetime(2026, 12, 3, 10, tzinfo=UTC)
