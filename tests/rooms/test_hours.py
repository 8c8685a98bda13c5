"""Opening hours: whole stretches, nights of the clock change, and sites that share a midnight."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.hours import Hours, is_open, next_opening, open_on
from rooms.interval import Interval

_WARSAW = ZoneInfo("Europe/Warsaw")
_OFFICE = [Hours(weekday, time(7), time(18)) for weekday in range(5)]


def _local(day: date, first: time, last: time, *, zone: ZoneInfo = _WARSAW) -> Interval:
    return Interval(datetime.combine(day, first, zone), datetime.combine(day, last, zone))


_TUESDAY, _SATURDAY = date(2026, 11, 24), date(2026, 11, 28)


@pytest.mark.parametrize(
    ("day", "first", "last", "expected"),
    [
        (_TUESDAY, time(7), time(18), True),
        (_TUESDAY, time(6, 59), time(8), False),
        (_TUESDAY, time(17), time(18, 1), False),
        (_TUESDAY, time(5), time(6), False),
        (_SATURDAY, time(9), time(10), False),
    ],
)
def test_open_during_the_whole_interval(day: date, first: time, last: time, expected: bool) -> None:
    assert is_open(_OFFICE, _local(day, first, last), _WARSAW) is expected


def test_break_at_noon_closes_and_hours_that_touch_do_not() -> None:
    split = [Hours(1, time(8), time(12)), Hours(1, time(13), time(16))]
    touching = [Hours(1, time(8), time(12)), Hours(1, time(12), time(16))]
    session = _local(_TUESDAY, time(11), time(14))
    assert not is_open(split, session, _WARSAW)
    assert is_open(touching, session, _WARSAW)
    assert open_on(touching, _TUESDAY, _WARSAW) == [_local(_TUESDAY, time(8), time(16))]


def test_site_without_hours_is_closed() -> None:
    assert not is_open([], _local(_TUESDAY, time(9), time(10)), _WARSAW)
    assert open_on([], _TUESDAY, _WARSAW) == []


def test_wall_clock_of_the_site_counts_not_utc() -> None:
    helsinki = ZoneInfo("Europe/Helsinki")
    at_six_in_warsaw = Interval(datetime(2026, 11, 24, 5, tzinfo=UTC), datetime(2026, 11, 24, 6, tzinfo=UTC))
    assert is_open(_OFFICE, at_six_in_warsaw, helsinki)
    assert not is_open(_OFFICE, at_six_in_warsaw, _WARSAW)


@pytest.mark.parametrize(
    ("day", "utc_hours"),
    [(date(2026, 3, 28), 24), (date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 10, 26), 24)],
)
def test_days_of_the_clock_change_have_their_own_length(day: date, utc_hours: int) -> None:
    hours = [Hours(weekday, time(0), time(23, 59)) for weekday in range(7)]
    [stretch] = open_on(hours, day, _WARSAW)
    assert stretch.duration == timedelta(hours=utc_hours, minutes=-1)


def test_session_over_midnight_needs_both_days() -> None:
    session = Interval(datetime(2026, 11, 24, 23, tzinfo=_WARSAW), datetime(2026, 11, 25, 1, tzinfo=_WARSAW))
    until_late = [Hours(1, time(7), time(23, 59)), Hours(2, time(0), time(18))]
    assert not is_open(until_late, session, _WARSAW)
    assert not is_open(_OFFICE, session, _WARSAW)


@given(
    hours=st.lists(
        st.builds(
            lambda weekday, opens, length: Hours(weekday, time(opens), time(min(23, opens + length))),
            st.integers(0, 6),
            st.integers(0, 21),
            st.integers(1, 8),
        ),
        max_size=8,
    ),
    first=st.integers(0, 8 * 24),
    length=st.integers(1, 30),
)
def test_open_exactly_when_every_hour_lies_in_some_hours(hours: list[Hours], first: int, length: int) -> None:
    # A week without a clock change, in whole hours: an hour is open when it lies inside one of the hours.
    monday = datetime(2026, 11, 23, tzinfo=_WARSAW)
    instants = [monday + timedelta(hours=first + n) for n in range(length)]
    naive = all(
        any(item.weekday == at.weekday() and item.opens.hour <= at.hour < item.closes.hour for item in hours)
        for at in instants
    )
    assert is_open(hours, Interval(instants[0], instants[-1] + timedelta(hours=1)), _WARSAW) is naive


@given(
    hours=st.lists(
        st.builds(
            lambda weekday, opens, length: Hours(weekday, time(opens // 4, opens % 4 * 15), time(23, 59 - length)),
            st.integers(0, 6),
            st.integers(0, 40),
            st.integers(0, 59),
        ),
        max_size=4,
    ),
    day=st.sampled_from([date(2026, 3, 27), date(2026, 10, 23), date(2026, 11, 23)]),
    first=st.integers(0, 4 * 24 * 4),
    length=st.integers(1, 100),
)
def test_open_exactly_when_every_quarter_lies_between_opening_and_closing(
    hours: list[Hours], day: date, first: int, length: int
) -> None:
    """In the nights of the clock change too: opening and closing are instants of their day."""
    start = datetime.combine(day, time(), _WARSAW).astimezone(UTC) + timedelta(minutes=15 * first)
    session = Interval(start, start + timedelta(minutes=15 * length))
    stretches = [item for n in range(7) for item in open_on(hours, day + timedelta(days=n), _WARSAW)]
    quarters = [session.start_at + timedelta(minutes=15 * n) for n in range(length)]
    naive = all(
        any(item.covers(Interval(at, at + timedelta(minutes=15))) for item in stretches)
        or any(
            one.end_at == other.start_at and one.start_at <= at and at + timedelta(minutes=15) <= other.end_at
            for one in stretches
            for other in stretches
        )
        for at in quarters
    )
    assert is_open(hours, session, _WARSAW) is naive


@pytest.mark.parametrize(
    ("hours", "after", "expected"),
    [
        (_OFFICE, datetime(2026, 11, 24, 6, 59), datetime(2026, 11, 24, 7)),
        (_OFFICE, datetime(2026, 11, 24, 7), datetime(2026, 11, 25, 7)),
        (_OFFICE, datetime(2026, 11, 27, 18), datetime(2026, 11, 30, 7)),
        (
            [Hours(1, time(8), time(12)), Hours(1, time(13), time(16))],
            datetime(2026, 11, 24, 12),
            datetime(2026, 11, 24, 13),
        ),
        ([Hours(1, time(8), time(12))], datetime(2026, 11, 24, 9), datetime(2026, 12, 1, 8)),
        # The clocks go forward in the night before.
        ([Hours(6, time(7), time(12))], datetime(2027, 3, 27, 20), datetime(2027, 3, 28, 7)),
        ([], datetime(2026, 11, 24, 9), None),
    ],
)
def test_next_opening_is_the_first_that_begins_later(
    hours: list[Hours], after: datetime, expected: datetime | None
) -> None:
    found = next_opening(hours, after.replace(tzinfo=_WARSAW), _WARSAW)
    assert found == (expected and expected.replace(tzinfo=_WARSAW))
