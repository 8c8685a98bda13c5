"""What a calendar outside asks of rooms, and what the rooms say: the facts between `mailbox.room` and `outside`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from accounts.models import User
from bookings.models import OutsideMeeting, RoomAnswer
from bookings.recurrence import Pattern
from bookings.rules import Refusal
from rooms.models import Room

PartStat = RoomAnswer.PartStat


class UidTaken(Exception):
    """The UID is somebody else's meeting, or one of ours, or is sent by somebody else than before (H9)."""


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """Which of two mails is the newer one: SEQUENCE first, then DTSTAMP (RFC 5546 2.1.5)."""

    sequence: int
    stamped_at: datetime


@dataclass(frozen=True, slots=True)
class OtherDate:
    """A date of a series that is not as its rule has it. Times are wall clock, naive; None: as the rule has them.

    `is_off`: the organizer has cancelled it. `without`: rooms that are not invited to it.
    """

    on: date
    local_start: datetime | None = None
    local_end: datetime | None = None
    is_off: bool = False
    without: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Invitation:
    """A REQUEST, understood. `rooms`: by key, the address as it was invited. Times: wall clock of `time_zone`, naive.

    `pattern` None: one meeting. `recurrence_at`: the mail is about this one date of a series alone; the times are
    those of the date. `left_out`: the rule's dates without a meeting (EXDATE). `echo`: what answers repeat, kept as it
    is. `message_id`: of the mail. `sent_by`: who sent it for the organizer, lower case; empty: the organizer did.
    """

    uid: str
    organizer: User
    organizer_email: str
    organizer_name: str
    version: Version
    message_id: str
    rooms: Mapping[int, str]
    title: str
    time_zone: str
    local_start: datetime
    local_end: datetime
    pattern: Pattern | None = None
    is_private: bool = False
    recurrence_at: datetime | None = None
    left_out: frozenset[date] = frozenset()
    others: tuple[OtherDate, ...] = ()
    echo: dict[str, Any] = field(default_factory=dict)
    sent_by: str = ""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A CANCEL, understood: of the whole, or of one date (`recurrence_at`), for these rooms (as in `Invitation`)."""

    uid: str
    organizer_email: str
    organizer_name: str
    version: Version
    message_id: str
    rooms: Mapping[int, str]
    recurrence_at: datetime | None = None
    sent_by: str = ""


@dataclass(frozen=True, slots=True)
class DateVerdict:
    """A date of a series that a room declines. `at`: the rule's own start, its RECURRENCE-ID; times: wall clock."""

    on: date
    at: datetime
    local_start: datetime
    local_end: datetime
    refusals: tuple[Refusal, ...] = ()
    answer: RoomAnswer | None = None


@dataclass(frozen=True, slots=True)
class RoomVerdict:
    """What one room answers, and why. `dates`: of a series that it accepts, those that it declines.

    `released`: it declines what it had before, which is free now. `answer`: the row that keeps it, `invited_as`
    included.
    """

    room: Room
    partstat: str
    refusals: tuple[Refusal, ...] = ()
    dates: tuple[DateVerdict, ...] = ()
    released: bool = False
    answer: RoomAnswer | None = None


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What the rooms say to one mail, or to news of the booking. `is_new` False: the mail is old or known already.

    `recurrence_at`: it is all about this one date. `again`: answers to be sent once more as they are. `reason`: of a
    manager, or of whoever cancelled.
    """

    meeting: OutsideMeeting | None
    rooms: tuple[RoomVerdict, ...] = ()
    recurrence_at: datetime | None = None
    is_new: bool = True
    again: tuple[RoomAnswer, ...] = ()
    reason: str = ""
