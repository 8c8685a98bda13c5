"""Several rooms in one meeting: one session, and each room answers for itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bookings import services
from bookings.models import Booking, Occurrence, RoomHold
from rooms.models import Room
from tests.bookings.requests import ask, at
from tests.factories import Office
from tests.integrations.mailbox.room.invites import NOW, ROOM, SECOND, Answer, Meeting, mail_of, receive

pytestmark = pytest.mark.django_db
BOTH = Meeting(rooms=(ROOM, SECOND))


def by_room(sent: list[Answer]) -> list[tuple[str, str, str]]:
    return [(item.room.partition("@")[0], item.on, item.partstat) for item in sent]


def rooms_held() -> list[str]:
    holds = RoomHold.objects.filter(live=True, occurrence__booking__is_outside=True).select_related("room")
    return [hold.room.code for hold in holds.order_by("period", "position")]


def test_both_rooms_make_one_session(room: Room, second: Room) -> None:
    _outcome, sent = receive(mail_of(BOTH))
    assert by_room(sent) == [("sala214", "", "ACCEPTED"), ("sala216", "", "ACCEPTED")]
    assert [answer.mail["From"].addresses[0].addr_spec for answer in sent] == [ROOM, SECOND]
    assert Booking.objects.count() == 1
    assert rooms_held() == ["2.14", "2.16"]


def test_one_of_two_is_taken(office: Office, room: Room, second: Room) -> None:
    services.book(ask(office.staff, room), by=office.staff, now=NOW)
    _outcome, sent = receive(mail_of(BOTH))
    assert sorted(by_room(sent)) == [("sala214", "", "DECLINED"), ("sala216", "", "ACCEPTED")]
    assert rooms_held() == ["2.16"]


def test_copy_for_the_other_room_is_the_same_mail(room: Room, second: Room) -> None:
    receive(mail_of(BOTH, message_id="<1@x.example>", to=ROOM))
    outcome, sent = receive(mail_of(BOTH, message_id="<1@x.example>", to=SECOND))
    assert (outcome, sent) == ("room_old", [])
    assert Booking.objects.count() == 1


def test_mail_that_names_only_its_own_room_adds_the_room(room: Room, second: Room) -> None:
    receive(mail_of(replace(BOTH, rooms=(ROOM,))))
    _outcome, sent = receive(mail_of(replace(BOTH, rooms=(SECOND,))))
    assert by_room(sent) == [("sala216", "", "ACCEPTED")]
    assert Booking.objects.count() == 1
    assert rooms_held() == ["2.14", "2.16"]


def test_room_added_by_an_update(room: Room, second: Room) -> None:
    receive(mail_of(replace(BOTH, rooms=(ROOM,))))
    _outcome, sent = receive(mail_of(replace(BOTH, sequence=1, stamp="20261109T064000Z")))
    assert by_room(sent) == [("sala214", "", "ACCEPTED"), ("sala216", "", "ACCEPTED")]
    assert rooms_held() == ["2.14", "2.16"]


def test_room_taken_off_by_its_own_cancel(room: Room, second: Room) -> None:
    receive(mail_of(BOTH))
    off = replace(BOTH, rooms=(ROOM,), sequence=1, stamp="20261109T064000Z")
    outcome, sent = receive(mail_of(off, method="CANCEL"))
    assert (outcome, sent) == ("room_cancelled", [])
    assert rooms_held() == ["2.16"]
    assert not Booking.objects.get().is_cancelled
    receive(mail_of(replace(off, rooms=(SECOND,)), method="CANCEL"))
    assert rooms_held() == []
    assert Booking.objects.get().is_cancelled


def test_moved_meeting_takes_along_the_room_that_this_mail_does_not_name(room: Room, second: Room) -> None:
    receive(mail_of(BOTH))
    moved = replace(BOTH, start="20261124T120000", end="20261124T130000", sequence=1, stamp="20261109T064000Z")
    _outcome, sent = receive(mail_of(replace(moved, rooms=(ROOM,))))
    assert by_room(sent) == [("sala214", "", "ACCEPTED")]
    assert rooms_held() == ["2.14", "2.16"]
    _outcome, sent = receive(mail_of(replace(moved, rooms=(SECOND,))))
    assert by_room(sent) == [("sala216", "", "ACCEPTED")]
    assert {f"{hold.period.lower:%H}" for hold in RoomHold.objects.filter(live=True)} == {"11"}


def test_each_room_of_a_series_goes_without_its_own_dates(office: Office, room: Room, second: Room) -> None:
    services.book(ask(office.staff, room, start=at(10, day=at(10).replace(month=12, day=1))), by=office.staff, now=NOW)
    series = replace(BOTH, rrule="FREQ=WEEKLY;COUNT=4;BYDAY=TU")
    _outcome, sent = receive(mail_of(series))
    assert by_room(sent) == [("sala214", "", "ACCEPTED"), ("sala216", "", "ACCEPTED"), ("sala214", "12-01", "DECLINED")]
    assert rooms_held() == ["2.14", "2.16", "2.16", "2.14", "2.16", "2.14", "2.16"]


def test_date_that_has_come_free_is_taken_with_the_next_mail(office: Office, room: Room, second: Room) -> None:
    day = at(10).replace(month=12, day=1)
    in_the_way = services.book(ask(office.staff, room, start=day), by=office.staff, now=NOW)
    series = replace(BOTH, rrule="FREQ=WEEKLY;COUNT=4;BYDAY=TU")
    receive(mail_of(series))
    services.cancel(in_the_way, by=office.staff, now=NOW)
    _outcome, sent = receive(mail_of(replace(series, title="Nowy", stamp="20261109T064000Z")))
    assert by_room(sent) == [("sala214", "", "ACCEPTED"), ("sala216", "", "ACCEPTED")]
    assert rooms_held() == ["2.14", "2.16"] * 4


def test_room_taken_off_one_date_of_a_series(room: Room, second: Room) -> None:
    series = replace(BOTH, rrule="FREQ=WEEKLY;COUNT=4;BYDAY=TU")
    receive(mail_of(series))
    one = replace(BOTH, rooms=(ROOM,), sequence=1, recurrence="20261201T100000")
    one = replace(one, start="20261201T100000", end="20261201T110000")
    receive(mail_of(one, method="CANCEL"))
    assert rooms_held() == ["2.14", "2.16", "2.16", "2.14", "2.16", "2.14", "2.16"]
    # Then the room leaves all of it.
    receive(mail_of(replace(series, rooms=(ROOM,), sequence=2), method="CANCEL"))
    assert rooms_held() == ["2.16"] * 4
    assert Occurrence.objects.filter(status="confirmed").count() == 4
