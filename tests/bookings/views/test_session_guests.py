"""The page of a series for somebody who is invited to single meetings of it: those, and nothing of the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from bookings import services
from bookings.models import Booking
from bookings.rules import Participant, Scope
from tests.bookings.requests import NOW, ask
from tests.bookings.views.series_posts import text_of
from tests.bookings.views.weekly import meeting, skip, weekly
from tests.factories import Office


@pytest.fixture(autouse=True)
def tuesday_morning() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 11, 24, 9, 42, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def series(office: Office) -> Booking:
    return weekly(office.staff, office.room("KOS/2.14"), count=5, title="Narada", decisions=(skip(date(2026, 12, 17)),))


def _invite(office: Office, series: Booking, *days: int) -> None:
    """Invite the colleague to the meetings on these days of December, which are in another room."""
    for day in days:
        series.refresh_from_db()
        request = ask(
            office.staff,
            office.room("KOS/2.16"),
            start=datetime(2026, 12, day, 10),
            title="Narada",
            participants=(Participant(user_id=office.colleague.pk),),
        )
        only = meeting(series, date(2026, 12, day))
        services.change(
            series, request, by=office.staff, now=NOW, version=series.version, scope=Scope.ONE, occurrence=only
        )


def _open(client: Client, series: Booking, query: str = ""):
    return client.get(reverse("booking_show", args=[series.number]) + query)


def test_a_guest_of_one_meeting_does_not_see_the_list_of_the_others(
    office: Office, series: Booking, colleague_client: Client
) -> None:
    _invite(office, series, 3)
    response = _open(colleague_client, series)
    text = text_of(response)
    assert "czwartek, 3 grudnia 2026, 10:00–11:00" in text
    assert "Sala wideo 2.16" in text
    for other in (
        "10 grudnia",
        "17 grudnia",
        "26 listopada",
        "Spotkania",
        "co czwartek",
        "spotkanie z",
        "bez jednej z sal",
    ):
        assert other not in text
    assert "meetings" not in response.content.decode()


def test_a_guest_of_two_meetings_can_go_from_one_to_the_other(
    office: Office, series: Booking, colleague_client: Client
) -> None:
    _invite(office, series, 3, 10)
    text = text_of(_open(colleague_client, series, "?spotkanie=2026-12-10"))
    assert "3 grudnia" in text
    assert "Spotkania, 2" in text
    assert "26 listopada" not in text
    assert "17 grudnia" not in text


@pytest.mark.parametrize("on", ["2026-11-26", "2026-12-17", "2027-05-01"])
def test_other_meetings_are_not_there_for_a_guest_of_one(
    office: Office, series: Booking, colleague_client: Client, on: str
) -> None:
    _invite(office, series, 3)
    assert _open(colleague_client, series, f"?spotkanie={on}").status_code == 404


def test_a_guest_of_one_meeting_reads_its_history_alone(
    office: Office, series: Booking, colleague_client: Client
) -> None:
    _invite(office, series, 3)
    services.cancel(
        series,
        by=office.staff,
        now=NOW,
        scope=Scope.ONE,
        occurrence=meeting(series, date(2026, 12, 10)),
        reason="Urlop",
    )
    history = _open(colleague_client, series).context["history"]
    assert len(history) == 1
    assert "3 grudnia" in history[0].text


def test_the_page_shows_the_description_of_the_meeting(office: Office, series: Booking, staff_client: Client) -> None:
    only = meeting(series, date(2026, 12, 3))
    request = replace(
        ask(office.staff, office.room("KOS/2.14"), start=datetime(2026, 12, 3, 10), title="Narada"),
        description="Tylko tego dnia",
    )
    services.change(series, request, by=office.staff, now=NOW, version=1, scope=Scope.ONE, occurrence=only)
    assert "Tylko tego dnia" in text_of(_open(staff_client, series, "?spotkanie=2026-12-03"))
    assert "Tylko tego dnia" not in text_of(_open(staff_client, series, "?spotkanie=2026-12-10"))
