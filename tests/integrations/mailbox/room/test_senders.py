"""Whom rooms answer, whom they refuse, and to whom they say nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bookings.models import Booking
from rooms.models import Room
from tests.factories import Office, make_user
from tests.integrations.mailbox.room.invites import ANNA, ROOM, Meeting, later, mail_of, receive, said

pytestmark = pytest.mark.django_db
STRANGER = "jan@firma.example"


def test_stranger_is_refused_once_a_day(room: Room) -> None:
    meeting = Meeting(organizer=STRANGER)
    outcome, (answer,) = receive(mail_of(meeting))
    assert (outcome, answer.recipient) == ("room_refused", STRANGER)
    assert answer.mail.get_content_type() == "text/plain"
    assert answer.mail["Auto-Submitted"] == "auto-replied"
    outcome, sent = receive(mail_of(replace(meeting, uid="another")), now=later(60))
    assert (outcome, sent) == ("room_silent", [])
    outcome, sent = receive(mail_of(replace(meeting, uid="third")), now=later(60 * 25))
    assert (outcome, len(sent)) == ("room_refused", 1)
    assert Booking.objects.count() == 0


@pytest.mark.parametrize("authentication", ["dmarc=fail header.from={domain}", "dmarc=none", "spf=softfail"])
def test_sender_who_is_not_certain_hears_nothing(room: Room, authentication: str) -> None:
    outcome, sent = receive(mail_of(Meeting(), authentication=authentication))
    assert (outcome, sent) == ("room_silent", [])
    assert Booking.objects.count() == 0


def test_forwarded_invitation_books_nothing(office: Office, room: Room) -> None:
    outcome, (answer,) = receive(mail_of(Meeting(), sender=office.manager.email))
    assert (outcome, answer.recipient) == ("room_refused", office.manager.email)
    assert Booking.objects.count() == 0


class SentFor(Meeting):
    """A meeting that `by` sends for its organizer."""

    by = ""

    def vevent(self) -> str:
        return super().vevent().replace("ORGANIZER;CN", f'ORGANIZER;SENT-BY="mailto:{self.by}";CN')


def test_secretary_sends_for_the_organizer(office: Office, room: Room) -> None:
    meeting = SentFor()
    meeting.by = office.manager.email
    _outcome, sent = receive(mail_of(meeting, sender=office.manager.email))
    assert said(sent) == [("", "ACCEPTED")]
    assert sent[0].recipient == ANNA
    assert Booking.objects.get().organizer == office.staff
    meeting.sequence = 1
    outcome, _sent = receive(mail_of(meeting, sender=office.manager.email, method="CANCEL"))
    assert outcome == "room_cancelled"


def test_colleague_can_not_speak_for_the_organizer_of_a_known_meeting(office: Office, room: Room) -> None:
    receive(mail_of(Meeting()))
    meeting = SentFor(sequence=1)
    meeting.by = office.colleague.email
    outcome, _sent = receive(mail_of(meeting, sender=office.colleague.email, method="CANCEL"))
    assert outcome == "room_silent"
    outcome, _sent = receive(mail_of(meeting, sender=office.colleague.email))
    assert outcome == "room_refused"
    assert Booking.objects.get().sequence == 0


def test_uid_of_another_organizer_is_refused(office: Office, room: Room) -> None:
    receive(mail_of(Meeting()))
    outcome, (answer,) = receive(mail_of(Meeting(organizer=office.manager.email, title="Przejęte", sequence=9)))
    assert (outcome, answer.recipient) == ("room_refused", office.manager.email)
    assert Booking.objects.get().title == "Narada zespołu"
    outcome, sent = receive(mail_of(Meeting(organizer=office.manager.email, sequence=9), method="CANCEL"))
    assert (outcome, sent) == ("room_silent", [])
    assert not Booking.objects.get().is_cancelled


def test_uid_of_a_session_of_ours_is_refused(office: Office, room: Room) -> None:
    receive(mail_of(Meeting()))
    uid = Booking.objects.get().uid
    outcome, _sent = receive(mail_of(Meeting(uid=uid)))
    assert outcome == "room_refused"
    assert Booking.objects.count() == 1


def test_user_without_a_role_is_declined_with_a_reason(office: Office, room: Room) -> None:
    _outcome, sent = receive(mail_of(Meeting(organizer=office.newcomer.email)))
    assert said(sent) == [("", "DECLINED")]
    assert Booking.objects.count() == 0


def test_whoever_left_the_office_is_a_stranger(room: Room) -> None:
    make_user("byly@urzad.example", is_active=False)
    outcome, _sent = receive(mail_of(Meeting(organizer="byly@urzad.example")))
    assert outcome == "room_refused"


def test_room_that_only_the_envelope_names_answers_under_its_own_address(room: Room) -> None:
    _outcome, (answer,) = receive(mail_of(Meeting(rooms=("zastepczy@urzad.example",))), room)
    assert (answer.room, answer.partstat) == (ROOM, "ACCEPTED")


def test_subject_can_not_break_out_of_its_header(room: Room) -> None:
    _outcome, (answer,) = receive(mail_of(Meeting(title="Narada\\nBcc: ktos@firma.example\\r\\n\\r\\nTresc")))
    assert answer.mail["Bcc"] is None
    assert "Narada" in answer.subject
    assert "\n" not in answer.subject
