"""Arithmetic on stretches of time, against a model that looks at every minute."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.interval import Interval, gaps, merged

_START = datetime(2026, 11, 24, 8, tzinfo=UTC)
_MINUTES = 60


def _span(first: int, last: int) -> Interval:
    return Interval(_START + timedelta(minutes=first), _START + timedelta(minutes=last))


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    first = draw(st.integers(0, _MINUTES - 1))
    return _span(first, draw(st.integers(first + 1, _MINUTES)))


def _minutes(*stretches: Interval) -> set[int]:
    """Return the minutes that the stretches cover: the naive model."""
    instants = range(-5, _MINUTES + 5)
    return {n for n in instants if any(item.contains(_START + timedelta(minutes=n)) for item in stretches)}


def test_interval_is_kept_in_utc_whatever_zone_it_came_in() -> None:
    warsaw = ZoneInfo("Europe/Warsaw")
    found = Interval(datetime(2026, 3, 29, 1, tzinfo=warsaw), datetime(2026, 3, 29, 4, tzinfo=warsaw))
    assert (found.start_at, found.end_at) == (datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 3, 29, 2, tzinfo=UTC))
    assert found.start_at.tzinfo is found.end_at.tzinfo is UTC
    # The night of the spring change has no hour from 2 to 3.
    assert found.duration == timedelta(hours=2)


@pytest.mark.parametrize(
    ("start_at", "end_at"),
    [
        (datetime(2026, 11, 24, 8), datetime(2026, 11, 24, 9)),
        (datetime(2026, 11, 24, 8, tzinfo=UTC), datetime(2026, 11, 24, 9)),
        (_START, _START),
        (_START, _START - timedelta(seconds=1)),
        # 9:00 at UTC+2 is before 8:00 at UTC, whatever the clocks show.
        (_START, datetime(2026, 11, 24, 9, tzinfo=timezone(timedelta(hours=2)))),
    ],
)
def test_naive_empty_and_backward_intervals_do_not_exist(start_at: datetime, end_at: datetime) -> None:
    with pytest.raises(ValueError, match="interval"):
        Interval(start_at, end_at)


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [
        ((0, 10), (10, 20), False),
        ((10, 20), (0, 10), False),
        ((0, 10), (9, 20), True),
        ((0, 30), (10, 20), True),
        ((10, 20), (0, 30), True),
        ((0, 10), (0, 10), True),
        ((0, 10), (11, 20), False),
    ],
)
def test_neighbours_that_touch_do_not_overlap(first: tuple[int, int], second: tuple[int, int], overlap: bool) -> None:
    assert _span(*first).overlaps(_span(*second)) is overlap
    assert (_span(*first).clipped(_span(*second)) is not None) is overlap


def test_start_belongs_to_an_interval_and_end_does_not() -> None:
    span = _span(0, 10)
    assert span.contains(span.start_at)
    assert not span.contains(span.end_at)
    assert span.covers(span)


def test_widened_by_set_up_and_clearing() -> None:
    assert _span(10, 20).widened(before=timedelta(minutes=5), after=timedelta(minutes=7)) == _span(5, 27)
    assert _span(10, 20).widened(before=timedelta(0), after=timedelta(0)) == _span(10, 20)


@given(intervals(), intervals())
def test_overlap_cover_and_clip_agree_with_the_minutes(one: Interval, other: Interval) -> None:
    ours, theirs = _minutes(one), _minutes(other)
    assert one.overlaps(other) is bool(ours & theirs)
    assert one.covers(other) is (theirs <= ours)
    clipped = one.clipped(other)
    assert (_minutes(clipped) if clipped else set()) == ours & theirs


@given(st.lists(intervals(), max_size=8))
def test_merged_covers_the_same_minutes_in_fewest_stretches(items: list[Interval]) -> None:
    result = merged(items)
    assert _minutes(*result) == _minutes(*items)
    assert all(before.end_at < after.start_at for before, after in itertools.pairwise(result))


@given(st.lists(intervals(), max_size=8), intervals())
def test_gaps_are_exactly_the_minutes_that_nothing_covers(items: list[Interval], within: Interval) -> None:
    result = gaps(items, within=within)
    assert _minutes(*result) == _minutes(within) - _minutes(*items)
    assert all(before.end_at < after.start_at for before, after in itertools.pairwise(result))
