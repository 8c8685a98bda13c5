"""What the overview of a week counts, beside a count by looking at everything there is."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings import services
from bookings.models import Booking, Occurrence, RoomHold
from notifications.compose.week_facts import WeekFacts, peak_of, read_week
from rooms.interval import Interval
from rooms.licences import Use, peak_use
from tests.bookings.requests import NOW
from tests.factories import Office
from tests.notifications.outbox_rows import book

pytestmark = pytest.mark.django_db

#: 7:00 in Warsaw on Monday 23 November 2026.
DUE = datetime(2026, 11, 23, 6, tzinfo=UTC)
MONDAY = date(2026, 11, 23)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def test_a_random_week_is_counted_like_a_naive_count(office: Office) -> None:
    chance = random.Random(7)
    rooms = list(office.rooms.values())
    for _number in range(40):
        start = datetime(2026, 11, 23, 8) + timedelta(
            days=chance.randrange(-1, 8), minutes=30 * chance.randrange(0, 14)
        )
        wanted = tuple(chance.sample(rooms, chance.choice([0, 1, 1, 2])))
        _try(office, wanted, start, 30 * chance.choice([1, 2, 3]))
    for booking in Booking.objects.order_by("pk")[::7]:
        services.cancel(booking, by=office.it_admin, now=NOW)
    # Hosted elsewhere, with a room here; and one that begins after another and ends before it.
    away = book(office, rooms=(office.room("TAB/1.12"), office.room("KOS/0.07")), start=datetime(2026, 11, 26, 16))
    Booking.objects.filter(pk=away.pk).update(host_site=office.taborowa)
    book(office, rooms=(office.room("KOS/2.14"),), start=datetime(2026, 11, 27, 15, 30), minutes=120)
    book(office, rooms=(office.room("KOS/2.16"),), start=datetime(2026, 11, 27, 16))
    facts = read_week(office.koszykowa, MONDAY, now=DUE)
    assert facts.sessions > 10
    assert _as_counted(facts) == _naively(office)


def _try(office: Office, rooms: tuple[Any, ...], start: datetime, minutes: int) -> None:
    try:
        book(office, rooms=rooms, start=start, minutes=minutes)
    except services.Refused:
        return


def _as_counted(facts: WeekFacts) -> dict[str, Any]:
    (pool,) = facts.pools
    return {
        "days": [(day.sessions, day.first_at, day.last_at) for day in facts.days],
        "rooms": {use.room.code: (use.sessions, use.length) for use in facts.rooms},
        "peaks": {day: peak.seats for day, peak in pool.peaks.items()},
    }


def _naively(office: Office) -> dict[str, Any]:
    """Count by looking at everything that there is, and at the pool minute by minute."""
    days: list[tuple[int, datetime | None, datetime | None]] = []
    rooms: dict[str, tuple[int, timedelta]] = {}
    peaks: dict[date, int] = {}
    for number in range(7):
        midnight = datetime(2026, 11, 22, 23, tzinfo=UTC) + number * DAY
        found = []
        for meeting in Occurrence.objects.select_related("booking__host_site"):
            held = [hold.room for hold in RoomHold.objects.filter(occurrence=meeting, live=True)]
            is_here = meeting.booking.host_site == office.koszykowa or any(r.site == office.koszykowa for r in held)
            if meeting.status != "confirmed" or meeting.booking.status != "confirmed" or not is_here:
                continue
            if midnight <= meeting.starts_at < midnight + DAY:
                found.append(meeting)
                for room in held:
                    if room.site == office.koszykowa:
                        count, length = rooms.get(room.code, (0, timedelta(0)))
                        rooms[room.code] = (count + 1, length + meeting.interval.duration)
        starts, ends = [item.starts_at for item in found], [item.ends_at for item in found]
        days.append((len(found), min(starts, default=None), max(ends, default=None)))
        if peak := max(_in_use(office, midnight + minute * MINUTE) for minute in range(0, 1440, 15)):
            peaks[MONDAY + number * DAY] = peak
    return {"days": days, "rooms": rooms, "peaks": peaks}


def _in_use(office: Office, at: datetime) -> int:
    return sum(hold.seats for hold in _holds(office) if hold.live and hold.interval.contains(at))


def _holds(office: Office) -> list[Any]:
    kept = office.pool.__dict__.setdefault("kept_for_the_test", [])
    if not kept:
        kept += office.pool.holds.all()
    return kept


_TIMES = st.tuples(st.integers(0, 40), st.integers(1, 20), st.integers(1, 3))


@given(st.lists(_TIMES, max_size=12))
def test_the_peak_is_that_of_the_licences(rows: list[tuple[int, int, int]]) -> None:
    uses = [Use(None, seats, Interval(DUE + a * MINUTE, DUE + (a + n) * MINUTE)) for a, n, seats in rows]
    span = Interval(DUE + 10 * MINUTE, DUE + 30 * MINUTE)
    found = peak_of(uses, span)
    assert (found[0] if found else 0) == peak_use(uses, span=span)
    by_minute = [
        (sum(use.seats for use in uses if use.interval.contains(DUE + minute * MINUTE)), -minute)
        for minute in range(10, 30)
    ]
    seats, minute = max(by_minute)
    assert found == ((seats, DUE - minute * MINUTE) if seats else None)
