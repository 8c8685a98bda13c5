"""Writes the calendar part of a mail: REQUEST, CANCEL, DECLINECOUNTER for one participant, and the REPLY of a room.

RFC 5545, 5546, 6047 and 7986.

Of a series a REQUEST is one of three things: all of it, master and every override in force (D6); one meeting, to who
has the series in the calendar already (D4); or one meeting, to who is invited to that one alone (D8). The last two are
the same octets: an override without its master.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from integrations.ical.render.calendar import write_calendar
from integrations.ical.render.event import (
    MAX_DESCRIPTION,
    MAX_LOCATION,
    clock_to_write,
    write_event,
    write_reference,
)
from integrations.ical.render.facts import Meeting, Override, Person, Rule, Series, Single
from integrations.ical.render.many import Common, fill_in, what_all_get, write_common
from integrations.ical.render.reply import Moment, RoomReply, render_room_reply

__all__ = [
    "MAX_DESCRIPTION",
    "MAX_LOCATION",
    "Common",
    "Meeting",
    "Moment",
    "Override",
    "Person",
    "RoomReply",
    "Rule",
    "Series",
    "Single",
    "fill_in",
    "render_cancel",
    "render_decline_counter",
    "render_request",
    "render_room_reply",
    "what_all_get",
    "write_common",
]

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


def render_decline_counter(meeting: Meeting, *, sequence: int) -> bytes:
    """Return an iCalendar object with METHOD:DECLINECOUNTER: the time that this recipient proposed is not taken.

    `meeting`: as for a REQUEST, with what is true of it now. `sequence`: that of the COUNTER, which the recipient's
    program looks for (RFC 5546 3.2.8, G9). Of a series it is about all of it, or about the meeting of `part_of`.
    """
    clock = clock_to_write(meeting)
    event = write_reference(replace(meeting, sequence=sequence))
    return write_calendar("DECLINECOUNTER", [event], zones=[clock.block] if clock else [])


def _render(meeting: Meeting, *, method: str) -> bytes:
    is_cancelled = method == "CANCEL"
    events = [write_event(meeting, is_cancelled=is_cancelled)]
    if isinstance(meeting.part_of, Series) and not is_cancelled:
        overrides = meeting.part_of.overrides
        limit = min(MAX_DESCRIPTION, _MAX_DESCRIPTIONS // max(len(overrides), 1))
        events += [
            write_event(one, is_cancelled=False, max_description=limit) for one in _overridden(meeting, meeting.part_of)
        ]
    clock = clock_to_write(meeting)
    return write_calendar(method, events, zones=[clock.block] if clock else [])


def _overridden(meeting: Meeting, series: Series) -> Iterator[Meeting]:
    for override in series.overrides:
        yield replace(
            meeting,
            interval=override.interval,
            summary=override.summary,
            description=override.description,
            place=override.place,
            partstat=override.partstat or meeting.partstat,
            part_of=Single(series.rule, override.starts),
        )
