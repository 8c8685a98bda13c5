"""Bookings in the administration: there to be read, never to be changed behind everybody's back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bookings.models import Attendee, Booking, Occurrence
from bookings.rules import BookingRequest, Participant
from bookings.services import book
from tests.factories import Office

_NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.fixture
def booking(office: Office) -> Booking:
    return _book(office, "KOS/2.14", "Konsultacje z Łódzkim UW")


def _book(office: Office, room: str, title: str) -> Booking:
    request = BookingRequest(
        title=title,
        local_start=datetime(2026, 11, 24, 11),
        local_end=datetime(2026, 11, 24, 12),
        time_zone="Europe/Warsaw",
        organizer_id=office.staff.pk,
        room_ids=(office.room(room).pk,),
        participants=(Participant(contact_id=office.contacts["LDZ"].pk),),
    )
    return book(request, by=office.staff, now=_NOW)


def test_booking_is_shown_with_its_meeting_people_and_history(
    office: Office, booking: Booking, admin_client: Client
) -> None:
    html = admin_client.get(reverse("admin:bookings_booking_change", args=[booking.pk])).content.decode()
    assert booking.title in html
    assert "wideo@lodzki.example" in html
    for secret in (booking.conference_name, *Attendee.objects.values_list("join_key", flat=True)):
        assert secret not in html
    occurrence = Occurrence.objects.get()
    html = admin_client.get(reverse("admin:bookings_occurrence_change", args=[occurrence.pk])).content.decode()
    assert "Sala wideo 2.14" in html
    assert office.pool.name in html


@pytest.mark.parametrize("model", ["booking", "occurrence"])
def test_nothing_can_be_changed(booking: Booking, admin_client: Client, model: str) -> None:
    pk = booking.pk if model == "booking" else booking.occurrences.get().pk
    assert admin_client.get(reverse(f"admin:bookings_{model}_add")).status_code == 403
    assert admin_client.post(reverse(f"admin:bookings_{model}_change", args=[pk]), {"title": "x"}).status_code == 403
    assert admin_client.post(reverse(f"admin:bookings_{model}_delete", args=[pk]), {"post": "yes"}).status_code == 403
    booking.refresh_from_db()
    assert booking.title == "Konsultacje z Łódzkim UW"


@pytest.mark.parametrize("model", ["booking", "occurrence"])
def test_list_costs_the_same_for_one_row_and_for_three(
    office: Office, booking: Booking, admin_client: Client, model: str
) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert admin_client.get(reverse(f"admin:bookings_{model}_changelist")).status_code == 200
        return len(queries)

    before = cost()
    for room in ("KOS/2.16", "BIA/5"):
        _book(office, room, f"Sesja {room}")
    assert cost() == before


def test_person_who_organises_sessions_is_protected_by_a_page(
    office: Office, booking: Booking, admin_client: Client
) -> None:
    response = admin_client.post(reverse("admin:accounts_user_delete", args=[office.staff.pk]), {"post": "yes"})
    assert response.status_code in {200, 403}
    office.staff.refresh_from_db()
