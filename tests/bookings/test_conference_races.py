"""Conferences under real threads on real PostgreSQL: whoever opens, runs on, joins or books, seats are used once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from bookings import services
from bookings.models import Booking, ConferenceRun, LicenceHold, Occurrence, RoomHold, UnplannedConference
from bookings.services import Refused
from rooms.licences import Use, first_overuse
from rooms.terms import allocation
from tests.bookings.conferencing import book, clock, end, rooms, seats, seats_of_all, span, start
from tests.bookings.requests import ask
from tests.bookings.test_races import all_at_once
from tests.factories import Office, make_room, make_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
ROUNDS = pytest.mark.parametrize("round_", range(3))
Action = Callable[[], Any]


@pytest.fixture(autouse=True)
def no_rows_left_behind(transactional_db: None) -> Iterator[None]:
    return


def hold(meeting: Occurrence, now: str, until: str) -> Action:
    return lambda: services.hold_for_conference(meeting, until=clock(until), now=clock(now))


def booking(office: Office, number: int, begins: str, minutes: int, *, now: str) -> Action:
    user = make_user(f"osoba.{number}@urzad.example", staff_of=[office.koszykowa])
    room = make_room(office.koszykowa, f"X{number}")
    request = ask(user, room, start=clock(begins).replace(tzinfo=None), minutes=minutes)
    return lambda: services.book(request, by=user, now=clock(now))


def race(actions: list[Action]) -> list[Any]:
    return all_at_once(actions)


def refused(outcomes: list[Any]) -> int:
    return sum(isinstance(item, Refused) for item in outcomes)


def assert_sound(office: Office) -> None:
    """Nothing is used twice, by arithmetic that asks the guard nothing."""
    uses = [Use(item.site_id, item.seats, item.interval) for item in LicenceHold.objects.filter(live=True)]
    assert first_overuse(allocation(office.pool), uses, span=span("6:00", "20:00")) is None
    held = list(RoomHold.objects.filter(live=True))
    for one in held:
        same = [item for item in held if item.room_id == one.room_id and item.pk != one.pk]
        assert not any(one.interval.overlaps(other.interval) for other in same)


@ROUNDS
def test_two_conferences_open_early_for_the_last_seat(office: Office, round_: int) -> None:
    seats_of_all(2)
    first, second = (book(office, code, "10:00", "11:00") for code in ("KOS/2.14", "TAB/A"))
    book(office, "KOS/1.03", "9:00", "10:00")
    outcomes = race([hold(first, "9:45", "11:00"), hold(second, "9:45", "11:00")])
    assert refused(outcomes) == 1
    assert sorted(item.start_at for meeting in (first, second) for item in seats(meeting)) == [
        clock("9:45"),
        clock("10:00"),
    ]
    assert_sound(office)


@ROUNDS
def test_eight_times_the_same_conference_opens_once(office: Office, round_: int) -> None:
    seats_of_all(1)
    meeting = book(office, "KOS/2.14", "10:00", "11:00")
    outcomes = race([hold(meeting, "9:45", "11:10") for _ in range(8)])
    assert outcomes == [clock("11:10")] * 8
    assert seats(meeting) == [span("9:45", "11:10")]


@ROUNDS
def test_running_on_against_bookings(office: Office, round_: int) -> None:
    seats_of_all(1)
    meeting = book(office, "KOS/2.14", "10:00", "11:00")
    start(meeting, "10:00")
    until, *booked = race(
        [hold(meeting, "10:59", "11:15"), *(booking(office, n, "11:05", 30, now="10:59") for n in range(5))]
    )
    winners = [item for item in booked if isinstance(item, Booking)]
    assert (until, len(winners)) in {(clock("11:15"), 0), (clock("11:05"), 1)}
    assert_sound(office)


@ROUNDS
def test_opening_early_against_bookings_of_that_quarter(office: Office, round_: int) -> None:
    seats_of_all(1)
    meeting = book(office, "KOS/2.14", "10:00", "11:00")
    opened, *booked = race(
        [hold(meeting, "9:45", "11:00"), *(booking(office, n, "9:50", 10, now="9:45") for n in range(5))]
    )
    assert sum(isinstance(item, Booking) for item in booked) + isinstance(opened, datetime) == 1
    assert_sound(office)


@ROUNDS
def test_no_show_against_joining_and_who_wants_the_room(office: Office, round_: int) -> None:
    """Somebody joins in the moment in which the session counts as missed, and somebody else is after its room."""
    seats_of_all(1)
    meeting = book(office, "KOS/2.14", "10:00", "12:00")
    now = clock("10:20")
    user = make_user("osoba.1@urzad.example", staff_of=[office.koszykowa])
    request = ask(user, office.room("KOS/2.14"), start=clock("11:00").replace(tzinfo=None))
    missed, joined, booked = race(
        [
            lambda: services.note_no_shows(now, watched=[meeting.pk]),
            lambda: services.record_started(meeting, now, now=now),
            lambda: services.book(request, by=user, now=now),
        ]
    )
    meeting.refresh_from_db()
    is_in = isinstance(joined, ConferenceRun)
    assert is_in != isinstance(booked, Booking), (missed, joined, booked)
    assert (meeting.no_show_at is None) == is_in
    if is_in:
        assert (seats(meeting), rooms(meeting)) == ([span("10:00", "12:00")], [span("10:00", "12:00")])
    else:
        assert (missed, seats(meeting)) == (1, [span("10:00", "10:20")])
    assert_sound(office)


@ROUNDS
def test_noting_no_shows_eight_times_tells_once(office: Office, round_: int) -> None:
    meeting = book(office, "KOS/2.14", "10:00", "12:00")
    outcomes = race([lambda: services.note_no_shows(clock("10:20"), watched=[meeting.pk]) for _ in range(8)])
    assert sum(outcomes) == 1
    assert meeting.booking.events.filter(kind="no_show").count() == 1


@ROUNDS
def test_unplanned_conferences_against_bookings(office: Office, round_: int) -> None:
    seats_of_all(3)
    now = clock("10:00")
    actions: list[Action] = [
        lambda: services.open_unplanned("ad-hoc", site=office.koszykowa, until=clock("11:00"), now=now)
        for _ in range(6)
    ]
    actions += [booking(office, n, "10:15", 60, now="10:00") for n in range(6)]
    outcomes = race(actions)
    let_in = [item for item in outcomes if isinstance(item, UnplannedConference)]
    booked = [item for item in outcomes if isinstance(item, Booking)]
    whole = [item for item in let_in if item.ends_at == clock("11:00")]
    assert len(whole) + len(booked) == 3, "those that end before the first session begins are in nobody's way"
    assert all(item.ends_at in {clock("10:15"), clock("11:00")} for item in let_in)
    assert_sound(office)


@ROUNDS
def test_who_comes_back_against_what_frees_and_who_books_the_room(office: Office, round_: int) -> None:
    seats_of_all(2)
    meeting = book(office, "KOS/2.14", "10:00", "12:00")
    start(meeting, "10:00")
    end(meeting, "10:40")
    now = clock("10:50")
    user = make_user("osoba.1@urzad.example", staff_of=[office.koszykowa])
    request = ask(user, office.room("KOS/2.14"), start=clock("11:00").replace(tzinfo=None))
    freed, joined, booked = race(
        [
            lambda: services.free_seats(now),
            lambda: services.record_started(meeting, now, now=now),
            lambda: services.book(request, by=user, now=now),
        ]
    )
    assert isinstance(joined, ConferenceRun), "a licence is there in any case"
    assert seats(meeting)[-1].end_at == clock("12:00")
    if isinstance(booked, Booking):
        assert (freed, rooms(meeting)) == (1, [span("10:00", "10:50")])
    else:
        assert rooms(meeting) == [span("10:00", "12:00")]
    assert_sound(office)


@ROUNDS
def test_a_crowd_of_everything_never_uses_more_than_the_pool_has(office: Office, round_: int) -> None:
    seats_of_all(3)
    meetings = [book(office, code, "10:00", "11:00") for code in ("KOS/2.14", "TAB/A", "KOS/1.03")]
    start(meetings[0], "10:00")
    end(meetings[0], "10:30")
    now = clock("10:40")
    actions: list[Action] = [hold(meeting, "10:40", "11:30") for meeting in meetings]
    actions += [booking(office, n, "11:00", 30, now="10:40") for n in range(4)]
    actions += [
        lambda: services.free_seats(now),
        lambda: services.note_no_shows(now, watched=[meeting.pk for meeting in meetings]),
        lambda: services.open_unplanned("ad-hoc", site=None, until=clock("11:20"), now=now),
        lambda: services.record_started(meetings[1], now, now=now),
    ]
    race(actions)
    assert_sound(office)
