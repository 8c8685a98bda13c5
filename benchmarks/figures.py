"""What is measured and how it is called: figures, and the list of benchmarks that yield them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.bench import Bench


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. `scale`: live room holds in the database, past and future."""

    name: str
    scale: int | None
    value: float
    unit: str


Measure = Callable[["Bench"], Iterator[Figure]]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Something that can be measured alone. `names`: what its figures begin with.

    `once`: scale makes no difference to it, so it is measured on the first one only.
    """

    names: tuple[str, ...]
    measure: Measure
    once: bool = False

    def is_wanted(self, only: Iterable[str]) -> bool:
        """Say whether one of the patterns, such as `service.*` or `http.day_board_100.queries`, asks for it."""
        wanted = list(only)
        return not wanted or any(
            fnmatchcase(name, pattern) or fnmatchcase(pattern, f"{name}.*") for name in self.names for pattern in wanted
        )


REGISTRY: list[Benchmark] = []


def benchmark(*names: str, once: bool = False) -> Callable[[Measure], Measure]:
    """Put a function on the list; it is run in the order of the list."""

    def register(measure: Measure) -> Measure:
        REGISTRY.append(Benchmark(names, measure, once))
        return measure

    return register
