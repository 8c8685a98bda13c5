"""What a request would make: its meetings date by date, and the dates left out. Pure data."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from bookings.rules import Refusal, Why
from rooms.interval import Interval
from rooms.models import Room


@dataclass(frozen=True, slots=True)
class PlannedMeeting:
    """One meeting that would be held. `on`: the rule's own date; `rule_start`: the rule's own start, wall clock, naive.

    `occurrence_id`: the meeting of the changed booking that this one continues, time and rooms of its own included.
    """

    on: date
    rule_start: datetime
    local_start: datetime
    local_end: datetime
    interval: Interval
    rooms: tuple[Room, ...]
    has_own_time: bool = False
    has_own_rooms: bool = False
    occurrence_id: int | None = None


@dataclass(frozen=True, slots=True)
class Take:
    """Licence seats that a meeting takes: `source` as `LicenceHold.source`, out of the share of `site_id`.

    `borrower_id`: the site whose session it is, where it uses what another one leaves idle.
    """

    pool_id: int
    site_id: int | None
    seats: int
    source: str = "share"
    named_id: int | None = None
    borrower_id: int | None = None


@dataclass(frozen=True, slots=True)
class SkippedDate:
    """A date of the rule without a meeting. `name`: of the holiday or closure."""

    on: date
    why: Why
    name: str = ""


@dataclass(frozen=True, slots=True)
class Slot:
    """A meeting before anything is known about its rooms. `is_decided`: somebody said that it is to be held."""

    on: date
    rule_start: datetime
    local_start: datetime
    local_end: datetime
    interval: Interval
    room_ids: tuple[int, ...]
    has_own_time: bool = False
    has_own_rooms: bool = False
    occurrence_id: int | None = None
    is_decided: bool = False

    def meeting(self, rooms: dict[int, Room]) -> PlannedMeeting:
        return PlannedMeeting(
            self.on,
            self.rule_start,
            self.local_start,
            self.local_end,
            self.interval,
            tuple(rooms[pk] for pk in self.room_ids if pk in rooms),
            self.has_own_time,
            self.has_own_rooms,
            self.occurrence_id,
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """The slots of a request in the order of the rule. `dates`: all that the rule names, with a meeting or without.

    `past`: dates whose meeting has begun; they stay as they are and nobody judges them.
    """

    slots: tuple[Slot, ...] = ()
    skipped: tuple[SkippedDate, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    dates: tuple[date, ...] = ()
    past: frozenset[date] = field(default=frozenset())
    is_series: bool = False

    @property
    def room_ids(self) -> list[int]:
        """Every room that some meeting asks for, each once."""
        return list(dict.fromkeys(pk for slot in self.slots for pk in slot.room_ids))
