"""Finds the calendar part of a mail and reads it (calendar-mail.md G1, RFC 6047)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from integrations.mailbox import limits
from integrations.mailbox.facts import ReadCalendar, ReadEvent
from integrations.mailbox.reader import bodies, lines
from integrations.mailbox.reader.clean import one_line
from integrations.mailbox.reader.events import read_event
from integrations.mailbox.reader.letters import to_text
from integrations.mailbox.reader.lines import Broken, Component, Parsed
from integrations.mailbox.reader.shape import Part
from integrations.mailbox.reader.vtimezone import read_zone
from integrations.mailbox.reader.zones import Zones

#: What tells a message of a calendar program; others, such as PUBLISH, have nothing to do here.
METHODS = {"REQUEST", "REPLY", "CANCEL", "COUNTER", "REFRESH"}
_FOLD = re.compile(rb"\r?\n[ \t]")


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in the mail. `reason`: why the calendar is None or can't be used, in plain English.

    `is_aside`: it only hangs on a letter as a file that asks for nothing, so the letter is what counts.
    """

    calendar: ReadCalendar | None
    reason: str = ""
    is_aside: bool = False


def find_parts(parts: list[Part]) -> list[Part]:
    """Return the calendar parts, best first: those in the text with a method, then others, then attached files."""
    found = [part for part in parts if _rank(part) is not None]
    return sorted(found, key=lambda part: _rank(part) or 0)


def read_calendar(parts: list[Part]) -> Found:
    """Read the first of these parts. Two that name different methods are not believed."""
    part = parts[0]
    named = {method for one in parts if (method := _method_of(part=one))}
    if len(named) > 1:
        return Found(None, f"its calendar parts have different methods: {', '.join(sorted(named))}")
    is_file = _rank(part) != 0
    try:
        calendar = _read(part)
    except Broken as broken:
        return Found(None, f"the calendar part can't be used: {broken.reason}", is_aside=is_file)
    method = named.pop() if named else ""
    if method and calendar.method and method != calendar.method:
        return Found(None, f"the mail says {method}, the calendar part {calendar.method}")
    calendar = replace(calendar, method=calendar.method or method)
    if not calendar.method:
        return Found(None, "the calendar part has no METHOD", is_aside=is_file)
    if calendar.method not in METHODS:
        return Found(None, f"nothing is done with METHOD {calendar.method}", is_aside=is_file)
    return Found(calendar, _fault(calendar))


def _fault(calendar: ReadCalendar) -> str:
    """Return what makes a request impossible to book; in an answer such things do no harm."""
    faults = [event.fault for event in calendar.events if event.fault]
    return faults[0] if faults and calendar.method == "REQUEST" else ""


def _rank(part: Part) -> int | None:
    if part.kind == "text/calendar":
        return 0 if _method_of(part=part) and not part.headers.is_attachment else 1
    if part.kind == "application/ics" or (part.headers.filename.endswith(".ics") and not part.parts):
        return 2
    return None


def _method_of(*, part: Part) -> str:
    return one_line(part.headers.parameter("method"), 40).upper()


def _read(part: Part) -> ReadCalendar:
    """Raises: Broken."""
    data = bodies.octets(part, limits.MAX_CALENDAR + 1)
    if len(data) > limits.MAX_CALENDAR:
        raise Broken(f"it is bigger than {limits.MAX_CALENDAR // 1000} kB")
    # Lines may be folded within a character (RFC 5545 3.1), so they are joined before there are any.
    joined = data if b"\0" in data else _FOLD.sub(b"", data)
    parsed = lines.parse(to_text(joined, part.headers.charset))
    zones = Zones(own=_own_zones(parsed), doubts=_dropped(parsed))
    found = tuple(read_event(each, zones) for each in parsed.calendar.parts if each.name == "VEVENT")
    _check_uids(found, parsed.calendar)
    method = one_line(parsed.calendar.text("METHOD"), 40).upper()
    doubts = tuple(one_line(words, limits.MAX_WORDS) for words in zones.doubts[: limits.MAX_DOUBTS])
    return ReadCalendar(method, found, doubts)


def _own_zones(parsed: Parsed) -> dict:
    return {
        one_line(zone.text("TZID"), limits.MAX_NAME): read_zone(zone)
        for zone in [part for part in parsed.calendar.parts if part.name == "VTIMEZONE"][: limits.MAX_ZONES]
    }


def _dropped(parsed: Parsed) -> list[str]:
    return [f"{count} broken lines were left out ({name[:40]})" for name, count in parsed.dropped.most_common(5)]


def _check_uids(found: tuple[ReadEvent, ...], calendar: Component) -> None:
    if not found:
        other = sorted({one_line(part.name, 40) for part in calendar.parts} - {"VTIMEZONE"})
        raise Broken(f"it holds no event{f' but {other[0]}' if other else ''}")
    if len({event.uid for event in found}) > 1:
        raise Broken("it holds events of several UIDs")
