"""Puts VEVENTs and time zones together to the iCalendar object of one mail (RFC 5545 3.4, 6047 2.4)."""

from __future__ import annotations

from collections.abc import Iterable

from icalendar import Event

from integrations.ical.render.values import folded

PRODID = "-//Narada//Narada//EN"
ENDS = b"END:VCALENDAR\r\n"


def write_calendar(method: str, events: Iterable[Event], *, zones: Iterable[bytes]) -> bytes:
    """Return the iCalendar object with this METHOD, line ends CRLF. `zones`: VTIMEZONEs, written already.

    Put together and folded here: the library would re-order the RRULEs of the time zones (C1), and takes its time over
    every letter of a line.
    """
    lines = (line for event in events for line in event.content_lines(sorted=False) if line)
    body = b"".join(folded(line.encode()) + b"\r\n" for line in lines)
    return head_of(method, zones) + body + ENDS


def head_of(method: str, zones: Iterable[bytes]) -> bytes:
    """Return what stands before the first VEVENT."""
    head = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:{PRODID}\r\nCALSCALE:GREGORIAN\r\nMETHOD:{method}\r\n"
    return head.encode() + b"".join(zones)
