"""What programs make of a calendar is what is in the database: across changes of clocks, exceptions and zones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bookings import services
from bookings.models import Booking, Occurrence
from bookings.rules import Participant, Scope
from tests.bookings.requests import ask
from tests.bookings.series import ask_series, meetings, weekly
from tests.factories import Office
from tests.integrations.feeds.programs import (
    around,
    events_of,
    expanded,
    expanded_by_vobject,
    in_database,
    read,
    subscribe,
)

pytestmark = pytest.mark.django_db
ROOM = "KOS/2.14"
#: Monday, before the clocks change on 25 October; the series goes on past 28 March 2027.
AUTUMN = datetime(2026, 9, 28, 6, tzinfo=UTC)
FIRST = datetime(2026, 10, 6, 10)


def book(office: Office, *codes: str, now: datetime = AUTUMN, **fields: Any) -> Booking:
    rooms = [office.room(code) for code in codes or (ROOM,)]
    fields = {"start": FIRST, "series": weekly(30), **fields}
    return services.book(ask_series(office.staff, *rooms, **fields), by=office.staff, now=now)


def change_one(booking: Booking, meeting: Occurrence, *codes: str, office: Office, **fields: Any) -> None:
    rooms = [office.room(code) for code in codes or (ROOM,)]
    fields.setdefault("time_zone", booking.time_zone)
    request = ask(office.staff, *rooms, **fields)
    services.change(
        booking,
        request,
        by=office.staff,
        now=AUTUMN,
        version=Booking.objects.get(pk=booking.pk).version,
        scope=Scope.ONE,
        occurrence=meeting,
    )


def with_exceptions(office: Office, **fields: Any) -> Booking:
    """Book a series, move one meeting before and one after a change of clocks, rename one, cancel two."""
    booking = book(office, **fields)
    held = meetings(booking)
    for number, days in ((2, 1), (26, 2)):
        start = datetime.fromisoformat(held[number].local_start) + timedelta(days=days, hours=1)
        change_one(booking, held[number], office=office, start=start, minutes=90)
    start = datetime.fromisoformat(held[5].local_start)
    change_one(booking, held[5], office=office, start=start, title="Raz inaczej; z przecinkiem, i „cudzysłowem”")
    for number in (4, 25):
        services.cancel(
            Booking.objects.get(pk=booking.pk), by=office.staff, now=AUTUMN, scope=Scope.ONE, occurrence=held[number]
        )
    return Booking.objects.get(pk=booking.pk)


@pytest.mark.parametrize(
    ("zone", "hour"),
    [("Europe/Warsaw", 10), ("Europe/Helsinki", 11), ("America/New_York", 6), ("Africa/Casablanca", 10)],
)
def test_series_expands_to_what_is_in_the_database(office: Office, zone: str, hour: int) -> None:
    booking = with_exceptions(office, time_zone=zone, start=FIRST.replace(hour=hour))
    raw = read(subscribe(office.staff, office.room(ROOM)), now=AUTUMN)
    expected = in_database(meetings(booking))
    assert len(expected) == 28
    start, end = around(AUTUMN)
    assert expanded(raw, start=start, end=end) == expected
    assert expanded_by_vobject(raw) == expected


def test_series_is_one_rule_with_its_exceptions(office: Office) -> None:
    booking = with_exceptions(office)
    master, *overrides = events_of(read(subscribe(office.staff, office.room(ROOM)), now=AUTUMN))
    assert str(master["RRULE"].to_ical().decode()) == "FREQ=WEEKLY;COUNT=30;BYDAY=TU"
    assert [day.dts[0].dt.strftime("%d.%m %H:%M") for day in master["EXDATE"]] == ["03.11 10:00", "30.03 10:00"]
    assert [event["RECURRENCE-ID"].dt.strftime("%d.%m %H:%M") for event in overrides] == [
        "20.10 10:00",
        "10.11 10:00",
        "06.04 10:00",
    ]
    assert {str(event["UID"]) for event in [master, *overrides]} == {
        booking.uid.replace("@", f".r{office.room(ROOM).pk}@")
    }


def test_feed_of_a_room_leaves_out_the_dates_in_other_rooms(office: Office) -> None:
    booking = book(office)
    for number in (1, 3):
        meeting = meetings(booking)[number]
        start = datetime.fromisoformat(meeting.local_start)
        change_one(booking, meeting, "KOS/2.16", office=office, start=start)
    start, end = around(AUTUMN)
    here = read(subscribe(office.staff, office.room(ROOM)), now=AUTUMN)
    there = read(subscribe(office.staff, office.room("KOS/2.16")), now=AUTUMN)
    held = meetings(booking)
    assert expanded(here, start=start, end=end) == in_database([*held[:1], held[2], *held[4:]])
    assert expanded(there, start=start, end=end) == in_database([held[1], held[3]])
    # Few dates of a long series stand by themselves.
    assert ["RRULE" in event for event in events_of(there)] == [False, False]


def test_holidays_are_left_out(office: Office) -> None:
    """11 November and 6 January are Wednesdays."""
    booking = book(office, start=FIRST + timedelta(days=1), series=weekly(30, weekdays=(2,), skip_holidays=True))
    raw = read(subscribe(office.staff, office.room(ROOM)), now=AUTUMN)
    start, end = around(AUTUMN)
    assert expanded(raw, start=start, end=end) == in_database(meetings(booking))
    [master] = events_of(raw)
    assert [day.dts[0].dt.date().isoformat() for day in master["EXDATE"]] == ["2026-11-11", "2027-01-06"]


def test_series_that_was_split_is_two_that_do_not_overlap(office: Office) -> None:
    booking = with_exceptions(office)
    held = meetings(booking)
    request = ask_series(
        office.staff,
        office.room(ROOM),
        start=datetime.fromisoformat(held[10].local_start).replace(hour=13),
        series=weekly(10),
    )
    services.change(
        booking,
        request,
        by=office.staff,
        now=AUTUMN,
        version=booking.version,
        scope=Scope.FOLLOWING,
        occurrence=held[10],
    )
    everything = [meeting for one in Booking.objects.order_by("pk") for meeting in meetings(one)]
    raw = read(subscribe(office.staff, office.room(ROOM)), now=AUTUMN)
    start, end = around(AUTUMN)
    assert Booking.objects.count() == 2
    assert expanded(raw, start=start, end=end) == in_database(everything)
    assert expanded_by_vobject(raw) == in_database(everything)


@pytest.mark.parametrize(("count", "numbers"), [(30, (2, 7)), (3, (0, 2))])
def test_guest_of_single_meetings_sees_those_and_no_trace_of_the_others(
    office: Office, count: int, numbers: tuple[int, int]
) -> None:
    booking = book(office, title="Cała seria", series=weekly(count))
    for number in numbers:
        meeting = meetings(booking)[number]
        start = datetime.fromisoformat(meeting.local_start)
        guest = (Participant(user_id=office.colleague.pk),)
        change_one(booking, meeting, office=office, start=start, participants=guest, title="Cała seria")
    raw = read(subscribe(office.colleague), now=AUTUMN)
    held = meetings(booking)
    start, end = around(AUTUMN)
    assert expanded(raw, start=start, end=end) == in_database([held[number] for number in numbers])
    assert b"RRULE:FREQ=WEEKLY" not in raw.replace(b"\r\n ", b"")
    assert b"EXDATE" not in raw


def test_meeting_that_somebody_misses_is_not_in_their_calendar(office: Office) -> None:
    both = (Participant(user_id=office.colleague.pk),)
    booking = book(office, participants=both)
    meeting = meetings(booking)[3]
    change_one(booking, meeting, office=office, start=datetime.fromisoformat(meeting.local_start))
    held = meetings(booking)
    raw = read(subscribe(office.colleague), now=AUTUMN)
    start, end = around(AUTUMN)
    assert expanded(raw, start=start, end=end) == in_database([*held[:3], *held[4:]])


def test_window_bounds_single_sessions_and_keeps_series_whole(office: Office) -> None:
    single = services.book(ask(office.staff, office.room("KOS/2.16"), start=FIRST), by=office.staff, now=AUTUMN)
    series = book(office)
    feed = subscribe(office.staff)
    for days, uids in ((36, {single.uid, series.uid}), (40, {series.uid}), (300, set())):
        raw = read(feed, now=AUTUMN + timedelta(days=days))
        assert {str(event["UID"]).replace(".m@", "@") for event in events_of(raw)} == uids


@pytest.mark.parametrize("days", [0, 30])
def test_series_whose_rule_moved_is_where_it_is_now(office: Office, days: int) -> None:
    """Before it has begun the series moves as a whole; later what is over stays, and another series continues it."""
    booking = with_exceptions(office)
    later = AUTUMN + timedelta(days=days)
    first = next(meeting for meeting in meetings(booking) if meeting.starts_at > later)
    start = datetime.fromisoformat(first.local_start).replace(hour=13)
    request = ask_series(office.staff, office.room(ROOM), start=start, series=weekly(24))
    services.change(booking, request, by=office.staff, now=later, version=booking.version)
    expected = in_database([meeting for one in Booking.objects.all() for meeting in meetings(one)])
    raw = read(subscribe(office.staff, office.room(ROOM)), now=later)
    start, end = around(later)
    assert expanded(raw, start=start, end=end) == expected
    assert expanded_by_vobject(raw) == expected
