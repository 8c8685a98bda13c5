"""The door of a series: for the meetings that its person is at, and never for a request."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bookings import services
from bookings.models import Attendee, Booking
from bookings.rules import Participant, Scope
from integrations.jitsi.entry import State, find_entry
from tests.bookings.requests import NOW, ask
from tests.bookings.series import ask_series, meetings
from tests.factories import Office

pytestmark = pytest.mark.django_db
GUEST, OTHER = "ktos@gmina.example", "inny@gmina.example"


@pytest.fixture
def booking(office: Office) -> Booking:
    people = (Participant(email=GUEST),)
    return services.book(
        ask_series(office.staff, office.room("KOS/2.14"), participants=people), by=office.staff, now=NOW
    )


def change_second(office: Office, booking: Booking, *emails: str) -> None:
    people = tuple(Participant(email=email) for email in emails)
    request = ask(office.staff, office.room("KOS/2.14"), start=datetime(2026, 12, 1, 10), participants=people)
    services.change(
        booking, request, by=office.staff, now=NOW, version=1, scope=Scope.ONE, occurrence=meetings(booking)[1]
    )


def state_at(attendee: Attendee, when: datetime) -> State:
    return find_entry(attendee, now=when).state


def test_one_link_opens_every_meeting(office: Office, booking: Booking) -> None:
    guest = booking.attendees.get(email=GUEST)
    for meeting in meetings(booking):
        assert state_at(guest, meeting.starts_at - timedelta(hours=3)) is State.EARLY
        assert state_at(guest, meeting.starts_at) is State.OPEN
    assert state_at(guest, meetings(booking)[-1].ends_at + timedelta(days=1)) is State.ENDED


def test_cancelled_meeting_is_passed_over(office: Office, booking: Booking) -> None:
    second, third = meetings(booking)[1:3]
    services.cancel(booking, by=office.staff, now=NOW, scope=Scope.ONE, occurrence=second)
    entry = find_entry(booking.attendees.get(email=GUEST), now=second.starts_at)
    assert (entry.state, entry.occurrence) == (State.EARLY, third)


def test_guest_of_one_meeting_meets_no_other(office: Office, booking: Booking) -> None:
    change_second(office, booking, GUEST, OTHER)
    first, second, third = meetings(booking)[:3]
    other = booking.attendees.get(email=OTHER)
    assert state_at(other, first.starts_at) is State.EARLY
    assert state_at(other, second.starts_at) is State.OPEN
    assert state_at(other, third.starts_at) is State.ENDED


def test_who_is_not_at_a_meeting_is_early_for_the_next(office: Office, booking: Booking) -> None:
    change_second(office, booking)
    second, third = meetings(booking)[1:3]
    entry = find_entry(booking.attendees.get(email=GUEST), now=second.starts_at)
    assert (entry.state, entry.occurrence) == (State.EARLY, third)


def test_request_opens_no_door(office: Office) -> None:
    booking = services.book(ask(office.staff, office.room("KOS/3.01")), by=office.staff, now=NOW)
    assert booking.is_requested
    meeting = booking.occurrences.get()
    assert state_at(booking.attendees.get(), meeting.starts_at) is State.EARLY
    services.approve(booking.approvals.get(), by=office.manager, now=NOW)
    assert state_at(Attendee.objects.get(booking=booking), meeting.starts_at) is State.OPEN
