"""Number and PIN on the pages of those who are invited, and on nobody else's."""

from __future__ import annotations

import re

import pytest
import time_machine
from django.test import Client

from bookings.models import Attendee, Booking
from integrations.jitsi.links import token_for
from integrations.jitsi.models import DialInPin
from rooms.models import SiteRole
from tests.bookings.requests import NOW
from tests.factories import Office
from tests.integrations.jitsi.sessions import Session
from tests.integrations.jitsi.telephones import make_numbers

PIN = "481120337"


@pytest.fixture
def called(session: Session, office: Office) -> Session:
    make_numbers(office)
    DialInPin.objects.create(booking=session.booking, pin=PIN, created_at=NOW)
    return session


def test_guest_who_waits_is_shown_number_and_pin(called: Session) -> None:
    page = _waiting_page(called)
    assert 'href="tel:+48225550180">+48 22 555 01 80</a>' in page
    assert "481 120 337 #" in page
    assert "800 555 190</a> <small>Free of charge</small>" in page


def test_guest_who_waits_reads_of_no_telephone_where_there_is_no_number(session: Session) -> None:
    assert "PIN" not in _waiting_page(session)
    assert not DialInPin.objects.exists()


def test_guest_of_a_closed_session_reads_of_no_telephone(called: Session) -> None:
    Booking.objects.update(is_private=True)
    assert "PIN" not in _waiting_page(called)


def test_participant_sees_the_pin_on_the_page_of_the_session_with_the_number_of_their_site(
    called: Session, office: Office, staff_client: Client
) -> None:
    SiteRole.objects.filter(user=office.staff).update(site=office.biala)
    page = _session_page(called, staff_client)
    assert "+48 83 344 41 11" in page
    assert "481 120 337" in page


def test_others_who_may_see_the_session_do_not_see_the_pin(
    called: Session, admin_client: Client, colleague_client: Client
) -> None:
    for client in (admin_client, colleague_client):
        page = _session_page(called, client)
        assert called.booking.number in page
        assert "481 120 337" not in page
        assert PIN not in page


def test_organizer_makes_a_new_pin_and_others_do_not(
    called: Session, staff_client: Client, colleague_client: Client, office: Office
) -> None:
    assert "Zrób nowy PIN" in _session_page(called, staff_client)
    path = f"/sesje/{called.booking.number}/pin/"
    Attendee.objects.create(
        booking=called.booking,
        user=office.colleague,
        email=office.colleague.email,
        language="pl",
        time_zone="Europe/Warsaw",
        invited_at=NOW,
    )
    assert "Zrób nowy PIN" not in _session_page(called, colleague_client)
    assert (colleague_client.post(path).status_code, _pin()) == (302, PIN)
    assert Client().post(path).status_code == 302
    assert (staff_client.get(path).status_code, _pin()) == (405, PIN)
    assert staff_client.post(path)["Location"] == f"/sesje/{called.booking.number}/"
    assert _pin() != PIN


def test_closed_session_gets_no_new_pin(called: Session, staff_client: Client) -> None:
    Booking.objects.update(is_private=True)
    staff_client.post(f"/sesje/{called.booking.number}/pin/")
    assert _pin() == PIN


def _pin() -> str:
    return DialInPin.objects.get().pin


def _waiting_page(session: Session) -> str:
    with time_machine.travel(session.at(minutes=-38), tick=False):
        page = Client().get(f"/d/{token_for(session.guest)}").content.decode()
    assert re.search(r'<html lang="en"', page)
    return page


def _session_page(session: Session, client: Client) -> str:
    with time_machine.travel(session.at(minutes=-38), tick=False):
        return client.get(f"/sesje/{session.booking.number}/", follow=True).content.decode()
