"""Sessions with people who answer, as tests write them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bookings import as_request, services
from bookings.models import Answer, Attendee, Booking, Occurrence
from bookings.rules import Participant, Scope, Series
from tests.bookings.requests import NOW, ask
from tests.bookings.series import ask_series
from tests.factories import Office

MAZ, MIGRI = "wideo@mazowiecki.example", "video@migri.example"
#: When answers are given, unless a test says otherwise: an hour after the session was booked.
HOUR = timedelta(hours=1)
LATER = NOW + HOUR


def book(office: Office, *, series: bool | Series = False, **fields: Any) -> Booking:
    """Book a session, or a series (five Tuesdays), in 2.14 with two guests: Mazowiecki and Migri."""
    people = tuple(Participant(contact_id=office.contacts[code].pk) for code in ("MAZ", "MIG"))
    make = ask_series if series else ask
    fields = {"participants": people, **fields}
    if isinstance(series, Series):
        fields["series"] = series
    return services.book(make(office.staff, office.room("KOS/2.14"), **fields), by=office.staff, now=NOW)


def guest(booking: Booking, email: str = MAZ) -> Attendee:
    return booking.attendees.filter(email=email, removed_at=None).latest("pk")


def given(
    partstat: str = "ACCEPTED", *, minutes: int = 0, sequence: int | None = 0, **fields: Any
) -> services.GivenAnswer:
    """Return an answer whose DTSTAMP is so many minutes after LATER."""
    stamped_at = LATER + timedelta(minutes=minutes)
    return services.GivenAnswer(partstat, sequence=sequence, stamped_at=stamped_at, **fields)


def answer(
    attendee: Attendee,
    partstat: str = "ACCEPTED",
    *,
    minutes: int = 0,
    occurrence: Occurrence | None = None,
    **fields: Any,
) -> Answer:
    """Record an answer; it arrives as it is given."""
    now = LATER + timedelta(minutes=minutes)
    return services.record_answer(attendee, given(partstat, minutes=minutes, **fields), occurrence=occurrence, now=now)


def partstats(booking: Booking, email: str = MAZ) -> list[str]:
    """Return what counts for each meeting of a series, in order."""
    attendee = guest(booking, email)
    own = dict(attendee.meeting_answers.values_list("occurrence_id", "partstat"))
    keys = booking.occurrences.order_by("original_start_at").values_list("pk", flat=True)
    return [own.get(pk, attendee.partstat) for pk in keys]


def partstat(booking: Booking, email: str = MAZ) -> str:
    return guest(booking, email).partstat


def move(
    office: Office, booking: Booking, meeting: Occurrence, *, hours: int = 1, now: datetime = LATER, **fields: Any
) -> Booking:
    """Move one meeting of a series by so many hours."""
    request = as_request.of_meeting(meeting)
    by = timedelta(hours=hours)
    moved = request.at(request.local_start + by, request.local_end + by)
    return change(office, booking, meeting, moved, now=now)


def change(office: Office, booking: Booking, meeting: Occurrence, request: Any, *, now: datetime = LATER) -> Booking:
    booking.refresh_from_db()
    return services.change(
        booking,
        request,
        by=office.staff,
        now=now,
        version=booking.version,
        scope=Scope.ONE,
        occurrence=meeting,
    )
