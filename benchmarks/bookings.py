"""What it costs to ask, to book, to change, to cancel, and to be admitted by the licence guard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import connection

from accounts.models import User
from benchmarks.bench import SERIES, Bench, Gap
from benchmarks.figures import Figure, benchmark
from benchmarks.meter import BATCHES, python_ms
from bookings import availability, services
from bookings.models import Booking
from bookings.rules import BookingRequest

_CALLS = 120
_ZONE = ZoneInfo("Europe/Warsaw")
Asked = tuple[BookingRequest, User]


def _asks(bench: Bench, gaps: list[Gap]) -> list[Asked]:
    return [(bench.request(gap, by=user), user) for n, gap in enumerate(gaps) if (user := bench.fresh_user(n))]


@benchmark("machine")
def machine(bench: Bench) -> Iterator[Figure]:
    """A yardstick: squares of 100,000 numbers, added. Figures of two runs compare when these are alike."""
    yield Figure("machine.python_ms", bench.scale, python_ms(), "ms")


@benchmark("service.book_one", "service.change_one", "service.cancel_one")
def life_of_a_booking(bench: Bench) -> Iterator[Figure]:
    """Book one room for four people, move it to another gap, cancel it; every call commits."""
    calls = bench.calls(_CALLS)
    booked: list[tuple[Booking, Asked]] = []

    def book(asked: Asked) -> None:
        booked.append((services.book(asked[0], by=asked[1], now=bench.now), asked))

    yield from bench.meter.cost(book, _asks(bench, bench.gaps(calls))).figures("service.book_one", bench.scale)
    moves = []
    for (booking, (request, by)), gap in zip(booked, bench.gaps(calls, skip=calls), strict=True):
        moved = replace(request.at(gap.local_start, gap.local_end), room_ids=gap.room_ids)
        moves.append((Booking.objects.get(pk=booking.pk), moved, User.objects.get(pk=by.pk)))
    yield from bench.meter.cost(
        lambda move: services.change(move[0], move[1], by=move[2], now=bench.now, version=move[0].version), moves
    ).figures("service.change_one", bench.scale)
    ends = [(Booking.objects.get(pk=booking.pk), User.objects.get(pk=by.pk)) for booking, _request, by in moves]
    yield from bench.meter.cost(lambda end: services.cancel(end[0], by=end[1], now=bench.now), ends).figures(
        "service.cancel_one", bench.scale
    )
    bench.undo()


@benchmark("service.book_3_rooms")
def book_three_rooms(bench: Bench) -> Iterator[Figure]:
    """Book three rooms, mostly on several sites, in one session."""
    asks = _asks(bench, bench.gaps(bench.calls(_CALLS // 2), rooms=3))
    yield from bench.meter.cost(lambda asked: services.book(asked[0], by=asked[1], now=bench.now), asks).figures(
        "service.book_3_rooms", bench.scale
    )
    bench.undo()


@benchmark("service.find_refusals", "service.find_refusals_taken")
def judge(bench: Bench) -> Iterator[Figure]:
    """Ask the judge: about a time that is free, and about one where the room is taken, ways out included."""

    def ask(asked: Asked) -> None:
        availability.find_refusals(asked[0], by=asked[1], now=bench.now)

    free = _asks(bench, bench.gaps(bench.calls(_CALLS)))
    yield from bench.meter.cost(ask, free).figures("service.find_refusals", bench.scale)
    taken = _asks(bench, _taken(bench, bench.calls(_CALLS // 4)))
    yield from bench.meter.cost(ask, taken).figures("service.find_refusals_taken", bench.scale)


@benchmark("licence.admit_one", "licence.admit_52")
def admit(bench: Bench) -> Iterator[Figure]:
    """Insert one licence hold under the guard, or 52 for as many busy days in one statement, and nothing else."""
    yield from _admit_one(bench)
    yield from _admit_52(bench)


def _admit_52(bench: Bench) -> Iterator[Figure]:
    """All in the same hour of 52 working days, for other meetings with each call; given back between batches."""
    starts = [day.replace(hour=12, tzinfo=_ZONE) for day in bench.working_days(SERIES)]
    calls = bench.calls(4 * BATCHES + 2)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pool_id, site_id FROM bookings_licencehold ORDER BY id LIMIT 1")
        pool_id, site_id = cursor.fetchone()
        # Meetings of other sites: every office has enough of them, and none holds anything of this site already.
        cursor.execute(
            "SELECT DISTINCT occurrence_id FROM bookings_licencehold hold WHERE site_id <> %s AND NOT EXISTS ("
            "SELECT FROM bookings_licencehold other WHERE other.occurrence_id = hold.occurrence_id AND other.live"
            " AND other.site_id = %s) ORDER BY occurrence_id LIMIT %s",
            [site_id, site_id, 4 * SERIES],
        )
        ids = [row[0] for row in cursor.fetchall()]
        # A lot for each call of a batch.
        lots = len(ids) // SERIES

        def insert(call: int) -> None:
            first = call % lots * SERIES
            cursor.execute(
                "INSERT INTO bookings_licencehold (occurrence_id, pool_id, site_id, seats, period, live)"
                " SELECT occurrence, %s, %s, 1, tstzrange(start, start + interval '1 hour'), true"
                " FROM unnest(%s::bigint[], %s::timestamptz[]) AS wanted (occurrence, start)",
                [pool_id, site_id, ids[first : first + SERIES], starts],
            )

        def undo() -> None:
            cursor.execute(
                "UPDATE bookings_licencehold SET live = false WHERE live AND site_id = %s AND occurrence_id = ANY (%s)",
                [site_id, ids],
            )

        cost = bench.meter.cost(insert, range(calls), between=undo)
        yield from cost.figures("licence.admit_52", bench.scale)


def _admit_one(bench: Bench) -> Iterator[Figure]:
    gaps = bench.gaps(bench.calls(_CALLS))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT occurrence_id, pool_id, site_id FROM bookings_licencehold WHERE NOT live ORDER BY id LIMIT %s",
            [len(gaps)],
        )
        rows = [
            (*row, gap.local_start.replace(tzinfo=_ZONE), gap.local_end.replace(tzinfo=_ZONE))
            for row, gap in zip(cursor.fetchall(), gaps, strict=True)
        ]

        def insert(row: tuple[int, int, int, datetime, datetime]) -> None:
            cursor.execute(
                "INSERT INTO bookings_licencehold (occurrence_id, pool_id, site_id, seats, period, live)"
                " VALUES (%s, %s, %s, 1, tstzrange(%s, %s), true)",
                row,
            )

        yield from bench.meter.cost(insert, rows).figures("licence.admit_one", bench.scale)
        cursor.execute(
            "UPDATE bookings_licencehold SET live = false WHERE live AND occurrence_id = ANY (%s)",
            [[row[0] for row in rows]],
        )


def _taken(bench: Bench, number: int) -> list[Gap]:
    """Return times at which a room is held, days ahead."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT hold.room_id, occurrence.local_start, occurrence.local_end FROM bookings_roomhold hold"
            " JOIN bookings_occurrence occurrence ON occurrence.id = hold.occurrence_id"
            " WHERE hold.live AND occurrence.starts_at > %s ORDER BY occurrence.starts_at, hold.id LIMIT %s",
            [max(gap.local_start for gap in bench.gaps(1)).replace(tzinfo=_ZONE), number],
        )
        rows = cursor.fetchall()
    return [Gap((room_id,), datetime.fromisoformat(start), datetime.fromisoformat(end)) for room_id, start, end in rows]
