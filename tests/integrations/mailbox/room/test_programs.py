"""Mails as the programs write them (recorded in tests/mail/inbound), and answers as other libraries read them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import vobject
from icalendar import Calendar

from accounts.models import User
from bookings.models import Booking, Occurrence, RoomHold
from rooms.models import Room
from tests.factories import Office, make_user
from tests.integrations.mailbox.room.invites import Answer, receive, said

pytestmark = pytest.mark.django_db
MAILS = Path(__file__).parents[3] / "mail" / "inbound"
#: Before all of them, on a Monday.
NOW = datetime(2026, 11, 9, 7, 0, tzinfo=UTC)


@pytest.fixture
def sala(office: Office) -> Room:
    room = office.room("KOS/2.14")
    room.mailbox = "sala.214@urzad.example"
    room.save()
    return room


@pytest.fixture
def wrona(office: Office) -> User:
    return make_user("jan.wrona@urzad.example", staff_of=[office.koszykowa], language="en")


def hand(name: str, now: datetime = NOW) -> tuple[str, list[Answer]]:
    return receive((MAILS / f"{name}.eml").read_bytes(), now=now)


def starts() -> list[str]:
    live = Occurrence.objects.filter(status="confirmed").order_by("starts_at")
    return [f"{item.starts_at:%y-%m-%d %H:%M}" for item in live]


def test_exchange_invites_and_cancels(sala: Room, wrona: User) -> None:
    outcome, sent = hand("exchange-request-room")
    assert (outcome, said(sent)) == ("room_answered", [("", "ACCEPTED")])
    assert sent[0].mail["In-Reply-To"] == "<req1@urzad.example>"
    assert starts() == ["26-11-26 08:00"]
    outcome, sent = hand("exchange-cancel")
    assert (outcome, sent) == ("room_cancelled", [])
    assert starts() == []


def test_outlook_series_by_position_over_both_changes_of_clocks(sala: Room, wrona: User) -> None:
    _outcome, sent = hand("outlook-request-room-series")
    assert said(sent) == [("", "ACCEPTED")]
    # The second Tuesday at 9:00 in Warsaw; January and February are left out.
    assert starts() == [
        *["26-11-10 08:00", "26-12-08 08:00", "27-03-09 08:00", "27-04-13 07:00", "27-05-11 07:00"],
        *["27-06-08 07:00", "27-07-13 07:00", "27-08-10 07:00", "27-09-14 07:00", "27-10-12 07:00"],
    ]
    _outcome, sent = hand("outlook-request-room-one")
    assert said(sent) == [("12-08", "ACCEPTED")]
    assert sent[0].event["RECURRENCE-ID"].params["TZID"] == "Central European Standard Time"
    assert sent[0].event["RECURRENCE-ID"].dt.hour == 9
    assert starts()[1] == "26-12-08 10:00"
    outcome, sent = hand("exchange-cancel-one")
    assert (outcome, sent) == ("room_cancelled", [])
    assert len(starts()) == 9
    assert "27-04-13 07:00" not in starts()


def test_outlook_date_before_its_series(sala: Room, wrona: User) -> None:
    hand("exchange-cancel-one")
    hand("outlook-request-room-one")
    assert starts() == ["26-12-08 10:00"]
    hand("outlook-request-room-series")
    assert len(starts()) == 9
    assert starts()[1] == "26-12-08 10:00"
    assert Booking.objects.exclude(status="cancelled").count() == 1


def test_thunderbird_series_with_changed_dates(sala: Room, wrona: User) -> None:
    _outcome, sent = hand("thunderbird-request-series-overrides")
    assert said(sent) == [("", "ACCEPTED")]
    found = starts()
    assert found[:4] == ["26-11-26 08:00", "26-12-03 11:00", "26-12-10 08:00", "26-12-17 08:00"]
    assert "26-12-24 08:00" not in found
    assert "27-04-01 08:00" in found
    assert RoomHold.objects.filter(live=True).count() == len(found)


def test_gmail_from_outside_is_refused(sala: Room) -> None:
    outcome, sent = hand("gmail-request-room")
    assert (outcome, len(sent)) == ("room_refused", 1)


@pytest.mark.parametrize(
    ("name", "words"), [("exchange-request-unknown-zone", "time zone"), ("exchange-request-custom-zone", "has passed")]
)
def test_zones_that_are_not_known_are_refused(sala: Room, wrona: User, name: str, words: str) -> None:
    _outcome, (answer,) = hand(name)
    assert answer.partstat == "DECLINED"
    assert words in answer.text


def test_answers_are_read_alike_by_other_libraries(sala: Room, wrona: User) -> None:
    sent = [*hand("exchange-request-room")[1], *hand("outlook-request-room-series")[1]]
    sent += [*hand("outlook-request-room-one")[1], *hand("thunderbird-request-series-overrides")[1]]
    assert len(sent) == 4
    for answer in sent:
        (ours,) = Calendar.from_ical(answer.ics).walk("VEVENT")
        assert not ours.errors
        theirs = vobject.readOne(answer.ics.decode()).vevent
        assert theirs.dtstart.value == ours["DTSTART"].dt
        assert theirs.uid.value == ours["UID"]
        assert [item.value for item in theirs.attendee_list] == [str(ours["ATTENDEE"])]
        if "RECURRENCE-ID" in ours:
            assert theirs.recurrence_id.value == ours["RECURRENCE-ID"].dt
