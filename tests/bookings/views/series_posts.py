"""What a browser sends from the booking form for a series, and what the pages answer."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.test import Client

from bookings import services
from bookings.models import Booking
from tests.bookings.requests import NOW, ask
from tests.bookings.views.booking_posts import fields
from tests.factories import Office

LOOK = "/rezerwacja/podglad/"
#: Every Thursday until the end of June, without two holidays: 28 meetings.
THURSDAYS = {"repeat": "weekly", "day": "czw. 3.12.2026", "until": "30.06.2027", "skip_holidays": "on"}


def text_of(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def look(client: Client, wanted: dict[str, Any]):
    """Ask the preview as the page does after a change: without a button."""
    return client.post(LOOK, {name: value for name, value in wanted.items() if name != "do"})


def as_shown(response, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return what the page sends that has shown `response`: the dates, and the proposals of those to decide."""
    outcome = response.context["outcome"]
    chosen = {row.name: row.choice.value for row in outcome.rows}
    return {**wanted, "agreed": outcome.agreed, "basis": outcome.basis, **chosen}


def series(office: Office, **changed: Any) -> dict[str, Any]:
    return fields(office, **{**THURSDAYS, **changed})


def take(office: Office, room: str, *days: datetime) -> None:
    """Let somebody else have the room from 10:00 to 11:00."""
    for day in days:
        wanted = ask(office.manager, office.room(room), start=day.replace(hour=10), title="Komisja lekarska")
        services.book(wanted, by=office.manager, now=NOW)


def the_series() -> Booking:
    return Booking.objects.exclude(rrule="").get()
