"""What a browser sends from the booking form, with a default for everything."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from bookings.forms import new_submission
from bookings.models import Booking
from tests.factories import Office

NEW = "/rezerwacja/"


def fields(office: Office, **changed: Any) -> dict[str, Any]:
    """Return a session on Tuesday 24 November 2026, 10:00–11:00 in Koszykowa 2.14, by the staff of the office."""
    defaults: dict[str, Any] = {
        "do": "book",
        "submission": new_submission(office.staff.pk),
        "title": "Konsultacje z Mazowieckim UW",
        "day": "wt. 24.11.2026",
        "start": "10:00",
        "end": "11:00",
        "rooms": [office.room("KOS/2.14").pk],
        "guest_language": "pl",
    }
    return {**defaults, **changed}


def edit_fields(client: Client, booking: Booking, **changed: Any) -> dict[str, Any]:
    """Return what the edit page of the booking sends back unless something is changed."""
    response = client.get(reverse("booking_edit", args=[booking.number]))
    data = response.context["data"]
    found = {name: data.getlist(name) for name in data}
    return {**found, "do": "book", **changed}
