"""An office's mailbox registers those who will come: each is invited in their own name, all or nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bookings import services
from bookings.models import Attendee
from bookings.party_queries import MAX_REGISTERED, named_in, party_of
from bookings.services import NamingRefused, Reason
from integrations.jitsi.links import token_for
from notifications.models import Message
from tests.bookings.answering import LATER, MAZ, MIGRI, book, guest
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
from tests.bookings.series import meetings
from tests.factories import Office

pytestmark = pytest.mark.django_db


def register(attendee: Attendee, *people: tuple[str, str], minutes: int = 0) -> list[Attendee]:
    return services.register(attendee, people, now=LATER + timedelta(minutes=minutes))


def refused(attendee: Attendee, *people: tuple[str, str], minutes: int = 0) -> NamingRefused:
    with pytest.raises(NamingRefused) as found:
        register(attendee, *people, minutes=minutes)
    return found.value


def many(count: int, first: int = 0) -> list[tuple[str, str]]:
    return [("", f"k{number}@mazowiecki.example") for number in range(first, first + count)]


def test_each_gets_an_invitation_and_a_link_of_their_own(office: Office) -> None:
    booking = book(office)
    maz, sequence = guest(booking), booking.sequence
    ewa, jan = register(maz, EWA, JAN)
    assert present(booking) == [MAZ, MIGRI, EWA[1], JAN[1]]
    assert (ewa.name, ewa.language, ewa.named_by, ewa.partstat) == (EWA[0], maz.language, maz, "NEEDS-ACTION")
    assert len({token_for(item) for item in (maz, ewa, jan)}) == 3
    booking.refresh_from_db()
    # One change, however many they are.
    assert booking.sequence == sequence + 1
    assert mails(EWA[1], JAN[1]) == [(EWA[1], "invitation", "queued"), (JAN[1], "invitation", "queued")]
    assert people_events(booking) == [
        {"added": [ewa.pk, jan.pk], "removed": [], "registered_by": maz.pk, "by_guest": True}
    ]
    assert notices() == [("registered", office.staff.email)]
    maz.refresh_from_db()
    assert (maz.partstat, party_of(maz).registered, party_of(ewa).registered_by) == ("NEEDS-ACTION", (ewa, jan), maz)
    assert not named_in(booking)[jan.pk].sent


def test_one_wrong_address_is_enough_to_invite_nobody_and_each_is_named(office: Office) -> None:
    booking = book(office)
    found = refused(guest(booking), EWA, ("Bez", "nie adres"), ("", EWA[1].upper()), ("", MIGRI))
    assert [(item.place, item.reason) for item in found.problems] == [
        (1, Reason.NO_ADDRESS),
        (2, Reason.TWICE),
        (3, Reason.INVITED),
    ]
    assert found.problems[2].attendee == guest(booking, MIGRI)
    booking.refresh_from_db()
    assert (booking.version, present(booking), Message.objects.filter(topic="registered").count()) == (
        1,
        [MAZ, MIGRI],
        0,
    )


def test_ten_at_most_and_who_was_taken_out_makes_room(office: Office) -> None:
    booking = book(office)
    maz = guest(booking)
    first = register(maz, *many(MAX_REGISTERED - 1))
    found = refused(maz, EWA, JAN, minutes=1)
    assert (found.reason, found.limit) == (Reason.TOO_MANY, 10)
    register(maz, EWA, minutes=2)
    assert refused(maz, JAN, minutes=3).reason == Reason.TOO_MANY
    services.take_back(maz, named=first[0], now=LATER + timedelta(minutes=4))
    assert newest_event(booking)[1] == {
        "added": [],
        "removed": [first[0].pk],
        "taken_back_by": maz.pk,
        "sent": False,
        "by_guest": True,
    }
    register(maz, JAN, minutes=5)
    assert party_of(maz).places_left == 0


def test_who_names_one_after_another_is_stopped(office: Office) -> None:
    maz = guest(book(office))
    for item in register(maz, *many(MAX_REGISTERED)):
        services.take_back(maz, named=item, now=LATER)
    assert refused(maz, *many(6, 20), minutes=1).reason == Reason.TOO_OFTEN
    assert len(register(maz, *many(6, 20), minutes=61)) == 6


def test_only_who_was_invited_by_the_office_and_has_no_account_registers(office: Office) -> None:
    booking = book(office)
    maz = guest(booking)
    [ewa] = register(maz, EWA)
    assert refused(ewa, JAN, minutes=1).reason == Reason.NOT_YOURS
    colleague = services.correct_address(maz, office.colleague.email, by=office.staff, now=LATER)
    assert refused(colleague, JAN, minutes=2).reason == Reason.NOT_YOURS
    assert refused(guest(booking, MIGRI)).reason == Reason.NOBODY
    # Whom they registered may send somebody instead.
    assert send(ewa, JAN, minutes=3).named_by == ewa


def test_of_a_closed_session_only_the_organizer_says_who_comes(office: Office) -> None:
    booking = book(office, is_private=True)
    assert refused(guest(booking), EWA).reason == Reason.CLOSED


def test_of_one_meeting_of_a_series(office: Office) -> None:
    booking = book(office, series=True)
    own = of_one_meeting(booking, meetings(booking)[1])
    [ewa] = register(own, EWA)
    assert ewa.occurrence == own.occurrence
    event = booking.events.latest("pk")
    assert (event.kind, event.occurrence, event.data["people"]["registered_by"]) == (
        "meeting_changed",
        own.occurrence,
        own.pk,
    )


def test_who_leaves_lets_those_stay_whom_they_registered(office: Office) -> None:
    booking = book(office)
    maz = guest(booking)
    register(maz, EWA)
    services.leave_session(maz, now=LATER)
    assert present(booking) == [MIGRI, EWA[1]]
