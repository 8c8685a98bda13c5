"""What a calendar is written from: its events, with as many words as its reader may know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from integrations.ical.render import Rule
from rooms.interval import Interval


@dataclass(frozen=True, slots=True)
class Words:
    """What an event says. `page_url`: the session's page, which asks who one is; `join_url`: the owner's own way in."""

    summary: str
    place: str = ""
    description: str = ""
    page_url: str = ""
    join_url: str = ""


@dataclass(frozen=True, slots=True)
class Override:
    """A meeting of a series that is not as the rule has it. `starts`: the rule's own start, naive."""

    starts: datetime
    interval: Interval
    words: Words


@dataclass(frozen=True, slots=True)
class Repeats:
    """How an event repeats. `without`: starts by the rule, naive, that this calendar does not show (EXDATE)."""

    rule: Rule
    without: tuple[datetime, ...]
    overrides: tuple[Override, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """One UID of a calendar: a meeting, or with `repeats` a series.

    `sequence`, `changed_at`: SEQUENCE, and LAST-MODIFIED and DTSTAMP; both rise with every change of the booking (I2).
    `interval`: the meeting; of a series its next meeting, by which events are sorted. `time_zone`: IANA, as chosen.
    """

    uid: str
    sequence: int
    changed_at: datetime
    interval: Interval
    time_zone: str
    words: Words
    is_tentative: bool = False
    is_private: bool = False
    repeats: Repeats | None = None


@dataclass(frozen=True, slots=True)
class ClosedTime:
    """Rooms that a closure holds for one stretch. `title`: its reason in the reader's language."""

    closure_id: int
    title: str
    made_at: datetime
    interval: Interval
    room_ids: tuple[int, ...]
