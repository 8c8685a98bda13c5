"""Puts VEVENTs and time zones together to the iCalendar object of one mail (RFC 5545 3.4, 6047 2.4)."""

from __future__ import annotations

from collections.abc import Iterable

from icalendar import Event

PRODID = "-//Narada//Narada//EN"


def write_calendar(method: str, events: Iterable[Event], *, zones: Iterable[bytes]) -> bytes:
    """Return the iCalendar object with this METHOD, line ends CRLF. `zones`: VTIMEZONEs, written already.

    Not by the library: it would re-order the RRULEs of the time zones (C1).
    """
    head = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:{PRODID}\r\nCALSCALE:GREGORIAN\r\nMETHOD:{method}\r\n"
    body = b"".join(event.to_ical(sorted=False) for event in events)
    return head.encode() + b"".join(zones) + body + b"END:VCALENDAR\r\n"
