"""Free time as sets of possible beginnings: stretches of instants at which something could begin. Pure arithmetic.

Instants are whole seconds since 1970 (`seconds`), so that intersecting a month of three rooms costs microseconds. A
`Starts` is a rising list of closed stretches `(first, last)`; `first == last` is a single instant.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from rooms.interval import Interval

Starts = list[tuple[int, int]]

#: Times are offered on the quarter of an hour; where a stretch has none, on five minutes.
STEP, FINE_STEP = 900, 300


def seconds(at: datetime) -> int:
    return int(at.timestamp())


def instant(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def starts_between(busy: Iterable[tuple[int, int]], window: tuple[int, int], length: int) -> Starts:
    """Return where something of `length` could begin and end in the window without touching what is busy.

    `busy`: half-open, in any order, overlapping or not.
    """
    found: Starts = []
    at, end = window
    for first, last in sorted(busy):
        if first - at >= length and at <= end:
            found.append((at, min(first, end) - length))
        at = max(at, last)
    if end - at >= length:
        found.append((at, end - length))
    return [(first, last) for first, last in found if first <= last]


def both(one: Sequence[tuple[int, int]], other: Sequence[tuple[int, int]]) -> Starts:
    """Return the instants that are in both sets."""
    found: Starts = []
    i = j = 0
    while i < len(one) and j < len(other):
        first, last = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if first <= last:
            found.append((first, last))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return found


def within(opening: Iterable[Interval], length: int) -> Starts:
    """Return where something of `length` could begin and end while it is open. `opening`: sorted, not touching."""
    return [
        (first, last)
        for stretch in opening
        if (first := seconds(stretch.start_at)) <= (last := seconds(stretch.end_at) - length)
    ]


def on_grid(starts: Starts) -> list[tuple[int, int, int]]:
    """Return the stretches with their step, both ends on it; those without a round instant are left out."""
    found = []
    for first, last in starts:
        for step in (STEP, FINE_STEP):
            a, z = -(-first // step) * step, last // step * step
            if a <= z:
                found.append((a, z, step))
                break
    return found


def nearest(starts: Starts, *, around: int, length: int, limit: int) -> list[int]:
    """Return up to `limit` beginnings, the nearest to `around` first, that leave each other alone.

    The earlier of two that are equally near comes first. Picking one takes away whatever would overlap it.
    """
    heap: list[tuple[int, int, int, int, int]] = []

    def push(first: int, last: int, step: int) -> None:
        if first > last:
            return
        at = min(max(around, first), last)
        below, above = first + (at - first) // step * step, first - (first - at) // step * step
        best = min((below, above), key=lambda item: (abs(item - around), item)) if above <= last else below
        heapq.heappush(heap, (abs(best - around), best, first, last, step))

    for stretch in on_grid(starts):
        push(*stretch)
    found: list[int] = []
    while heap and len(found) < limit:
        _distance, best, first, last, step = heapq.heappop(heap)
        clash = next((taken for taken in found if abs(taken - best) < length), None)
        if clash is None:
            found.append(best)
            clash = best
        # What overlaps it goes; the parts before and after are looked at anew.
        push(first, first + (clash - length - first) // step * step, step)
        push(first - (first - clash - length) // step * step, last, step)
    return found
