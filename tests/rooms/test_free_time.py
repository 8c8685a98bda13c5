"""Sets of possible beginnings, against a model that tries every hundred seconds."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from rooms.free_time import both, nearest, on_grid, starts_between

_UNIT = 100
_LAST = 200

_stretches = st.lists(st.tuples(st.integers(0, _LAST), st.integers(1, 40)), max_size=8).map(
    lambda items: [(first * _UNIT, (first + length) * _UNIT) for first, length in items]
)
_windows = st.tuples(st.integers(0, 40), st.integers(1, _LAST)).map(lambda w: (w[0] * _UNIT, (w[0] + w[1]) * _UNIT))
_lengths = st.sampled_from([600, 900, 1800, 3600])


def _instants(starts: list[tuple[int, int]]) -> set[int]:
    return {at for first, last in starts for at in range(first, last + 1, _UNIT)}


def _naive(busy: list[tuple[int, int]], window: tuple[int, int], length: int) -> set[int]:
    return {
        at
        for at in range(window[0], window[1] - length + 1, _UNIT)
        if not any(first < at + length and at < last for first, last in busy)
    }


@settings(deadline=None)
@given(busy=_stretches, window=_windows, length=_lengths)
def test_starts_are_those_that_touch_nothing(busy: list[tuple[int, int]], window: tuple[int, int], length: int) -> None:
    assert _instants(starts_between(busy, window, length)) == _naive(busy, window, length)


@settings(deadline=None)
@given(one=_stretches, other=_stretches, window=_windows, length=_lengths)
def test_what_is_in_both_sets(
    one: list[tuple[int, int]], other: list[tuple[int, int]], window: tuple[int, int], length: int
) -> None:
    found = both(starts_between(one, window, length), starts_between(other, window, length))
    assert _instants(found) == _naive([*one, *other], window, length)


@settings(deadline=None)
@given(busy=_stretches, window=_windows, length=_lengths, around=st.integers(0, _LAST * _UNIT), limit=st.integers(1, 6))
def test_nearest_is_the_greedy_choice_among_all_round_instants(
    busy: list[tuple[int, int]], window: tuple[int, int], length: int, around: int, limit: int
) -> None:
    starts = starts_between(busy, window, length)
    candidates = sorted(
        (at for first, last, step in on_grid(starts) for at in range(first, last + 1, step)),
        key=lambda at: (abs(at - around), at),
    )
    greedy: list[int] = []
    for at in candidates:
        if all(abs(at - taken) >= length for taken in greedy):
            greedy.append(at)
    assert nearest(starts, around=around, length=length, limit=limit) == greedy[:limit]


def test_a_stretch_without_a_quarter_gives_five_minutes() -> None:
    assert on_grid([(300, 600), (650, 700), (900, 2000)]) == [(300, 600, 300), (900, 1800, 900)]
