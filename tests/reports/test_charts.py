"""Where charts draw what: scales, colours, steps of a dated limit, texts without a decimal comma."""

from __future__ import annotations

import pytest

from reports.charts import Column, Level, TrendPoint, level_of, near_from, peak_chart, scale_of, trend_chart


def column(peak: int, limit: int = 10, **fields: object) -> Column:
    return Column(peak, limit, level_of(peak, limit), **fields)  # type: ignore[arg-type]  # fields come by name


@pytest.mark.parametrize(
    ("peak", "limit", "level"),
    [
        (0, 10, Level.FINE),
        (7, 10, Level.FINE),
        (8, 10, Level.NEAR),
        (9, 10, Level.NEAR),
        (10, 10, Level.FULL),
        (11, 10, Level.FULL),
        (3, 4, Level.NEAR),
        (2, 3, Level.NEAR),
        (1, 2, Level.FINE),
        (2, 2, Level.FULL),
        (1, 1, Level.FULL),
        (0, 0, Level.FINE),
        (96, 120, Level.NEAR),
        (95, 120, Level.FINE),
    ],
)
def test_level_tells_how_near_a_peak_came(peak: int, limit: int, level: Level) -> None:
    assert level_of(peak, limit) == level


@pytest.mark.parametrize("limit", range(3, 200))
def test_what_is_near_lies_below_the_limit(limit: int) -> None:
    assert 0 < near_from(limit) < limit


@pytest.mark.parametrize(
    ("highest", "scale"),
    [
        (1, [0, 1]),
        (0.2, [0, 1]),
        (11, [0, 2, 4, 6, 8, 10, 12]),
        (12, [0, 2, 4, 6, 8, 10, 12]),
        (132, [0, 40, 80, 120, 160]),
        (7, [0, 2, 4, 6, 8]),
    ],
)
def test_scale_has_round_numbers_and_few(highest: float, scale: list[int]) -> None:
    assert scale_of(highest) == scale


def test_columns_stand_on_the_ground_and_reach_their_value() -> None:
    chart = peak_chart([column(5), column(10)], width=960, height=240)
    half, full = chart.bars
    assert float(half.y) + float(half.height) == float(full.y) + float(full.height) == 212
    assert float(half.height) * 2 == pytest.approx(float(full.height), abs=0.1)
    assert (half.level, full.level) == (Level.FINE, Level.FULL)
    assert [mark.text for mark in chart.full_marks] == ["10"]
    assert float(full.x) + float(full.width) <= 960


def test_a_day_without_use_is_a_thin_line_on_the_ground() -> None:
    [bar] = peak_chart([column(0)]).bars
    assert bar.height == "2"


def test_the_limit_steps_where_the_pool_changes() -> None:
    chart = peak_chart([column(1, 10), column(1, 10), column(1, 12)], limit_label=lambda count: f"pula: {count}")
    assert chart.limit.count("V") == 1
    assert [mark.text for mark in chart.limit_marks] == ["pula: 10", "pula: 12"]
    assert float(chart.limit_marks[1].y) < float(chart.limit_marks[0].y)


def test_no_days_and_no_limit_are_drawn_without_a_fault() -> None:
    assert peak_chart([]).bars == ()
    assert peak_chart([column(0, 0)]).limit.startswith("M")


def test_conferences_that_ran_are_a_line_at_their_height_also_where_there_was_none() -> None:
    chart = peak_chart([column(10, actual=10), column(10, actual=0)])
    assert [line.y for line in chart.actual] == [chart.bars[0].y, "212"]
    assert peak_chart([column(10)]).actual == ()
    # A day on which nothing was planned and nothing ran needs no line.
    assert peak_chart([column(0, actual=0)]).actual == ()


def test_the_broken_line_goes_on_where_the_measured_one_ends() -> None:
    past = [TrendPoint("paź", 6.0), TrendPoint("lis", 7.0)]
    ahead = [TrendPoint("gru", 8.0, 7.0, 9.0), TrendPoint("sty", 9.0, 7.5, 10.5)]
    chart = trend_chart(past, ahead, limit=10, limit_label="pula: 10")
    end = chart.past.rpartition("L")[2]
    assert chart.ahead.startswith(f"M{end} ")
    assert chart.band.startswith(f"M{end} ")
    assert chart.band.endswith("Z")
    assert [mark.text for mark in chart.labels] == ["paź", "lis", "gru", "sty"]


def test_a_margin_wider_than_the_picture_stays_inside() -> None:
    chart = trend_chart(
        [TrendPoint("lis", 1.0), TrendPoint("gru", 2.0)], [TrendPoint("sty", 3.0, 0.0, 500.0)], limit=3, limit_label=""
    )
    heights = [float(part.split()[1].rstrip("Z")) for part in chart.band.replace("M", "L").split("L")[1:]]
    assert min(heights) >= 14


def test_a_trend_of_a_single_month_has_no_line() -> None:
    chart = trend_chart([TrendPoint("lis", 2.0)], [], limit=10, limit_label="")
    assert (chart.past, chart.ahead, chart.band) == ("", "", "")
    assert len(chart.dots) == 1
