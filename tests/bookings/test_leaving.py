"""Who leaves is told by their calendar, the organizer by a mail; groups are left for sessions to come."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import ContactGroup
from bookings import services
from bookings.models import Attendee
from notifications.models import Message
from tests.bookings.answering import LATER, MAZ, MIGRI, answer, book, guest
from tests.bookings.parties import mails, newest_event, notices, of_one_meeting, people_events, present
from tests.bookings.requests import NOW
from tests.bookings.series import meetings
from tests.factories import Office

pytestmark = pytest.mark.django_db


def test_who_leaves_is_off_the_list_and_the_calendar(office: Office) -> None:
    booking = book(office)
    maz = guest(booking)
    Message.objects.filter(recipient=MAZ).update(state="sent", sent_at=NOW, raw=b"x", may_have_arrived=True)
    services.leave_session(maz, comment=" To nie nasza sprawa.\x00 ", now=LATER)
    maz.refresh_from_db()
    assert (maz.removed_at, maz.partstat, maz.answer_comment) == (LATER, "DECLINED", "To nie nasza sprawa.")
    assert mails(MAZ)[1:] == [(MAZ, "cancellation", "queued")]
    assert people_events(booking) == [{"added": [], "removed": [maz.pk], "left": maz.pk, "by_guest": True}]
    assert notices() == [("left", office.staff.email)]
    with pytest.raises(services.AlreadyOver):
        services.leave_session(maz, now=LATER)


def test_who_never_heard_of_it_hears_nothing(office: Office) -> None:
    booking = book(office)
    services.leave_session(guest(booking), now=LATER)
    assert mails(MAZ) == [(MAZ, "invitation", "superseded")]


def test_who_comes_to_one_meeting_leaves_that_one(office: Office) -> None:
    booking = book(office, series=True)
    own = of_one_meeting(booking, meetings(booking)[1])
    services.leave_session(own, now=LATER)
    event = booking.events.latest("pk")
    assert (event.kind, event.occurrence, event.data["people"]["left"]) == ("meeting_changed", own.occurrence, own.pk)
    assert present(booking) == [MAZ, MIGRI]


def test_the_organizer_does_not_leave(office: Office) -> None:
    with pytest.raises(services.NotAllowed):
        services.leave_session(book(office).attendees.get(is_organizer=True), now=LATER)


def test_the_contact_leaves_groups_and_it_hears_of_it_once(office: Office) -> None:
    booking, group = book(office), office.voivodeships
    other = ContactGroup.objects.create(name="inne")
    left = services.leave_groups(guest(booking), group_ids=[group.pk, other.pk, 0], now=LATER)
    assert left == [group]
    assert services.leave_groups(guest(booking), group_ids=[group.pk], now=LATER) == []
    assert not group.contacts.filter(email=MAZ).exists()
    assert group.contacts.count() == 15
    found = Message.objects.get(topic="groups_left")
    assert (found.recipient, found.data) == (
        office.it_admin.email,
        {"contact": office.contacts["MAZ"].pk, "groups": [group.pk]},
    )
    # This session stays as it is.
    assert present(booking) == [MAZ, MIGRI]


def test_who_is_no_contact_is_in_no_group(office: Office) -> None:
    booking = book(office, series=True)
    assert services.leave_groups(of_one_meeting(booking, meetings(booking)[1]), group_ids=[1], now=LATER) == []


def test_room_and_number_of_people_are_noted_and_nobody_is_mailed(office: Office) -> None:
    booking = book(office)
    maz, before = guest(booking), Message.objects.count()
    assert services.describe_party(maz, own_room="  Sala\t12, parter ", headcount=4, now=LATER)
    maz.refresh_from_db()
    assert (maz.own_room, maz.headcount) == ("Sala 12, parter", 4)
    assert newest_event(booking) == ("party_said", {"attendee": maz.pk})
    assert not services.describe_party(maz, own_room="Sala 12, parter", headcount=4, now=LATER)
    assert services.describe_party(maz, own_room="", headcount=None, now=LATER)
    booking.refresh_from_db()
    assert (booking.version, Message.objects.count(), booking.events.filter(kind="party_said").count()) == (
        1,
        before,
        2,
    )


@pytest.mark.parametrize("headcount", [0, -1, 1000, 2**40])
def test_a_number_that_can_not_be_is_none(office: Office, headcount: int) -> None:
    with pytest.raises(ValueError, match=str(headcount)):
        services.describe_party(guest(book(office)), own_room="", headcount=headcount, now=LATER)


def test_who_counts_all_the_time_is_stopped(office: Office) -> None:
    maz = guest(book(office))
    for number in range(20):
        services.describe_party(maz, own_room="", headcount=number + 1, now=LATER + timedelta(minutes=number))
    with pytest.raises(services.NamingRefused):
        services.describe_party(maz, own_room="", headcount=99, now=LATER + timedelta(minutes=21))
    assert services.describe_party(maz, own_room="", headcount=99, now=LATER + timedelta(minutes=90))


def test_answers_after_leaving_are_to_what_is_no_more(office: Office) -> None:
    booking = book(office)
    maz = guest(booking)
    services.leave_session(maz, now=LATER)
    assert answer(maz, "ACCEPTED", minutes=1).standing == "old_version"
    assert Attendee.objects.get(pk=maz.pk).partstat == "DECLINED"
