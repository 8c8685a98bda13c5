"""What the overview of a day says of each session: how the answers stand, and what is wrong with its rooms."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.utils import translation

from bookings import services
from bookings.models import Absence, Attendee, Booking, LicenceHold, MeetingAnswer
from bookings.rules import Wishes
from integrations.jitsi.models import ConferenceServer, ServerAssignment, ServerHealth
from notifications import summaries
from notifications.compose import compose
from notifications.compose.day_facts import DayMeeting, Guest, read_day
from notifications.compose.day_summary import _answers
from notifications.delivery import deliver_due
from notifications.models import Message
from rooms.models import MovableEquipment, Room
from tests.bookings.closing import closing
from tests.bookings.requests import NOW
from tests.bookings.series import meetings, weekly
from tests.factories import Office
from tests.notifications.outbox_rows import MAZ, MIGRI, book, change, pretend, request
from tests.servers import MailServer

pytestmark = pytest.mark.django_db

DUE = datetime(2026, 11, 23, 14, tzinfo=UTC)


@pytest.fixture(autouse=True)
def in_english_at_three(office: Office, settings: Any) -> None:
    settings.SUMMARY_AT = time(15)
    type(office.staff).objects.update(language="en")


def text(now: datetime = DUE) -> str:
    summaries.queue_due(now)
    return compose(Message.objects.select_related("user").get(kind="summary"), now=now).text


def say(booking: Booking, *answers: str) -> list[Attendee]:
    """Let the participants, as invited, have answered this; the last ones have not."""
    guests = list(booking.attendees.filter(is_organizer=False).order_by("pk"))
    for attendee, partstat in zip(guests, answers, strict=False):
        Attendee.objects.filter(pk=attendee.pk).update(partstat=partstat)
    return guests


def test_how_the_answers_stand_and_whose_they_are(office: Office) -> None:
    booking = book(office, *[f"osoba{number}@gmina.example" for number in range(8)])
    say(booking, "ACCEPTED", "ACCEPTED", "DECLINED", "TENTATIVE", "DELEGATED")
    assert (
        "2 of 8 have confirmed.\n"
        "- Do not come: osoba2@gmina.example\n"
        "- Send somebody else: osoba4@gmina.example\n"
        "- Perhaps: osoba3@gmina.example\n"
        "- No answer: osoba5@gmina.example, osoba6@gmina.example, osoba7@gmina.example\n"
        "- Sala wideo 2.14, Koszykowa: no remarks\n"
    ) in text()


def test_many_names_are_cut_short(office: Office) -> None:
    book(office, *[f"osoba{number}@gmina.example" for number in range(9)])
    found = text()
    assert "Nobody of 9 has confirmed yet." in found
    assert "osoba4@gmina.example and 4 more people\n" in found
    assert "osoba5@" not in found


def test_without_guests_nobody_is_counted(office: Office) -> None:
    book(office)
    assert "Nobody is invited besides you.\n- Sala wideo 2.14, Koszykowa: no remarks\n" in text()


def test_of_a_series_the_answers_to_this_meeting_count(office: Office) -> None:
    booking = book(office, MIGRI, MAZ, "trzeci@gmina.example", series=weekly())
    migri, maz, third = say(booking, "ACCEPTED", "ACCEPTED", "ACCEPTED")
    first, second = meetings(booking)[:2]
    MeetingAnswer.objects.create(attendee=migri, occurrence=first, partstat="DECLINED", stamped_at=NOW)
    MeetingAnswer.objects.create(attendee=maz, occurrence=second, partstat="DECLINED", stamped_at=NOW)
    Absence.objects.create(attendee=third, occurrence=first)
    found = text()
    assert "1 of 2 has confirmed.\n- Do not come: Finnish Immigration Service (Migri)\n" in found
    assert "?spotkanie=2026-11-24" in found


@pytest.mark.parametrize(
    ("yes", "words"),
    [
        (0, "Nikt jeszcze nie potwierdził (0 z 16)."),
        (1, "1 z 16 potwierdził."),
        (2, "2 z 16 potwierdziło."),
        (12, "12 z 16 potwierdziło."),
    ],
)
def test_the_count_in_polish(office: Office, yes: int, words: str) -> None:
    occurrence = book(office).occurrences.get()
    guests = tuple(Guest(str(number), "ACCEPTED" if number < yes else "DECLINED", False) for number in range(16))
    meeting = DayMeeting(occurrence, guests, (), (), (), (), (), frozenset(), None)
    with translation.override("pl"):
        assert _answers(meeting) == words


def test_whose_mail_could_not_be_delivered(office: Office) -> None:
    book(office, MIGRI, MAZ)
    pretend(MIGRI, state="failed", last_error="550 no such user")
    found = text()
    assert "1 session needs attention." in found
    assert "- Attention: Our mail did not reach: Finnish Immigration Service (Migri)\n" in found
    # A newer mail that got through makes up for it.
    Message.objects.filter(recipient=MIGRI).update(state="sent", sent_at=NOW, raw=b"x", may_have_arrived=True)
    assert "did not reach" not in text()


def test_the_newest_mail_says_whether_somebody_is_reached(office: Office) -> None:
    booking = book(office, MIGRI, MAZ)
    pretend(MIGRI, state="failed", last_error="550 no such user")
    pretend(MAZ, state="sent")
    change(office, booking, MIGRI, MAZ, start=datetime(2026, 11, 24, 12))
    pretend(MIGRI, state="sent")
    pretend(MAZ, state="failed", last_error="550 no such user")
    assert "- Attention: Our mail did not reach: Mazowiecki Urząd Wojewódzki\n" in text()
    # One that was overtaken says nothing.
    Message.objects.filter(recipient=MAZ, kind="update").update(state="superseded")
    assert "did not reach" not in text()
    Message.objects.filter(recipient=MIGRI, version=2).update(state="superseded", sent_at=None)
    assert "- Attention: Our mail did not reach: Finnish Immigration Service (Migri)\n" in text()


@pytest.mark.parametrize("what", ["room", "site", "elsewhere", "another time", "lifted"])
def test_a_closed_room(office: Office, what: str) -> None:
    room = office.room("KOS/2.14")
    book(office)
    drafts = {
        "room": closing(room),
        "lifted": closing(room),
        "site": closing(site_id=office.koszykowa.pk),
        "elsewhere": closing(office.room("KOS/2.16")),
        "another time": closing(room, start=datetime(2026, 11, 24, 11)),
    }
    closed = services.close(drafts[what], by=office.manager, now=NOW)
    if what == "lifted":
        services.lift(closed.closure, by=office.manager, now=NOW)
    is_told = "- Attention: Sala wideo 2.14, Koszykowa: closed at that time (Wymiana kabli)\n" in text()
    assert is_told == (what in {"room", "site"})


def test_a_room_that_may_no_longer_be_booked(office: Office) -> None:
    book(office)
    Room.objects.filter(code="2.14").update(is_active=False)
    assert "Attention: Sala wideo 2.14, Koszykowa: may no longer be booked" in text()


def test_more_people_than_seats(office: Office) -> None:
    book(office, wishes=Wishes(seats=((office.koszykowa.pk, 13),)))
    assert "- Attention: Koszykowa: 13 people are to sit there, on 12 seats\n" in text()


def test_movable_equipment_that_is_missing(office: Office) -> None:
    camera = MovableEquipment.objects.create(site=office.koszykowa, name="kamera", name_en="camera", quantity=2)
    booking = book(office, wishes=Wishes(movable=((camera.pk, 2),)))
    assert "camera" not in text()
    meeting = booking.occurrences.get()
    meeting.equipment_holds.update(quantity=1)
    assert "- Attention: camera: 1 of what you asked for could not be had\n" in text()
    meeting.equipment_holds.update(live=False)
    assert "- Attention: camera: 2 of what you asked for could not be had\n" in text()


def test_a_request_beside_a_session_awaits_approval(office: Office) -> None:
    book(office)
    book(office, MIGRI, rooms=(office.room("KOS/3.01"),), start=datetime(2026, 11, 24, 13))
    found = text()
    assert "Not booked yet: nobody is invited until the request is approved.\n" in found
    assert "- Attention: Gabinet narad 3.01, Koszykowa: awaits the approval of the site's managers\n" in found


def test_a_session_of_another_calendar_has_its_answers_there(office: Office) -> None:
    booking = book(office, MIGRI)
    Booking.objects.filter(pk=booking.pk).update(is_outside=True)
    found = text()
    assert "The answers are in the calendar from which the room was invited.\n" in found
    assert "No answer" not in found


def test_licences_that_are_not_as_usual(office: Office) -> None:
    holds = LicenceHold.objects.filter(occurrence__booking=book(office))
    holds.update(kept=True)
    assert "- Attention: The office has fewer licences then than sessions; yours keeps its own.\n" in text()
    holds.update(kept=False, borrowed_by=office.koszykowa, site=office.biala)
    assert "- Its licence is borrowed from: Biała Podlaska.\n" in text()


def test_a_conference_server_that_is_down(office: Office) -> None:
    first, second = (
        ConferenceServer.objects.create(name=name, url=f"https://{name}.example", xmpp_domain=f"{name}.example")
        for name in ("meet", "other")
    )
    health = ServerHealth.objects.create(server=first, state="down", since=DUE - timedelta(hours=2))
    meeting = book(office).occurrences.get()
    # Another one is there for what has none yet.
    assert "conference server" not in text()
    ServerAssignment.objects.create(occurrence=meeting, server=first, assigned_at=NOW, people=2)
    words = "- Attention: The conference server has not answered since Mon 23 November, 13:00. IT can say more.\n"
    assert words in text()
    ServerAssignment.objects.update(server=second)
    assert "conference server" not in text()
    ServerAssignment.objects.all().delete()
    ServerHealth.objects.create(server=second, state="down", since=DUE)
    assert words in text()
    health.delete()
    assert "conference server" not in text()


def test_what_it_reads_is_what_a_naive_reader_finds(office: Office) -> None:
    people: Sequence[str] = [MIGRI, MAZ, "trzeci@gmina.example"]
    for number in range(6):
        booking = services.book(
            request(office, *people[: number % 4], start=datetime(2026, 11, 24, 8 + number)),
            by=office.staff,
            now=NOW,
        )
        say(booking, *["ACCEPTED", "DECLINED", "ACCEPTED"][: number % 3])
    day = read_day(office.staff, datetime(2026, 11, 24).date(), zone=office.koszykowa.zone)
    assert [meeting.occurrence.booking.organizer_id for meeting in day] == [office.staff.pk] * 6
    for meeting in day:
        guests = meeting.occurrence.booking.attendees.filter(is_organizer=False).order_by("pk")
        assert [(guest.name, guest.partstat) for guest in meeting.guests] == [
            (guest.label, guest.partstat) for guest in guests
        ]


def test_one_with_nothing_to_say_reaches_nobody_and_is_no_failure(office: Office, smtp: MailServer) -> None:
    booking = book(office)
    Message.objects.all().delete()
    summaries.queue_due(DUE)
    Booking.objects.filter(pk=booking.pk).update(status="cancelled", cancelled_at=DUE)
    deliver_due(DUE)
    assert smtp.received == []
    assert Message.objects.get().state == "superseded"


def test_it_is_delivered(office: Office, smtp: MailServer) -> None:
    book(office)
    Message.objects.all().delete()
    summaries.queue_due(DUE)
    deliver_due(DUE)
    (mail,) = smtp.received
    assert str(mail.mail["Subject"]) == "Tomorrow, Tue 24 November: 1 session, at 10:00"
    assert mail.recipient == office.staff.email
    # Who reads it has to sign in, so no mail program is promised that one click is enough.
    assert str(mail.mail["List-Unsubscribe"]) == "<http://testserver/konto/przypomnienia/>"
    assert mail.mail["List-Unsubscribe-Post"] is None
