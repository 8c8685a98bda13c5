"""Says in words who came to a meeting's conference."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.wording import clock, time_range
from integrations.jitsi.attendance_queries import Attendance, Person, Visit
from integrations.when import length_in_words


@dataclass(frozen=True, slots=True)
class Line:
    """A person. `times`: when they were there; `length`: how long, empty while they are."""

    name: str
    place: str
    times: str
    length: str
    is_inside: bool
    is_organizer: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """The panel on the session's page. `digest` tells whether a reader has it already; `is_live`: it may change yet."""

    summary: str
    ran: str
    came: tuple[Line, ...]
    missing: tuple[Line, ...]
    unknown: str
    places: tuple[tuple[str, str], ...]
    notes: tuple[tuple[str, str], ...]
    is_live: bool

    @property
    def digest(self) -> str:
        told = repr([getattr(self, field.name) for field in fields(self)])
        return hashlib.sha256(told.encode()).hexdigest()[:16]


def shown(found: Attendance, *, zone: ZoneInfo, now: datetime) -> Shown:
    return Shown(
        summary=_summary(found, zone),
        ran=_ran(found, zone),
        came=tuple(_line(person, zone, now=now) for person in found.came),
        missing=tuple(_line(person, zone, now=now) for person in found.missing),
        unknown=_unknown(found.unknown, zone),
        places=tuple((place.name, _of_invited(place.came, place.invited)) for place in found.places),
        notes=tuple(_notes(found, zone)),
        is_live=found.may_change_yet,
    )


def _summary(found: Attendance, zone: ZoneInfo) -> str:
    if found.inside:
        text = ngettext("%(count)d person is inside now.", "%(count)d people are inside now.", found.inside)
        return text % {"count": found.inside}
    if found.periods:
        return _("Nobody is inside now.") if found.may_change_yet else _of_those_invited(found)
    return _("Nobody has come in yet.") if found.may_change_yet else _("Nobody came.")


def _of_those_invited(found: Attendance) -> str:
    if found.is_counted_only:
        return _("Who came is not known.")
    return _of_invited(len(found.came), len(found.came) + len(found.missing))


def _of_invited(came: int, invited: int) -> str:
    # Translators: how many of those who were invited came, „3 z 5”.
    return _("%(came)d of %(invited)d invited") % {"came": came, "invited": invited}


def _ran(found: Attendance, zone: ZoneInfo) -> str:
    """Say when people were in it, and how many at once."""
    if not found.periods:
        return ""
    times = ", ".join(_times(visit, zone) for visit in found.periods)
    return _("People inside: %(times)s; at most %(count)d at once.") % {"times": times, "count": found.peak}


def _times(visit: Visit, zone: ZoneInfo) -> str:
    came_at = visit.came_at.astimezone(zone)
    if visit.left_at is None:
        return _("since %(time)s") % {"time": clock(came_at)}
    return time_range(came_at, visit.left_at.astimezone(zone))


def _line(person: Person, zone: ZoneInfo, *, now: datetime) -> Line:
    attendee = person.attendee
    return Line(
        name=attendee.label,
        place=person.place if person.place != attendee.label else "",
        times=", ".join(_times(visit, zone) for visit in person.visits),
        length="" if person.is_inside or not person.visits else length_in_words(person.stayed(now=now)),
        is_inside=person.is_inside,
        is_organizer=attendee.is_organizer,
    )


def _unknown(visits: Iterable[Visit], zone: ZoneInfo) -> str:
    """Say how many connections were of nobody we know: telephones have no name."""
    found = sorted(visits, key=lambda visit: visit.came_at)
    if not found:
        return ""
    text = ngettext(
        "Besides %(count)d connection without a name, by telephone for instance: %(times)s",
        "Besides %(count)d connections without a name, by telephone for instance: %(times)s",
        len(found),
    )
    return text % {"count": len(found), "times": ", ".join(_times(visit, zone) for visit in found[:_TIMES_AT_MOST])}


_TIMES_AT_MOST = 10


def _notes(found: Attendance, zone: ZoneInfo) -> Iterable[tuple[str, str]]:
    if found.without_licence:
        text = _("The conference runs without a licence: all are taken. It will be ended in a few minutes.")
        yield "warn", text
    if found.missed_at is not None:
        time = clock(found.missed_at.astimezone(zone))
        yield "warn", _("Nobody had come by %(time)s, so rooms and licence were freed for others.") % {"time": time}
    if found.is_counted_only:
        yield "", _("The conference server says only how many there were, not who.")
