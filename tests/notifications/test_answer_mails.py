"""Mails about answers: notices to the organizer, what tells who proposed, and PARTSTAT in every later mail."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import icalendar
import pytest
from django.urls import reverse

from bookings import as_request, services
from bookings.models import Answer, Attendee, Booking, Occurrence, Proposal
from bookings.rules import Participant
from notifications.compose import Mail, compose
from notifications.delivery import deliver_due
from notifications.models import Message
from notifications.reminders import queue_due
from rooms.interval import Interval
from tests.bookings.answering import LATER, MAZ, MIGRI, answer, book, given, guest, move
from tests.bookings.series import meetings
from tests.factories import Office
from tests.notifications.letters import arrived, queued, read
from tests.notifications.test_compose import words_of
from tests.servers import MailServer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def organizer_reads_english(office: Office) -> None:
    office.staff.language = "en"
    office.staff.save()


def invite(booking: Booking) -> None:
    """Have everybody's invitation arrive."""
    for message in Message.objects.filter(booking=booking, state="queued"):
        arrived(message)


def notices() -> list[Mail]:
    return [compose(message, now=LATER) for message in Message.objects.filter(kind="notice").order_by("pk")]


def events_of(mail: Mail) -> list[Any]:
    assert mail.calendar
    return list(icalendar.Calendar.from_ical(mail.calendar).walk("VEVENT"))


def partstat_in(event: Any) -> str:
    return str(event["ATTENDEE"].params["PARTSTAT"])


def propose(booking: Booking, meeting: Occurrence, **fields: Any) -> Proposal:
    later = Interval(meeting.starts_at + timedelta(hours=2), meeting.ends_at + timedelta(hours=2))
    found = services.record_proposal(
        guest(booking, MIGRI),
        later,
        occurrence=meeting,
        comment="Rano mamy szkolenie.",
        sequence=0,
        stamped_at=LATER,
        is_certain=True,
        now=LATER,
        **fields,
    )
    assert found
    return found


def test_an_answer_sends_nobody_a_calendar_mail_and_a_yes_none_at_all(office: Office) -> None:
    booking = book(office)
    before = Message.objects.count()
    answer(guest(booking), "ACCEPTED")
    answer(guest(booking, MIGRI), "TENTATIVE")
    assert Message.objects.count() == before


def test_the_organizer_is_told_of_a_no_with_its_words(office: Office) -> None:
    booking = book(office)
    answer(guest(booking), "DECLINED", comment="Mamy w tym czasie <inną> naradę.")
    [mail] = notices()
    assert mail.recipient == office.staff.email
    assert mail.subject == "Somebody can't come: Konsultacje z Mazowieckim UW"
    assert mail.text.splitlines()[:5] == [
        "Somebody can't come",
        "Konsultacje z Mazowieckim UW",
        "",
        "Tuesday, 24 November 2026, 10:00–11:00 Polish time (UTC+1)",
        "Sala wideo 2.14, Koszykowa 16",
    ]
    assert f"Mazowiecki Urząd Wojewódzki ({MAZ}) is not coming." in mail.text
    assert "“Mamy w tym czasie <inną> naradę.”" in mail.text
    assert "“Mamy w tym czasie <inną> naradę.”" in words_of(mail.html)
    assert reverse("booking_show", args=[booking.number]) in mail.text
    assert mail.calendar is None


def test_a_no_that_was_taken_back_is_no_news(office: Office, smtp: MailServer) -> None:
    booking = book(office)
    answer(guest(booking), "DECLINED")
    answer(guest(booking), "ACCEPTED", minutes=2)
    answer(guest(booking, MIGRI), "DECLINED", minutes=3)
    deliver_due(LATER + timedelta(minutes=5))
    sent = Message.objects.filter(kind="notice").order_by("pk").values_list("state", flat=True)
    assert list(sent) == ["superseded", "sent"]


def test_the_same_no_again_is_told_once(office: Office) -> None:
    booking = book(office)
    answer(guest(booking), "DECLINED")
    answer(guest(booking), "DECLINED", minutes=5)
    assert len(notices()) == 1


def test_the_organizer_is_asked_about_what_is_not_certain(office: Office) -> None:
    booking = book(office)
    answer(guest(booking), "DECLINED", is_certain=False)
    services.record_stranger(booking, "Obcy@inny.example", "Jan Obcy", given("ACCEPTED"), now=LATER)
    answer(guest(booking, MIGRI), "DELEGATED", delegated_to="zastepca@migri.example")
    first, second, third = notices()
    for mail in (first, second, third):
        assert mail.subject == "An answer needs your decision: Konsultacje z Mazowieckim UW"
        assert f"{reverse('booking_show', args=[booking.number])}#answers" in mail.text
    assert "It is not certain that the mail is theirs." in first.text
    assert "Jan Obcy (obcy@inny.example)" in second.text
    assert "zastepca@migri.example" in third.text


def test_what_was_settled_is_asked_no_more(office: Office, smtp: MailServer) -> None:
    booking = book(office)
    found = answer(guest(booking), "ACCEPTED", is_certain=False)
    services.settle_answer(found, confirm=True, by=office.staff, now=LATER)
    deliver_due(LATER + timedelta(minutes=5))
    assert Message.objects.get(kind="notice").state == "superseded"


def test_a_flood_of_doubtful_answers_is_no_flood_of_mails(office: Office) -> None:
    booking = book(office)
    for number in range(30):
        services.record_stranger(booking, f"obcy{number}@inny.example", "", given("ACCEPTED"), now=LATER)
    assert Answer.objects.count() == 30
    assert len(notices()) == 10


def test_the_organizer_hears_of_another_time_and_no_more_once_it_is_decided(office: Office, smtp: MailServer) -> None:
    booking = book(office)
    proposal = propose(booking, booking.occurrences.get())
    [mail] = notices()
    assert mail.subject == "Another time is proposed: Konsultacje z Mazowieckim UW"
    assert "Tuesday, 24 November 2026, 12:00–13:00" in mail.text
    assert "“Rano mamy szkolenie.”" in mail.text
    services.decline_proposal(proposal, by=office.staff, now=LATER)
    deliver_due(LATER + timedelta(minutes=5))
    assert Message.objects.get(kind="notice").state == "superseded"


def test_a_declined_proposal_is_a_declinecounter_to_who_proposed(office: Office) -> None:
    booking = book(office)
    invite(booking)
    services.decline_proposal(propose(booking, booking.occurrences.get()), by=office.staff, now=LATER)
    mail = compose(queued(booking, guest(booking, MIGRI)), now=LATER)
    found = read(mail.raw)
    assert "The time that you proposed" in found.text
    assert "Tuesday, 24 November 2026, 13:00–14:00" in found.text
    part = next(part for part in found.message.walk() if part.get_content_type() == "text/calendar")
    assert part.get_param("method") == "DECLINECOUNTER"
    [event] = events_of(mail)
    assert (str(event["UID"]), int(event["SEQUENCE"])) == (booking.uid, 0)
    assert str(event["ATTENDEE"]) == f"mailto:{MIGRI}"
    assert "ORGANIZER" in event
    assert "RECURRENCE-ID" not in event


def test_a_declined_proposal_for_one_meeting_names_it(office: Office) -> None:
    booking = book(office, series=True)
    invite(booking)
    second = meetings(booking)[1]
    # SEQUENCE of the counter, although the series has gone on.
    proposal = propose(booking, second)
    move(office, booking, meetings(booking)[3])
    services.decline_proposal(proposal, by=office.staff, now=LATER)
    mail = compose(Message.objects.get(kind="counter"), now=LATER)
    [event] = events_of(mail)
    assert int(event["SEQUENCE"]) == 0
    assert event["RECURRENCE-ID"].dt.astimezone(UTC) == second.original_start_at


def test_a_declinecounter_takes_nobodys_place(office: Office, smtp: MailServer) -> None:
    booking = book(office)
    invite(booking)
    proposal = propose(booking, booking.occurrences.get())
    request = replace(as_request.of_meeting(booking.occurrences.get()), title="Inny tytuł")
    services.change(booking, request, by=office.staff, now=LATER, version=1)
    services.decline_proposal(proposal, by=office.staff, now=LATER)
    deliver_due(LATER + timedelta(minutes=2))
    deliver_due(LATER + timedelta(minutes=3))
    kinds = Message.objects.filter(attendee=guest(booking, MIGRI), state="sent").order_by("pk")
    assert list(kinds.values_list("kind", flat=True)) == ["invitation", "update", "counter"]
    # What comes after is an update, and takes no place either.
    booking.refresh_from_db()
    services.change(
        booking, replace(request, title="Jeszcze inny"), by=office.staff, now=LATER, version=booking.version
    )
    assert queued(booking, guest(booking, MIGRI)).kind == "update"


def test_a_new_title_carries_what_everybody_answered(office: Office) -> None:
    booking = book(office)
    invite(booking)
    answer(guest(booking), "ACCEPTED")
    answer(guest(booking, MIGRI), "TENTATIVE")
    request = replace(as_request.of_meeting(booking.occurrences.get()), title="Inny tytuł")
    services.change(booking, request, by=office.staff, now=LATER, version=1)
    found = {
        email: partstat_in(events_of(compose(queued(booking, guest(booking, email)), now=LATER))[0])
        for email in (MAZ, MIGRI)
    }
    assert found == {MAZ: "ACCEPTED", MIGRI: "TENTATIVE"}


def test_after_a_move_everybody_is_asked_in_the_mail_as_well(office: Office) -> None:
    booking = book(office)
    invite(booking)
    answer(guest(booking), "ACCEPTED")
    request = as_request.of_meeting(booking.occurrences.get())
    moved = request.at(request.local_start + timedelta(hours=1), request.local_end + timedelta(hours=1))
    services.change(booking, moved, by=office.staff, now=LATER, version=1)
    [event] = events_of(compose(queued(booking, guest(booking)), now=LATER))
    assert (partstat_in(event), str(event["ATTENDEE"].params["RSVP"])) == ("NEEDS-ACTION", "TRUE")


def test_a_mail_about_a_series_says_what_was_answered_about_each_meeting(office: Office) -> None:
    booking = book(office, series=True)
    invite(booking)
    second, third = meetings(booking)[1:3]
    answer(guest(booking), "ACCEPTED")
    answer(guest(booking), "DECLINED", minutes=1, occurrence=second)
    booking = move(office, booking, third, now=LATER + timedelta(minutes=2))
    [about_third] = events_of(compose(queued(booking, guest(booking)), now=LATER))
    assert partstat_in(about_third) == "NEEDS-ACTION"
    arrived(queued(booking, guest(booking)))
    services.record_answer(
        guest(booking),
        given("TENTATIVE", minutes=9, sequence=1),
        occurrence=third,
        now=LATER + timedelta(minutes=9),
    )
    request = replace(as_request.of_series(booking), title="Inny tytuł")
    services.change(booking, request, by=office.staff, now=LATER, version=booking.version)
    mail = compose(queued(booking, guest(booking)), now=LATER)
    shown = {
        event["RECURRENCE-ID"].dt.astimezone(UTC) if "RECURRENCE-ID" in event else None: partstat_in(event)
        for event in events_of(mail)
    }
    assert shown == {
        None: "ACCEPTED",
        second.original_start_at: "DECLINED",
        third.original_start_at: "TENTATIVE",
    }
    # Others hear nothing of it.
    other = events_of(compose(queued(booking, guest(booking, MIGRI)), now=LATER))
    assert [partstat_in(event) for event in other] == ["NEEDS-ACTION", "NEEDS-ACTION"]


def test_who_declined_one_meeting_is_not_reminded_of_it(office: Office) -> None:
    booking = book(office, series=True)
    invite(booking)
    first, second = meetings(booking)[:2]
    answer(guest(booking), "DECLINED", occurrence=first)
    answer(guest(booking, MIGRI), "DECLINED")
    answer(guest(booking, MIGRI), "ACCEPTED", minutes=5, occurrence=second)

    def reminded(meeting: Occurrence) -> set[str]:
        queue_due(meeting.starts_at - timedelta(minutes=10))
        return set(Message.objects.filter(kind="reminder", occurrence=meeting).values_list("recipient", flat=True))

    assert reminded(first) == {office.staff.email}
    assert reminded(second) == {office.staff.email, MAZ, MIGRI}


def test_a_no_after_the_reminder_was_queued_stops_it(office: Office, smtp: MailServer) -> None:
    booking = book(office, series=True)
    invite(booking)
    first = meetings(booking)[0]
    now = first.starts_at - timedelta(minutes=10)
    queue_due(now)
    services.record_answer(guest(booking), given("DECLINED"), occurrence=first, now=now)
    deliver_due(now)
    states = dict(Message.objects.filter(kind="reminder").values_list("recipient", "state"))
    assert states == {office.staff.email: "sent", MAZ: "superseded", MIGRI: "sent"}


def test_people_are_free_at_the_meeting_that_they_declined(office: Office) -> None:
    from bookings.availability import people_busy

    booking = book(office, series=True, participants=(Participant(user_id=office.colleague.pk),))
    email = office.colleague.email
    first, second, third = meetings(booking)[:3]
    whole = Interval(first.starts_at - timedelta(days=1), third.ends_at)

    def busy() -> list[datetime]:
        found = people_busy.load([office.colleague.pk], whole)
        return sorted(datetime.fromtimestamp(start, UTC) for start, _end in found)

    answer(guest(booking, email), "DECLINED", occurrence=second)
    assert busy() == [first.starts_at, third.starts_at]
    answer(guest(booking, email), "DECLINED", minutes=5)
    answer(guest(booking, email), "ACCEPTED", minutes=6, occurrence=third)
    assert busy() == [third.starts_at]
    assert Attendee.objects.get(user=office.colleague).partstat == "DECLINED"


def test_a_declined_proposal_for_a_whole_series_is_about_all_of_it(office: Office) -> None:
    booking = book(office, series=True)
    invite(booking)
    proposal = propose(booking, meetings(booking)[1], is_whole_series=True)
    [notice] = notices()
    assert "proposes another time of day for the whole series: 12:00–13:00." in notice.text
    services.decline_proposal(proposal, by=office.staff, now=LATER)
    mail = compose(Message.objects.get(kind="counter"), now=LATER)
    [event] = events_of(mail)
    assert "RECURRENCE-ID" not in event
    assert "you proposed another time of day for this series: 13:00–14:00." in mail.text
    assert mail.subject.startswith("Time stays: Konsultacje z Mazowieckim UW")


def test_who_left_meanwhile_gets_no_answer_to_a_proposal(office: Office, smtp: MailServer) -> None:
    booking = book(office)
    invite(booking)
    proposal = propose(booking, booking.occurrences.get())
    services.decline_proposal(proposal, by=office.staff, now=LATER)
    services.cancel(booking, by=office.staff, now=LATER)
    deliver_due(LATER + timedelta(minutes=1))
    assert Message.objects.get(kind="counter").state == "superseded"


def test_a_declinecounter_and_changes_wait_side_by_side(office: Office, smtp: MailServer) -> None:
    booking = book(office)
    invite(booking)
    proposal = propose(booking, booking.occurrences.get())
    request = replace(as_request.of_meeting(booking.occurrences.get()), title="Inny tytuł")
    services.change(booking, request, by=office.staff, now=LATER, version=1)
    # Of this Migri hears nothing; the answer to their proposal has the number of it.
    services.invite_again(guest(booking), by=office.staff, now=LATER)
    services.decline_proposal(proposal, by=office.staff, now=LATER)
    waiting = Message.objects.filter(attendee=guest(booking, MIGRI), state="queued").order_by("pk")
    assert list(waiting.values_list("kind", "version")) == [("update", 2), ("counter", 3)]
    # What changes now takes the place of the first and not of the second.
    booking.refresh_from_db()
    again = replace(request, title="Jeszcze inny")
    services.change(booking, again, by=office.staff, now=LATER, version=booking.version)
    assert list(waiting.values_list("kind", "version")) == [("counter", 3), ("update", 4)]
    deliver_due(LATER + timedelta(minutes=2))
    deliver_due(LATER + timedelta(minutes=3))
    sent = Message.objects.filter(attendee=guest(booking, MIGRI), state="sent").order_by("pk")
    assert list(sent.values_list("kind", "version")) == [("invitation", 1), ("counter", 3), ("update", 4)]


def test_an_update_is_sent_although_an_answer_to_a_proposal_is_newer(office: Office, smtp: MailServer) -> None:
    booking = book(office)
    invite(booking)
    proposal = propose(booking, booking.occurrences.get())
    request = replace(as_request.of_meeting(booking.occurrences.get()), title="Inny tytuł")
    services.change(booking, request, by=office.staff, now=LATER, version=1)
    services.invite_again(guest(booking), by=office.staff, now=LATER)
    services.decline_proposal(proposal, by=office.staff, now=LATER)
    deliver_due(LATER + timedelta(minutes=2))
    deliver_due(LATER + timedelta(minutes=3))
    sent = Message.objects.filter(attendee=guest(booking, MIGRI), state="sent").order_by("pk")
    assert list(sent.values_list("kind", "version")) == [("invitation", 1), ("update", 2), ("counter", 3)]
