"""What series cost, and what it costs to search a busy office: free rooms, common slots."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import cycle, islice
from zoneinfo import ZoneInfo

from accounts.models import User
from benchmarks.bench import SERIES, Bench, Gap
from benchmarks.figures import Figure, benchmark
from benchmarks.meter import BATCHES
from bookings import availability, services
from bookings.availability.search import RoomFilter, free_rooms, nearest_slots
from bookings.rules import BookingRequest
from rooms.interval import Interval

_CALLS = 60
_ZONE = ZoneInfo("Europe/Warsaw")
#: Which of the dates are taken.
_TAKEN = (4, 14, 24, 34, 44)
Asked = tuple[BookingRequest, User]


@benchmark("service.book_series_52", "service.book_series_52x3")
def book_series(bench: Bench) -> Iterator[Figure]:
    """Book 52 dates in one room, and in three rooms on three sites; given back between batches."""
    threes = bench.rooms_free_at_noon()
    for name, rooms in (
        ("service.book_series_52", [(pk,) for three in threes for pk in three]),
        ("service.book_series_52x3", threes),
    ):
        asks = _asks(bench, list(islice(cycle(rooms), bench.calls(4 * BATCHES + 2))))
        cost = bench.meter.cost(
            lambda asked: services.book(asked[0], by=asked[1], now=bench.now), asks, between=bench.undo
        )
        yield from cost.figures(name, bench.scale)


@benchmark("service.book_series_52_clashes", "service.book_series_52x3_clashes")
def refuse_series(bench: Bench) -> Iterator[Figure]:
    """Try to book 52 dates of which five are taken: refused, each of the five named with its ways out."""
    threes = bench.rooms_free_at_noon()
    days = bench.working_days(SERIES)
    for place in _TAKEN:
        gap = Gap(threes[0][:1], days[place].replace(hour=12), days[place].replace(hour=13))
        user = bench.fresh_user(place)
        services.book(bench.request(gap, by=user), by=user, now=bench.now)
    taken = {days[place].date() for place in _TAKEN}

    def book(asked: Asked) -> None:
        try:
            services.book(asked[0], by=asked[1], now=bench.now)
        except services.Refused as refused:
            if {refusal.on for refusal in refused.refusals} != taken:
                raise
            return
        raise AssertionError("the dates that are taken were booked")

    for name, room_ids in (
        ("service.book_series_52_clashes", threes[0][:1]),
        ("service.book_series_52x3_clashes", threes[0]),
    ):
        asks = _asks(bench, [room_ids] * bench.calls(4 * BATCHES + 2))
        yield from bench.meter.cost(book, asks).figures(name, bench.scale)
    bench.undo()


@benchmark("service.find_series_refusals")
def judge_series(bench: Bench) -> Iterator[Figure]:
    """Ask the judge about 52 dates that are free: what the form's preview does."""
    asks = _asks(bench, [bench.rooms_free_at_noon()[0][:1]] * bench.calls(_CALLS))

    def ask(asked: Asked) -> None:
        assert not availability.find_refusals(asked[0], by=asked[1], now=bench.now)

    yield from bench.meter.cost(ask, asks).figures("service.find_series_refusals", bench.scale)


@benchmark("service.free_rooms_slot", "service.free_rooms_52")
def find_free_rooms(bench: Bench) -> Iterator[Figure]:
    """Find what is free of 100 rooms: at one time of a busy day, and at the same time of 52 days."""
    days = bench.working_days(SERIES)
    filters = RoomFilter()

    def find(asked: tuple[list[Interval], User]) -> None:
        free_rooms(asked[0], by=asked[1], filters=filters, now=bench.now)

    calls = bench.calls(_CALLS)
    slots = [([_hour(days[n % 5], 8 + n % 9)], bench.fresh_user(n)) for n in range(calls)]
    yield from bench.meter.cost(find, slots).figures("service.free_rooms_slot", bench.scale)
    series = [([_hour(day, 8 + n % 9) for day in days], bench.fresh_user(n)) for n in range(calls)]
    yield from bench.meter.cost(find, series).figures("service.free_rooms_52", bench.scale)


@benchmark("service.nearest_slots")
def find_nearest_slots(bench: Bench) -> Iterator[Figure]:
    """Find the ten nearest hours within 30 days at which three rooms, a licence and three people are free."""
    threes = bench.rooms_free_at_noon()
    ask = [(threes[n % len(threes)], bench.fresh_user(n), n) for n in range(bench.calls(_CALLS))]
    around = bench.working_days(1)[0].replace(hour=10, tzinfo=_ZONE)

    def find(asked: tuple[tuple[int, ...], User, int]) -> None:
        room_ids, user, n = asked
        people = [bench.users[(n + more) % len(bench.users)].pk for more in range(3)]
        nearest_slots(
            room_ids,
            duration=timedelta(hours=1),
            around=around,
            organizer_id=user.pk,
            user_ids=people,
            by=user,
            now=bench.now,
        )

    yield from bench.meter.cost(find, ask).figures("service.nearest_slots", bench.scale)


def _asks(bench: Bench, rooms: list[tuple[int, ...]]) -> list[Asked]:
    users = [bench.fresh_user(n) for n in range(len(rooms))]
    return [(bench.series(room_ids, by=user), user) for room_ids, user in zip(rooms, users, strict=True)]


def _hour(day: datetime, hour: int) -> Interval:
    start = day.replace(hour=hour, tzinfo=_ZONE)
    return Interval(start, start + timedelta(hours=1))
