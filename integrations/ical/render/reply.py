"""Writes the answer of a room to an invitation from another calendar: METHOD:REPLY (RFC 5546 3.2.3).

Exchange, Google and Thunderbird find the meeting by UID, RECURRENCE-ID and the one ATTENDEE (calendar-mail.md H4, H6).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from icalendar import Event

from integrations.ical.render.calendar import write_calendar
from integrations.ical.render.event import address
from integrations.ical.render.facts import Person
from integrations.ical.render.values import Text, Written, fits_in_parameter, folded
from integrations.ical.text import one_line, paragraphs
from integrations.ical.zones import clock_of_series

_MAX_COMMENT = 4_000


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as the invitation had it. `tzid`: as it was written; `time_zone`: the IANA zone that it means, or "UTC".

    `local`: wall clock, naive. `time_zone` empty: the zone has no name that can be written; then `at` is, in UTC.
    """

    local: datetime
    tzid: str
    time_zone: str
    at: datetime | None = None

    @property
    def instant(self) -> datetime:
        if self.at is not None:
            return self.at.astimezone(UTC)
        return self.local.replace(tzinfo=ZoneInfo(self.time_zone or "UTC")).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class RoomReply:
    """What a room answers. UID, SEQUENCE, times, summary and organizer are those of the invitation.

    `stamped_at`: DTSTAMP, aware, not before that of the invitation. `attendee_address`: as it was invited.
    `partstat`: ACCEPTED, DECLINED or TENTATIVE. `request_status`: such as "2.0;Success".
    """

    uid: str
    sequence: int
    stamped_at: datetime
    recurrence: Moment | None
    starts: Moment | None
    ends: Moment | None
    summary: str
    organizer: Person
    attendee_address: str
    attendee_name: str
    partstat: str
    comment: str
    request_status: str


def render_room_reply(reply: RoomReply) -> bytes:
    """Return an iCalendar object with METHOD:REPLY: one VEVENT, one ATTENDEE, and the zones that its times name."""
    return write_calendar("REPLY", [_event(reply)], zones=_zone_blocks(reply))


def _event(reply: RoomReply) -> Event:
    event = Event()
    event.add("UID", Text(reply.uid))
    event.add("SEQUENCE", reply.sequence)
    event.add("DTSTAMP", reply.stamped_at.astimezone(UTC))
    for name, moment in (("RECURRENCE-ID", reply.recurrence), ("DTSTART", reply.starts), ("DTEND", reply.ends)):
        if moment is not None:
            _add_time(event, name, moment)
    event.add("SUMMARY", Text(one_line(reply.summary)))
    event.add("ORGANIZER", address(reply.organizer))
    attendee = address(Person(reply.attendee_address, reply.attendee_name))
    attendee.params["CUTYPE"] = "ROOM"
    attendee.params["PARTSTAT"] = reply.partstat
    event.add("ATTENDEE", attendee)
    if comment := paragraphs(reply.comment)[:_MAX_COMMENT]:
        event.add("COMMENT", Text(comment))
    # Its semicolon parts two fields and is not escaped (RFC 5545 3.8.8.3).
    event.add("REQUEST-STATUS", Written(one_line(reply.request_status)))
    return event


def _add_time(event: Event, name: str, moment: Moment) -> None:
    if _has_block(moment):
        event.add(name, moment.local, parameters={"TZID": moment.tzid})
    else:
        event.add(name, moment.instant)


def _has_block(moment: Moment) -> bool:
    """Say whether the zone is written with its wall clock; UTC is used where readers could not know the zone."""
    if moment.time_zone in {"", "UTC"} or not moment.tzid or not fits_in_parameter(moment.tzid):
        return False
    return clock_of_series(moment.time_zone, year=moment.local.year).tzid == moment.time_zone


def _zone_blocks(reply: RoomReply) -> list[bytes]:
    """Return a VTIMEZONE for each zone that is named, under the name that the invitation has for it."""
    found: dict[str, bytes] = {}
    for moment in (reply.recurrence, reply.starts, reply.ends):
        if moment is not None and _has_block(moment) and moment.tzid not in found:
            block = clock_of_series(moment.time_zone, year=moment.local.year).block
            written = folded(b"TZID:" + Text(moment.tzid).to_ical())
            lines = [written if line.startswith(b"TZID:") else line for line in block.split(b"\r\n")]
            found[moment.tzid] = b"\r\n".join(lines)
    return list(found.values())
