"""Writes the REQUESTs of many participants of one meeting: once what all of them get, for each what is theirs.

Nearly all of a calendar part is the same for everybody, and writing it is a large part of what an invitation costs.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from icalendar import Event

from integrations.ical.render.calendar import ENDS, head_of
from integrations.ical.render.event import clock_to_write, write_attendee, write_event
from integrations.ical.render.facts import Meeting, Person
from integrations.ical.render.values import folded

_NOBODY = Person("nobody@attendee.invalid")
# Nobody can know it and write it into a description.
_SECRET = secrets.token_hex(8)
_PHONE_URL = f"tel:{_SECRET}"
_JOIN_URL = f"https://j.invalid/{_SECRET}"


@dataclass(frozen=True, slots=True)
class Common:
    """`head`: up to the VEVENT. `lines`: its lines, those folded that nothing personal stands in."""

    head: bytes
    lines: tuple[bytes, ...]
    join_url: str


def what_all_get(meeting: Meeting) -> Meeting:
    """Return the meeting without what is personal: REQUESTs of those with the same one have the rest in common."""
    # How long the address is says how much of a long LOCATION there is room for.
    join_url = _JOIN_URL.ljust(len(meeting.join_url), "x")
    phone_url = _PHONE_URL if meeting.phone_url else ""
    return replace(
        meeting,
        join_url=join_url,
        phone_url=phone_url,
        attendee=_NOBODY,
        is_chair=False,
        partstat="NEEDS-ACTION",
        delegated_from="",
        delegated_to="",
    )


def write_common(meeting: Meeting) -> Common:
    """Write what all get, of a meeting made by `what_all_get` that is no part of a series."""
    clock = clock_to_write(meeting)
    lines = write_event(meeting, is_cancelled=False).content_lines(sorted=False)
    return Common(
        head=head_of("REQUEST", [clock.block] if clock else []),
        lines=tuple(line.encode() if _SECRET in line else folded(line.encode()) for line in lines if line),
        join_url=meeting.join_url,
    )


def fill_in(common: Common, meeting: Meeting) -> bytes:
    """Return the REQUEST of one of them: octet for octet what `render_request` writes."""
    lines = b"\r\n".join(_own(line, common, meeting) for line in common.lines)
    return common.head + lines + b"\r\n" + ENDS


def _own(line: bytes, common: Common, meeting: Meeting) -> bytes:
    if line.startswith((b"ATTENDEE;", b"ATTENDEE:")):
        event = Event()
        write_attendee(event, meeting)
        return folded(next(own for own in event.content_lines(sorted=False) if own.startswith("ATTENDEE")).encode())
    if _SECRET.encode() not in line:
        return line
    own = line.replace(common.join_url.encode(), meeting.join_url.encode())
    return folded(own.replace(_PHONE_URL.encode(), meeting.phone_url.encode()))
