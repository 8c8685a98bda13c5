"""Number and PIN in mails and in their calendar part."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings import services
from bookings.models import Attendee, Booking
from bookings.rules import Participant
from integrations.jitsi.models import DialInNumber, DialInPin
from notifications.compose import Mail, compose
from notifications.compose.shelf import Shelf
from notifications.models import Message
from rooms.models import SiteRole
from tests.bookings.requests import NOW, ask, at
from tests.bookings.series import ask_series
from tests.factories import Office
from tests.integrations.ical.meetings import parsed
from tests.integrations.jitsi.sessions import Session, make_session
from tests.integrations.jitsi.telephones import make_numbers
from tests.notifications.letters import arrived, queued, reminder
from tests.notifications.test_compose_samples import UID
from tests.notifications.test_more_samples import compare, request, waiting

NUMBER, PIN = "+48 22 555 01 80", "481120337"
GROUPED = "481 120 337"
BIALA = "+48 83 344 41 11"


@pytest.fixture
def session(office: Office) -> Session:
    session = make_session(office)
    DialInPin.objects.create(booking=session.booking, pin=PIN, created_at=NOW)
    return session


def test_invitation_in_english_names_number_and_pin(office: Office, session: Session) -> None:
    make_numbers(office)
    mail = _mail_to(session.guest)
    assert f"\n\nBy phone\n{NUMBER}, PIN {GROUPED}, then #\n\n" in mail.text
    link = rf'<a [^>]*href="tel:\+48225550180"[^>]*>{re.escape(NUMBER)}</a>'
    assert re.search(rf"<strong>By phone</strong><br>{link}, PIN {GROUPED}, then #", mail.html)


def test_calendar_part_has_a_second_way_in_for_the_telephone(office: Office, session: Session) -> None:
    make_numbers(office)
    mail = _mail_to(session.guest)
    assert mail.calendar
    lines = mail.calendar.replace(b"\r\n ", b"").decode().splitlines()
    [telephone] = [line for line in lines if line.startswith("CONFERENCE") and "FEATURE=PHONE" in line]
    assert telephone == f"CONFERENCE;VALUE=URI;FEATURE=PHONE;LABEL=By phone:tel:+48225550180,,{PIN}%23"
    event = parsed(mail.calendar)
    assert len(event["CONFERENCE"]) == 2
    assert f"\n\nBy phone: {NUMBER}, PIN {GROUPED} #\n\n" in event["DESCRIPTION"]


def test_every_mail_that_shows_the_way_in_shows_the_telephone(office: Office, session: Session) -> None:
    make_numbers(office)
    guest = session.guest
    found = {"invitation": arrived(queued(session.booking, guest)).text}
    people = (Participant(contact_id=office.migri.pk), Participant(email="ktos@gmina.example"))
    moved = ask(office.staff, office.room("KOS/2.16"), start=at(13), participants=people)
    booking = services.change(session.booking, moved, by=office.staff, now=NOW, version=1)
    found["update"] = arrived(queued(booking, guest)).text
    due = reminder(Attendee.objects.get(pk=guest.pk), lead=timedelta(hours=24))
    found["reminder"] = compose(due, now=due.due_at).text
    services.cancel(booking, by=office.staff, now=NOW)
    found["cancellation"] = arrived(queued(booking, guest)).text
    assert {kind: GROUPED in text for kind, text in found.items()} == {
        "invitation": True,
        "update": True,
        "reminder": True,
        "cancellation": False,
    }


def test_staff_of_a_site_read_its_own_number(office: Office, session: Session) -> None:
    make_numbers(office)
    SiteRole.objects.filter(user=office.staff).update(site=office.biala)
    shelf = Shelf()
    mine, theirs = (_mail_to(attendee, shelf=shelf) for attendee in (session.organizer, session.guest))
    assert (BIALA in mine.text, NUMBER in mine.text) == (True, False)
    assert (BIALA in theirs.text, NUMBER in theirs.text) == (False, True)
    assert mine.calendar
    assert b"tel:+48833444111" in mine.calendar.replace(b"\r\n ", b"")


@pytest.mark.parametrize("is_private", [False, True], ids=["no number in use", "closed session"])
def test_nothing_speaks_of_telephones_where_nobody_can_call(office: Office, is_private: bool) -> None:
    make_numbers(office)
    if not is_private:
        DialInNumber.objects.update(is_active=False, is_default=False)
    session = make_session(office, is_private=is_private)
    mail = _mail_to(session.guest)
    assert "By phone" not in mail.text
    assert "By phone" not in mail.html
    assert b"FEATURE=PHONE" not in (mail.calendar or b"")
    assert not DialInPin.objects.exists()


def test_one_pin_for_everybody_and_for_all_meetings_of_a_series(office: Office) -> None:
    make_numbers(office)
    people = (Participant(contact_id=office.migri.pk),)
    asked = ask_series(office.staff, office.room("KOS/2.14"), participants=people)
    booking = services.book(asked, by=office.staff, now=NOW)
    texts = [compose(message, now=NOW).text for message in Message.objects.filter(booking=booking)]
    pin = DialInPin.objects.get(booking=booking)
    grouped = f"{pin.pin[:3]} {pin.pin[3:6]} {pin.pin[6:]}"
    assert len(texts) == 2
    assert all(grouped in text for text in texts)


def test_batch_asks_for_numbers_pin_and_sites_once(office: Office, session: Session) -> None:
    make_numbers(office)
    shelf = Shelf()
    with CaptureQueriesContext(connection) as queries:
        for attendee in (session.organizer, session.guest, session.stranger):
            _mail_to(attendee, shelf=shelf)
    asked = [query["sql"] for query in queries if "dialin" in query["sql"] or "siterole" in query["sql"]]
    assert len(asked) == 3


def test_mail_with_the_telephone_is_as_it_was(office: Office) -> None:
    make_numbers()
    booking = services.book(request(office), by=office.staff, now=NOW)
    Booking.objects.update(uid=UID)
    DialInPin.objects.create(booking=booking, pin=PIN, created_at=NOW)
    compare("telephone", {"en": waiting()["en"]}, languages=("en",))


def _mail_to(attendee: Attendee, *, shelf: Shelf | None = None) -> Mail:
    return compose(queued(attendee.booking, attendee), now=NOW, shelf=shelf)
