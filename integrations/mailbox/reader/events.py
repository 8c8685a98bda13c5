"""Makes a `ReadEvent` of a VEVENT. What can't be understood is left out and said."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from integrations.mailbox import limits
from integrations.mailbox.facts import Mailbox, ReadAttendee, ReadEvent, ReadTime
from integrations.mailbox.reader import addresses
from integrations.mailbox.reader.clean import one_line, paragraphs
from integrations.mailbox.reader.lines import Broken, Component, Line
from integrations.mailbox.reader.moments import Malformed, parse_duration, parse_moment
from integrations.mailbox.reader.rules import checked
from integrations.mailbox.reader.zones import Zones, later, utc

_PRIVATE = {"PRIVATE", "CONFIDENTIAL"}
_MAX_SEQUENCE = 2**31 - 1
_MAX_WORD = 40


@dataclass(slots=True)
class _Reading:
    """What is found wrong while one event is read. `faults`: what stands in the way of taking it at its word."""

    component: Component
    zones: Zones
    faults: list[str] = field(default_factory=list)

    def time(self, name: str) -> ReadTime | None:
        line = self.component.first(name)
        if line is None or not line.value:
            return None
        try:
            return read_time(line, line.value, self.zones)
        except Malformed as malformed:
            self.faults.append(f"{name}: {malformed}")
            return None

    def word(self, name: str) -> str:
        return one_line(self.component.text(name), _MAX_WORD).upper()


def read_event(component: Component, zones: Zones) -> ReadEvent:
    """Raises: Broken when the event has no usable UID, or more attendees than the limits allow."""
    reading = _Reading(component, zones)
    organizer = component.first("ORGANIZER")
    starts = reading.time("DTSTART")
    event = ReadEvent(
        uid=_uid(component),
        sequence=_sequence(reading),
        stamped_at=_stamp(reading),
        recurrence=reading.time("RECURRENCE-ID"),
        starts=starts,
        ends=_ends(reading, starts),
        summary=one_line(component.text("SUMMARY"), limits.MAX_SUBJECT),
        description=paragraphs(component.text("DESCRIPTION"), limits.MAX_DESCRIPTION),
        location=one_line(component.text("LOCATION"), limits.MAX_SUBJECT),
        comment=_comment(component),
        status=reading.word("STATUS"),
        is_private=reading.word("CLASS") in _PRIVATE,
        is_transparent=reading.word("TRANSP") == "TRANSPARENT",
        rrule=_rule(reading),
        exdates=_exdates(reading),
        organizer=_mailbox(organizer) if organizer else None,
        organizer_sent_by=addresses.address(organizer.parameters.get("SENT-BY", "")) if organizer else "",
        attendees=_attendees(reading),
        original_starts=reading.time("X-MS-OLK-ORIGINALSTART"),
        original_ends=reading.time("X-MS-OLK-ORIGINALEND"),
    )
    return _with_fault(event, reading)


def read_time(line: Line, value: str, zones: Zones) -> ReadTime:
    """Raises: Malformed."""
    moment = parse_moment(value)
    tzid = one_line(line.parameters.get("TZID", ""), limits.MAX_NAME)
    if moment.is_date:
        return ReadTime(moment.local, "", None, is_date=True)
    if moment.is_utc:
        return ReadTime(moment.local, "UTC", utc(moment.local))
    if not tzid:
        return ReadTime(moment.local, "", None)
    found = zones.instant(moment.local, tzid)
    return ReadTime(moment.local, found.tzid, found.at, tzid_written=tzid if tzid != found.tzid else "")


def _with_fault(event: ReadEvent, reading: _Reading) -> ReadEvent:
    if reading.component.first("RDATE") or reading.component.first("EXRULE"):
        reading.faults.append("the series names single dates (RDATE) or excludes by a rule, which can't be booked")
    starts, ends = event.starts, event.ends
    if starts and ends and starts.at and ends.at and ends.at < starts.at:
        reading.faults.append("it ends before it begins")
    for words in reading.faults:
        reading.zones.doubt(words)
    if not reading.faults:
        return event
    changes = {"fault": one_line("; ".join(reading.faults), limits.MAX_WORDS)}
    return ReadEvent(**{name: getattr(event, name) for name in ReadEvent.__slots__} | changes)


def _uid(component: Component) -> str:
    uid = component.text("UID")
    if not uid:
        raise Broken("an event has no UID")
    if len(uid) > limits.MAX_UID or one_line(uid, limits.MAX_UID) != uid:
        raise Broken("an event has a UID that is too long or has control characters in it")
    return uid


def _sequence(reading: _Reading) -> int | None:
    """Return SEQUENCE, or where that is missing what Exchange keeps beside it (G2)."""
    for name in ("SEQUENCE", "X-MICROSOFT-CDO-APPT-SEQUENCE"):
        value = reading.component.text(name)
        if not value:
            continue
        if value.isascii() and value.isdigit() and len(value) <= 10 and int(value) <= _MAX_SEQUENCE:
            return int(value)
        reading.zones.doubt(f"{name} is no number")
    return None


def _stamp(reading: _Reading) -> datetime | None:
    """Return DTSTAMP, which is in UTC; some programs write it without the Z, and mean UTC all the same."""
    line = reading.component.first("DTSTAMP")
    if line is None:
        return None
    try:
        moment = parse_moment(line.value)
    except Malformed as malformed:
        reading.zones.doubt(f"DTSTAMP: {malformed}")
        return None
    if moment.is_utc or "TZID" not in line.parameters:
        return utc(moment.local)
    return read_time(line, line.value, reading.zones).at


def _ends(reading: _Reading, starts: ReadTime | None) -> ReadTime | None:
    ends = reading.time("DTEND")
    line = reading.component.first("DURATION")
    if ends is not None or starts is None:
        return ends
    if line is None:
        # RFC 5545 3.6.1: a day lasts until the next, a moment has no end.
        return ReadTime(starts.local + timedelta(days=1), "", None, is_date=True) if starts.is_date else None
    try:
        span = parse_duration(line.value)
        return _after(starts, days=span.days, time=span.time, zones=reading.zones)
    except (Malformed, OverflowError):
        reading.faults.append("DURATION can't be read")
        return None


def _after(starts: ReadTime, *, days: int, time: timedelta, zones: Zones) -> ReadTime:
    """Return the end: days by the calendar first, then time by the clock (RFC 5545 3.3.6)."""
    local = starts.local + timedelta(days=days)
    if starts.at is None:
        return ReadTime(local + time, starts.tzid, None, starts.is_date, starts.tzid_written)
    tzid = starts.tzid_written or starts.tzid
    moved = zones.instant(local, tzid).at
    at = later(moved, time) if moved else None
    if at is None:
        raise Malformed("it has no end that can be known")
    shown = zones.wall_clock(at, tzid) or local + time
    return ReadTime(shown, starts.tzid, at, tzid_written=starts.tzid_written)


def _comment(component: Component) -> str:
    """Return COMMENT, or what Google Calendar writes beside the attendee instead."""
    comments = [line.text for line in component.all("COMMENT")]
    notes = [line.parameters.get("X-RESPONSE-COMMENT", "") for line in component.all("ATTENDEE")]
    return paragraphs("\n".join(comments or notes), limits.MAX_COMMENT)


def _rule(reading: _Reading) -> str:
    lines = reading.component.all("RRULE")
    if not lines:
        return ""
    if len(lines) > 1:
        reading.faults.append("it has several recurrence rules")
        return ""
    try:
        return checked(lines[0].value)
    except Malformed as malformed:
        reading.faults.append(str(malformed))
        return ""


def _exdates(reading: _Reading) -> tuple[ReadTime, ...]:
    found: list[ReadTime] = []
    for line in reading.component.all("EXDATE"):
        for value in line.value.split(",", limits.MAX_EXDATES + 1):
            if len(found) == limits.MAX_EXDATES:
                reading.faults.append(f"it leaves out more than {limits.MAX_EXDATES} dates")
                return tuple(found)
            try:
                found.append(read_time(line, value, reading.zones))
            except Malformed as malformed:
                reading.faults.append(f"EXDATE: {malformed}")
                return tuple(found)
    return tuple(found)


def _attendees(reading: _Reading) -> tuple[ReadAttendee, ...]:
    lines = reading.component.all("ATTENDEE")
    if len(lines) > limits.MAX_ATTENDEES:
        raise Broken(f"an event has more than {limits.MAX_ATTENDEES} attendees")
    found = []
    for line in lines:
        mailbox = _mailbox(line)
        if mailbox is None:
            reading.zones.doubt("an attendee without a mail address was left out")
            continue
        found.append(_attendee(line, mailbox))
    return tuple(found)


def _attendee(line: Line, mailbox: Mailbox) -> ReadAttendee:
    given = line.parameters
    return ReadAttendee(
        mailbox,
        partstat=one_line(given.get("PARTSTAT", ""), _MAX_WORD).upper() or "NEEDS-ACTION",
        sent_by=addresses.address(given.get("SENT-BY", "")),
        delegated_to=addresses.address(given.get("DELEGATED-TO", "")),
        cutype=one_line(given.get("CUTYPE", ""), _MAX_WORD).upper(),
        rsvp=given.get("RSVP", "").strip().upper() == "TRUE",
    )


def _mailbox(line: Line) -> Mailbox | None:
    # Some write a number of their own into the value, and the address into EMAIL (RFC 7986 6.2).
    email = addresses.address(line.value) or addresses.address(line.parameters.get("EMAIL", ""))
    return Mailbox(email, addresses.name(line.parameters.get("CN", ""))) if email else None
