"""Series: dates in the way, single dates changed and cancelled, clocks that change."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from bookings import services
from bookings.models import Booking, Occurrence, OutsideMeeting, RoomHold
from rooms.models import Room
from tests.bookings.requests import ask, at
from tests.factories import Office
from tests.integrations.mailbox.room.invites import NOW, Answer, Meeting, later, mail_of, outgoing, receive, said

pytestmark = pytest.mark.django_db
WEEKLY = "FREQ=WEEKLY;COUNT=8;BYDAY=TU"
SERIES = Meeting(rrule=WEEKLY)


def take(office: Office, room: Room, *days: datetime) -> None:
    for day in days:
        services.book(ask(office.staff, room, start=day, title="Konsultacje"), by=office.staff, now=NOW)


def starts() -> list[str]:
    """Return when outside meetings are held, as Warsaw reads it."""
    live = Occurrence.objects.filter(booking__is_outside=True, status="confirmed").order_by("starts_at")
    return [item.local_start[5:] for item in live]


def tuesday(month: int, day: int, hour: int = 10) -> datetime:
    return datetime(2026, month, day, hour)


def test_free_series_is_accepted_in_one_mail(room: Room) -> None:
    outcome, sent = receive(mail_of(SERIES))
    assert (outcome, said(sent)) == ("room_answered", [("", "ACCEPTED")])
    assert len(starts()) == 8
    assert "RRULE" not in sent[0].event
    assert "RECURRENCE-ID" not in sent[0].event


def test_local_time_stays_over_both_changes_of_clocks(room: Room) -> None:
    autumn = Meeting(start="20261013T100000", end="20261013T110000", rrule="FREQ=WEEKLY;COUNT=4;BYDAY=TU")
    now = datetime(2026, 10, 1, 8, tzinfo=NOW.tzinfo)
    receive(mail_of(autumn), now=now)
    spring = replace(
        autumn, uid="spring", start="20270316T100000", end="20270316T110000", rrule="FREQ=WEEKLY;UNTIL=20270406T080000Z"
    )
    _outcome, sent = receive(mail_of(spring), now=now)
    assert said(sent) == [("", "ACCEPTED")]
    utc = Occurrence.objects.order_by("starts_at").values_list("starts_at", flat=True)
    assert [f"{item:%m-%d %H}" for item in utc] == [
        *["10-13 08", "10-20 08", "10-27 09", "11-03 09"],
        *["03-16 09", "03-23 09", "03-30 08", "04-06 08"],
    ]


def test_dates_in_the_way_are_declined_each_in_its_own_mail(office: Office, room: Room) -> None:
    take(office, room, tuesday(12, 1), tuesday(12, 15))
    _outcome, sent = receive(mail_of(SERIES))
    assert said(sent) == [("", "ACCEPTED"), ("12-01", "DECLINED"), ("12-15", "DECLINED")]
    assert len(starts()) == 6
    first = sent[1]
    assert first.event["RECURRENCE-ID"].params["TZID"] == "Central European Standard Time"
    assert first.event["DTSTART"].dt.hour == 10
    assert b"BEGIN:VTIMEZONE\r\nTZID:Central European Standard Time\r\n" in first.ics
    assert "Sala wideo 2.14 is taken on Tue 1 December, 10:00–11:00" in first.text
    assert "Free instead:" in first.text
    assert "11:00–12:00 the same day" in first.text
    assert "Tue 1 Dec 2026" in sent[0].text
    assert len(first.event.walk("VEVENT")) == 1


def test_too_many_dates_in_the_way_decline_the_series(office: Office, room: Room) -> None:
    take(office, room, tuesday(12, 1), tuesday(12, 15), tuesday(12, 22))
    _outcome, sent = receive(mail_of(SERIES))
    assert said(sent) == [("", "DECLINED")]
    for day in ("1 December", "15 December", "22 December"):
        assert day in sent[0].text
    assert "declines the series" in sent[0].text
    assert starts() == []


def test_thresholds_are_of_number_and_of_share(office: Office, room: Room, settings: Any) -> None:
    take(office, room, tuesday(12, 1), tuesday(12, 8), tuesday(12, 15), tuesday(12, 22))
    year = replace(SERIES, rrule="FREQ=WEEKLY;COUNT=20;BYDAY=TU")
    _outcome, sent = receive(mail_of(year))
    assert said(sent) == [("", "DECLINED")]
    settings.ROOM_MAIL_MAX_CONFLICTS = 4
    _outcome, sent = receive(mail_of(replace(year, stamp="20261109T064000Z")))
    assert [partstat for _on, partstat in said(sent)] == ["ACCEPTED", *["DECLINED"] * 4]


def test_excluded_dates_are_not_booked(room: Room) -> None:
    receive(mail_of(replace(SERIES, exdates=("20261201T100000",))))
    assert "12-01T10:00" not in starts()
    assert len(starts()) == 7


def test_changed_date_in_the_same_mail(room: Room) -> None:
    changed = Meeting(recurrence="20261201T100000", start="20261201T130000", end="20261201T140000")
    _outcome, sent = receive(mail_of(replace(SERIES, overrides=(changed,))))
    assert said(sent) == [("", "ACCEPTED")]
    assert starts()[:3] == ["11-24T10:00", "12-01T13:00", "12-08T10:00"]


def test_changed_date_in_a_mail_of_its_own_changes_that_date_alone(room: Room) -> None:
    receive(mail_of(SERIES))
    changed = Meeting(recurrence="20261201T100000", start="20261201T130000", end="20261201T140000", sequence=1)
    _outcome, sent = receive(mail_of(changed))
    assert said(sent) == [("12-01", "ACCEPTED")]
    assert sent[0].event["SEQUENCE"] == 1
    assert starts()[:3] == ["11-24T10:00", "12-01T13:00", "12-08T10:00"]
    assert len(starts()) == 8


@pytest.mark.parametrize(
    ("sequence", "stamp", "outcome"),
    [
        # Sent together with the series, of which it is a part.
        (2, "20261109T064000Z", "room_answered"),
        # Programs differ in whether a date's SEQUENCE goes on from the series'; its time does.
        (1, "20261109T065000Z", "room_answered"),
        (3, "20261109T063000Z", "room_answered"),
        (2, "20261109T063000Z", "room_old"),
        (1, "20261109T064000Z", "room_old"),
    ],
)
def test_date_is_news_by_its_sequence_or_its_time(room: Room, sequence: int, stamp: str, outcome: str) -> None:
    receive(mail_of(replace(SERIES, sequence=2, stamp="20261109T064000Z")))
    one = Meeting(recurrence="20261201T100000", start="20261201T130000", end="20261201T140000")
    assert receive(mail_of(replace(one, sequence=sequence, stamp=stamp)))[0] == outcome


def test_changed_date_that_does_not_fit_is_declined_and_freed(office: Office, room: Room) -> None:
    take(office, room, tuesday(12, 1, 13))
    receive(mail_of(SERIES))
    changed = Meeting(recurrence="20261201T100000", start="20261201T130000", end="20261201T140000", sequence=1)
    _outcome, sent = receive(mail_of(changed))
    assert said(sent) == [("12-01", "DECLINED")]
    assert "is free now" in sent[0].text
    assert len(starts()) == 7
    # Moved again, to a free hour: the date comes back.
    again = replace(changed, start="20261201T150000", end="20261201T160000", sequence=2)
    _outcome, sent = receive(mail_of(again))
    assert said(sent) == [("12-01", "ACCEPTED")]
    assert "12-01T15:00" in starts()


def test_declined_date_moved_to_a_free_hour_is_accepted(office: Office, room: Room) -> None:
    take(office, room, tuesday(12, 1))
    receive(mail_of(SERIES))
    changed = Meeting(recurrence="20261201T100000", start="20261201T130000", end="20261201T140000", sequence=1)
    _outcome, sent = receive(mail_of(changed))
    assert said(sent) == [("12-01", "ACCEPTED")]
    assert len(starts()) == 8


def test_changed_date_without_its_series_is_booked_by_itself_and_merges_later(room: Room) -> None:
    changed = Meeting(recurrence="20261201T100000", start="20261201T130000", end="20261201T140000", sequence=1)
    _outcome, sent = receive(mail_of(changed))
    assert said(sent) == [("12-01", "ACCEPTED")]
    assert starts() == ["12-01T13:00"]
    _outcome, sent = receive(mail_of(replace(SERIES, sequence=1)))
    assert said(sent) == [("", "ACCEPTED")]
    assert starts()[:3] == ["11-24T10:00", "12-01T13:00", "12-08T10:00"]
    assert OutsideMeeting.objects.count() == 1
    assert Booking.objects.filter(status="confirmed").count() == 1


def test_new_title_keeps_single_changes(room: Room) -> None:
    receive(mail_of(SERIES))
    receive(mail_of(Meeting(recurrence="20261201T100000", start="20261201T130000", end="20261201T140000", sequence=1)))
    _outcome, sent = receive(mail_of(replace(SERIES, title="Nowy tytuł", sequence=2, stamp="20261109T065000Z")))
    assert said(sent) == [("", "ACCEPTED")]
    assert starts()[:3] == ["11-24T10:00", "12-01T13:00", "12-08T10:00"]
    assert Booking.objects.get().title == "Nowy tytuł"


def test_series_moved_to_another_hour(room: Room) -> None:
    receive(mail_of(SERIES))
    moved = replace(SERIES, start="20261124T140000", end="20261124T150000", sequence=1, stamp="20261109T065000Z")
    _outcome, sent = receive(mail_of(moved))
    assert said(sent) == [("", "ACCEPTED")]
    assert {item[-5:] for item in starts()} == {"14:00"}
    assert RoomHold.objects.filter(live=True).count() == 8


def test_series_becomes_a_single_meeting(room: Room) -> None:
    receive(mail_of(SERIES))
    _outcome, sent = receive(mail_of(Meeting(sequence=1, stamp="20261109T065000Z")))
    assert said(sent) == [("", "ACCEPTED")]
    assert starts() == ["11-24T10:00"]


def test_cancel_of_one_date(room: Room) -> None:
    receive(mail_of(SERIES))
    one = Meeting(recurrence="20261201T100000", start="20261201T100000", end="20261201T110000", sequence=1)
    outcome, sent = receive(mail_of(one, method="CANCEL"))
    assert (outcome, sent) == ("room_cancelled", [])
    assert len(starts()) == 7
    # A new title of the series does not bring it back, and nothing is said of it.
    _outcome, sent = receive(mail_of(replace(SERIES, title="Nowy", sequence=2, stamp="20261109T065000Z")))
    assert said(sent) == [("", "ACCEPTED")]
    assert len(starts()) == 7


def test_cancel_of_one_date_before_the_series_comes(room: Room) -> None:
    one = Meeting(recurrence="20261201T100000", start="20261201T100000", end="20261201T110000", sequence=1)
    receive(mail_of(one, method="CANCEL"))
    receive(mail_of(SERIES))
    assert "12-01T10:00" not in starts()
    assert len(starts()) == 7


def test_cancel_of_the_series(room: Room) -> None:
    receive(mail_of(SERIES))
    receive(mail_of(replace(SERIES, sequence=1), method="CANCEL"))
    assert starts() == []
    assert not RoomHold.objects.filter(live=True).exists()


def test_date_that_comes_after_its_series_was_cancelled_books_nothing(room: Room) -> None:
    receive(mail_of(SERIES))
    receive(mail_of(replace(SERIES, sequence=5, stamp="20261109T065000Z"), method="CANCEL"))
    late = Meeting(recurrence="20261201T100000", start="20261201T130000", end="20261201T140000", sequence=2)
    outcome, sent = receive(mail_of(late))
    assert (outcome, sent) == ("room_old", [])
    assert starts() == []


def test_series_longer_than_the_horizon_is_declined(room: Room, settings: Any) -> None:
    settings.BOOKING_HORIZON_DAYS = 30
    _outcome, sent = receive(mail_of(SERIES))
    assert said(sent) == [("", "DECLINED")]
    assert "30 days" in sent[0].text


def test_dates_that_are_over_are_no_conflict(room: Room) -> None:
    begun = replace(SERIES, start="20261027T100000", end="20261027T110000")
    _outcome, sent = receive(mail_of(begun))
    assert said(sent) == [("", "ACCEPTED")]
    assert starts()[0] == "11-10T10:00"


def test_manager_cancels_one_date_and_the_room_declines_it(office: Office, room: Room) -> None:
    receive(mail_of(SERIES))
    booking = Booking.objects.get()
    meeting = booking.occurrences.get(local_start="2026-12-01T10:00")
    with outgoing() as sent:
        services.cancel(booking, by=office.manager, now=later(5), scope="one", occurrence=meeting, reason="Remont")
    assert said(sent) == [("12-01", "DECLINED")]
    assert "Remont" in sent[0].text
    # The series is sent again: the date stays declined, and that is said again.
    _outcome, again = receive(
        mail_of(replace(SERIES, title="Nowy", sequence=1, stamp="20261109T071000Z")), now=later(20)
    )
    assert said(again) == [("", "ACCEPTED"), ("12-01", "DECLINED")]


def test_weekdays_as_thunderbird_writes_them(room: Room) -> None:
    daily = Meeting(zone="Europe/Warsaw", rrule="FREQ=DAILY;COUNT=7;BYDAY=MO,TU,WE,TH,FR")
    _outcome, sent = receive(mail_of(daily))
    assert said(sent) == [("", "ACCEPTED")]
    assert starts() == [f"{day}T10:00" for day in ("11-24", "11-25", "11-26", "11-27", "11-30", "12-01", "12-02")]


def test_third_tuesday_by_position(room: Room) -> None:
    monthly = Meeting(start="20261117T100000", end="20261117T110000", rrule="FREQ=MONTHLY;COUNT=3;BYDAY=TU;BYSETPOS=3")
    _outcome, sent = receive(mail_of(monthly))
    assert said(sent) == [("", "ACCEPTED")]
    assert starts() == ["11-17T10:00", "12-15T10:00", "01-19T10:00"]


def test_answers_of_dates_are_one_event_each(office: Office, room: Room) -> None:
    take(office, room, at(10, day=datetime(2026, 12, 1)))
    _outcome, sent = receive(mail_of(SERIES))
    assert all(isinstance(item, Answer) and item.ics.count(b"BEGIN:VEVENT") == 1 for item in sent)
