"""Mails about whom guests bring along: to the organizer, to IT, and to whoever was brought."""

from __future__ import annotations

from datetime import timedelta

import icalendar
import pytest
from django.urls import reverse

from bookings import services
from bookings.models import Booking
from integrations.jitsi.links import join_url
from notifications.compose import Mail, compose
from notifications.delivery import deliver_due
from notifications.models import Message
from tests.bookings.answering import LATER, MAZ, MIGRI, book, guest
from tests.bookings.parties import EWA, JAN, of_one_meeting, send
from tests.bookings.series import meetings
from tests.factories import Office
from tests.notifications.letters import queued
from tests.servers import MailServer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def they_read_english(office: Office) -> None:
    for user in (office.staff, office.it_admin):
        user.language = "en"
        user.save()


def notice() -> Mail:
    return compose(Message.objects.filter(kind="notice").latest("pk"), now=LATER)


def page_of(booking: Booking) -> str:
    return reverse("booking_show", args=[booking.number])


def test_the_organizer_hears_who_comes_instead(office: Office) -> None:
    booking = book(office)
    send(guest(booking), comment="Mam <rozprawę>.")
    mail = notice()
    assert (mail.recipient, mail.subject) == (
        office.staff.email,
        "Somebody else will come: Konsultacje z Mazowieckim UW",
    )
    assert f"Mazowiecki Urząd Wojewódzki ({MAZ}) is not coming and is sending Ewa Kos ({EWA[1]}) instead." in mail.text
    assert "“Mam <rozprawę>.”" in mail.text
    assert page_of(booking) in mail.text
    assert mail.calendar is None


def test_the_colleague_gets_a_request_with_a_link_of_their_own(office: Office) -> None:
    booking = book(office)
    migri = guest(booking, MIGRI)
    ewa = send(migri)
    mail = compose(queued(booking, ewa), now=LATER)
    assert mail.recipient == EWA[1]
    assert join_url(ewa) in mail.text
    assert join_url(migri) not in mail.text
    [event] = icalendar.Calendar.from_ical(mail.calendar).walk("VEVENT")
    assert str(event["ATTENDEE"]) == f"mailto:{EWA[1]}"
    assert (event["ATTENDEE"].params["PARTSTAT"], int(event["SEQUENCE"])) == ("NEEDS-ACTION", 1)


def test_calendars_are_told_who_sends_whom(office: Office) -> None:
    booking = book(office)
    maz = guest(booking)
    ewa = send(maz)
    [jan] = services.register(guest(booking, MIGRI), [JAN], now=LATER)
    booking.refresh_from_db()
    for person in (maz, ewa, jan):
        services.invite_again(person, by=office.staff, now=LATER)
    params = {}
    for person in (maz, ewa, jan):
        mail = compose(queued(booking, person), now=LATER)
        [event] = icalendar.Calendar.from_ical(mail.calendar).walk("VEVENT")
        given = event["ATTENDEE"].params
        params[person] = tuple(given.get(name, "") for name in ("PARTSTAT", "DELEGATED-FROM", "DELEGATED-TO"))
    assert params == {
        maz: ("DELEGATED", "", f"mailto:{EWA[1]}"),
        ewa: ("NEEDS-ACTION", f"mailto:{MAZ}", ""),
        jan: ("NEEDS-ACTION", "", ""),
    }
    calendar = compose(queued(booking, ewa), now=LATER).calendar or b""
    assert b'DELEGATED-FROM="mailto:' in calendar.replace(b"\r\n ", b"")


def test_what_was_taken_back_is_no_news_and_what_ended_is(office: Office, smtp: MailServer) -> None:
    booking = book(office)
    maz = guest(booking)
    ewa = send(maz)
    services.take_back(maz, named=ewa, now=LATER + timedelta(minutes=1))
    assert "no longer sends Ewa Kos" in notice().text
    deliver_due(LATER + timedelta(minutes=5))
    sent = Message.objects.filter(kind="notice").order_by("pk").values_list("topic", "state")
    assert list(sent) == [("delegated", "superseded"), ("delegation_ended", "sent")]


def test_the_organizer_hears_who_was_registered(office: Office) -> None:
    booking = book(office)
    services.register(guest(booking), [EWA, JAN], now=LATER)
    mail = notice()
    assert mail.subject == "More people will come: Konsultacje z Mazowieckim UW"
    assert f"Mazowiecki Urząd Wojewódzki ({MAZ}) has registered 2 people for your session." in mail.text
    assert f"- Ewa Kos ({EWA[1]})\n- Jan Nowak ({JAN[1]})" in mail.text


def test_the_organizer_hears_who_left_and_why(office: Office) -> None:
    booking = book(office, series=True)
    second = meetings(booking)[1]
    own = of_one_meeting(booking, second)
    services.leave_session(own, comment="Nie nasza sprawa.", now=LATER)
    mail = notice()
    assert mail.subject == "Somebody has left the list: Konsultacje z Mazowieckim UW"
    assert "raz@gmina.example does not want to take part" in mail.text
    assert "“Nie nasza sprawa.”" in mail.text
    # Which meeting it was.
    assert "Tuesday, 1 December 2026, 10:00–11:00" in mail.text


def test_the_organizer_hears_of_another_address(office: Office) -> None:
    booking = book(office)
    services.correct_own_address(guest(booking), "wideo2@mazowiecki.example", now=LATER)
    mail = notice()
    assert mail.subject == "Somebody has another address: Konsultacje z Mazowieckim UW"
    assert "Mazowiecki Urząd Wojewódzki can now be reached at wideo2@mazowiecki.example" in mail.text
    assert "The address book still has the old address" in mail.text


def test_it_hears_which_contact_left_which_group(office: Office) -> None:
    booking = book(office)
    services.leave_groups(guest(booking), group_ids=[office.voivodeships.pk], now=LATER)
    mail = notice()
    assert (mail.recipient, mail.subject) == (
        office.it_admin.email,
        f"A contact has left a group: Mazowiecki Urząd Wojewódzki ({MAZ})",
    )
    assert "- urzędy wojewódzkie" in mail.text
    assert reverse("admin:accounts_contactgroup_changelist") in mail.text
