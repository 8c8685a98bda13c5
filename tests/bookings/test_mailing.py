"""Who would be mailed if a change were saved: the form says so before, and the services do as it says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bookings import availability, services
from bookings.mailing import Recipient, find_mailing, invitations_to
from bookings.models import Booking, Occurrence
from bookings.rules import BookingRequest, Participant, Scope
from tests.bookings.requests import NOW, ask, at
from tests.bookings.series import ask_series, at_day, meetings, weekly
from tests.factories import Office

pytestmark = pytest.mark.django_db
ROOM = "KOS/2.14"
ALWAYS, GUEST = Participant(email="stale@x.example"), Participant(email="raz@x.example")


@pytest.fixture
def booking(office: Office) -> Booking:
    """A weekly series of two people."""
    request = ask_series(office.staff, office.room(ROOM), participants=(ALWAYS,))
    return services.book(request, by=office.staff, now=NOW)


def mailing(
    office: Office, booking: Booking, request: BookingRequest, scope: Scope, meeting: Occurrence | None = None
) -> tuple[int, int, int]:
    """Return how many would get an update, an invitation, a cancellation."""
    assessment = availability.assess(
        request, by=office.staff, now=NOW, changing=booking, scope=scope, only=meeting if scope != Scope.ALL else None
    )
    found = find_mailing(booking, meeting or meetings(booking)[0], request, assessment)
    assert found is not None
    return found.updates, found.invitations, found.cancellations


def test_series_as_it_stands_tells_nobody(office: Office, booking: Booking) -> None:
    request = ask_series(office.staff, office.room(ROOM), participants=(ALWAYS,))
    assert mailing(office, booking, request, Scope.ALL) == (0, 0, 0)
    tail = replace(request, local_start=at_day(12, 8, 10), local_end=at_day(12, 8, 11), series=weekly(3))
    assert mailing(office, booking, tail, Scope.FOLLOWING, meetings(booking)[2]) == (0, 0, 0)


def test_move_of_a_series_is_an_update_and_newcomers_are_invited(office: Office, booking: Booking) -> None:
    request = ask_series(office.staff, office.room(ROOM), participants=(ALWAYS, GUEST), start=at(13))
    assert mailing(office, booking, request, Scope.ALL) == (2, 1, 0)


def test_split_tells_everybody_of_the_end_and_invites_to_the_rest(office: Office, booking: Booking) -> None:
    request = ask_series(office.staff, office.room(ROOM), start=at_day(12, 8, 13), series=weekly(3))
    found = mailing(office, booking, request, Scope.FOLLOWING, meetings(booking)[2])
    assert found == (2, 1, 0)


def test_guest_of_one_meeting_is_invited_and_who_stays_away_is_cancelled(office: Office, booking: Booking) -> None:
    second = meetings(booking)[1]
    request = ask(office.staff, office.room(ROOM), start=at_day(12, 1, 10), participants=(GUEST,))
    assert mailing(office, booking, request, Scope.ONE, second) == (0, 1, 1)
    moved = ask(office.staff, office.room(ROOM), start=at_day(12, 1, 12), participants=(ALWAYS,))
    assert mailing(office, booking, moved, Scope.ONE, second) == (2, 0, 0)


def test_series_that_becomes_a_single_session_is_cancelled_and_invited_anew(office: Office, booking: Booking) -> None:
    request = ask(office.staff, office.room(ROOM), participants=(ALWAYS, GUEST))
    assert mailing(office, booking, request, Scope.ALL) == (0, 3, 2)


def test_everybody_is_named_with_the_language_of_their_mail(office: Office) -> None:
    people = (Participant(contact_id=office.migri.pk), Participant(email="raz@x.example"))
    request = ask(office.staff, office.room(ROOM), participants=people)
    everybody = (
        Recipient(office.staff.name, "pl", is_organizer=True),
        Recipient(office.migri.name, "en"),
        Recipient("raz@x.example", "pl"),
    )
    assert invitations_to(availability.assess(request, by=office.staff, now=NOW)).invited == everybody
    booking = services.book(request, by=office.staff, now=NOW)
    fewer = replace(request, participants=people[:1], local_end=at(12))
    assessment = availability.assess(fewer, by=office.staff, now=NOW, changing=booking)
    found = find_mailing(booking, meetings(booking)[0], fewer, assessment)
    assert found is not None
    assert (found.updated, found.invited, found.cancelled) == (everybody[:2], (), everybody[2:])


def test_of_a_request_nobody_has_heard_so_all_are_invited_when_it_is_approved(office: Office) -> None:
    request = ask(office.staff, office.room("KOS/3.01"), participants=(GUEST,))
    booking = services.book(request, by=office.staff, now=NOW)
    assert booking.is_requested
    assert mailing(office, booking, replace(request, local_end=at(12)), Scope.ALL) == (0, 2, 0)
