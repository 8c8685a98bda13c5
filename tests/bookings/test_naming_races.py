"""Guests who bring people along at once, and organizers who change the list meanwhile: real threads, real rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest

from bookings import as_request, services
from bookings.models import Answer, Attendee, Booking
from bookings.party_queries import MAX_REGISTERED, delegate_of, party_of
from tests.at_once import at_once as together
from tests.bookings.answering import LATER, MAZ, MIGRI, book, guest
from tests.bookings.parties import EWA, JAN, mails, present, send
from tests.factories import Office

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
EXPECTED = (services.NamingRefused, services.AlreadyOver, services.Refused)


@pytest.fixture(autouse=True)
def no_rows_left_behind(transactional_db: None) -> Iterator[None]:
    return


at_once = partial(together, expected=EXPECTED)


def remove(office: Office, booking: Booking, email: str) -> Booking:
    """Take somebody off the list, as the organizer does in the form."""
    request = as_request.of_meeting(booking.occurrences.get())
    left = tuple(item for item in request.participants if item.email != email)
    return services.change(booking, replace(request, participants=left), by=office.staff, now=LATER, version=1)


@pytest.mark.parametrize("round_", range(3))
def test_of_two_who_are_sent_at_once_one_goes(office: Office, round_: int) -> None:
    booking = book(office)
    maz = guest(booking)
    at_once(lambda: send(maz, EWA), lambda: send(maz, JAN, minutes=1))
    delegate = delegate_of(maz)
    assert delegate is not None
    assert sorted(present(booking)) == sorted([MAZ, MIGRI, delegate.email])
    assert Answer.objects.filter(standing="counted").get().delegated_to == delegate.email
    assert [state for _who, _kind, state in mails(delegate.email)] == ["queued"]


@pytest.mark.parametrize("round_", range(3))
def test_the_same_button_pressed_often_sends_once(office: Office, round_: int) -> None:
    booking = book(office)
    maz = guest(booking)
    found = at_once(*[lambda n=n: send(maz, EWA, minutes=n) for n in range(4)])
    assert len({item.pk for item in found}) == 1
    assert (present(booking), Answer.objects.count()) == ([MAZ, MIGRI, EWA[1]], 1)


@pytest.mark.parametrize("round_", range(3))
def test_two_who_send_the_same_colleague_send_them_once(office: Office, round_: int) -> None:
    booking = book(office)
    found = at_once(lambda: send(guest(booking)), lambda: send(guest(booking, MIGRI)))
    [refused] = [item for item in found if isinstance(item, services.NamingRefused)]
    assert refused.reason == services.Reason.INVITED
    assert Attendee.objects.filter(email=EWA[1]).count() == 1


@pytest.mark.parametrize("round_", range(3))
def test_who_is_removed_meanwhile_sends_nobody_or_is_kept(office: Office, round_: int) -> None:
    booking = book(office)
    maz = guest(booking)
    sent, changed = at_once(lambda: send(maz), lambda: remove(office, booking, MAZ))
    if isinstance(sent, Attendee):
        # The organizer saw another list: they are told so, and nobody is lost.
        assert isinstance(changed, services.Refused)
        assert present(booking) == [MAZ, MIGRI, EWA[1]]
    else:
        assert isinstance(sent, services.AlreadyOver)
        assert present(booking) == [MIGRI]


@pytest.mark.parametrize("round_", range(3))
def test_the_limit_holds_however_many_ask_at_once(office: Office, round_: int) -> None:
    booking = book(office)
    maz = guest(booking)
    people = [[("", f"k{n}{m}@mazowiecki.example") for m in range(4)] for n in range(4)]
    found = at_once(*[lambda part=part: services.register(maz, part, now=LATER) for part in people])
    assert sum(isinstance(item, list) for item in found) == 2
    assert party_of(maz).places_left == MAX_REGISTERED - 8
    assert len(present(booking)) == 2 + 8


@pytest.mark.parametrize("round_", range(3))
def test_who_sends_and_takes_back_at_once_is_left_with_one_of_both(office: Office, round_: int) -> None:
    booking = book(office)
    maz, ewa = guest(booking), send(guest(booking))
    at_once(lambda: services.take_back(maz, named=ewa, now=LATER), lambda: send(maz, JAN, minutes=1))
    delegate = delegate_of(maz)
    assert present(booking) == [MAZ, MIGRI, *([delegate.email] if delegate else [])]
    maz.refresh_from_db()
    assert (maz.partstat == "DELEGATED") == (delegate is not None)
