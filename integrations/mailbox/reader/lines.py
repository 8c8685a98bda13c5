"""Takes an iCalendar object apart into components and lines, counting before it parses (RFC 5545 3.1).

Lines, parameters and folding are the work of the `icalendar` library. Its components are not used: they drop broken
lines into a list that is easily forgotten, and run the rules of a VTIMEZONE while they read it (calendar-mail.md L3).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from icalendar.parser import Contentline, Contentlines

from integrations.mailbox import limits

#: Only these are read; whatever else stands in the file is never parsed.
_WANTED = {
    *(
        "METHOD",
        "UID",
        "SEQUENCE",
        "DTSTAMP",
        "RECURRENCE-ID",
        "DTSTART",
        "DTEND",
        "DURATION",
        "RRULE",
        "EXDATE",
        "RDATE",
    ),
    *("EXRULE", "SUMMARY", "DESCRIPTION", "LOCATION", "COMMENT", "STATUS", "CLASS", "TRANSP", "ORGANIZER", "ATTENDEE"),
    *("X-MICROSOFT-CDO-APPT-SEQUENCE", "X-MS-OLK-ORIGINALSTART", "X-MS-OLK-ORIGINALEND"),
    *("TZID", "TZOFFSETFROM", "TZOFFSETTO", "X-LIC-LOCATION"),
}
_NAME = re.compile(r"\s*([A-Za-z0-9-]+)\s*[;:]")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
# RFC 6868.
_CARETS = re.compile(r"\^([n'^])")


class Broken(Exception):
    """The calendar part can't be read. `reason`: why, in plain English."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class Line:
    """`value` as it stands in the file, escapes and all. Names of parameters are upper case."""

    name: str
    value: str
    parameters: dict[str, str]

    @property
    def text(self) -> str:
        """The value as TEXT: `\\n` is a line break, `\\,` a comma (RFC 5545 3.3.11)."""
        return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], self.value)


@dataclass(slots=True)
class Component:
    name: str
    lines: list[Line] = field(default_factory=list)
    parts: list[Component] = field(default_factory=list)

    def all(self, name: str) -> list[Line]:
        return [line for line in self.lines if line.name == name]

    def first(self, name: str) -> Line | None:
        return next((line for line in self.lines if line.name == name), None)

    def text(self, name: str) -> str:
        line = self.first(name)
        return line.text.strip() if line else ""


@dataclass(slots=True)
class Parsed:
    """`dropped`: how many lines could not be parsed, by name."""

    calendar: Component
    dropped: Counter[str] = field(default_factory=Counter)


def parse(text: str) -> Parsed:
    """Return the one VCALENDAR of this text.

    Raises: Broken when there is none, several, or more in it than the limits allow.
    """
    # The end of a line is a line feed here, whatever it was; other separators inside are text.
    unfolded = Contentlines.from_ical(text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", ""))
    parsed = Parsed(Component(""))
    stack, begins = [parsed.calendar], 0
    for raw in unfolded:
        line = raw.strip()
        keyword, _colon, name = line.partition(":")
        keyword, name = keyword.strip().upper(), name.strip().upper()
        if keyword == "BEGIN":
            begins += 1
            if begins > limits.MAX_BEGINS:
                raise Broken(f"the calendar part has more than {limits.MAX_BEGINS} components")
            stack.append(_begin(stack, name))
        elif keyword == "END":
            if len(stack) == 1 or stack[-1].name != name:
                raise Broken("the calendar part is not well formed: BEGIN and END do not match")
            stack.pop()
        elif line:
            _add(stack[-1], line, parsed.dropped)
    if len(stack) > 1:
        raise Broken("the calendar part is cut off: END is missing")
    return Parsed(_only_calendar(parsed.calendar), parsed.dropped)


def _begin(stack: list[Component], name: str) -> Component:
    if len(stack) > limits.MAX_DEPTH:
        raise Broken("the calendar part is nested too deep")
    component = Component(name)
    stack[-1].parts.append(component)
    if len(stack) == 2 and len(stack[-1].parts) > limits.MAX_COMPONENTS:
        raise Broken(f"the calendar part has more than {limits.MAX_COMPONENTS} events and time zones")
    return component


def _add(component: Component, line: str, dropped: Counter[str]) -> None:
    found = _NAME.match(line)
    name = found[1].upper() if found else ""
    if found and (name not in _WANTED or component.name == "VALARM"):
        return
    try:
        if not found:
            raise ValueError("a line without a name")
        _name, parameters, value = Contentline(line).raw_parts()
    except ValueError:
        dropped[name or "unknown"] += 1
        return
    component.lines.append(Line(name, value.strip(), {key.upper(): _first(kept) for key, kept in parameters.items()}))


def _first(value: str | list[str]) -> str:
    value = (value[0] if value else "") if isinstance(value, list) else value
    return _CARETS.sub(lambda found: {"n": "\n", "'": '"', "^": "^"}[found[1]], value)


def _only_calendar(file: Component) -> Component:
    calendars = [part for part in file.parts if part.name == "VCALENDAR"]
    if len(calendars) != 1:
        raise Broken("there is no VCALENDAR in it" if not calendars else "it holds several calendars")
    return calendars[0]
