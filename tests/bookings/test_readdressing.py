"""Correcting the address of a participant: who they are stays, the old address hears of nothing more."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections

from accounts.services import AddressInUse
from bookings import services
from bookings.models import Absence, Attendee
from integrations.jitsi.links import attendee_for, token_for
from notifications.models import Message
from tests.bookings.answering import LATER, MAZ, MIGRI, answer, book, guest, partstat
from tests.bookings.requests import NOW
from tests.bookings.series import meetings
from tests.factories import Office

pytestmark = pytest.mark.django_db
NEW = "kancelaria@mazowiecki.example"


def fail(email: str = MAZ, **values: object) -> None:
    """Pretend that the mailbox has refused what went to it."""
    waiting = Message.objects.filter(recipient=email, state="queued")
    waiting.update(**{"state": "failed", "last_error": "550 5.1.1 no such user", **values})


def mails(*emails: str) -> list[tuple[str, str, str]]:
    found = Message.objects.filter(recipient__in=emails).order_by("pk")
    return [(mail.recipient, mail.kind, mail.state) for mail in found]


def test_the_invitation_goes_to_the_new_address_and_nothing_to_the_dead_one(office: Office) -> None:
    booking = book(office)
    old, sequence = guest(booking), booking.sequence
    fail(bounced_at=LATER, may_have_arrived=True)
    new = services.correct_address(old, f" {NEW} ", by=office.staff, now=LATER)
    assert (new.name, new.language, new.time_zone) == (old.name, old.language, old.time_zone)
    assert (new.email, new.contact, new.partstat) == (NEW, None, "NEEDS-ACTION")
    assert mails(MAZ, NEW) == [(MAZ, "invitation", "failed"), (NEW, "invitation", "queued")]
    booking.refresh_from_db()
    assert booking.sequence == new.invited_sequence == sequence + 1
    event = booking.events.latest("pk")
    assert (event.kind, event.data) == (
        "participants_changed",
        {"added": [new.pk], "removed": [old.pk], "readdressed": True},
    )


def test_who_got_it_by_mistake_hears_that_it_is_off(office: Office) -> None:
    booking = book(office)
    Message.objects.filter(recipient=MAZ).update(state="sent", sent_at=NOW, raw=b"x", may_have_arrived=True)
    services.correct_address(guest(booking), NEW, by=office.staff, now=LATER)
    assert mails(MAZ, NEW)[1:] == [(NEW, "invitation", "queued"), (MAZ, "cancellation", "queued")]


def test_the_old_link_is_nobodys_who_is_invited(office: Office) -> None:
    booking = book(office)
    old = guest(booking)
    token = token_for(old)
    new = services.correct_address(old, NEW, by=office.staff, now=LATER)
    assert attendee_for(token).removed_at == LATER
    assert token_for(new) != token


def test_answers_stay_in_the_history_and_absences_go_along(office: Office) -> None:
    booking = book(office, series=True)
    old, second = guest(booking), meetings(booking)[1]
    answer(old, "ACCEPTED")
    Absence.objects.create(attendee=old, occurrence=second)
    new = services.correct_address(old, NEW, by=office.staff, now=LATER + timedelta(hours=1))
    assert partstat(booking, NEW) == "NEEDS-ACTION"
    assert booking.answers.get().attendee == old
    assert list(new.absences.values_list("occurrence", flat=True)) == [second.pk]


def test_a_guest_of_one_meeting_stays_one(office: Office) -> None:
    booking = book(office, series=True)
    meeting = meetings(booking)[1]
    own = Attendee.objects.create(
        booking=booking, occurrence=meeting, email="raz@gmina.example", language="pl", time_zone="UTC", invited_at=NOW
    )
    new = services.correct_address(own, "dwa@gmina.example", by=office.staff, now=LATER)
    assert (new.occurrence, new.time_zone) == (meeting, "UTC")
    event = booking.events.latest("pk")
    assert (event.kind, event.occurrence, event.data["people"]["added"]) == ("meeting_changed", meeting, [new.pk])
    assert [mail.occurrence for mail in Message.objects.filter(recipient="dwa@gmina.example")] == [meeting]


def test_an_address_that_the_office_knows_is_the_person_it_knows(office: Office) -> None:
    booking = book(office)
    colleague = services.correct_address(guest(booking), office.colleague.email, by=office.staff, now=LATER)
    assert (colleague.user, colleague.name) == (office.colleague, office.colleague.name)


def test_what_can_not_be_corrected_is_refused_and_changes_nothing(office: Office) -> None:
    booking = book(office)
    maz, organizer = guest(booking), booking.attendees.get(is_organizer=True)
    for attendee, email, error in (
        (maz, MAZ.upper(), services.AddressTaken),
        (maz, MIGRI, services.AddressTaken),
        (maz, office.staff.email, services.AddressTaken),
        (maz, "nie adres", services.Refused),
        (organizer, NEW, services.AddressOfAccount),
    ):
        with pytest.raises(error):
            services.correct_address(attendee, email, by=office.staff, now=LATER)
    with pytest.raises(services.NotAllowed):
        services.correct_address(maz, NEW, by=office.colleague, now=LATER)
    with pytest.raises(services.AlreadyOver):
        services.correct_address(maz, NEW, by=office.staff, now=LATER + timedelta(days=60))
    booking.refresh_from_db()
    assert (booking.version, booking.attendees.count()) == (1, 3)


def test_the_address_book_is_corrected_by_those_who_may(office: Office) -> None:
    booking, contact = book(office), office.contacts["MAZ"]
    with pytest.raises(services.NotAllowed):
        services.correct_address(guest(booking), NEW, in_contacts=True, by=office.staff, now=LATER)
    other = office.contacts["LUB"].email
    with pytest.raises(AddressInUse):
        services.correct_address(guest(booking), other, in_contacts=True, by=office.it_admin, now=LATER)
    new = services.correct_address(guest(booking), NEW, in_contacts=True, by=office.it_admin, now=LATER)
    contact.refresh_from_db()
    assert (contact.email, new.contact) == (NEW, contact)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_two_corrections_at_once_one_counts(office: Office) -> None:
    booking = book(office)
    old, gate = guest(booking), threading.Barrier(2)

    def correct(email: str) -> str:
        gate.wait()
        try:
            return services.correct_address(old, email, by=office.staff, now=LATER).email
        except services.AlreadyOver:
            return ""
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(correct, ["a@gmina.example", "b@gmina.example"]))
    assert sorted(map(bool, found)) == [False, True]
    assert booking.attendees.filter(removed_at=None).count() == 3
