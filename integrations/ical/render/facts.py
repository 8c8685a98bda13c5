"""What a calendar part is written from: a meeting, and the series that it belongs to or is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from integrations.ical.zones import Clock, clock_of_series
from rooms.interval import Interval


@dataclass(frozen=True, slots=True)
class Person:
    """A CAL-ADDRESS: the address after `mailto:`, and the name shown (CN)."""

    email: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule of a series: RRULE, and the wall clock of its first date in `time_zone`, naive (DTSTART, DTEND; D2)."""

    rrule: str
    local_start: datetime
    local_end: datetime
    time_zone: str

    @property
    def clock(self) -> Clock:
        return clock_of_series(self.time_zone, year=self.local_start.year)

    def starts(self, meeting_on: datetime) -> datetime:
        """Return the rule's own start on the local day of `meeting_on`, naive: what RECURRENCE-ID and EXDATE say.

        From the day and the rule's time of day, so that it is the same text as readers make of the rule even in a night
        in which clocks change.
        """
        return datetime.combine(meeting_on.date(), self.local_start.time())

    def name_of(self, instant: datetime) -> datetime:
        """Return the naive start by which calendars know the meeting that this rule, or an older one, gave then."""
        zone = ZoneInfo(self.time_zone)
        local = instant.astimezone(zone).replace(tzinfo=None)
        by_rule = self.starts(local)
        return by_rule if by_rule.replace(tzinfo=zone).astimezone(UTC) == instant else local

    @property
    def has_plain_length(self) -> bool:
        """Say whether readers agree on how long meetings last.

        Where clocks change during the first one, some count by the clock on the wall (ical.js) and some by the sun, so
        that every meeting has to be written out.
        """
        clock = self.clock
        return clock.instant(self.local_end) - clock.instant(self.local_start) == self.local_end - self.local_start

    def plain_interval(self, starts: datetime) -> Interval:
        """Return when readers expect the meeting that the rule gives at this naive start.

        All meetings last exactly as long as the first (RFC 5545 3.8.5.3), also in a night in which clocks change.
        """
        clock = self.clock
        lasts = clock.instant(self.local_end) - clock.instant(self.local_start)
        start_at = clock.instant(starts)
        return Interval(start_at, start_at + lasts)


@dataclass(frozen=True, slots=True)
class Override:
    """A meeting of a series that is not as the rule has it (an override), or that the recipient answered by itself.

    `starts`: the rule's own start, naive, whatever the meeting's time is now (P6). `partstat`: what the recipient
    answered about this one, empty where that is what they answered to the series (E3, G6).
    """

    starts: datetime
    interval: Interval
    summary: str
    description: str
    place: str
    partstat: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """The whole of a series as one participant is told of it.

    `without`: starts by the rule, naive, that have no meeting for this participant (EXDATE). `overrides`: every one
    that is in force, because calendars forget those that aren't repeated (D6). `follows`: UID of the series that this
    one continues (RELATED-TO, D7), or empty.
    """

    rule: Rule
    without: tuple[datetime, ...] = ()
    overrides: tuple[Override, ...] = ()
    follows: str = ""


@dataclass(frozen=True, slots=True)
class Single:
    """Which meeting of a series a calendar part is about that is about this one alone: `starts` by the rule, naive."""

    rule: Rule
    starts: datetime


@dataclass(frozen=True, slots=True)
class Meeting:
    """One event as one participant is told of it.

    `sequence`, `stamped_at`: SEQUENCE and DTSTAMP, allocated by whoever changed the booking (RFC 5546 2.1.4).
    `phone_url`: what dials the number and the PIN (`tel:`), empty where nobody joins by telephone.
    `organizer`: the service's own address, from which the mail is sent, with the organizer's name.
    `attendee`: the recipient, the only one listed: guests do not see each other.
    `is_chair`: the recipient is the person who organizes; they are not asked.
    `delegated_from`, `delegated_to`: the address of who sends the recipient in their place, and of whom they send.
    `time_zone`: the IANA zone in which the time was chosen. `place`: rooms in words, best first, may be empty.
    `part_of`: the series that this is the master of, the one meeting of a series that it is, or None: a meeting by
    itself. Of a series, `interval` is that of the next meeting, and the calendar part does not use it.
    """

    uid: str
    sequence: int
    stamped_at: datetime
    interval: Interval
    time_zone: str
    summary: str
    description: str
    place: str
    join_url: str
    join_label: str
    organizer: Person
    attendee: Person
    phone_url: str = ""
    phone_label: str = ""
    is_chair: bool = False
    partstat: str = "NEEDS-ACTION"
    delegated_from: str = ""
    delegated_to: str = ""
    is_private: bool = False
    part_of: Series | Single | None = None
