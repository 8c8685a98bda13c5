"""Prints figures side by side: a line for each name, a column for each scale, and how they grow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.figures import Figure

#: Between these two scales growth is judged; without both, between the smallest and the largest there is.
_FROM, _TO = 10_000, 100_000


def lines(figures: Sequence[Figure]) -> Iterator[str]:
    """Yield the table, line by line."""
    scales = sorted({figure.scale for figure in figures if figure.scale is not None})
    if not scales:
        return
    first, last = (_FROM, _TO) if {_FROM, _TO} <= set(scales) else (scales[0], scales[-1])
    found = {(figure.name, figure.scale): figure for figure in figures}
    names = list(dict.fromkeys(figure.name for figure in figures))
    width = max(len(name) for name in names)
    ratio = f"{_short(last)}/{_short(first)}" if first != last else ""
    yield f"{'':{width}}" + "".join(f"{scale:>12,}" for scale in scales) + f"{ratio:>10}".rstrip()
    for name in names:
        row = [found.get((name, scale)) for scale in scales]
        cells = "".join(f"{_number(figure.value) if figure else '':>12}" for figure in row)
        unit = next(figure.unit for figure in row if figure)
        yield f"{name:{width}}{cells}{_growth(found.get((name, first)), found.get((name, last))):>10}  {unit}"


def _growth(small: Figure | None, large: Figure | None) -> str:
    if small is None or large is None or small is large or not small.value:
        return ""
    return f"{large.value / small.value:.2f}"


def _number(value: float) -> str:
    if value == int(value):
        return f"{value:,.0f}"
    return f"{value:,.2f}" if value < 100 else f"{value:,.0f}"


def _short(scale: int) -> str:
    if scale % 1_000_000 == 0:
        return f"{scale // 1_000_000}M"
    return f"{scale // 1_000}k" if scale % 1_000 == 0 else str(scale)
