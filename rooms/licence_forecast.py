"""When the licences will run out: the trend of the monthly mean peaks, with an honest margin. Pure.

A peak is the highest number of seats in use at one instant of a working day. No measured peak is higher than the pool:
where requests were refused, demand was higher than what is measured here, and the forecast is on the low side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

#: How far a trend is followed to the month in which the pool is exhausted.
HORIZON_MONTHS = 36
_FEWEST_MONTHS = 3
#: Quantiles 0.90 of Student's t, for two-sided 80 % intervals, with 1 to 30 degrees of freedom: NIST/SEMATECH
#: e-Handbook of Statistical Methods, 1.3.6.7.2. Beyond 30 the last one is used, which errs on the wide side.
# fmt: off
_T_90 = (
    3.078, 1.886, 1.638, 1.533, 1.476, 1.440, 1.415, 1.397, 1.383, 1.372,
    1.363, 1.356, 1.350, 1.345, 1.341, 1.337, 1.333, 1.330, 1.328, 1.325,
    1.323, 1.321, 1.319, 1.318, 1.316, 1.315, 1.314, 1.313, 1.311, 1.310,
)
# fmt: on
#: Expected values are sums of floats; what misses the capacity by less than this has reached it.
_NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class MonthMean:
    """The mean of the peaks of a month's working days. `month`: any day of it. `days`: how many were measured."""

    month: date
    mean: float
    days: int


@dataclass(frozen=True, slots=True)
class Expected:
    """What the trend says of a month to come. Four times in five its mean lies between `low` and `high`; none below 0.

    `month`: its first day.
    """

    month: date
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """`months`: those right after the last measured one. `slope`: seats a month, may be negative.

    `exhausted_in`: first day of the first month to come, of HORIZON_MONTHS, in which the expected mean peak reaches the
    capacity; None: not in sight.
    """

    months: tuple[Expected, ...]
    slope: float
    exhausted_in: date | None


def forecast(points: Sequence[MonthMean], *, capacity: int, months_ahead: int = 3) -> Forecast | None:
    """Return what a straight line through the monthly means says, or None with fewer than three measured months.

    The line is that of least squares, each month weighted with its measured days: the variance of a mean falls with
    their number, so half a month counts half. The margin is the prediction interval at 80 %, for months that are
    measured as fully as the fullest one given. Three months leave one degree of freedom, and a wide margin.

    `points`: one for each month, in any order; months may be missing, and those without a measured day are left out.
    """
    measured = sorted((point for point in points if point.days > 0), key=_number)
    if len({_number(point) for point in measured}) < _FEWEST_MONTHS:
        return None
    last = _number(measured[-1])
    trend = _fitted(measured)
    ahead = (last + n for n in range(1, HORIZON_MONTHS + 1))
    exhausted = next((number for number in ahead if trend.at(number) >= capacity - _NOTHING), None)
    return Forecast(
        months=tuple(trend.expected(last + n) for n in range(1, months_ahead + 1)),
        slope=trend.slope,
        exhausted_in=None if exhausted is None else _first_day(exhausted),
    )


@dataclass(frozen=True, slots=True)
class _Trend:
    """A line through weighted points. `centre`, `mean`: their mean month and value. `spread`: of the months about it.

    `deviation`: standard deviation of a single day, `days` of them in a whole month, `weight` in all months.
    `quantile`: of Student's t, for the degrees of freedom that the line leaves.
    """

    centre: float
    mean: float
    slope: float
    spread: float
    deviation: float
    days: int
    weight: int
    quantile: float

    def at(self, number: int) -> float:
        return self.mean + self.slope * (number - self.centre)

    def expected(self, number: int) -> Expected:
        mean = self.at(number)
        distance = number - self.centre
        doubt = math.sqrt(1 / self.days + 1 / self.weight + distance * distance / self.spread)
        margin = self.quantile * self.deviation * doubt
        return Expected(_first_day(number), *(max(0.0, value) for value in (mean, mean - margin, mean + margin)))


def _fitted(points: Sequence[MonthMean]) -> _Trend:
    rows = [(_number(point), point.mean, point.days) for point in points]
    weight = sum(days for _x, _y, days in rows)
    centre = sum(days * x for x, _y, days in rows) / weight
    mean = sum(days * y for _x, y, days in rows) / weight
    spread = sum(days * (x - centre) ** 2 for x, _y, days in rows)
    slope = sum(days * (x - centre) * (y - mean) for x, y, days in rows) / spread
    rest = sum(days * (y - mean - slope * (x - centre)) ** 2 for x, y, days in rows)
    freedom = len(rows) - 2
    return _Trend(
        centre=centre,
        mean=mean,
        slope=slope,
        spread=spread,
        deviation=math.sqrt(rest / freedom),
        days=max(days for _x, _y, days in rows),
        weight=weight,
        quantile=_T_90[min(freedom, len(_T_90)) - 1],
    )


def _number(point: MonthMean) -> int:
    """Number months through the years, so that neighbours differ by one."""
    return point.month.year * 12 + point.month.month - 1


def _first_day(number: int) -> date:
    return date(number // 12, number % 12 + 1, 1)
