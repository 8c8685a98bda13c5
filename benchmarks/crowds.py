"""Many people at once: bookings per second, and whether two can ever get the same room."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing import get_context

import django
from django.db import connection, connections

from accounts.models import User
from benchmarks.bench import Bench, Gap
from benchmarks.figures import Figure, benchmark
from bookings import services
from bookings.models import Booking
from bookings.rules import BookingRequest

CLIENTS = (1, 8, 32)
_SECONDS, _SETTLE_SECONDS = 3.0, 0.4
#: Shared out among the clients; more than can be booked in the time.
_GAPS = 640
#: As the launcher starts the web server.
_PROCESSES = 2
_ROUNDS, _RIVALS = 20, 50
Asked = tuple[BookingRequest, User]


@dataclass(frozen=True, slots=True)
class Work:
    """What one process does: its clients book, each through its own list, from `start_at` (Unix time) to `end_at`."""

    lists: tuple[tuple[Asked, ...], ...]
    now: datetime
    start_at: float
    end_at: float


@benchmark("bookings")
def throughput(bench: Bench) -> Iterator[Figure]:
    """Bookings per second with 1, 8 and 32 clients, each booking one room after another, for four people."""
    for clients in CLIENTS[:2] if bench.quick else CLIENTS:
        asks = _asks(bench, bench.gaps(clients if bench.quick else _GAPS))
        lists = [tuple(asks[client::clients]) for client in range(clients)]
        shares = [tuple(lists[part::_PROCESSES]) for part in range(min(clients, _PROCESSES))]
        # Started anew, not forked: a fork would share this process's connections.
        with ProcessPoolExecutor(len(shares), mp_context=get_context("spawn"), initializer=django.setup) as pool:
            list(pool.map(time.sleep, [_SETTLE_SECONDS] * len(shares)))  # until all are there
            start_at = time.time() + _SETTLE_SECONDS
            works = [Work(share, bench.now, start_at, start_at + _SECONDS) for share in shares]
            finished = [moment for moments in pool.map(book_until, works) for moment in moments]
        took = max(finished) - start_at
        yield Figure(f"bookings.clients_{clients}.per_s", bench.scale, len(finished) / took, "bookings/s")
        bench.undo()


def book_until(work: Work) -> list[float]:
    """Book with one thread for each list; return when each booking was done (Unix time).

    Raises: whatever goes wrong: every request is for a gap that is free.
    """

    def client(asks: Sequence[Asked]) -> list[float]:
        done = []
        try:
            connection.ensure_connection()
            time.sleep(max(0.0, work.start_at - time.time()))
            for request, user in asks:
                services.book(request, by=user, now=work.now)
                done.append(time.time())
                if time.time() >= work.end_at:
                    break
        finally:
            connections.close_all()
        return done

    with ThreadPoolExecutor(len(work.lists)) as pool:
        return [moment for moments in pool.map(client, work.lists) for moment in moments]


@benchmark("race", "race_overlapping", "race_of_two", once=True)
def race(bench: Bench) -> Iterator[Figure]:
    """Fifty people want the same room at the same time, or at times that overlap; then two. Twenty rounds each.

    Each has a connection of their own. Exactly one may win, and nobody may see an error.
    """
    rounds, rivals = (2, 4) if bench.quick else (_ROUNDS, _RIVALS)
    # A pool would let only a few at the database at once.
    pool_options = connection.settings_dict["OPTIONS"].pop("pool", None)
    connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's connection has one
    try:
        yield from _rounds(bench, "race", rounds, rivals)
        yield from _rounds(bench, "race_overlapping", rounds, rivals, shifted=True)
        yield from _rounds(bench, "race_of_two", rounds, 2)
    finally:
        connection.close()
        if pool_options is not None:
            connection.settings_dict["OPTIONS"]["pool"] = pool_options


def _rounds(bench: Bench, name: str, rounds: int, rivals: int, *, shifted: bool = False) -> Iterator[Figure]:
    single_winner, errors, overlaps = 0, 0, 0
    for gap in bench.gaps(rounds):
        gaps = [_within(gap, n) if shifted else gap for n in range(rivals)]
        outcomes = _fight(_asks(bench, gaps), bench.now)
        winners = [outcome for outcome in outcomes if isinstance(outcome, Booking)]
        errors += sum(not isinstance(outcome, Booking | services.Refused) for outcome in outcomes)
        single_winner += len(winners) == 1
        overlaps += _overlaps(gap)
    yield Figure(f"{name}.double_bookings", bench.scale, overlaps, f"in {rounds} rounds of {rivals}")
    yield Figure(f"{name}.single_winner", bench.scale, single_winner, f"rounds of {rounds}")
    yield Figure(f"{name}.errors", bench.scale, errors, "errors")
    bench.undo()


def _within(gap: Gap, rival: int) -> Gap:
    """Return a time inside the gap, other than the next rival's; all of them share its middle."""
    minutes = timedelta(minutes=5)
    return Gap(gap.room_ids, gap.local_start + rival % 3 * minutes, gap.local_end - rival % 2 * minutes)


def _fight(asks: Sequence[Asked], now: datetime) -> list[Booking | BaseException]:
    gate = threading.Barrier(len(asks))

    def fight(asked: Asked) -> Booking | BaseException:
        try:
            connection.ensure_connection()
            gate.wait()
            return services.book(asked[0], by=asked[1], now=now)
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(asks)) as pool:
        return list(pool.map(fight, asks))


def _overlaps(gap: Gap) -> int:
    """Count pairs of live holds of the room that overlap, asking the table rather than its constraint."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM bookings_roomhold a JOIN bookings_roomhold b ON a.room_id = b.room_id"
            " AND a.id < b.id AND a.period && b.period WHERE a.live AND b.live AND a.room_id = %s",
            [gap.room_ids[0]],
        )
        (found,) = cursor.fetchone()
    return int(found)


def _asks(bench: Bench, gaps: Sequence[Gap]) -> list[Asked]:
    users = [bench.fresh_user(n) for n in range(min(len(gaps), len(bench.users)))]
    return [(bench.request(gap, by=users[n % len(users)]), users[n % len(users)]) for n, gap in enumerate(gaps)]
