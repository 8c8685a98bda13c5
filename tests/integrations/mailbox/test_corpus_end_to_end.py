"""Mails as programs write them (tests/mail/inbound), against a session of ours: from the store to the session."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bookings.models import Answer, Attendee, Booking, MeetingAnswer, Proposal
from integrations.mailbox import inbox
from integrations.mailbox.models import InboundMail
from notifications.models import Message
from tests.bookings.requests import NOW, at
from tests.bookings.series import weekly
from tests.factories import Office
from tests.notifications.outbox_rows import book, pretend
from tests.servers import ROOT

pytestmark = pytest.mark.django_db

CORPUS = ROOT / "tests" / "mail" / "inbound"
UID = "0f8fad5b-d9cb-469f-a165-70867728950e@narada.urzad.example"
SENT_ID = "<0f8fad5b-d9cb-469f-a165-70867728950e.0.5d41402a.118-1@urzad.example>"


@pytest.fixture(autouse=True)
def our_server(settings: Any) -> None:
    settings.MAIL_AUTH_SERVER = "mx.urzad.example"


def raw(name: str) -> bytes:
    return (CORPUS / f"{name}.eml").read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def take(name: str) -> InboundMail:
    mail = inbox.store(raw(name), source="lmtp", envelope_to=["narada@urzad.example"], now=NOW)
    assert inbox.handle_waiting(NOW) == 1
    mail.refresh_from_db()
    return mail


def booked(office: Office, email: str, **fields: Any) -> Booking:
    booking = book(office, email, **fields)
    # Above what any of the answers has: they were given along its way.
    Booking.objects.filter(pk=booking.pk).update(uid=UID, sequence=5)
    pretend(email, state="sent", message_id=SENT_ID)
    return booking


@pytest.mark.parametrize(
    ("name", "email", "partstat"),
    [
        ("outlook-365-accept", "ewa.zorawska@mazowieckie.example", "ACCEPTED"),
        ("outlook-2016-accept-display-name-zone", "zofia.kret@mazowieckie.example", "ACCEPTED"),
        ("outlook-com-tentative", "marta.lis.bp@outlook.example", "TENTATIVE"),
        ("gmail-accept", "piotr.zaremba@gmail.example", "ACCEPTED"),
    ],
)
def test_an_answer_of_each_program_is_on_the_session(office: Office, name: str, email: str, partstat: str) -> None:
    booking = booked(office, email)
    mail = take(name)
    assert (mail.state, mail.outcome) == ("done", "answer_counted")
    attendee = Attendee.objects.get(booking=booking, email=email)
    assert (attendee.partstat, mail.booking, mail.attendee) == (partstat, booking, attendee)


@pytest.mark.parametrize(
    ("name", "email", "partstat"),
    [
        ("apple-mail-decline", "kasia@me.example", "DECLINED"),
        ("exchange-accept-by-secretary", "dyrektor@mazowieckie.example", "ACCEPTED"),
        ("mu4e-accept-several-attendees", "iga.rys@gmina.example", "ACCEPTED"),
    ],
)
def test_an_answer_that_our_server_did_not_vouch_for_is_shown_and_not_counted(
    office: Office, settings: Any, name: str, email: str, partstat: str
) -> None:
    booking = booked(office, email)
    mail = take(name)
    assert (mail.state, mail.outcome) == ("done", "answer_unconfirmed")
    assert Attendee.objects.get(booking=booking, email=email).partstat == "NEEDS-ACTION"
    answer = Answer.objects.get()
    assert (answer.email, answer.partstat, answer.standing) == (email, partstat, "unconfirmed")


@pytest.mark.parametrize(
    ("name", "email", "outcome", "own"),
    [
        ("outlook-365-decline-one", "jan.nowak@mazowieckie.example", "answer_counted", ["DECLINED"]),
        # Our server judged it to be forged.
        ("gmail-decline-one", "piotr.zaremba@gmail.example", "answer_unconfirmed", []),
    ],
)
def test_an_answer_to_one_meeting_of_a_series_is_about_that_meeting(
    office: Office, name: str, email: str, outcome: str, own: list[str]
) -> None:
    start = at(10, day=datetime(2027, 4, 1))
    booking = booked(office, email, start=start, series=weekly(weekdays=(3,)))
    assert take(name).outcome == outcome
    attendee = Attendee.objects.get(booking=booking, email=email)
    answers = MeetingAnswer.objects.filter(attendee=attendee, occurrence=booking.occurrences.earliest("pk"))
    assert [answer.partstat for answer in answers] == own
    assert attendee.partstat == "NEEDS-ACTION"


def test_an_answer_to_a_series_is_about_all_of_it(office: Office) -> None:
    booking = booked(office, "roza.bak@gmina.example", series=weekly())
    mail = take("thunderbird-accept-series")
    assert (mail.outcome, Answer.objects.get().occurrence) == ("answer_counted", None)
    assert booking.attendees.get(is_organizer=False).partstat == "ACCEPTED"


@pytest.mark.parametrize("name", ["outlook-counter", "thunderbird-counter", "gmail-counter"])
def test_another_time_is_kept_as_a_proposal_and_moves_nothing(office: Office, name: str) -> None:
    email = {
        "outlook-counter": "jan.nowak@mazowieckie.example",
        "thunderbird-counter": "roza.bak@gmina.example",
        "gmail-counter": "piotr.zaremba@gmail.example",
    }[name]
    booking = booked(office, email)
    before = booking.occurrences.get().interval
    assert take(name).outcome == "proposal"
    assert Proposal.objects.get().state == "open"
    assert booking.occurrences.get().interval == before


@pytest.mark.parametrize(
    ("name", "email"),
    [
        ("postfix-bounce", "ktos@gmina.example"),
        ("exim-bounce", "brak@powiat.example"),
        ("exchange-bounce", "jan.nowak@mazowieckie.example"),
        ("gmail-bounce", "nikt.taki@gmail.example"),
        ("qmail-bounce", "stary@urzedy.example"),
    ],
)
def test_a_mail_that_came_back_is_on_the_session_with_the_servers_words(office: Office, name: str, email: str) -> None:
    booking = booked(office, email)
    mail = take(name)
    assert (mail.state, mail.outcome, mail.booking) == ("done", "bounced", booking)
    message = Message.objects.get(recipient=email)
    assert (message.state, message.bounced_at) == ("failed", NOW)
    assert message.last_error
    assert Message.objects.get(topic="undeliverable").user == office.staff


def test_a_mail_that_is_late_changes_nothing(office: Office) -> None:
    booked(office, "ktos@gmina.example")
    mail = take("postfix-delay")
    assert (mail.state, mail.what) == ("ignored", "bounce")
    assert not Message.objects.filter(topic="undeliverable").exists()
    assert Message.objects.get(recipient="ktos@gmina.example").state == "sent"


@pytest.mark.parametrize("name", ["outlook-letter", "gmail-letter", "apple-letter-html"])
def test_a_letter_is_passed_on_to_the_organizer(office: Office, name: str) -> None:
    booking = booked(office, "video@migri.example")
    mail = take(name)
    assert (mail.state, mail.outcome, mail.booking) == ("done", "forwarded", booking)
    assert Message.objects.get(topic="mail_written").user == office.staff


@pytest.mark.parametrize("name", ["exchange-absence", "gmail-vacation", "sieve-vacation", "own-mail-came-back"])
def test_programs_and_loops_get_nothing(office: Office, name: str) -> None:
    booked(office, "video@migri.example")
    before = Message.objects.count()
    assert take(name).state == "ignored"
    assert Message.objects.count() == before


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.eml")), ids=lambda path: path.stem)
def test_every_mail_comes_to_an_end_that_is_told(office: Office, path: Path) -> None:
    booked(office, "video@migri.example")
    mail = take(path.stem)
    assert mail.state in {"done", "shown", "ignored", "parked"}
    assert mail.outcome
    assert mail.reason or mail.state == "done"
