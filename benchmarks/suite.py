"""All benchmarks, in the order in which they run."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks import (
    bookings,
    conferences,
    crowds,
    feeds,
    inbox,
    lag,
    licences,
    mail,
    outflow,
    over_http,
    pages,
    replies,
    series,
)
from benchmarks.figures import REGISTRY, Benchmark

# Importing them has filled the registry; crowds and conferences come last, their leftovers weigh on nobody.
_ORDER = [
    module.__name__
    for module in (
        *(bookings, licences, series, pages, over_http, feeds, mail, outflow, inbox, replies),
        *(crowds, conferences, lag),
    )
]


def wanted(only: Iterable[str], *, is_first: bool = True) -> list[Benchmark]:
    """Return the benchmarks that one of the patterns asks for, all when there is none.

    `is_first`: whether this is the first scale, on which those run that run only once.
    """
    patterns = list(only)
    ordered = sorted(REGISTRY, key=lambda item: _ORDER.index(item.measure.__module__))
    return [item for item in ordered if item.is_wanted(patterns) and (is_first or not item.once)]
