"""Series under load, with real threads on real PostgreSQL: against series, single sessions, splits and cancellations.

Whatever wins, rooms are held once, nobody hears of a deadlock, and what was free the whole time was given.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest

from bookings import services
from bookings.models import Booking, LicenceHold, Occurrence, RoomHold
from bookings.rules import Scope
from tests.bookings.requests import NOW, ask, at
from tests.bookings.series import ask_series, at_day, held, meetings, weekly
from tests.bookings.test_races import all_at_once, assert_no_overuse, losers, overlapping_holds, winners
from tests.factories import Office

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
ROOM = "KOS/2.14"
Action = Callable[[], Booking]


@pytest.fixture(autouse=True)
def no_rows_left_behind(transactional_db: None) -> Iterator[None]:
    return


def book(office: Office, *rooms: str, **fields: object) -> Booking:
    request = ask_series(office.staff, *map(office.room, rooms or (ROOM,)), **fields)
    return services.book(request, by=office.staff, now=NOW)


def book_once(office: Office, *rooms: str, **fields: object) -> Booking:
    return services.book(ask(office.staff, *map(office.room, rooms or (ROOM,)), **fields), by=office.staff, now=NOW)


def assert_sound(office: Office) -> None:
    """Rooms held once, licences within what there is, and every live hold of a live meeting at that meeting's time."""
    assert overlapping_holds() == 0
    assert_no_overuse(office)
    for hold in RoomHold.objects.filter(live=True).select_related("occurrence", "room"):
        meeting = hold.occurrence
        assert meeting is not None
        assert meeting.status == Occurrence.Status.CONFIRMED
        assert hold.interval == meeting.interval.widened(before=hold.room.setup, after=hold.room.clearing)


@pytest.mark.parametrize("round_", range(2))
def test_sixteen_series_want_the_same_room(office: Office, round_: int) -> None:
    outcomes = all_at_once([partial(book, office)] * 16)
    assert len(winners(outcomes)) == 1
    assert all(len(refused.refusals) == 5 for refused in losers(outcomes)), "every date is named"
    assert RoomHold.objects.filter(live=True).count() == 5
    assert_sound(office)


@pytest.mark.parametrize("round_", range(2))
def test_series_in_several_rooms_in_opposite_order(office: Office, round_: int) -> None:
    rooms = ["KOS/2.14", "TAB/A", "KOS/2.16"]
    actions = [partial(book, office, *(rooms if n % 2 else rooms[::-1]), series=weekly(8)) for n in range(16)]
    outcomes = all_at_once(actions)
    assert len(winners(outcomes)) == 1
    assert RoomHold.objects.filter(live=True).count() == 24
    assert_sound(office)


def test_series_on_different_weekdays_are_in_nobodys_way(office: Office) -> None:
    actions = [
        partial(book, office, series=weekly(3, weekdays=(weekday,)), start=at(10) + timedelta(days=weekday - 1))
        for weekday in (0, 1, 2, 3)
    ]
    assert len(winners(all_at_once(actions))) == 4
    assert RoomHold.objects.filter(live=True).count() == 12
    assert_sound(office)


@pytest.mark.parametrize("round_", range(2))
def test_series_against_single_sessions(office: Office, round_: int) -> None:
    """Either the series has all of its dates, or it is refused because single sessions have some."""
    singles = [partial(book_once, office, start=at_day(month, day, 10)) for month, day in ((11, 24), (12, 8), (12, 22))]
    outcomes = all_at_once([partial(book, office), *singles * 3, partial(book, office)])
    won = winners(outcomes)
    series = [booking for booking in won if booking.is_series]
    assert len(series) <= 1
    assert len(won) == (1 if series else 3)
    assert_sound(office)


def test_change_of_a_series_against_bookings_of_its_old_and_new_time(office: Office) -> None:
    """A change never gives up the old times before it has the new: nobody gets in while it moves."""
    booking = book(office)
    request = ask_series(office.staff, office.room(ROOM), start=at(10, 30))
    move = partial(services.change, booking, request, by=office.staff, now=NOW, version=1)
    between = [partial(book_once, office, start=at_day(12, 8, 10, 30), minutes=30)] * 7
    outcomes = all_at_once([move, *between, *[partial(book_once, office, start=at_day(12, 1, 10), minutes=60)] * 7])
    assert winners(outcomes)[0] == booking
    assert len(winners(outcomes)) == 1, "10:00 to 11:00 was taken before, 10:30 to 11:30 after"
    assert held(booking) == [(f"{day} 10:30", ROOM) for day in ("11-24", "12-01", "12-08", "12-15", "12-22")]
    assert_sound(office)


@pytest.mark.parametrize("round_", range(3))
def test_split_against_change_against_cancel(office: Office, round_: int) -> None:
    """One of them wins; who comes later is told that the series has changed or is over."""
    booking = book(office)
    third = meetings(booking)[2]
    tail = ask_series(office.staff, office.room(ROOM), start=at_day(12, 8, 14), series=weekly(3))
    whole = ask_series(office.staff, office.room(ROOM), start=at(12))
    one = ask(office.staff, office.room("KOS/2.16"), start=at_day(12, 8, 10))
    change = partial(services.change, booking, by=office.staff, now=NOW, version=1)

    def or_over(action: Action) -> Booking:
        try:
            return action()
        except services.AlreadyOver:
            raise services.Refused([]) from None

    actions = [
        partial(change, tail, scope=Scope.FOLLOWING, occurrence=third),
        partial(change, whole),
        partial(change, one, scope=Scope.ONE, occurrence=third),
        partial(services.cancel, booking, by=office.staff, now=NOW, version=1),
        partial(services.cancel, booking, by=office.staff, now=NOW, version=1, scope=Scope.ONE, occurrence=third),
        partial(services.cancel, booking, by=office.staff, now=NOW, version=1, scope=Scope.FOLLOWING, occurrence=third),
    ]
    outcomes = all_at_once([partial(or_over, action) for action in actions * 2])
    assert len(winners(outcomes)) == 1
    booking.refresh_from_db()
    assert booking.version == 2
    assert_sound(office)


def test_cancel_against_bookings_of_the_same_times(office: Office) -> None:
    booking = book(office)
    outcomes = all_at_once([partial(services.cancel, booking, by=office.staff, now=NOW), *[partial(book, office)] * 12])
    others = [outcome for outcome in winners(outcomes) if outcome != booking]
    assert len(others) <= 1
    assert RoomHold.objects.filter(live=True).count() == 5 * len(others)
    assert LicenceHold.objects.filter(live=True).count() == 5 * len(others)
    assert_sound(office)


@pytest.mark.parametrize("round_", range(2))
def test_what_was_free_the_whole_time_is_given_to_everybody(office: Office, round_: int) -> None:
    """Fourteen sessions and series that are in nobody's way, all at once, under the same locks: none is refused."""
    chance = random.Random(round_)
    actions: list[Action] = []
    for hour in (7, 9, 11, 13, 15):
        actions.append(partial(book, office, ROOM, "KOS/2.16", start=at(hour), series=weekly(6)))
        actions.append(partial(book_once, office, "TAB/A", start=at(hour)))
        actions.append(partial(book_once, office, "KOS/2.16", ROOM, start=at(hour) + timedelta(days=1)))
    chance.shuffle(actions)
    outcomes = all_at_once(actions)
    assert losers(outcomes) == []
    assert RoomHold.objects.filter(live=True).count() == 5 * (12 + 1 + 2)
    assert_sound(office)


def test_random_changes_cancels_and_bookings_leave_everything_sound(office: Office) -> None:
    chance = random.Random(20261124)
    rooms = ["KOS/2.14", "KOS/2.16", "TAB/A"]
    bookings = [book(office, room, series=weekly(4), start=at(9)) for room in rooms]

    def action(number: int) -> Action:
        booking, pair, hour = chance.choice(bookings), chance.sample(rooms, 2), chance.randrange(8, 14)
        meeting = chance.choice(meetings(booking))
        start = at(hour).replace(month=meeting.starts_at.month, day=meeting.starts_at.day)
        one = ask(office.staff, *map(office.room, pair), start=start)
        whole = ask_series(office.staff, *map(office.room, pair), start=at(hour), series=weekly(4))
        change = partial(services.change, booking, by=office.staff, now=NOW, version=1)
        cancel = partial(services.cancel, booking, by=office.staff, now=NOW, version=1)
        return chance.choice(
            [
                partial(change, one, scope=Scope.ONE, occurrence=meeting),
                partial(change, whole),
                partial(cancel, scope=Scope.ONE, occurrence=meeting),
                partial(book, office, *pair, start=at(hour), series=weekly(4)),
                partial(book_once, office, *pair, start=start),
            ]
        )

    outcomes = all_at_once([action(number) for number in range(16)])
    assert winners(outcomes)
    assert_sound(office)
