"""Writes the calendar part of a mail: REQUEST and CANCEL for one participant (RFC 5545, 5546, 6047, 7986).

Of a series a REQUEST is one of three things: all of it, master and every override in force (D6); one meeting, to who
has the series in the calendar already (D4); or one meeting, to who is invited to that one alone (D8). The last two are
the same octets: an override without its master.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from icalendar import Calendar

from integrations.ical.render.event import MAX_DESCRIPTION, MAX_LOCATION, clock_to_write, write_event
from integrations.ical.render.facts import Meeting, Override, Person, Rule, Series, Single

__all__ = [
    "MAX_DESCRIPTION",
    "MAX_LOCATION",
    "Meeting",
    "Override",
    "Person",
    "Rule",
    "Series",
    "Single",
    "render_cancel",
    "render_request",
]

PRODID = "-//Narada//Narada//EN"

# Octets that the descriptions of all overrides together may take, so that a mail stays under 256 KiB (B13).
_MAX_DESCRIPTIONS = 60_000


def render_request(meeting: Meeting) -> bytes:
    """Return an iCalendar object with METHOD:REQUEST: invites, or replaces an earlier state of the same UID."""
    return _render(meeting, method="REQUEST")


def render_cancel(meeting: Meeting) -> bytes:
    """Return an iCalendar object with METHOD:CANCEL for this recipient (RFC 5546 3.2.5).

    Of a series: all that is under its UID, or the one meeting that `part_of` names (D5, D9).
    The caller sees to it that `sequence` is above the last one sent, and that something was sent at all (F1, F4).
    """
    return _render(meeting, method="CANCEL")


def _render(meeting: Meeting, *, method: str) -> bytes:
    is_cancelled = method == "CANCEL"
    calendar = Calendar()
    calendar.add("VERSION", "2.0")
    calendar.add("PRODID", PRODID)
    calendar.add("CALSCALE", "GREGORIAN")
    calendar.add("METHOD", method)
    calendar.add_component(write_event(meeting, is_cancelled=is_cancelled))
    if isinstance(meeting.part_of, Series) and not is_cancelled:
        overrides = meeting.part_of.overrides
        limit = min(MAX_DESCRIPTION, _MAX_DESCRIPTIONS // max(len(overrides), 1))
        for one in _overridden(meeting, meeting.part_of):
            calendar.add_component(write_event(one, is_cancelled=False, max_description=limit))
    # The library would re-order the RRULEs of the time zone, so the block is put in as it is. What stands before the
    # first VEVENT are the four constant lines above: no text of a person can be mistaken for the place.
    head, begin, rest = calendar.to_ical(sorted=False).partition(b"BEGIN:VEVENT\r\n")
    clock = clock_to_write(meeting)
    return head + (clock.block if clock else b"") + begin + rest


def _overridden(meeting: Meeting, series: Series) -> Iterator[Meeting]:
    for override in series.overrides:
        yield replace(
            meeting,
            interval=override.interval,
            summary=override.summary,
            description=override.description,
            place=override.place,
            part_of=Single(series.rule, override.starts),
        )
