"""Sessions whose guests bring somebody along, as tests write them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bookings import services
from bookings.models import Attendee, Booking, BookingEvent, Occurrence
from notifications.models import Message
from tests.bookings.answering import LATER
from tests.bookings.requests import NOW

EWA = ("Ewa Kos", "ewa.kos@mazowiecki.example")
JAN = ("Jan Nowak", "jan.nowak@mazowiecki.example")


def send(attendee: Attendee, person: tuple[str, str] = EWA, *, minutes: int = 0, **fields: Any) -> Attendee:
    """Have a colleague go in the participant's place, so many minutes after LATER."""
    name, email = person
    return services.delegate(attendee, name=name, email=email, now=LATER + timedelta(minutes=minutes), **fields)


def present(booking: Booking) -> list[str]:
    found = booking.attendees.filter(removed_at=None, is_organizer=False).order_by("pk")
    return list(found.values_list("email", flat=True))


def newest_event(booking: Booking) -> tuple[str, dict[str, Any]]:
    event = booking.events.latest("pk")
    return event.kind, event.data


def people_events(booking: Booking) -> list[dict[str, Any]]:
    found = booking.events.filter(kind=BookingEvent.Kind.PARTICIPANTS_CHANGED).order_by("pk")
    return list(found.values_list("data", flat=True))


def mails(*emails: str) -> list[tuple[str, str, str]]:
    found = Message.objects.filter(recipient__in=emails).order_by("pk")
    return [(mail.recipient, mail.kind, mail.state) for mail in found]


def notices() -> list[tuple[str, str]]:
    """Return the topics of the notices that wait, and to whom they go."""
    found = Message.objects.filter(kind="notice").order_by("pk")
    return [(mail.topic, mail.recipient) for mail in found]


def of_one_meeting(booking: Booking, meeting: Occurrence, email: str = "raz@gmina.example") -> Attendee:
    """Invite somebody to one meeting of a series."""
    return Attendee.objects.create(
        booking=booking, occurrence=meeting, email=email, language="en", time_zone="UTC", invited_at=NOW
    )
