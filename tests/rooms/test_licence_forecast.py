"""The forecast of the monthly mean peaks: worked by hand, and what has to hold for any numbers."""

from __future__ import annotations

import math
import random
from dataclasses import astuple
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.licence_forecast import _T_90, HORIZON_MONTHS, MonthMean, forecast


def _month(number: int) -> date:
    """Months are counted from January 2026."""
    return date(2026 + number // 12, number % 12 + 1, 1)


def _points(*means: float, first: int = 0, days: int = 20) -> list[MonthMean]:
    return [MonthMean(_month(first + number), mean, days) for number, mean in enumerate(means)]


# --- By hand ---------------------------------------------------------------------------------------------------------
def test_three_whole_months_by_hand() -> None:
    """Slope 1/2 about 5 in February; the residuals -1/2, 1, -1/2 leave a variance of 1.5 with one degree of freedom.

    Squared margins: 3.078² x 1.5 x (1 + 1/3 + d²/2), d = 2, 3, 4 months from February.
    """
    found = forecast(_points(4, 6, 5), capacity=10)
    assert found is not None
    assert found.slope == pytest.approx(0.5)
    assert [item.month for item in found.months] == [_month(3), _month(4), _month(5)]
    assert [item.mean for item in found.months] == pytest.approx([6, 6.5, 7])
    assert [item.low for item in found.months] == [0, 0, 0]
    assert [item.high for item in found.months] == pytest.approx([6 + 6.883, 6.5 + 9.105, 7 + 11.517], abs=1e-3)
    # 5 and ten halves.
    assert found.exhausted_in == date(2026, 12, 1)


def test_half_months_count_half_by_hand() -> None:
    """Weights 10, 20, 10: slope 2 about 4.5 in February; residuals -1/2, 1/2, -1/2; a day's variance is 10.

    Squared margin in April: 3.078² x 10 x (1/20 + 1/40 + 2²/20).
    """
    points = [MonthMean(_month(0), 2, 10), MonthMean(_month(1), 5, 20), MonthMean(_month(2), 6, 10)]
    found = forecast(points, capacity=10, months_ahead=1)
    assert found is not None
    assert found.slope == pytest.approx(2)
    [april] = found.months
    assert astuple(april) == (_month(3), *(pytest.approx(value, abs=1e-3) for value in (8.5, 3.396, 13.604)))
    assert found.exhausted_in == date(2026, 5, 1)


def test_quantiles_are_those_of_students_t() -> None:
    """Between zero and its quantile 0.90 the density has an area of 0.40; Simpson's rule says so of each, rounded."""
    assert len(_T_90) == 30
    for freedom, quantile in enumerate(_T_90, 1):
        assert _area(freedom, quantile - 0.00051) < 0.4 < _area(freedom, quantile + 0.00051)


def _area(freedom: int, end: float) -> float:
    scale = math.gamma((freedom + 1) / 2) / math.sqrt(freedom * math.pi) / math.gamma(freedom / 2)
    steps = 1_000
    heights = [(1 + (end * n / steps) ** 2 / freedom) ** (-(freedom + 1) / 2) for n in range(steps + 1)]
    return scale * end / steps / 3 * (heights[0] + heights[-1] + 4 * sum(heights[1::2]) + 2 * sum(heights[2:-1:2]))


@pytest.mark.parametrize("months", [3, 6, 12])
def test_four_months_in_five_turn_out_inside_the_margin(months: int) -> None:
    chance = random.Random(20260101)
    days = [chance.choice([5, 12, 20, 22]) for _ in range(months)]
    days[0] = 22
    inside = 0
    for _ in range(4_000):
        means = [100 + 0.3 * n + chance.gauss(0, 3 / math.sqrt(count)) for n, count in enumerate(days)]
        points = [MonthMean(_month(n), mean, count) for n, (mean, count) in enumerate(zip(means, days, strict=True))]
        found = forecast(points, capacity=200)
        assert found is not None
        truth = 100 + 0.3 * (months + 1) + chance.gauss(0, 3 / math.sqrt(22))
        inside += found.months[1].low <= truth <= found.months[1].high
    assert 0.78 < inside / 4_000 < 0.82


# --- When nothing can be said ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "points",
    [
        [],
        _points(4, 5),
        [*_points(4, 5), MonthMean(_month(2), 6, 0)],
        [*_points(4, 5), MonthMean(date(2026, 2, 28), 6, 20)],
    ],
)
def test_fewer_than_three_measured_months_allow_no_forecast(points: list[MonthMean]) -> None:
    assert forecast(points, capacity=10) is None


# --- When the pool is exhausted --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("means", "capacity", "month"),
    [
        ((7, 8, 9), 10, _month(3)),
        ((7, 8, 9), 12, _month(5)),
        ((7, 8, 9), 9 + HORIZON_MONTHS, _month(2 + HORIZON_MONTHS)),
        ((7, 8, 9), 10 + HORIZON_MONTHS, None),
        ((9, 8, 7), 8, None),
        ((5, 5, 5), 6, None),
        # The pool is too small already: next month is the first to come, whichever way the trend goes.
        ((6.1, 6.1, 6.1), 6, _month(3)),
        ((12, 11, 10), 8, _month(3)),
    ],
)
def test_pool_is_exhausted_in_the_first_month_whose_mean_reaches_it(
    means: tuple[float, ...], capacity: int, month: date | None
) -> None:
    found = forecast(_points(*means), capacity=capacity)
    assert found is not None
    assert found.exhausted_in == month


def test_missing_months_keep_their_place_and_the_year_turns() -> None:
    """October, December, January; any day stands for its month."""
    points = [MonthMean(date(2026, 10, 31), 4, 22), MonthMean(date(2027, 1, 15), 7, 10), MonthMean(_month(11), 6, 20)]
    found = forecast(points, capacity=9)
    assert found is not None
    assert [(item.month, item.mean) for item in found.months] == [
        (date(2027, 2, 1), pytest.approx(8)),
        (date(2027, 3, 1), pytest.approx(9)),
        (date(2027, 4, 1), pytest.approx(10)),
    ]
    assert found.exhausted_in == date(2027, 3, 1)


# --- Whatever the numbers --------------------------------------------------------------------------------------------
_MEANS = st.floats(0, 50).map(lambda value: round(value, 2))
_MEASURED = st.dictionaries(st.integers(0, 40), st.tuples(_MEANS, st.integers(1, 23)), min_size=3, max_size=36).map(
    lambda found: [MonthMean(_month(number), mean, days) for number, (mean, days) in found.items()]
)


@given(level=st.integers(0, 40), months=st.integers(3, 40), data=st.data())
def test_what_never_changes_is_expected_to_stay_without_a_margin(level: int, months: int, data: st.DataObject) -> None:
    points = [MonthMean(_month(number), level, data.draw(st.integers(1, 23))) for number in range(months)]
    found = forecast(points, capacity=level + 1)
    assert found is not None
    assert found.exhausted_in is None
    for item in found.months:
        assert (item.low, item.mean, item.high) == pytest.approx((level, level, level), abs=1e-6)


@given(points=_MEASURED, capacity=st.integers(1, 60), ahead=st.integers(1, 12))
def test_expected_lies_inside_its_margin_which_widens_and_is_never_below_zero(
    points: list[MonthMean], capacity: int, ahead: int
) -> None:
    found = forecast(points, capacity=capacity, months_ahead=ahead)
    assert found is not None
    assert len(found.months) == ahead
    assert all(0 <= item.low <= item.mean <= item.high for item in found.months)
    widths = [item.high - item.mean for item in found.months if item.mean > 0]
    assert all(later >= sooner - 1e-9 for sooner, later in pairwise(widths))


@given(points=_MEASURED, capacity=st.integers(1, 60), data=st.data())
def test_order_of_the_months_and_a_common_factor_of_the_days_make_no_difference(
    points: list[MonthMean], capacity: int, data: st.DataObject
) -> None:
    found = forecast(points, capacity=capacity)
    tripled = [MonthMean(item.month, item.mean, 3 * item.days) for item in data.draw(st.permutations(points))]
    other = forecast(tripled, capacity=capacity)
    assert found is not None
    assert other is not None
    for one, two in zip(found.months, other.months, strict=True):
        assert astuple(two)[1:] == pytest.approx(astuple(one)[1:], abs=1e-6)


@given(points=_MEASURED, capacity=st.integers(1, 60))
def test_larger_pool_is_exhausted_no_earlier(points: list[MonthMean], capacity: int) -> None:
    found = [forecast(points, capacity=size) for size in (capacity, capacity + 1)]
    first, second = (item.exhausted_in or date.max for item in found if item is not None)
    assert first <= second
