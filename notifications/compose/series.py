"""Reads a series for its mails: the rule, its meetings, and those of them that are not as the rule has them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bookings import recurrence
from bookings.models import Booking, BookingEvent, Occurrence, RoomHold
from bookings.recurrence import Pattern
from integrations.ical.render import Rule
from integrations.places import Place, places
from rooms.interval import Interval
from rooms.models import Room

_OF_ONE = (BookingEvent.Kind.MEETING_CHANGED, BookingEvent.Kind.MEETING_CANCELLED, BookingEvent.Kind.MEETING_ADDED)


@dataclass(frozen=True, slots=True)
class Slot:
    """One meeting of a series. `starts`: by the rule, naive, whatever its time is now.

    `rooms`: its own, None where it has those of the series. `is_plain`: calendars need no word about it but the rule.
    """

    occurrence: Occurrence
    starts: datetime
    rooms: tuple[Room, ...] | None
    is_plain: bool

    @property
    def interval(self) -> Interval:
        return self.occurrence.interval

    @property
    def places(self) -> tuple[Place, ...] | None:
        return None if self.rooms is None else places(self.rooms)


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """A series as everybody invited to it shares it.

    `starts`: all the rule gives, naive. `slots`: the meetings that take place, by time. `reasons`: why a date of the
    rule has none, as `Booking.skipped` says it.
    """

    booking: Booking
    rule: Rule
    pattern: Pattern
    starts: tuple[datetime, ...]
    slots: tuple[Slot, ...]
    rooms: tuple[Room, ...]
    reasons: Mapping[date, Mapping[str, str]]

    @property
    def places(self) -> tuple[Place, ...]:
        return places(self.rooms)

    def without(self, absent: Collection[int]) -> tuple[datetime, ...]:
        """Return the starts of the rule that have no meeting for somebody who is not at these occurrences (EXDATE)."""
        taken = {slot.starts for slot in self.slots if slot.occurrence.pk not in absent}
        return tuple(start for start in self.starts if start not in taken)


def rule_of(booking: Booking, stored: Mapping[str, str] | None = None) -> Rule:
    """Return the rule of a series, or the one that it had: `stored` as an event keeps it."""
    values = stored or {"rrule": booking.rrule, "local_start": booking.local_start, "local_end": booking.local_end}
    return Rule(
        rrule=values["rrule"],
        local_start=datetime.fromisoformat(values["local_start"]),
        local_end=datetime.fromisoformat(values["local_end"]),
        time_zone=booking.time_zone,
    )


def pattern_of(rule: Rule) -> Pattern:
    return recurrence.parse(rule.rrule, zone=ZoneInfo(rule.time_zone))


def read_series(booking: Booking) -> SeriesFacts:
    """Read the series as it is now: three queries, however many meetings and exceptions it has."""
    rule = rule_of(booking)
    pattern = pattern_of(rule)
    starts = tuple(rule.starts(_midnight(day)) for day in recurrence.dates(pattern, first=rule.local_start.date()))
    meetings = list(booking.occurrences.filter(status=Occurrence.Status.CONFIRMED).order_by("starts_at"))
    # Whose rooms are those of the series: no booking keeps them by itself.
    usual = next((meeting for meeting in meetings if not meeting.has_own_rooms), None)
    rooms = _rooms_of([meeting for meeting in meetings if meeting.has_own_rooms or meeting == usual])
    given = frozenset(starts) - _ever_told_alone(booking, rule)
    return SeriesFacts(
        booking=booking,
        rule=rule,
        pattern=pattern,
        starts=starts,
        slots=tuple(_slot(meeting, rule, given, rooms) for meeting in meetings),
        rooms=rooms.get(usual.pk, ()) if usual else (),
        reasons={date.fromisoformat(item["on"]): item for item in booking.skipped},
    )


def _ever_told_alone(booking: Booking, rule: Rule) -> frozenset[datetime]:
    """Return the starts of meetings that had a mail of their own, also where they are as the rule has them again.

    They are repeated all the same: Outlook keeps such a meeting as it was told, with its old title or as cancelled, as
    long as a mail about the whole says nothing of it (D6).
    """
    events = booking.events.filter(kind__in=_OF_ONE, occurrence__isnull=False)
    told = events.values_list("occurrence__original_start_at", flat=True).distinct()
    return frozenset(rule.name_of(start) for start in told)


def _slot(meeting: Occurrence, rule: Rule, given: Collection[datetime], rooms: Mapping[int, tuple[Room, ...]]) -> Slot:
    starts = rule.name_of(meeting.original_start_at)
    is_plain = (
        not meeting.is_override
        and starts in given
        and rule.has_plain_length
        and rule.plain_interval(starts) == meeting.interval
    )
    return Slot(meeting, starts, rooms.get(meeting.pk, ()) if meeting.has_own_rooms else None, is_plain)


def _rooms_of(meetings: Sequence[Occurrence]) -> dict[int, tuple[Room, ...]]:
    """Return the rooms of each meeting, as chosen."""
    holds = RoomHold.objects.filter(occurrence__in=meetings, live=True).select_related("room__site")
    found: dict[int, list[Room]] = {}
    for hold in holds.order_by("occurrence", "position", "pk"):
        found.setdefault(hold.occurrence_id or 0, []).append(hold.room)
    return {pk: tuple(rooms) for pk, rooms in found.items()}


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001  a wall clock has no zone
