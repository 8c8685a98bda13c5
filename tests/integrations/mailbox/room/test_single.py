"""One meeting, one room: accepted, refused, changed, taken back."""

from __future__ import annotations

from dataclasses import replace

import pytest
import vobject

from bookings import services
from bookings.models import Booking, LicenceHold, OutsideMeeting, RoomHold
from rooms.models import Room
from tests.bookings.requests import ask, at
from tests.factories import Office
from tests.integrations.mailbox.room.invites import NOW, ROOM, Meeting, later, mail_of, outgoing, receive, said

pytestmark = pytest.mark.django_db


def held() -> list[str]:
    """Return what rooms hold, as Warsaw reads it."""
    holds = RoomHold.objects.filter(live=True).select_related("room__site").order_by("period")
    return [f"{hold.period.lower.astimezone(hold.room.site.zone):%m-%d %H:%M} {hold.room.code}" for hold in holds]


def test_free_room_accepts_and_is_booked(office: Office, room: Room) -> None:
    outcome, sent = receive(mail_of(Meeting(), message_id="<AM0PR07@outlook.example>"))
    assert outcome == "room_answered"
    (answer,) = sent
    booking = Booking.objects.get()
    assert (booking.title, booking.is_outside, booking.organizer) == ("Narada zespołu", True, office.staff)
    assert [person.user for person in booking.attendees.all()] == [office.staff]
    assert held() == ["11-24 10:00 2.14"]
    assert answer.recipient == "anna.wrzesinska@urzad.example"
    assert answer.subject == "Accepted: Narada zespołu"
    event = answer.event
    assert answer.partstat == "ACCEPTED"
    assert str(event["ATTENDEE"]) == f"mailto:{ROOM}"
    assert event["ATTENDEE"].params["CUTYPE"] == "ROOM"
    assert "RSVP" not in event["ATTENDEE"].params
    assert str(event["UID"]) == Meeting().uid
    assert event["SEQUENCE"] == 0
    assert event["DTSTAMP"].dt == NOW
    assert str(event["SUMMARY"]) == "Narada zespołu"
    assert event["DTSTART"].params["TZID"] == "Central European Standard Time"
    assert str(event["ORGANIZER"]) == "mailto:anna.wrzesinska@urzad.example"
    assert b"REQUEST-STATUS:2.0;Success" in answer.ics


def test_reply_mail_is_as_calendar_programs_want_it(room: Room) -> None:
    _outcome, (answer,) = receive(mail_of(Meeting(), message_id="<AM0PR07@outlook.example>"))
    mail = answer.mail
    assert mail.get_content_type() == "multipart/mixed"
    shape = [part.get_content_type() for part in mail.walk()]
    assert shape == ["multipart/mixed", "multipart/alternative", "text/plain", "text/calendar", "application/ics"]
    calendar = next(part for part in mail.walk() if part.get_content_type() == "text/calendar")
    assert calendar.get_param("method") == "REPLY"
    assert mail["From"] == f'"Sala wideo 2.14" <{ROOM}>'
    assert mail["In-Reply-To"] == mail["References"] == "<AM0PR07@outlook.example>"
    assert mail["Auto-Submitted"] == "auto-replied"
    attachment = next(part for part in mail.walk() if part.get_content_type() == "application/ics")
    assert attachment.get_payload(decode=True) == answer.ics
    other = vobject.readOne(answer.ics.decode())
    assert other.method.value == "REPLY"
    assert other.vevent.attendee.params["PARTSTAT"] == ["ACCEPTED"]
    assert f"{other.vevent.dtstart.value:%Y-%m-%d %H:%M %z}" == "2026-11-24 10:00 +0100"


def test_taken_room_declines_with_reason_and_free_times(office: Office, room: Room) -> None:
    services.book(ask(office.staff, room, title="Konsultacje"), by=office.staff, now=NOW)
    _outcome, (answer,) = receive(mail_of(Meeting()))
    assert answer.partstat == "DECLINED"
    assert answer.subject == "Declined: Narada zespołu"
    assert b"REQUEST-STATUS:4.1;" in answer.ics
    for words in ("Sala wideo 2.14 is taken on Tue 24 November, 10:00–11:00", "Konsultacje", "9:00–10:00 the same day"):
        assert words in answer.text
    assert "is taken" in str(answer.event["COMMENT"])
    assert Booking.objects.filter(is_outside=True).count() == 0


def test_answer_is_in_the_language_of_the_organizer(office: Office, room: Room) -> None:
    office.staff.language = "pl"
    office.staff.save()
    services.book(ask(office.staff, room), by=office.staff, now=NOW)
    _outcome, (answer,) = receive(mail_of(Meeting()))
    assert answer.mail["Content-Language"] == "pl"
    assert "Sala wideo 2.14: wt. 24 listopada, 10:00–11:00 zajmuje" in answer.text


def test_utc_times_are_read_on_the_clock_of_the_room(room: Room) -> None:
    _outcome, (answer,) = receive(mail_of(Meeting(start="20261124T090000", end="20261124T100000", zone="Z")))
    assert answer.partstat == "ACCEPTED"
    assert held() == ["11-24 10:00 2.14"]
    assert Booking.objects.get().time_zone == "Europe/Warsaw"


def test_closed_class_is_a_closed_session(room: Room) -> None:
    receive(mail_of(Meeting(more="CLASS:PRIVATE")))
    assert Booking.objects.get().is_private


@pytest.mark.parametrize(("takes", "count"), [(True, 1), (False, 0)])
def test_licence_is_taken_where_the_room_says_so(room: Room, *, takes: bool, count: int) -> None:
    room.mail_takes_licence = takes
    room.save()
    receive(mail_of(Meeting()))
    assert LicenceHold.objects.filter(live=True).count() == count


def test_update_moves_the_booking_and_keeps_its_number(room: Room) -> None:
    receive(mail_of(Meeting()))
    number = Booking.objects.get().number
    moved = Meeting(start="20261124T120000", end="20261124T130000", sequence=1, stamp="20261109T064000Z")
    _outcome, (answer,) = receive(mail_of(moved))
    assert (answer.partstat, answer.event["SEQUENCE"]) == ("ACCEPTED", 1)
    assert Booking.objects.get().number == number
    assert held() == ["11-24 12:00 2.14"]


def test_update_onto_its_own_time_frees_the_old_slot_for_itself(room: Room) -> None:
    receive(mail_of(Meeting()))
    longer = Meeting(end="20261124T120000", sequence=1, stamp="20261109T064000Z")
    _outcome, (answer,) = receive(mail_of(longer))
    assert answer.partstat == "ACCEPTED"


def test_update_that_does_not_fit_frees_the_old_time_and_says_so(office: Office, room: Room) -> None:
    services.book(ask(office.staff, room, start=at(12)), by=office.staff, now=NOW)
    receive(mail_of(Meeting()))
    moved = Meeting(start="20261124T120000", end="20261124T130000", sequence=1, stamp="20261109T064000Z")
    _outcome, sent = receive(mail_of(moved))
    assert said(sent) == [("", "DECLINED")]
    assert "is free now" in sent[0].text
    assert held() == ["11-24 12:00 2.14"]
    # What fits again is booked again.
    back = Meeting(sequence=2, stamp="20261109T065000Z")
    _outcome, sent = receive(mail_of(back))
    assert said(sent) == [("", "ACCEPTED")]


def test_new_title_is_answered_and_followed(room: Room) -> None:
    receive(mail_of(Meeting()))
    _outcome, sent = receive(mail_of(Meeting(title="Narada kierownictwa", stamp="20261109T064000Z")))
    assert said(sent) == [("", "ACCEPTED")]
    assert Booking.objects.get().title == "Narada kierownictwa"


def test_known_mail_is_answered_once_more_and_no_more(room: Room) -> None:
    _outcome, (first,) = receive(mail_of(Meeting(), message_id="<1@x.example>"))
    outcome, sent = receive(mail_of(Meeting(), message_id="<1@x.example>"))
    assert (outcome, sent) == ("room_old", [])
    outcome, (again,) = receive(mail_of(Meeting(), message_id="<2@x.example>"))
    assert (outcome, again.raw) == ("room_repeated", first.raw)
    outcome, sent = receive(mail_of(Meeting(), message_id="<3@x.example>"))
    assert (outcome, sent) == ("room_old", [])
    assert Booking.objects.count() == 1


def test_older_mail_changes_nothing(room: Room) -> None:
    receive(mail_of(Meeting(start="20261124T120000", end="20261124T130000", sequence=1, stamp="20261109T064000Z")))
    outcome, sent = receive(mail_of(Meeting()))
    assert (outcome, sent) == ("room_old", [])
    assert held() == ["11-24 12:00 2.14"]


def test_cancel_frees_without_an_answer(room: Room) -> None:
    receive(mail_of(Meeting()))
    outcome, sent = receive(mail_of(Meeting(sequence=1, stamp="20261109T064000Z"), method="CANCEL"))
    assert (outcome, sent) == ("room_cancelled", [])
    assert held() == []
    assert Booking.objects.get().is_cancelled


def test_cancel_before_its_invitation_wins(room: Room) -> None:
    outcome, _sent = receive(mail_of(Meeting(sequence=1, stamp="20261109T064000Z"), method="CANCEL"))
    assert outcome == "room_nothing"
    outcome, sent = receive(mail_of(Meeting()))
    assert (outcome, sent) == ("room_old", [])
    assert held() == []


def test_older_cancel_changes_nothing(room: Room) -> None:
    receive(mail_of(Meeting(sequence=2, stamp="20261109T064000Z")))
    outcome, _sent = receive(mail_of(Meeting(sequence=1), method="CANCEL"))
    assert outcome == "room_nothing"
    assert held() == ["11-24 10:00 2.14"]


def test_past_meeting_is_declined(room: Room) -> None:
    _outcome, sent = receive(mail_of(Meeting(start="20261102T100000", end="20261102T110000")))
    assert said(sent) == [("", "DECLINED")]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"zone": ""}, "time zone"),
        ({"zone": "Nowhere Standard Time"}, "time zone"),
        ({"rrule": "FREQ=YEARLY;COUNT=2"}, "every year"),
        ({"rrule": "FREQ=WEEKLY;BYDAY=TU"}, "has no end"),
        ({"rrule": "FREQ=WEEKLY;BYDAY=TH;COUNT=4"}, "not certain which dates"),
        ({"rrule": "FREQ=MONTHLY;BYDAY=TU,TH;COUNT=4"}, "in a way that"),
        ({"rrule": "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,TU;WKST=SU;COUNT=4"}, "in a way that"),
    ],
)
def test_what_can_t_be_held_is_declined_with_the_reason(room: Room, fields: dict[str, str], words: str) -> None:
    _outcome, (answer,) = receive(mail_of(Meeting(**fields)))
    assert answer.partstat == "DECLINED"
    assert words in answer.text
    assert Booking.objects.count() == 0


def test_all_day_meeting_is_declined(room: Room) -> None:
    _outcome, (answer,) = receive(mail_of(Meeting(start="20261124", end="20261125", zone="DATE")))
    assert answer.partstat == "DECLINED"
    assert "by the hour" in answer.text


def test_state_is_the_same_in_whatever_order_mails_come(room: Room) -> None:
    first, second = Meeting(), Meeting(start="20261124T120000", end="20261124T130000", sequence=1)
    second.stamp = "20261109T064000Z"
    gone = replace(second, sequence=2, stamp="20261109T065000Z")
    for method, meeting in [("CANCEL", gone), ("REQUEST", second), ("REQUEST", first), ("CANCEL", gone)]:
        receive(mail_of(meeting, method=method))
    assert held() == []
    assert OutsideMeeting.objects.count() == 1


def test_manager_cancels_and_the_room_declines(office: Office, room: Room) -> None:
    receive(mail_of(Meeting(), message_id="<1@x.example>"))
    with outgoing() as sent:
        services.cancel(Booking.objects.get(), by=office.manager, now=later(5), reason="Awaria prądu")
    (answer,) = sent
    assert answer.partstat == "DECLINED"
    assert "Awaria prądu" in answer.text
    assert answer.mail["In-Reply-To"] == "<1@x.example>"
    assert answer.event["DTSTART"].params["TZID"] == "Central European Standard Time"
