"""A booked session with a guest, and a conference server to send people to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bookings import services
from bookings.models import Attendee, Booking, Occurrence
from bookings.rules import Participant
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office

SECRET = "a-secret-of-the-conference-server-0123456789"
SERVER = {
    "JITSI_URL": "https://meet.urzad.example",
    "JITSI_APP_ID": "narada",
    "JITSI_APP_SECRET": SECRET,
    "JITSI_SUBJECT": "meet.urzad.example",
    "JOIN_OPENS_MINUTES": 15,
    "JOIN_GRACE_MINUTES": 15,
}


@dataclass(frozen=True)
class Session:
    """24 November 2026, 11:00–12:30 in Warsaw, 12:00–13:30 in Helsinki; booked a fortnight before."""

    booking: Booking
    occurrence: Occurrence
    organizer: Attendee
    #: In Helsinki, reads English.
    guest: Attendee
    #: Typed in as a plain address without a name; reads Polish.
    stranger: Attendee

    def at(self, **from_start: float) -> datetime:
        return self.occurrence.starts_at + timedelta(**from_start)


def make_session(office: Office, **fields: object) -> Session:
    """Book Koszykowa 2.14 and Biała Podlaska 5 with Migri and one plain address."""
    participants = (Participant(contact_id=office.migri.pk), Participant(email="ktos@gmina.example"))
    rooms = (office.room("KOS/2.14"), office.room("BIA/5"))
    request = ask(office.staff, *rooms, start=at(11), minutes=90, participants=participants, **fields)
    booking = services.book(request, by=office.staff, now=NOW)
    attendees = {attendee.email: attendee for attendee in booking.attendees.all()}
    return Session(
        booking=booking,
        occurrence=booking.occurrences.get(),
        organizer=attendees[office.staff.email],
        guest=attendees[office.migri.email],
        stranger=attendees["ktos@gmina.example"],
    )
