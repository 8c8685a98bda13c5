"""A calendar program as far as invitations go, by the rules that real ones follow (calendar-mail.md D, E and F).

It is a harsh one: it forgets exceptions that a mail about the whole doesn't repeat, keeps an EXDATE until the whole
comes without it, and takes nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import icalendar
import recurring_ical_events

from notifications import claims
from notifications.compose import Mail, compose
from notifications.compose.shelf import Shelf

_STAMP = tuple[int, datetime]
NEVER: _STAMP = (-1, datetime.min.replace(tzinfo=UTC))


@dataclass
class Entry:
    """What is under one UID. `singles`: by RECURRENCE-ID as an instant."""

    zones: list[Any] = field(default_factory=list)
    master: Any = None
    singles: dict[datetime, Any] = field(default_factory=dict)
    taken_out: dict[datetime, Any] = field(default_factory=dict)

    def known(self, at: datetime | None) -> _STAMP:
        """Return SEQUENCE and DTSTAMP of what is known of one meeting, or of the whole."""
        found = [self.master, self.singles.get(at) if at else None, self.taken_out.get(at) if at else None]
        return max((stamp_of(event) for event in found if event is not None), default=NEVER)


@dataclass
class Program:
    """The calendar of one person. `highest`: the last SEQUENCE seen for each UID."""

    entries: dict[str, Entry] = field(default_factory=dict)
    highest: dict[str, int] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)

    def read(self, raw: bytes) -> None:
        calendar = icalendar.Calendar.from_ical(raw)
        assert [part.errors for part in calendar.walk() if part.errors] == []
        events = list(calendar.walk("VEVENT"))
        [uid] = {str(event["UID"]) for event in events}
        [sequence] = {int(event["SEQUENCE"]) for event in events}
        assert sequence >= self.highest.get(uid, 0), "an older SEQUENCE came after a newer one"
        self.highest[uid] = sequence
        entry = self.entries.setdefault(uid, Entry())
        entry.zones = list(calendar.walk("VTIMEZONE"))
        whole = [event for event in events if "RECURRENCE-ID" not in event]
        self.heard.append(f"{calendar['METHOD']} {'whole' if whole else 'one'}")
        if calendar["METHOD"] == "CANCEL":
            self._cancel(uid, entry, events[0])
        elif whole:
            if stamp_of(whole[0]) > entry.known(None) or entry.master is None:
                singles = {recurrence_of(event): event for event in events if "RECURRENCE-ID" in event}
                self.entries[uid] = Entry(entry.zones, whole[0], singles)
        else:
            [event] = events
            at = recurrence_of(event)
            if stamp_of(event) > entry.known(at):
                entry.singles[at] = event

    def _cancel(self, uid: str, entry: Entry, event: Any) -> None:
        assert event["STATUS"] == "CANCELLED"
        if "RECURRENCE-ID" not in event:
            del self.entries[uid]
            return
        at = recurrence_of(event)
        if stamp_of(event) > entry.known(at):
            entry.taken_out[at] = event
            entry.singles.pop(at, None)

    def meetings(self) -> list[tuple[datetime, datetime, str, str]]:
        """Return what the person sees: start and end in UTC, title, and place without the join address; by time."""
        return sorted(meeting for entry in self.entries.values() for meeting in expand(entry))


def expand(entry: Entry) -> Iterator[tuple[datetime, datetime, str, str]]:
    calendar = icalendar.Calendar()
    for zone in entry.zones:
        calendar.add_component(zone)
    parts = [entry.master] if entry.master is not None else []
    for event in [*parts, *entry.singles.values()]:
        calendar.add_component(event)
    gone = set(entry.taken_out) | _without(entry) if entry.master is not None else set()
    for event in recurring_ical_events.of(calendar).between(datetime(2026, 1, 1), datetime(2031, 1, 1)):
        start, end = event["DTSTART"].dt.astimezone(UTC), event["DTEND"].dt.astimezone(UTC)
        by_rule = recurrence_of(event) if "RECURRENCE-ID" in event else start
        if by_rule not in gone:
            yield start, end, str(event["SUMMARY"]), str(event["LOCATION"]).partition(" · ")[0]


def _without(entry: Entry) -> set[datetime]:
    if entry.master is None or "EXDATE" not in entry.master:
        return set()
    found = entry.master["EXDATE"]
    lists = found if isinstance(found, list) else [found]
    return {day.dt.astimezone(UTC) for dates in lists for day in dates.dts}


def recurrence_of(event: Any) -> datetime:
    at: datetime = event["RECURRENCE-ID"].dt
    return at.astimezone(UTC)


def stamp_of(event: Any) -> _STAMP:
    return int(event["SEQUENCE"]), event["DTSTAMP"].dt


@dataclass
class Post:
    """Everybody's calendar programs, and the way there."""

    programs: dict[str, Program] = field(default_factory=dict)
    sent: dict[str, list[bytes]] = field(default_factory=dict)

    def deliver(self, now: datetime, *, at_most: int = 10_000) -> list[Mail]:
        """Do what the worker does, as far as the mail server; give each mail to its reader's calendar."""
        sent: list[Mail] = []
        while len(sent) < at_most and (batch := claims.claim(now)):
            shelf = Shelf()
            for message in batch:
                mail = compose(message, now=now, shelf=shelf)
                if message.attendee is not None:
                    assert mail == compose(message, now=now), "a batch says something else"
                if not claims.begin(message, now, mail=mail):
                    continue
                if mail.calendar is not None:
                    self.programs.setdefault(mail.recipient, Program()).read(mail.calendar)
                    self.sent.setdefault(mail.recipient, []).append(mail.calendar)
                assert claims.finish(message, now)
                sent.append(mail)
        return sent
