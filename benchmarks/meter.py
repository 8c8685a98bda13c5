"""Measures what a call costs: CPU of this process and of the database's processes, wall time, queries.

Processor time of the database is that of the backends that serve this database. Checkpointer, WAL writer and
autovacuum are not counted: they work for all calls together. Needs the server on the same machine; elsewhere only the
application's own CPU is known, and the unit of the figure says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from statistics import median
from typing import Any, TypeVar

import psycopg
from django.db import connection

from benchmarks import processes
from benchmarks.figures import Figure
from benchmarks.plans import Plans

T = TypeVar("T")
BATCHES = 5


@dataclass(frozen=True, slots=True)
class Cpu:
    """Nanoseconds of processor time. `database` is None where it can't be known."""

    application: int
    database: int | None

    @property
    def total(self) -> int:
        return self.application + (self.database or 0)

    @property
    def unit_suffix(self) -> str:
        return "" if self.database is not None else " (application only)"

    def __sub__(self, other: Cpu) -> Cpu:
        known = self.database is not None and other.database is not None
        return Cpu(
            self.application - other.application, (self.database or 0) - (other.database or 0) if known else None
        )

    def __add__(self, other: Cpu) -> Cpu:
        known = self.database is not None and other.database is not None
        return Cpu(
            self.application + other.application, (self.database or 0) + (other.database or 0) if known else None
        )


@dataclass(frozen=True, slots=True)
class Cost:
    """What one call costs: CPU as the median of batches, wall time as quantiles of calls."""

    cpu_ms: float
    database_cpu_ms: float | None
    p50_ms: float
    p99_ms: float
    queries: int

    def figures(self, name: str, scale: int) -> Iterator[Figure]:
        is_whole = self.database_cpu_ms is not None
        yield Figure(f"{name}.cpu_ms", scale, self.cpu_ms, "ms" if is_whole else "ms (application only)")
        if self.database_cpu_ms is not None:
            yield Figure(f"{name}.database_cpu_ms", scale, self.database_cpu_ms, "ms")
        yield Figure(f"{name}.queries", scale, self.queries, "queries")
        yield Figure(f"{name}.p50_ms", scale, self.p50_ms, "ms")
        yield Figure(f"{name}.p99_ms", scale, self.p99_ms, "ms")


class Meter:
    """Reads the clocks. Keeps a connection of its own, whose work is not counted."""

    def __init__(self, database_url: str, *, plans: Plans | None = None) -> None:
        self._observer = psycopg.connect(database_url, autocommit=True)
        self._plans = plans

    def read(self, application: Callable[[], int] = time.process_time_ns) -> Cpu:
        """Return the processor time used so far, in nanoseconds; only differences mean anything.

        `application`: tells that of the application, which is this process unless another serves.
        """
        return Cpu(application(), self._database_ns())

    def aside(self, sql: str, values: Sequence[Any]) -> None:
        """Run a statement, as somebody else would, whose work is not counted."""
        self._observer.execute(sql.encode(), values)

    def cost(
        self,
        call: Callable[[T], object],
        items: Sequence[T],
        *,
        batches: int = BATCHES,
        between: Callable[[], object] | None = None,
    ) -> Cost:
        """Call with each item; the first two calls warm up and count queries. At least three items.

        The items should be prepared beforehand: everything inside the call is counted. `between`: called after the
        first two and after each batch, and not counted: what makes it possible to ask for the same again.
        """
        call(items[0])
        with self._plans.of(getattr(call, "__qualname__", repr(call))) if self._plans else nullcontext():
            queries = count_queries(lambda: call(items[1]))
        spent: list[tuple[Cpu, int]] = []
        walls: list[float] = []
        rest = items[2:]
        size = max(1, len(rest) // batches)
        for first in range(0, len(rest), size):
            if between is not None:
                between()
            batch = rest[first : first + size]
            before = self.read()
            walls += [_wall_ms(call, item) for item in batch]
            spent.append((self.read() - before, len(batch)))
        if between is not None:
            between()
        return cost_of(spent, sorted(walls), queries)

    def _database_ns(self) -> int | None:
        rows = self._observer.execute(
            "SELECT pid, current_database() FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        ).fetchall()
        spent = [_backend_ns(pid, name) for pid, name in rows]
        return None if None in spent else sum(used for used in spent if used is not None)


def _wall_ms(call: Callable[[T], object], item: T) -> float:
    began = time.perf_counter()
    call(item)
    return (time.perf_counter() - began) * 1000


def cost_of(spent: Sequence[tuple[Cpu, int]], walls: Sequence[float], queries: int) -> Cost:
    """Sum up batches of calls. `spent`: by each batch, of so many calls; `walls`: sorted, in milliseconds."""
    whole = all(cpu.database is not None for cpu, _count in spent)
    return Cost(
        cpu_ms=median(cpu.total / count for cpu, count in spent) / 1e6,
        database_cpu_ms=median((cpu.database or 0) / count for cpu, count in spent) / 1e6 if whole else None,
        p50_ms=median(walls),
        p99_ms=walls[min(len(walls) - 1, int(len(walls) * 0.99))],
        queries=queries,
    )


def python_ms() -> float:
    """Return the CPU time of a fixed piece of pure Python: by how much machines, and moments, differ."""
    spent = []
    for _ in range(BATCHES):
        before = time.process_time_ns()
        sum(n * n for n in range(100_000))
        spent.append(time.process_time_ns() - before)
    return median(spent) / 1e6


def count_queries(call: Callable[[], object]) -> int:
    """Return how many statements the call sends through Django, savepoints included, BEGIN and COMMIT not."""
    seen = 0

    def count(execute: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal seen
        seen += 1
        return execute(*arguments)

    with connection.execute_wrapper(count):
        call()
    return seen


def _backend_ns(pid: int, database: str) -> int | None:
    """Return the processor time of a backend, or None when no such process is seen from here."""
    try:
        title = processes.title(pid)
        if b"postgres" not in title or database.encode() not in title:
            return None  # the server runs elsewhere, and this is another process of the same number
        return processes.cpu_ns(pid)
    except OSError:
        return None
