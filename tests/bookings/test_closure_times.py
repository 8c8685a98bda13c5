"""When closures close: the wall clock of the site across changes of the clocks, whole days, and cuts at midnight."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings.closure_holds import Held, free_parts, left_over
from bookings.closure_times import ClosureDraft, closed_times, day_pieces, from_now_on
from bookings.recurrence import Frequency, Pattern, PatternRefused
from rooms.interval import Interval

WARSAW = ZoneInfo("Europe/Warsaw")


def closure(start: str, end: str, pattern: Pattern | None = None) -> ClosureDraft:
    return ClosureDraft(
        "closure", "Remont", datetime.fromisoformat(start), datetime.fromisoformat(end), pattern=pattern
    )


def utc(start: str, end: str) -> Interval:
    return Interval(*(datetime.fromisoformat(at).replace(tzinfo=UTC) for at in (start, end)))


@pytest.mark.parametrize(
    ("draft", "expected"),
    [
        (closure("2026-12-24T00:00", "2026-12-27T00:00"), [utc("2026-12-23T23:00", "2026-12-26T23:00")]),
        # The day on which clocks go back has 25 hours, the one on which they go forward 23.
        (closure("2026-10-25T00:00", "2026-10-26T00:00"), [utc("2026-10-24T22:00", "2026-10-25T23:00")]),
        (closure("2027-03-28T00:00", "2027-03-29T00:00"), [utc("2027-03-27T23:00", "2027-03-28T22:00")]),
        # 2:30 comes twice: from the first to the second. It is skipped: more is closed rather than less.
        (closure("2026-10-25T02:30", "2026-10-25T02:45"), [utc("2026-10-25T00:30", "2026-10-25T01:45")]),
        (closure("2027-03-28T02:30", "2027-03-28T04:00"), [utc("2027-03-28T00:30", "2027-03-28T02:00")]),
        # Every Sunday at 6:00, whatever the clocks do.
        (
            closure("2026-10-18T06:00", "2026-10-18T08:00", Pattern(Frequency.WEEKLY, weekdays=(6,), count=2)),
            [utc("2026-10-18T04:00", "2026-10-18T06:00"), utc("2026-10-25T05:00", "2026-10-25T07:00")],
        ),
        # Longer than the step of its rule: one stretch.
        (
            closure("2026-11-02T00:00", "2026-11-04T00:00", Pattern(Frequency.DAILY, count=3)),
            [utc("2026-11-01T23:00", "2026-11-05T23:00")],
        ),
    ],
)
def test_closed_times(draft: ClosureDraft, expected: list[Interval]) -> None:
    assert closed_times(draft, WARSAW) == expected


def test_rule_without_dates_is_refused() -> None:
    with pytest.raises(PatternRefused):
        closed_times(
            closure("2026-10-18T06:00", "2026-10-18T08:00", Pattern(Frequency.DAILY, until=date(2026, 1, 1))), WARSAW
        )


@given(
    start=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),
    minutes=st.integers(1, 60 * 24 * 12),
)
def test_pieces_are_the_stretch_and_none_is_longer_than_a_day(start: datetime, minutes: int) -> None:
    stretch = Interval(start.replace(tzinfo=UTC), start.replace(tzinfo=UTC) + timedelta(minutes=minutes))
    pieces = day_pieces([stretch], WARSAW)
    assert (pieces[0].start_at, pieces[-1].end_at) == (stretch.start_at, stretch.end_at)
    assert all(one.end_at == two.start_at for one, two in pairwise(pieces))
    for piece in pieces:
        assert piece.duration <= timedelta(hours=25)
        first, last = (at.astimezone(WARSAW) for at in (piece.start_at, piece.end_at - timedelta(microseconds=1)))
        assert first.date() == last.date()


def test_what_is_past_is_left_out() -> None:
    now = datetime(2026, 11, 9, 7, tzinfo=UTC)
    past, running, ahead = (
        utc("2026-11-08T06:00", "2026-11-09T07:00"),
        utc("2026-11-09T06:00", "2026-11-09T08:00"),
        utc("2026-11-10T06:00", "2026-11-10T08:00"),
    )
    assert from_now_on([past, running, ahead], now) == [utc("2026-11-09T07:00", "2026-11-09T08:00"), ahead]


_NOON = datetime(2026, 11, 9, 12, tzinfo=UTC)
_hours = st.tuples(st.integers(0, 40), st.integers(1, 8)).map(
    lambda pair: Interval(_NOON + timedelta(hours=pair[0]), _NOON + timedelta(hours=sum(pair)))
)


@given(taken=st.lists(_hours, max_size=6), pieces=st.lists(_hours, max_size=4))
def test_free_parts_are_those_that_counting_hours_finds(taken: list[Interval], pieces: list[Interval]) -> None:
    def hours(stretches: list[Interval]) -> list[datetime]:
        return [
            item.start_at + timedelta(hours=n)
            for item in stretches
            for n in range(int(item.duration.total_seconds() // 3600))
        ]

    disjoint = [item for number, item in enumerate(pieces) if not any(item.overlaps(one) for one in pieces[:number])]
    found = free_parts(taken, disjoint)
    assert sorted(hours(found)) == sorted(set(hours(disjoint)) - set(hours(taken)))


@given(held=st.lists(st.tuples(_hours, st.integers(1, 3)), max_size=5), piece=_hours, owned=st.integers(1, 8))
def test_left_over_is_what_counting_hours_finds(held: list[tuple[Interval, int]], piece: Interval, owned: int) -> None:
    rows = [Held(n, 1, interval, n, None, None, None, None, quantity) for n, (interval, quantity) in enumerate(held)]
    found = left_over(owned, piece, rows)
    assert (found[0][0].start_at, found[-1][0].end_at) == (piece.start_at, piece.end_at)
    for part, left in found:
        hour = part.start_at
        while hour < part.end_at:
            assert left == owned - sum(quantity for interval, quantity in held if interval.contains(hour))
            hour += timedelta(hours=1)
