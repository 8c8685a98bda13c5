"""What the page of a session warns of: rooms that lack seats or equipment, and a history that is cut."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from bookings import queries, services
from bookings.models import Booking, BookingEvent
from bookings.rules import Participant, Wishes
from rooms.models import Equipment
from tests.bookings.requests import NOW, ask
from tests.bookings.views.series_posts import text_of
from tests.factories import Office


@pytest.fixture(autouse=True)
def tuesday_morning() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 11, 24, 7, 42, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def feature(db: None) -> Equipment:
    return Equipment.objects.create(code="wall", name="ściana wizyjna", name_en="video wall")


@pytest.fixture
def booking(office: Office, feature: Equipment) -> Booking:
    """Thirty people and a video wall in a room that has neither seats for them nor a wall."""
    wishes = Wishes(seats=((office.koszykowa.pk, 30),), features=(feature.pk,))
    people = (Participant(user_id=office.colleague.pk),)
    return services.book(
        ask(office.staff, office.room("KOS/2.14"), wishes=wishes, participants=people), by=office.staff, now=NOW
    )


def _text(client: Client, booking: Booking) -> str:
    return text_of(client.get(reverse("booking_show", args=[booking.number])))


def test_the_page_says_what_the_rooms_lack(booking: Booking, staff_client: Client) -> None:
    text = _text(staff_client, booking)
    assert "30 osób" in text
    assert "ściana wizyjna" in text


def test_what_rooms_lack_is_said_in_the_language_of_the_page(
    office: Office, booking: Booking, staff_client: Client
) -> None:
    office.staff.language = "en"
    office.staff.save()
    assert "video wall" in _text(staff_client, booking)


def test_guests_are_not_warned_of_what_they_cannot_change(booking: Booking, colleague_client: Client) -> None:
    assert "ściana wizyjna" not in _text(colleague_client, booking)


def test_a_session_that_is_over_warns_of_nothing(
    booking: Booking, staff_client: Client, tuesday_morning: time_machine.Traveller
) -> None:
    tuesday_morning.shift(timedelta(days=2))
    assert "ściana wizyjna" not in _text(staff_client, booking)


@pytest.mark.parametrize(("more", "is_cut"), [(0, False), (1, True)])
def test_a_history_that_is_cut_says_so(booking: Booking, staff_client: Client, more: int, is_cut: bool) -> None:
    kind = BookingEvent.Kind.DETAILS_CHANGED
    count = queries.EVENTS_AT_MOST - booking.events.count() + more
    BookingEvent.objects.bulk_create(
        BookingEvent(booking=booking, kind=kind, at=NOW, version=1, sequence=0) for _ in range(count)
    )
    response = staff_client.get(reverse("booking_show", args=[booking.number]))
    assert len(response.context["history"]) == queries.EVENTS_AT_MOST
    assert bool(response.context["events_at_most"]) is is_cut
