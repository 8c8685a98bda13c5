"""Values as RFC 5545 writes them, where the library has them otherwise; and times in the clock of a series."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from icalendar import Event, vText

from integrations.ical.render.facts import Rule
from integrations.ical.text import one_line
from integrations.ical.zones import Clock, in_fold
from rooms.interval import Interval

_OCTETS = 75
_ESCAPES_BEGIN = b"\\^"
_FEW = 8
_UNTIL = re.compile(r"(?<=UNTIL=)\d{8}T\d{6}Z")


class Text(vText):
    """A TEXT that escapes as RFC 5545 3.3.11 says, and nothing more.

    The library also turns a backslash before an N into a line break: "C:\\Nowy" would lose two letters.
    """

    _ESCAPES: ClassVar[dict[int, str]] = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})

    def to_ical(self) -> bytes:
        return self.translate(self._ESCAPES).encode()


class Written(vText):
    """A value that is iCalendar already."""

    def to_ical(self) -> bytes:
        return self.encode()


def fits_in_parameter(text: str) -> bool:
    """Say whether every reader finds this text again that stands as the value of a parameter (B5)."""
    return bool(text) and text == one_line(text) and not set(text) & set('"^\\')


def folded(line: bytes) -> bytes:
    """Return a content line, folded as RFC 5545 3.1 asks: at most 75 octets, no character cut (B7).

    Nor an escaped one such as `\\n`: some readers look for those before they unfold.
    """
    if len(line) <= _OCTETS:
        return line
    parts, begin, width = [], 0, _OCTETS
    while len(line) - begin > width:
        end = begin + width
        while line[end] & 0b1100_0000 == 0b1000_0000:  # within a character of UTF-8
            end -= 1
        before = line[begin:end].rstrip(_ESCAPES_BEGIN)
        # A long row of backslashes is cut wherever it is.
        end = begin + len(before) if end - begin - len(before) < _FEW else end
        parts.append(line[begin:end])
        begin, width = end, _OCTETS - 1  # the blank counts
    parts.append(line[begin:])
    return b"\r\n ".join(parts)


def rrule_of(rule: Rule) -> str:
    """Return the RRULE, its UNTIL in the UTC of the clock that is written (D2)."""
    clock = rule.clock
    if clock.tzid == rule.time_zone:
        return rule.rrule

    def of_clock(until: re.Match[str]) -> str:
        last = datetime.strptime(until[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).astimezone(ZoneInfo(rule.time_zone))
        return f"{clock.instant(rule.starts(last)):%Y%m%dT%H%M%SZ}"

    return _UNTIL.sub(of_clock, rule.rrule)


def add_local(event: Event, name: str, times: Iterable[datetime], clock: Clock) -> None:
    """Add naive wall-clock times, each on a line of its own, all in the one TZID of the series (D3)."""
    for local in times:
        event.add(name, local, parameters={"TZID": clock.tzid})


def add_interval(event: Event, interval: Interval, clock: Clock | None) -> None:
    """Add DTSTART and DTEND in the clock, or in UTC where there is none or its wall clock would not be certain (C5)."""
    if clock is None or is_ambiguous(interval, clock.zone):
        event.add("DTSTART", interval.start_at.astimezone(UTC))
        event.add("DTEND", interval.end_at.astimezone(UTC))
        return
    for name, instant in (("DTSTART", interval.start_at), ("DTEND", interval.end_at)):
        add_local(event, name, [instant.astimezone(clock.zone).replace(tzinfo=None)], clock)


def is_ambiguous(interval: Interval, zone: tzinfo) -> bool:
    return in_fold(interval.start_at, zone) or in_fold(interval.end_at, zone)


def add_conference(event: Event, url: str, *, label: str) -> None:
    """Add the way in as URL and CONFERENCE (RFC 7986 5.11), spelt alike (B8)."""
    event.add("URL", url)
    # Not icalendar.Conference: it quotes the list of features into one value.
    features: dict[str, Any] = {"VALUE": "URI", "FEATURE": ["AUDIO", "VIDEO"], "LABEL": one_line(label)}
    event.add("CONFERENCE", url, parameters=features)


def add_telephone(event: Event, url: str, *, label: str) -> None:
    """Add a second CONFERENCE, for the telephone (RFC 7986 5.11)."""
    event.add("CONFERENCE", url, parameters={"VALUE": "URI", "FEATURE": "PHONE", "LABEL": one_line(label)})
