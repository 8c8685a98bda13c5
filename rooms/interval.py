"""A stretch of time, and arithmetic on stretches. Pure: knows neither Django nor the database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """Half-open `[start_at, end_at)`, aware, kept in UTC. Neighbours that touch do not overlap.

    Raises: ValueError for naive datetimes or an end that is not after the start.
    """

    start_at: datetime
    end_at: datetime

    def __post_init__(self) -> None:
        if self.start_at.tzinfo is None or self.end_at.tzinfo is None:
            raise ValueError("an interval needs aware datetimes")
        # What is in UTC already, as all that the database gives, is left alone: series make hundreds of these.
        if self.start_at.tzinfo is not UTC:
            object.__setattr__(self, "start_at", self.start_at.astimezone(UTC))
        if self.end_at.tzinfo is not UTC:
            object.__setattr__(self, "end_at", self.end_at.astimezone(UTC))
        if self.end_at <= self.start_at:
            raise ValueError("an interval ends after it starts")

    @property
    def duration(self) -> timedelta:
        return self.end_at - self.start_at

    def overlaps(self, other: Interval) -> bool:
        return self.start_at < other.end_at and other.start_at < self.end_at

    def contains(self, instant: datetime) -> bool:
        return self.start_at <= instant < self.end_at

    def covers(self, other: Interval) -> bool:
        return self.start_at <= other.start_at and other.end_at <= self.end_at

    def widened(self, *, before: timedelta, after: timedelta) -> Interval:
        """Return the interval with set-up time before and clearing time after."""
        return Interval(self.start_at - before, self.end_at + after)

    def clipped(self, frame: Interval) -> Interval | None:
        """Return the part inside `frame`, or None where they do not overlap."""
        if not self.overlaps(frame):
            return None
        return Interval(max(self.start_at, frame.start_at), min(self.end_at, frame.end_at))


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the union as sorted intervals that neither overlap nor touch."""
    result: list[Interval] = []
    for item in sorted(intervals):
        if result and item.start_at <= result[-1].end_at:
            result[-1] = Interval(result[-1].start_at, max(result[-1].end_at, item.end_at))
        else:
            result.append(item)
    return result


def gaps(intervals: Iterable[Interval], *, within: Interval) -> list[Interval]:
    """Return what of `within` no interval covers, sorted."""
    free: list[Interval] = []
    at = within.start_at
    for item in merged(intervals):
        if item.end_at <= within.start_at or item.start_at >= within.end_at:
            continue
        if item.start_at > at:
            free.append(Interval(at, item.start_at))
        at = max(at, item.end_at)
    if at < within.end_at:
        free.append(Interval(at, within.end_at))
    return free
