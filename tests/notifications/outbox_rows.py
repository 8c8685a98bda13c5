"""What tests of the outbox ask: bookings with few words, and rows as plain tuples."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bookings import services
from bookings.models import Booking
from bookings.rules import BookingRequest, Participant
from notifications.models import Message
from tests.bookings.requests import NOW, ask
from tests.factories import Office

ANNA = "anna.wrzesinska@urzad.example"
MIGRI = "video@migri.example"
MAZ = "wideo@mazowiecki.example"


def book(office: Office, *emails: str, now: datetime = NOW, **fields: Any) -> Booking:
    """Book a session of Anna's for 24 November 2026, 10:00–11:00, with these guests."""
    return services.book(request(office, *emails, **fields), by=office.staff, now=now)


def invited(office: Office, *emails: str, **fields: Any) -> Booking:
    """Book a session whose invitations have gone out."""
    booking = book(office, *emails, **fields)
    delivered(booking=booking)
    return booking


def delivered(**filters: Any) -> None:
    """Pretend that a server has taken what waits."""
    waiting = Message.objects.filter(state__in=Message.WAITING, **filters)
    waiting.update(state="sent", sent_at=NOW, raw=b"x", may_have_arrived=True)


def change(office: Office, booking: Booking, *emails: str, now: datetime = NOW, **fields: Any) -> Booking:
    """Make the booking as `book` with these values would have made it."""
    booking.refresh_from_db()
    wanted = request(office, *emails, **fields)
    return services.change(booking, wanted, by=office.staff, now=now, version=booking.version)


def request(office: Office, *emails: str, **fields: Any) -> BookingRequest:
    rooms = fields.pop("rooms", (office.room("KOS/2.14"),))
    people = tuple(Participant(email=email) for email in emails)
    return ask(office.staff, *rooms, participants=people, **fields)


def rows(**filters: Any) -> list[tuple[str, str, int | None, str]]:
    """Return recipient, kind, version and state of all mails in the order in which they were queued."""
    messages = Message.objects.filter(**filters).order_by("pk")
    return [(message.recipient, message.kind, message.version, message.state) for message in messages]


def reminders(**filters: Any) -> list[tuple[str, timedelta, str]]:
    """Return recipient, lead and state of all reminders in the order in which they were queued."""
    found = Message.objects.filter(kind="reminder", **filters).order_by("pk")
    return [(message.recipient, message.lead, message.state) for message in found if message.lead]


def pretend(recipient: str, **values: Any) -> None:
    """Put the latest mail to this address into a state that a worker would have left it in."""
    latest = Message.objects.filter(recipient=recipient).latest("pk")
    defaults: dict[str, Any] = {"sent": {"sent_at": NOW, "raw": b"x", "may_have_arrived": True}}.get(
        str(values.get("state")), {}
    )
    Message.objects.filter(pk=latest.pk).update(**{**defaults, **values})
