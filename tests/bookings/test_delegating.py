"""Sending a colleague: they are invited in their own name, the organizer hears of it, and it can be taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bookings import services
from bookings.models import Absence, Answer, Attendee
from bookings.party_queries import delegate_of, named_in, party_of
from bookings.services import NamingRefused, Reason
from integrations.jitsi.links import token_for
from notifications.models import Message
from tests.bookings.answering import LATER, MAZ, MIGRI, answer, book, guest, partstat, partstats
from tests.bookings.parties import (
    EWA,
    JAN,
    mails,
    newest_event,
    notices,
    of_one_meeting,
    people_events,
    present,
    send,
)
from tests.bookings.requests import NOW
from tests.bookings.series import meetings
from tests.factories import Office

pytestmark = pytest.mark.django_db


def refused(attendee: Attendee, person: tuple[str, str] = EWA, **fields: object) -> NamingRefused:
    with pytest.raises(NamingRefused) as found:
        send(attendee, person, **fields)
    return found.value


def test_the_colleague_is_invited_in_their_own_name(office: Office) -> None:
    booking = book(office)
    migri, sequence = guest(booking, MIGRI), booking.sequence
    ewa = send(migri, (" Ewa  Kos ", f" {EWA[1]} "), comment="Mam rozprawę.")
    assert (ewa.name, ewa.email, ewa.user, ewa.named_by) == ("Ewa Kos", EWA[1], None, migri)
    assert (ewa.language, ewa.time_zone) == ("en", "Europe/Helsinki")
    assert token_for(ewa) != token_for(migri)
    assert present(booking) == [MAZ, MIGRI, EWA[1]]
    booking.refresh_from_db()
    assert booking.sequence == ewa.invited_sequence == sequence + 1
    assert mails(EWA[1]) == [(EWA[1], "invitation", "queued")]
    assert people_events(booking) == [{"added": [ewa.pk], "removed": [], "delegated_by": migri.pk, "by_guest": True}]
    assert notices() == [("delegated", office.staff.email)]


def test_the_answer_says_whom_they_send_and_waits_for_nobody(office: Office) -> None:
    booking = book(office)
    send(guest(booking), comment="Mam rozprawę.")
    found = Answer.objects.get()
    assert (found.partstat, found.delegated_to, found.comment) == ("DELEGATED", EWA[1], "Mam rozprawę.")
    assert (found.via, found.standing) == ("page", Answer.Standing.COUNTED)
    assert partstat(booking) == "DELEGATED"
    assert Message.objects.filter(topic="answer_uncertain").count() == 0


def test_who_is_known_to_the_office_is_invited_as_such(office: Office) -> None:
    booking = book(office)
    colleague = send(guest(booking), ("Ktoś", office.colleague.email.upper()))
    assert (colleague.user, colleague.name) == (office.colleague, "Hanna Sobczak")
    lublin = office.contacts["LUB"]
    contact = send(guest(booking, MIGRI), ("Lublin", lublin.email), minutes=1)
    assert (contact.contact, contact.name, contact.language) == (lublin, lublin.name, lublin.language)


def test_a_second_one_takes_the_place_of_the_first(office: Office) -> None:
    booking = book(office)
    maz = guest(booking)
    ewa = send(maz)
    jan = send(maz, JAN, minutes=5)
    assert present(booking) == [MAZ, MIGRI, JAN[1]]
    assert delegate_of(maz) == jan
    assert people_events(booking)[-1] == {
        "added": [jan.pk],
        "removed": [ewa.pk],
        "delegated_by": maz.pk,
        "by_guest": True,
    }
    # Nobody has told Ewa yet: she hears of nothing.
    assert mails(EWA[1], JAN[1]) == [(EWA[1], "invitation", "superseded"), (JAN[1], "invitation", "queued")]
    assert [item.standing for item in Answer.objects.order_by("pk")] == ["outdated", "counted"]


def test_the_same_one_again_changes_nothing(office: Office) -> None:
    booking = book(office)
    ewa = send(guest(booking))
    assert send(guest(booking), ("Ewa", EWA[1].upper()), minutes=1) == ewa
    booking.refresh_from_db()
    assert (booking.version, Message.objects.filter(recipient=EWA[1]).count()) == (2, 1)


def test_who_has_answered_is_replaced_by_nobody(office: Office) -> None:
    booking = book(office)
    ewa = send(guest(booking))
    answer(ewa, "ACCEPTED", minutes=1, sequence=1)
    found = refused(guest(booking), JAN, minutes=2)
    assert (found.reason, found.attendee) == (Reason.ANSWERED, ewa)
    assert present(booking) == [MAZ, MIGRI, EWA[1]]


def test_taking_back_brings_back_what_was_answered_before(office: Office) -> None:
    booking = book(office)
    maz = guest(booking)
    answer(maz, "TENTATIVE", comment="Może.")
    ewa = send(maz, minutes=1)
    assert services.take_back(maz, named=ewa, now=LATER + timedelta(minutes=2))
    assert (partstat(booking), present(booking)) == ("TENTATIVE", [MAZ, MIGRI])
    assert newest_event(booking) == (
        "participants_changed",
        {"added": [], "removed": [ewa.pk], "taken_back_by": maz.pk, "sent": True, "by_guest": True},
    )
    assert not services.take_back(maz, named=ewa, now=LATER + timedelta(minutes=3))
    assert party_of(maz).delegate is None
    # The same colleague may be sent again.
    again = send(maz, minutes=4)
    assert (again.pk != ewa.pk, delegate_of(maz)) == (True, again)


def test_who_was_told_hears_that_it_is_off(office: Office) -> None:
    booking = book(office)
    maz = guest(booking)
    ewa = send(maz)
    Message.objects.filter(recipient=EWA[1]).update(state="sent", sent_at=NOW, raw=b"x", may_have_arrived=True)
    services.take_back(maz, named=ewa, now=LATER + timedelta(minutes=1))
    assert mails(EWA[1])[1:] == [(EWA[1], "cancellation", "queued")]


def test_nobody_takes_back_whom_somebody_else_named(office: Office) -> None:
    booking = book(office)
    ewa = send(guest(booking))
    assert not services.take_back(guest(booking, MIGRI), named=ewa, now=LATER)
    assert not services.take_back(guest(booking), named=guest(booking, MIGRI), now=LATER)
    assert len(present(booking)) == 3


def test_a_chain_is_short_and_no_circle_and_goes_back_as_a_whole(office: Office) -> None:
    booking = book(office)
    maz = guest(booking)
    links = [maz]
    for number in range(3):
        links.append(send(links[-1], ("", f"k{number}@mazowiecki.example"), minutes=number))
        if number < 2:
            [problem] = refused(links[-1], ("", MAZ.upper()), minutes=5).problems
            assert (problem.reason, problem.attendee) == (Reason.SENT_YOU, maz)
    found = refused(links[-1], JAN, minutes=4)
    assert (found.reason, found.limit) == (Reason.CHAIN, 3)
    services.take_back(maz, named=links[1], now=LATER + timedelta(minutes=6))
    assert present(booking) == [MAZ, MIGRI]


def test_what_is_wrong_with_whom_they_send_is_said(office: Office) -> None:
    booking = book(office)
    maz, migri = guest(booking), guest(booking, MIGRI)
    for person, reason, there in (
        (("", "nie adres"), Reason.NO_ADDRESS, None),
        (("", MIGRI.upper()), Reason.INVITED, migri),
        (("", MAZ), Reason.INVITED, maz),
        (("", office.staff.email), Reason.INVITED, booking.attendees.get(is_organizer=True)),
    ):
        [problem] = refused(maz, person).problems
        assert (problem.reason, problem.attendee) == (reason, there)
    booking.refresh_from_db()
    assert (booking.version, Answer.objects.count(), len(present(booking))) == (1, 0, 2)


def test_of_a_closed_session_only_the_organizer_says_who_comes(office: Office) -> None:
    booking = book(office, is_private=True)
    assert refused(guest(booking)).reason == Reason.CLOSED


def test_a_full_session_takes_nobody_more(office: Office, settings: object) -> None:
    booking = book(office)
    settings.MAX_PARTICIPANTS = 3
    found = refused(guest(booking))
    assert (found.reason, found.limit) == (Reason.TOO_MANY, 3)


def test_who_sends_one_after_another_is_stopped(office: Office) -> None:
    booking = book(office)
    for number in range(services.NAMED_AN_HOUR):
        send(guest(booking), ("", f"k{number}@mazowiecki.example"), minutes=number)
    assert refused(guest(booking), minutes=20).reason == Reason.TOO_OFTEN
    assert send(guest(booking), minutes=90).email == EWA[1]


def test_who_is_not_invited_any_more_sends_nobody(office: Office) -> None:
    booking = book(office)
    maz = guest(booking)
    with pytest.raises(services.NotAllowed):
        send(booking.attendees.get(is_organizer=True))
    with pytest.raises(services.AlreadyOver):
        send(maz, minutes=60 * 24 * 60)
    Attendee.objects.filter(pk=maz.pk).update(removed_at=LATER)
    with pytest.raises(services.AlreadyOver):
        send(maz)
    services.cancel(booking, by=office.staff, now=LATER)
    with pytest.raises(services.AlreadyOver):
        send(guest(booking, MIGRI))


def test_of_a_series_the_colleague_misses_what_they_miss(office: Office) -> None:
    booking = book(office, series=True)
    maz, second = guest(booking), meetings(booking)[1]
    Absence.objects.create(attendee=maz, occurrence=second)
    own = of_one_meeting(booking, meetings(booking)[2], EWA[1])
    ewa = send(maz)
    assert (ewa.occurrence, list(ewa.absences.values_list("occurrence", flat=True))) == (None, [second.pk])
    own.refresh_from_db()
    # Whoever had one meeting of it has the whole now.
    assert own.removed_at is not None
    assert partstats(booking) == ["DELEGATED"] * 5


def test_who_comes_to_one_meeting_sends_somebody_to_that_one(office: Office) -> None:
    booking = book(office, series=True)
    meeting = meetings(booking)[1]
    own = of_one_meeting(booking, meeting)
    ewa = send(own)
    own.refresh_from_db()
    assert (ewa.occurrence, ewa.time_zone, own.partstat) == (meeting, "UTC", "DELEGATED")
    event = booking.events.latest("pk")
    assert (event.kind, event.occurrence) == ("meeting_changed", meeting)
    assert event.data["people"]["delegated_by"] == own.pk
    assert [mail.occurrence for mail in Message.objects.filter(recipient=EWA[1])] == [meeting]


def test_another_address_of_either_changes_nothing_between_them(office: Office) -> None:
    booking = book(office)
    maz, ewa = guest(booking), send(guest(booking))
    ewa = services.correct_address(ewa, "e.kos@mazowiecki.example", by=office.staff, now=LATER)
    assert (party_of(ewa).sent_by, delegate_of(maz)) == (maz, ewa)
    maz = services.correct_address(maz, "sekretariat@mazowiecki.example", by=office.staff, now=LATER)
    ewa.refresh_from_db()
    named = named_in(booking)[ewa.pk]
    assert (ewa.named_by, named.by, named.sent, delegate_of(maz)) == (maz, maz, True, ewa)
    assert maz.partstat == "DELEGATED"
