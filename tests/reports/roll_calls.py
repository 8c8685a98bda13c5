"""Sessions with many offices, as tests of the roll call write them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from accounts.models import User
from bookings import services
from bookings.models import Attendee, Booking
from bookings.queries import details_for
from bookings.rules import Participant
from notifications.models import Message
from reports.roll_call import Kind, Party, roll_call
from tests.bookings.requests import NOW, ask
from tests.factories import Office

MAZ, LODZ, OPOLE = "wideo@mazowiecki.example", "wideo@lodzki.example", "wideo@opolski.example"


def book(office: Office, *codes: str, others: tuple[Participant, ...] = (), **fields: Any) -> Booking:
    """Book a session of Anna's for 24 November 2026, 10:00–11:00, with the offices of these codes."""
    people = tuple(Participant(contact_id=office.contacts[code].pk) for code in codes)
    request = ask(office.staff, office.room("KOS/2.14"), participants=people + others, **fields)
    return services.book(request, by=office.staff, now=NOW)


def say(booking: Booking, email: str, partstat: str = "ACCEPTED", *, comment: str = "", **said: Any) -> Attendee:
    """Have somebody answer; `said`: what their page asks beside it, such as `headcount`."""
    attendee = booking.attendees.get(email=email)
    given = services.GivenAnswer(partstat, comment=comment, sequence=booking.sequence)
    services.record_answer(attendee, given, now=NOW + timedelta(hours=1))
    Attendee.objects.filter(pk=attendee.pk).update(**said)
    return attendee


def name(booking: Booking, by: str, email: str, **fields: Any) -> Attendee:
    """Have the participant with the address `by` name somebody who comes as well, or instead."""
    namer = booking.attendees.get(email=by)
    defaults = {"language": "pl", "time_zone": "Europe/Warsaw", "invited_at": NOW}
    return booking.attendees.create(email=email, named_by=namer, **{**defaults, **fields})


def unreached(*emails: str) -> None:
    """Have the invitations to these addresses come back."""
    mails = Message.objects.filter(recipient__in=emails)
    mails.update(state="failed", last_error="550 5.1.1 no such user", sent_at=None)


def delivered() -> None:
    """Have the mail server have taken all that waits, when it was booked."""
    waiting = Message.objects.filter(state__in=Message.WAITING)
    waiting.update(state="sent", sent_at=NOW, raw=b"x", may_have_arrived=True)


def parties(
    booking: Booking, kind: Kind = Kind.INSTITUTIONS, *, by: User | None = None, on: date | None = None
) -> list[Party]:
    details = details_for(by or booking.organizer, booking.number, now=NOW, on=on)
    return [party for group in roll_call(details) if group.kind == kind for party in group.parties]


def standings(booking: Booking, kind: Kind = Kind.INSTITUTIONS, **fields: Any) -> dict[str, str]:
    return {party.name: party.standing for party in parties(booking, kind, **fields)}
