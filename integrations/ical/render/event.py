"""Writes one VEVENT for one participant (RFC 5545, 7986): a meeting, the master of a series, or one meeting of it.

Why things are as they are here is in docs/decisions/0005-calendar-mail.md; the rule numbers are those of the
calendar reference that it repeats.
"""

from __future__ import annotations

from datetime import UTC
from urllib.parse import quote
from zoneinfo import ZoneInfo

from icalendar import Event, vCalAddress, vText

from integrations.ical.render.facts import Meeting, Person, Series, Single
from integrations.ical.render.values import (
    Text,
    Written,
    add_conference,
    add_interval,
    add_local,
    add_telephone,
    is_ambiguous,
    rrule_of,
)
from integrations.ical.text import one_line, paragraphs
from integrations.ical.zones import WARSAW, Clock, clock_of_series

_SEPARATOR = " · "
# RFC 6868 writes the first two as ^' and ^^, which Outlook shows as they are (B5); some readers take a backslash for
# an escape, which parameters do not have.
_SPOILT_IN_PARAMETERS = str.maketrans({'"': "”", "^": "ˆ", "\\": "/"})
# RFC 6068: what else stands in a mailbox name is percent-encoded in a mailto address.
_SAFE_IN_MAILTO = "!$'*+-./=@^_`{|}~&"

# Exchange keeps 255 characters of a LOCATION.
MAX_LOCATION = 255
# Octets, before escaping and folding: B13 asks for less than about 8 KiB.
MAX_DESCRIPTION = 7_000


def clock_to_write(meeting: Meeting) -> Clock | None:
    """Return the clock that the meeting is written in, None where that is UTC.

    UTC where a local time can't be written so that every reader understands it: a meeting by itself in any other zone
    than Warsaw, and a start or end in the hour that the autumn change repeats (C5). A single meeting in UTC is the same
    instant for everybody (C6). A series always has a clock.
    """
    if meeting.part_of is not None:
        return meeting.part_of.rule.clock
    if meeting.time_zone != WARSAW or is_ambiguous(meeting.interval, ZoneInfo(WARSAW)):
        return None
    return clock_of_series(WARSAW, year=meeting.interval.start_at.year)


def write_event(meeting: Meeting, *, is_cancelled: bool, max_description: int = MAX_DESCRIPTION) -> Event:
    event = Event()
    event.add("UID", meeting.uid)
    event.add("SEQUENCE", meeting.sequence)
    event.add("DTSTAMP", meeting.stamped_at.astimezone(UTC))
    event.add("LAST-MODIFIED", meeting.stamped_at.astimezone(UTC))
    _add_times(event, meeting, is_cancelled=is_cancelled)
    event.add("SUMMARY", Text(one_line(meeting.summary)))
    event.add("STATUS", "CANCELLED" if is_cancelled else "CONFIRMED")
    event.add("TRANSP", "TRANSPARENT" if is_cancelled else "OPAQUE")
    if meeting.is_private:
        event.add("CLASS", "PRIVATE")
    _add_people(event, meeting)
    if is_cancelled:
        # No way in: the join address is dead, and a calendar would still offer it.
        event.add("LOCATION", Text(_place(meeting, to=MAX_LOCATION)))
        event.add("DESCRIPTION", Text(_description(meeting, to=max_description)))
    else:
        _add_ways_in(event, meeting, max_description=max_description)
    event.add("X-MICROSOFT-CDO-BUSYSTATUS", "FREE" if is_cancelled else "BUSY")
    return event


def write_reference(meeting: Meeting) -> Event:
    """Write a VEVENT that only names a meeting which the recipient has already, and says nothing new of it."""
    event = Event()
    event.add("UID", meeting.uid)
    event.add("SEQUENCE", meeting.sequence)
    event.add("DTSTAMP", meeting.stamped_at.astimezone(UTC))
    # Without the rule: one that is repeated in part would be taken for the series (as in a CANCEL, F1).
    _add_times(event, meeting, is_cancelled=True)
    event.add("SUMMARY", Text(one_line(meeting.summary)))
    _add_people(event, meeting)
    return event


def _add_times(event: Event, meeting: Meeting, *, is_cancelled: bool) -> None:
    match meeting.part_of:
        case Series() as series:
            rule = series.rule
            add_local(event, "DTSTART", [rule.local_start], rule.clock)
            add_local(event, "DTEND", [rule.local_end], rule.clock)
            # A CANCEL takes back all there is under the UID, so it needs no rule (F1, F2).
            if not is_cancelled:
                _add_rule(event, series)
        case Single(rule, starts):
            add_local(event, "RECURRENCE-ID", [starts], rule.clock)
            add_interval(event, meeting.interval, rule.clock)
        case None:
            add_interval(event, meeting.interval, clock_to_write(meeting))


def _add_rule(event: Event, series: Series) -> None:
    event.add("RRULE", Written(rrule_of(series.rule)))
    add_local(event, "EXDATE", series.without, series.rule.clock)
    if series.follows:
        event.add("RELATED-TO", series.follows)


def _add_people(event: Event, meeting: Meeting) -> None:
    event.add("ORGANIZER", address(meeting.organizer))
    write_attendee(event, meeting)


def write_attendee(event: Event, meeting: Meeting) -> None:
    """Add whom this is written for, with what they answered, and whether they are asked to."""
    attendee = address(meeting.attendee)
    attendee.params["CUTYPE"] = "INDIVIDUAL"
    if meeting.is_chair:
        attendee.params["ROLE"] = "CHAIR"
        attendee.params["PARTSTAT"] = "ACCEPTED"
    else:
        attendee.params["ROLE"] = "REQ-PARTICIPANT"
        attendee.params["PARTSTAT"] = meeting.partstat
        attendee.params["RSVP"] = "TRUE"
        if meeting.delegated_from:
            attendee.params["DELEGATED-FROM"] = _mailto(meeting.delegated_from)
        if meeting.delegated_to and meeting.partstat == "DELEGATED":
            attendee.params["DELEGATED-TO"] = _mailto(meeting.delegated_to)
    event.add("ATTENDEE", attendee)


def address(person: Person) -> vCalAddress:
    """Return an ORGANIZER or ATTENDEE with its CN, to be given the parameters that it needs."""
    address = vCalAddress(_mailto(person.email))
    if name := one_line(person.name):
        address.params["CN"] = vText(name.translate(_SPOILT_IN_PARAMETERS))
    return address


def _mailto(email: str) -> str:
    return f"mailto:{quote(email, safe=_SAFE_IN_MAILTO)}"


def _add_ways_in(event: Event, meeting: Meeting, *, max_description: int) -> None:
    """Put the join address where each calendar looks for it: four places, one spelling (B8)."""
    url = meeting.join_url
    place = _place(meeting, to=MAX_LOCATION - len(url) - len(_SEPARATOR))
    event.add("LOCATION", Text(f"{place}{_SEPARATOR}{url}" if place else url))
    description = _description(meeting, to=max_description)
    # The address first, on its own line: phones show two lines.
    event.add("DESCRIPTION", Text(f"{url}\n\n{description}" if description else url))
    add_conference(event, url, label=meeting.join_label)
    if meeting.phone_url:
        add_telephone(event, meeting.phone_url, label=meeting.phone_label)


def _place(meeting: Meeting, *, to: int) -> str:
    place = one_line(meeting.place)
    return place if len(place) <= to else place[: max(to - 1, 0)].rstrip() + "…"


def _description(meeting: Meeting, *, to: int) -> str:
    text = paragraphs(meeting.description)
    octets = text.encode()
    if len(octets) <= to:
        return text
    return octets[:to].decode(errors="ignore").rstrip() + "…"
