"""Geometry of the charts: where templates draw what. Pure; all coordinates are texts in units of the view box, since a
number in a template would get the reader's decimal comma.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import ceil

_STEPS = (1, 2, 4, 5)


class Level(StrEnum):
    """How near the peak of a day came to what there is."""

    FINE = "fine"
    NEAR = "near"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Column:
    """What a chart of peaks says of one day. `actual`: the peak of conferences that really ran, if that is known.

    `label`: under the column, or nothing.
    """

    peak: int
    limit: int
    level: Level
    actual: int | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A text, by the left, middle or right end of its baseline."""

    x: str
    y: str
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    x1: str
    x2: str
    y: str


@dataclass(frozen=True, slots=True)
class Bar:
    x: str
    y: str
    width: str
    height: str
    level: Level


@dataclass(frozen=True, slots=True)
class PeakChart:
    """`limit`: a path in steps; `limit_marks`: the number at each step; `full_marks`: over columns that are full."""

    view_box: str
    grid: tuple[Line, ...]
    scale: tuple[Mark, ...]
    bars: tuple[Bar, ...]
    actual: tuple[Line, ...]
    labels: tuple[Mark, ...]
    full_marks: tuple[Mark, ...]
    limit: str
    limit_marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """A month: its value, and for one to come the margin. Without a value: not measured."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class TrendChart:
    """`past`, `ahead`, `band`: paths, empty where there is nothing to draw."""

    view_box: str
    grid: tuple[Line, ...]
    scale: tuple[Mark, ...]
    labels: tuple[Mark, ...]
    past: str
    ahead: str
    band: str
    dots: tuple[Mark, ...]
    limit: Line
    limit_mark: Mark


def near_from(limit: int) -> int:
    """Return from which peak on a day is near the limit: four fifths; `limit` itself where nothing lies between."""
    return min(limit - 1, ceil(limit * 0.8)) if limit > 2 else limit


def level_of(peak: int, limit: int) -> Level:
    if peak and peak >= limit:
        return Level.FULL
    return Level.NEAR if peak and peak >= near_from(limit) else Level.FINE


def scale_of(highest: float, *, most: int = 6) -> list[int]:
    """Return the round numbers of a scale from 0 to `highest` or a little more, at most `most` steps."""
    size = 1
    while True:
        for step in (factor * size for factor in _STEPS):
            steps = max(1, ceil(highest / step))
            if steps <= most:
                return [step * number for number in range(steps + 1)]
        size *= 10


def peak_chart(
    columns: Sequence[Column], *, limit_label: Callable[[int], str] = str, width: int = 960, height: int = 240
) -> PeakChart:
    """Lay out a column for each day, with the limit as a line in steps: it is dated, and so may change within."""
    left, top, bottom = 30.0, 14.0, height - 28.0
    # Room above the line for its number.
    highest = max((max(column.peak, column.limit * 1.1, column.actual or 0) for column in columns), default=1)
    ticks = scale_of(highest or 1)
    each = (width - left) / max(1, len(columns))

    def at(value: float) -> float:
        return bottom - (bottom - top) * value / ticks[-1]

    placed = [(left + each * number, column) for number, column in enumerate(columns)]
    full = [(x, column) for x, column in placed if column.level == Level.FULL]
    ran = [(x, column.actual) for x, column in placed if column.actual is not None and (column.actual or column.peak)]
    return PeakChart(
        view_box=f"0 0 {width} {height}",
        grid=tuple(Line(_n(left), _n(width), _n(at(tick))) for tick in ticks),
        scale=tuple(Mark(_n(left - 8), _n(at(tick) + 4), str(tick)) for tick in ticks),
        bars=tuple(_bar(x, each, column, y=at(column.peak), bottom=bottom) for x, column in placed),
        actual=tuple(Line(_n(x + each * 0.08), _n(x + each * 0.92), _n(at(actual))) for x, actual in ran),
        labels=tuple(Mark(_n(x + 2), _n(bottom + 20), column.label) for x, column in placed if column.label),
        full_marks=tuple(Mark(_n(x + each / 2), _n(at(column.peak) - 6), str(column.peak)) for x, column in full),
        limit=_stairs([(x, at(column.limit)) for x, column in placed], end=float(width)),
        limit_marks=tuple(
            Mark(_n(x + 4), _n(at(column.limit) - 6), limit_label(column.limit))
            for number, (x, column) in enumerate(placed)
            if number == 0 or columns[number - 1].limit != column.limit
        ),
    )


def _bar(x: float, each: float, column: Column, *, y: float, bottom: float) -> Bar:
    """Return the column's bar; a day without use has a thin line on the ground."""
    if not column.peak:
        return Bar(_n(x + each * 0.2), _n(bottom - 2), _n(each * 0.6), "2", Level.FINE)
    return Bar(_n(x + each * 0.16), _n(y), _n(each * 0.68), _n(bottom - y), column.level)


def trend_chart(
    past: Sequence[TrendPoint],
    ahead: Sequence[TrendPoint],
    *,
    limit: int,
    limit_label: str,
    width: int = 480,
    height: int = 210,
) -> TrendChart:
    """Lay out a line through the months that were measured, and a broken one with its margin through those to come.

    A margin that is wider than twice the limit leaves the picture: it says no more than that nobody knows.
    """
    left, right, top, bottom = 30.0, width - 20.0, 14.0, height - 28.0
    points = [*past, *ahead]
    values = [point.value or 0 for point in points] + [min(point.high or 0, limit * 2) for point in ahead]
    ticks = scale_of(max(1, limit * 1.15, *values), most=4)
    each = (right - left - 16) / max(1, len(points) - 1)
    xs = [left + 16 + each * number for number in range(len(points))]

    def at(value: float) -> float:
        return bottom - (bottom - top) * min(value, ticks[-1]) / ticks[-1]

    measured = [(x, at(point.value)) for x, point in zip(xs, past, strict=False) if point.value is not None]
    to_come = [(x, point) for x, point in zip(xs[len(past) :], ahead, strict=True) if point.value is not None]
    tail = measured[-1:]
    upper = tail + [(x, at(point.high or 0)) for x, point in to_come]
    lower = tail + [(x, at(point.low or 0)) for x, point in to_come]
    return TrendChart(
        view_box=f"0 0 {width} {height}",
        grid=tuple(Line(_n(left), _n(width), _n(at(tick))) for tick in ticks),
        scale=tuple(Mark(_n(left - 6), _n(at(tick) + 4), str(tick)) for tick in ticks),
        labels=tuple(Mark(_n(x), _n(bottom + 19), point.label) for x, point in zip(xs, points, strict=True)),
        past=_path(measured) if len(measured) > 1 else "",
        ahead=_path(tail + [(x, at(point.value or 0)) for x, point in to_come]) if to_come else "",
        band=f"{_path(upper + lower[::-1])}Z" if to_come else "",
        dots=tuple(Mark(_n(x), _n(y), "") for x, y in measured),
        limit=Line(_n(left), _n(width), _n(at(limit))),
        limit_mark=Mark(_n(left + 4), _n(at(limit) - 6), limit_label),
    )


def _path(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{'L' if number else 'M'}{_n(x)} {_n(y)}" for number, (x, y) in enumerate(points))


def _stairs(starts: Sequence[tuple[float, float]], *, end: float) -> str:
    """Return a path that is level from each x on, up to `end`."""
    if not starts:
        return ""
    parts = [f"M{_n(starts[0][0])} {_n(starts[0][1])}"]
    for (_x, y), (next_x, next_y) in pairwise(starts):
        if next_y != y:
            parts.append(f"H{_n(next_x)} V{_n(next_y)}")
    return " ".join([*parts, f"H{_n(end)}"])


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
