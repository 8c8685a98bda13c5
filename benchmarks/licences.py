"""What it costs to admit a session to a pool, and to replay a quarter of requests for other sizes of the pool."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from statistics import median
from time import process_time
from zoneinfo import ZoneInfo

from benchmarks.bench import SERIES, Bench
from benchmarks.figures import Figure, benchmark
from benchmarks.meter import BATCHES
from bookings.availability import facts
from bookings.availability.holds import Ignoring
from bookings.availability.seating import Seating
from rooms.interval import Interval
from rooms.licence_replay import Shares, Wish, replay_sizes
from rooms.licences import Need, balances

_DAYS, _PER_DAY = 90, 40
#: Of three sites, and one seat in reserve: the pool of ten that has refused and moved what is replayed.
_SHARES: Shares = {1: 4, 2: 3, 3: 2}
_OWNED = 10
_SIZES = range(6, 17)
_CALLS = 60
#: Days that are busy at 10,000 holds as well, so that the figures of one day say what history costs.
_BUSY_DAYS = 10
_ZONE = ZoneInfo("Europe/Warsaw")


@benchmark("licence.judge_one", "licence.judge_52", "licence.judge_one_last_seats", "licence.judge_52_last_seats")
def judge(bench: Bench) -> Iterator[Figure]:
    """Ask the judge for licences only, on one busy day and on 52; rooms and pools are known already.

    At noon it is enough to add up what touches the hour. `last_seats`: all that are left between half past ten and half
    past eleven, when sessions follow one another, so that each of them has to be looked at.
    """
    person = bench.users[0].pk
    [gap] = bench.gaps(1)
    known = facts.load(gap.room_ids, organizer_id=person, by_id=person, now=bench.now, host_ids=gap.room_ids)
    seating = Seating(known, Ignoring(bench.now))
    need = known.need(4, list(known.rooms.values()))
    days = bench.working_days(SERIES)
    noons = [(_between(day, time(12), time(13)), need) for day in days]
    tight = [_last_seats(need, seating, _between(day, time(10, 30), time(11, 30))) for day in days]

    def seat(wanted: list[tuple[Interval, Need]]) -> None:
        assert not any(seated.short for seated in seating.seat(wanted))

    for name, wanted in (("licence.judge_{}", noons), ("licence.judge_{}_last_seats", tight)):
        calls = bench.calls(_CALLS)
        for number, items in (("one", [[wanted[n % _BUSY_DAYS]] for n in range(calls)]), (SERIES, [wanted] * calls)):
            yield from bench.meter.cost(seat, items).figures(name.format(number), bench.scale)


def _between(day: datetime, start: time, end: time) -> Interval:
    return Interval(datetime.combine(day, start, _ZONE), datetime.combine(day, end, _ZONE))


def _last_seats(need: Need, seating: Seating, span: Interval) -> tuple[Interval, Need]:
    """Return the need with as many seats as are left at every instant of the span."""
    [(pool_id, sites)] = need.by_pool.items()
    [site_id] = sites
    uses = facts.load_uses([pool_id], [span], ignoring=seating.ignoring)[pool_id]
    have = seating.facts.pools[pool_id].allocation
    left = min(balance.free_for(site_id) for balance in balances(have, uses, span=span))
    assert left, "the office has a seat for every room"
    return span, replace(need, by_pool={pool_id: {site_id: left}})


@benchmark("licence.replay_90d", once=True)
def replay_quarter(bench: Bench) -> Iterator[Figure]:
    """Replay 90 days of 40 requests for the sizes 6 to 16: processor time, without reading them from anywhere."""
    wishes = _quarter()
    spent = []
    for _ in range(bench.calls(BATCHES)):
        before = process_time()
        found = replay_sizes(wishes, shares=_SHARES, sizes=_SIZES)
        spent.append(process_time() - before)
        assert found[0].refused > found[_OWNED - _SIZES[0]].refused > 0 == found[-1].refused_anew
    yield Figure("licence.replay_90d.s", bench.scale, median(spent), "s")


def _quarter() -> list[Wish]:
    """Return what an office asks for in 90 days, always the same: refused requests among them, and cancelled ones."""
    chance = random.Random(90)
    asked = [_request(chance, day) for day in range(_DAYS) for _ in range(_PER_DAY)]
    [truth] = replay_sizes(asked, shares=_SHARES, sizes=[_OWNED])
    refused = set(map(id, truth.refused_wishes))
    return [_turned_away(wish, chance) if id(wish) in refused else wish for wish in asked]


def _request(chance: random.Random, day: int) -> Wish:
    """Most ask days ahead for an hour in the middle of the day, to the quarter; one in eight gives up."""
    midnight = datetime(2026, 9, 1, tzinfo=UTC) + timedelta(days=day)
    quarters = min(70, max(28, round(chance.gauss(45, 11))))
    start_at = midnight + timedelta(minutes=15 * quarters)
    asked_at = start_at - timedelta(minutes=chance.randint(5, 30 * 24 * 60))
    cancelled = chance.random() < 0.12
    return Wish(
        asked_at=asked_at,
        interval=Interval(start_at, start_at + timedelta(minutes=chance.choice([30, 45, 60, 60, 90, 120]))),
        seats_by_site=((chance.choices([1, 2, 3], [4, 3, 2])[0], 1),),
        given_up_at=asked_at + chance.random() * (start_at + timedelta(minutes=30) - asked_at) if cancelled else None,
    )


def _turned_away(wish: Wish, chance: random.Random) -> Wish:
    """Three in five take another time instead."""
    instead = None
    if chance.random() < 0.6:
        later = timedelta(minutes=chance.choice([-120, -60, 60, 120, 180, 24 * 60]))
        interval = Interval(wish.interval.start_at + later, wish.interval.end_at + later)
        instead = replace(wish, asked_at=wish.asked_at + timedelta(minutes=1), interval=interval)
    return replace(wish, was_refused=True, instead=instead)
