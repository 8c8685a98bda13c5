"""Rooms that need approval, closures, licences: what decides on the page decides by mail."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bookings import services
from bookings.models import Approval, Booking, LicenceHold, LicenceRefusal, RoomHold
from notifications import reminders
from notifications.models import Message
from rooms.models import LicenceGrant, Room
from tests.bookings.closing import closing
from tests.bookings.requests import ask, at
from tests.factories import Office
from tests.integrations.mailbox.room.invites import NOW, Meeting, later, mail_of, outgoing, receive, said

pytestmark = pytest.mark.django_db
HALL = "sala103@rooms.urzad.example"


@pytest.fixture
def hall(office: Office) -> Room:
    """A room that needs a manager's approval."""
    room = office.room("KOS/1.03")
    room.mailbox = HALL
    room.save()
    return room


def test_approval_is_tentative_then_final(office: Office, hall: Room) -> None:
    _outcome, sent = receive(mail_of(Meeting(rooms=(HALL,)), message_id="<1@x.example>"))
    assert said(sent) == [("", "TENTATIVE")]
    assert sent[0].subject == "Tentative: Narada zespołu"
    assert Booking.objects.get().is_requested
    asked = Message.objects.filter(topic="approval_asked").values_list("recipient", flat=True)
    assert office.manager.email in asked
    with outgoing() as final:
        services.approve(Approval.objects.get(), by=office.manager, now=later(5))
    assert said(final) == [("", "ACCEPTED")]
    assert final[0].mail["In-Reply-To"] == "<1@x.example>"
    assert final[0].event["SEQUENCE"] == 0


def test_approved_series_declines_its_dates_once_more(office: Office, hall: Room) -> None:
    taken = ask(office.manager, hall, start=at(10).replace(month=12, day=1))
    services.book(taken, by=office.manager, now=NOW)
    _outcome, sent = receive(mail_of(Meeting(rooms=(HALL,), rrule="FREQ=WEEKLY;COUNT=5;BYDAY=TU")))
    assert said(sent) == [("", "TENTATIVE"), ("12-01", "DECLINED")]
    with outgoing() as final:
        services.approve(Approval.objects.get(), by=office.manager, now=later(5))
    # The answer to the series is newer than the one to the date, and would stand for it.
    assert said(final) == [("", "ACCEPTED"), ("12-01", "DECLINED")]


def test_approval_refused_is_declined_with_the_managers_words(office: Office, hall: Room) -> None:
    receive(mail_of(Meeting(rooms=(HALL,))))
    with outgoing() as final:
        services.decline(Approval.objects.get(), by=office.manager, now=later(5), answer="Zajęta na egzamin")
    assert said(final) == [("", "DECLINED")]
    assert "Zajęta na egzamin" in final[0].text
    assert "Zajęta na egzamin" in str(final[0].event["COMMENT"])
    assert not RoomHold.objects.filter(live=True).exists()


def test_approval_that_comes_too_late_is_declined(hall: Room) -> None:
    receive(mail_of(Meeting(rooms=(HALL,))))
    with outgoing() as final:
        services.escalate_and_expire(NOW + timedelta(days=20))
    assert said(final) == [("", "DECLINED")]


def test_moved_meeting_asks_again(office: Office, hall: Room) -> None:
    receive(mail_of(Meeting(rooms=(HALL,))))
    services.approve(Approval.objects.get(), by=office.manager, now=later(5))
    moved = Meeting(rooms=(HALL,), start="20261124T140000", end="20261124T150000", sequence=1, stamp="20261109T071000Z")
    _outcome, sent = receive(mail_of(moved), now=later(20))
    assert said(sent) == [("", "TENTATIVE")]
    live = RoomHold.objects.filter(live=True)
    assert [f"{hold.period.lower + hold.room.setup:%H:%M}" for hold in live] == ["13:00"]
    approval = Approval.objects.get(state="pending")
    with outgoing() as final:
        services.approve(approval, by=office.manager, now=later(25))
    assert said(final) == [("", "ACCEPTED")]


def test_room_that_needs_approval_leaves_a_booked_one_alone(office: Office, room: Room, hall: Room) -> None:
    receive(mail_of(Meeting()))
    added = Meeting(rooms=(room.mailbox, HALL), sequence=1, stamp="20261109T064000Z")
    _outcome, sent = receive(mail_of(added))
    assert sorted((item.room, item.partstat) for item in sent) == [(HALL, "DECLINED"), (room.mailbox, "ACCEPTED")]
    assert not Booking.objects.get().is_requested


def test_manager_books_such_a_room_at_once(office: Office, hall: Room) -> None:
    _outcome, sent = receive(mail_of(Meeting(rooms=(HALL,), organizer=office.manager.email)))
    assert sent[0].partstat == "ACCEPTED"


def test_closure_declines_and_says_why(office: Office, room: Room) -> None:
    services.close(closing(room), by=office.manager, now=NOW)
    _outcome, sent = receive(mail_of(Meeting()))
    assert said(sent) == [("", "DECLINED")]
    assert "is closed" in sent[0].text


def test_closure_over_a_meeting_cancels_it_and_the_room_says_so(office: Office, room: Room) -> None:
    receive(mail_of(Meeting()))
    meeting = Booking.objects.get().occurrences.get()
    decisions = {meeting.pk: services.ClosureDecision.CANCEL}
    with outgoing() as sent:
        closed = services.close(closing(room), by=office.manager, now=later(5), decisions=decisions)
    assert closed.cancelled == 1
    assert said(sent) == [("", "DECLINED")]


def test_closure_can_not_move_what_another_calendar_leads(office: Office, room: Room) -> None:
    receive(mail_of(Meeting()))
    meeting = Booking.objects.get().occurrences.get()
    (hit,) = services.find_impact(closing(room), by=office.manager, now=later(5)).hits
    assert (hit.other_room, hit.other_time) == (None, None)
    decisions = {meeting.pk: services.ClosureDecision.ROOM}
    closed = services.close(closing(room), by=office.manager, now=later(5), decisions=decisions)
    assert (closed.moved, closed.left, closed.failed) == (0, 1, (meeting,))


def test_no_licence_left(office: Office, room: Room, second: Room) -> None:
    office.pool.shares.all().delete()
    LicenceGrant.objects.update(seats=1)
    services.book(ask(office.staff, second), by=office.staff, now=NOW)
    _outcome, sent = receive(mail_of(Meeting()))
    assert said(sent) == [("", "DECLINED")]
    assert "licen" in sent[0].text.lower()
    assert LicenceRefusal.objects.get().title == "Narada zespołu"
    # A room in which people meet in person needs none.
    room.mail_takes_licence = False
    room.save()
    _outcome, sent = receive(mail_of(Meeting(stamp="20261109T064000Z")))
    assert said(sent) == [("", "ACCEPTED")]
    assert LicenceHold.objects.filter(live=True).count() == 1


def test_nobody_gets_calendar_mail_or_reminders(room: Room) -> None:
    receive(mail_of(Meeting()))
    moved = Meeting(start="20261124T120000", end="20261124T130000", sequence=1, stamp="20261109T064000Z")
    receive(mail_of(moved))
    reminders.queue_due(at(11, 50).replace(tzinfo=NOW.tzinfo) - timedelta(hours=1))
    assert not Message.objects.exclude(kind="room_answer").exists()
