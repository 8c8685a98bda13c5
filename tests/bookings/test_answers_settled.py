"""What organizers make of answers that are not certain, of strangers, and of people who send somebody else (G4, G8)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bookings import as_request, services
from bookings.models import Answer, BookingEvent
from tests.bookings.answering import LATER, MAZ, MIGRI, answer, book, change, given, guest, move, partstat, partstats
from tests.bookings.series import meetings
from tests.factories import Office

Standing, Kind = Answer.Standing, BookingEvent.Kind
pytestmark = pytest.mark.django_db
OTHER = "obcy@inny.example"


def stranger(booking, **fields) -> Answer:
    return services.record_stranger(booking, OTHER.upper(), "Jan Obcy", given(), now=LATER, **fields)


def test_an_answer_that_is_confirmed_counts(office: Office) -> None:
    booking = book(office)
    found = answer(guest(booking), "DECLINED", is_certain=False)
    settled = services.settle_answer(found, confirm=True, by=office.staff, now=LATER)
    assert (settled.standing, settled.settled_by, settled.settled_at) == (Standing.CONFIRMED, office.staff, LATER)
    assert partstat(booking) == "DECLINED"
    event = booking.events.latest("pk")
    assert (event.kind, event.actor) == (Kind.ANSWERED, office.staff)
    with pytest.raises(services.AlreadyDecided):
        services.settle_answer(found, confirm=False, by=office.staff, now=LATER)


def test_an_answer_that_is_dismissed_does_not_count(office: Office) -> None:
    booking = book(office)
    found = answer(guest(booking), "DECLINED", is_certain=False)
    assert services.settle_answer(found, confirm=False, by=office.staff, now=LATER).standing == Standing.DISMISSED
    assert partstat(booking) == "NEEDS-ACTION"


def test_a_newer_answer_or_a_move_settles_what_waits(office: Office) -> None:
    booking = book(office, series=True)
    second = meetings(booking)[1]
    first = answer(guest(booking), "DECLINED", is_certain=False)
    about_second = answer(guest(booking), "DECLINED", is_certain=False, occurrence=second)
    answer(guest(booking), "ACCEPTED", minutes=2)
    move(office, booking, second)
    for found, standing in ((first, Standing.OUTDATED), (about_second, Standing.OLD_VERSION)):
        found.refresh_from_db()
        assert found.standing == standing
        with pytest.raises(services.AlreadyDecided):
            services.settle_answer(found, confirm=True, by=office.staff, now=LATER)


def test_only_who_may_change_the_session_settles(office: Office) -> None:
    booking = book(office)
    found = answer(guest(booking), "DECLINED", is_certain=False)
    with pytest.raises(services.NotAllowed):
        services.settle_answer(found, confirm=True, by=office.colleague, now=LATER)
    services.cancel(booking, by=office.staff, now=LATER)
    with pytest.raises(services.AlreadyOver):
        services.settle_answer(found, confirm=True, by=office.staff, now=LATER)


def test_a_stranger_never_counts_and_may_be_invited(office: Office) -> None:
    booking = book(office)
    found = stranger(booking)
    assert (found.standing, found.email, found.name) == (Standing.STRANGER, OTHER, "Jan Obcy")
    assert stranger(booking) == found
    services.settle_answer(found, confirm=True, by=office.staff, now=LATER)
    invited = guest(booking, OTHER)
    booking.refresh_from_db()
    assert (invited.name, invited.partstat, invited.invited_sequence) == ("Jan Obcy", "NEEDS-ACTION", booking.sequence)
    assert booking.sequence == 1
    message = invited.messages.get()
    assert (message.kind, message.sequence) == ("invitation", 1)


def test_a_stranger_at_one_meeting_is_invited_to_that_one(office: Office) -> None:
    booking = book(office, series=True)
    second = meetings(booking)[1]
    found = stranger(booking, occurrence=second)
    services.settle_answer(found, confirm=True, by=office.staff, now=LATER)
    assert guest(booking, OTHER).occurrence == second
    assert guest(booking, OTHER).messages.get().occurrence == second


def test_inviting_who_came_meanwhile_invites_nobody_twice(office: Office) -> None:
    booking = book(office)
    found = stranger(booking)
    request = as_request.of_meeting(booking.occurrences.get())
    more = replace(request, participants=(*request.participants, replace(request.participants[0], email=OTHER)))
    services.change(booking, more, by=office.staff, now=LATER, version=1)
    services.settle_answer(found, confirm=True, by=office.staff, now=LATER)
    assert booking.attendees.filter(email=OTHER).count() == 1


def test_an_address_that_can_not_be_invited_is_refused(office: Office) -> None:
    booking = book(office)
    found = answer(guest(booking), "DELEGATED", delegated_to="to nie jest adres")
    with pytest.raises(services.Refused):
        services.settle_answer(found, confirm=True, by=office.staff, now=LATER)
    found.refresh_from_db()
    assert found.standing == Standing.DELEGATED


def test_who_sends_somebody_does_not_come_and_the_other_is_invited_on_approval(office: Office) -> None:
    booking = book(office)
    found = answer(guest(booking), "DELEGATED", delegated_to="Zastepca@mazowiecki.example")
    assert (found.standing, partstat(booking)) == (Standing.DELEGATED, "DELEGATED")
    assert not booking.attendees.filter(email__istartswith="zastepca").exists()
    services.settle_answer(found, confirm=True, by=office.staff, now=LATER)
    assert partstat(booking) == "DELEGATED"
    assert guest(booking, "zastepca@mazowiecki.example").messages.get().kind == "invitation"


def test_who_may_not_send_somebody_has_answered_nothing(office: Office) -> None:
    booking = book(office)
    answer(guest(booking), "ACCEPTED")
    found = answer(guest(booking), "DELEGATED", minutes=5, delegated_to=OTHER)
    assert partstat(booking) == "DELEGATED"
    services.settle_answer(found, confirm=False, by=office.staff, now=LATER)
    assert partstat(booking) == "ACCEPTED"


def test_who_was_left_out_of_a_meeting_may_be_let_in_again(office: Office) -> None:
    booking = book(office, series=True)
    second = meetings(booking)[1]
    request = as_request.of_meeting(second)
    kept = tuple(person for person in request.participants if person.email != MAZ)
    booking = change(office, booking, second, replace(request, participants=kept))
    found = answer(guest(booking, MIGRI), "DELEGATED", sequence=1, occurrence=second, delegated_to=MAZ)
    services.settle_answer(found, confirm=True, by=office.staff, now=LATER)
    assert guest(booking).absences.count() == 0
    assert booking.attendees.filter(email=MAZ).count() == 1
    assert partstats(booking, MIGRI)[1] == "DELEGATED"


def test_a_stranger_to_what_was_cancelled_is_not_asked_about(office: Office) -> None:
    booking = book(office)
    services.cancel(booking, by=office.staff, now=LATER)
    assert stranger(booking).standing == Standing.OLD_VERSION


def test_what_is_over_is_settled_no_more(office: Office) -> None:
    booking = book(office)
    found = answer(guest(booking), "DECLINED", is_certain=False)
    with pytest.raises(services.AlreadyOver):
        services.settle_answer(found, confirm=True, by=office.staff, now=LATER + timedelta(days=90))
