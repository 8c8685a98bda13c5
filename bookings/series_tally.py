"""Counts what becomes of the dates of a series: meetings as usual, meetings that differ and how, dates left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum
from typing import Protocol

from bookings.rules import Why


class Skipped(Protocol):
    @property
    def on(self) -> date: ...

    @property
    def why(self) -> Why: ...

    @property
    def name(self) -> str: ...


class Rooms(IntEnum):
    """How the rooms of a meeting differ from those of its series; in the order in which a sentence names them."""

    AS_USUAL = 0
    ANOTHER = 1
    ONE_LESS = 2
    SOME_LESS = 3
    NONE = 4
    MORE = 5
    IN_OTHER_ORDER = 6


class Time(IntEnum):
    AS_USUAL = 0
    ANOTHER_HOUR = 1
    ANOTHER_DAY = 2


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """How a meeting is not as its series has it."""

    time: Time = Time.AS_USUAL
    rooms: Rooms = Rooms.AS_USUAL


AS_USUAL = Difference()


def compare_rooms(rooms: Collection[int], usual: Collection[int] | None) -> Rooms:
    """Compare the rooms of a meeting that has its own; `usual`: the series', None where no meeting has them."""
    if not rooms:
        return Rooms.NONE
    gone, new = set(usual or ()) - set(rooms), set(rooms) - set(usual or ())
    if usual is None or (gone and new):
        return Rooms.ANOTHER
    if new:
        return Rooms.MORE
    if gone:
        return Rooms.ONE_LESS if len(gone) == 1 else Rooms.SOME_LESS
    return Rooms.IN_OTHER_ORDER


def compare_time(on: date, starts_on: date) -> Time:
    """Compare the day of a meeting that has its own time with the one that the rule gave it, `on`."""
    return Time.ANOTHER_HOUR if starts_on == on else Time.ANOTHER_DAY


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of the rule's dates become what. `meetings` counts those that differ, `own`, as well."""

    meetings: int
    skipped: Mapping[Why, int] = field(default_factory=dict)
    own: Mapping[Difference, int] = field(default_factory=dict)

    @classmethod
    def of(cls, meetings: Iterable[Difference], skipped: Iterable[Skipped]) -> Tally:
        kinds = Counter(meetings)
        count = kinds.total()
        del kinds[AS_USUAL]
        return cls(meetings=count, skipped=Counter(item.why for item in skipped), own=kinds)

    @property
    def as_usual(self) -> int:
        return self.meetings - sum(self.own.values())
