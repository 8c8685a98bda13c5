"""The table and the choice of benchmarks."""

from __future__ import annotations

import pytest

from benchmarks import suite
from benchmarks.figures import Benchmark, Figure
from benchmarks.table import lines


def test_table_puts_scales_side_by_side_and_says_how_figures_grow() -> None:
    figures = [
        Figure("service.book_one.cpu_ms", 10_000, 4.0, "ms"),
        Figure("service.book_one.queries", 10_000, 12, "queries"),
        Figure("service.book_one.cpu_ms", 100_000, 5.0, "ms"),
        Figure("race.double_bookings", 100_000, 0, "in 20 rounds of 50"),
    ]
    assert list(lines(figures)) == [
        "                              10,000     100,000  100k/10k",
        "service.book_one.cpu_ms            4           5      1.25  ms",
        "service.book_one.queries          12                        queries",
        "race.double_bookings                           0            in 20 rounds of 50",
    ]


def test_table_of_nothing_is_empty() -> None:
    assert list(lines([])) == []


def test_table_of_one_scale_has_no_growth() -> None:
    assert list(lines([Figure("mail.render.per_cpu_s", 500, 1234.5, "mails")])) == [
        f"{'500':>33}",
        f"mail.render.per_cpu_s{'1,234':>12}{'':10}  mails",
    ]


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("service.*", True),
        ("service.book_one", True),
        ("service.book_one.cpu_ms", True),
        ("service.change_one.queries", True),
        ("*", True),
        ("service.book", False),
        ("http.*", False),
    ],
)
def test_pattern_asks_for_a_benchmark_by_its_names_and_figures(pattern: str, wanted: bool) -> None:
    item = Benchmark(("service.book_one", "service.change_one"), lambda _bench: iter(()))
    assert item.is_wanted([pattern]) is wanted


def test_without_patterns_everything_runs() -> None:
    assert len(suite.wanted([])) == len({name for item in suite.wanted(["*"]) for name in item.names[:1]})
    assert len(suite.wanted([])) >= 10
