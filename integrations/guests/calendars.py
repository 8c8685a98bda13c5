"""Addresses at which calendars on the web open with a meeting filled in. Nothing is asked of them by our pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from django.utils.translation import gettext as _

from integrations.guests.visits import Visit
from integrations.jitsi.links import join_url
from integrations.places import Place

_GOOGLE = "https://calendar.google.com/calendar/render"
_OUTLOOK = "https://outlook.office.com/calendar/0/deeplink/compose"
#: Browsers and servers cut addresses off that are much longer.
_LONGEST_TEXT = 500


@dataclass(frozen=True, slots=True)
class Calendars:
    """`google`, `outlook`: with the meeting that the page is about; a whole series is in the file alone."""

    google: str
    outlook: str


def calendars_for(visit: Visit, *, at: Sequence[Place]) -> Calendars:
    """Return the addresses; `at`: where the meeting takes place."""
    meeting, booking = visit.entry.occurrence, visit.attendee.booking
    title = meeting.own_title or booking.title
    place = "; ".join(map(str, at))
    google = {
        "action": "TEMPLATE",
        "text": title,
        "dates": f"{_compact(meeting.starts_at)}/{_compact(meeting.ends_at)}",
        "ctz": booking.time_zone,
        "details": _details(visit),
        "location": place,
    }
    outlook = {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": title,
        "startdt": _plain(meeting.starts_at),
        "enddt": _plain(meeting.ends_at),
        "body": _details(visit),
        "location": place,
    }
    return Calendars(_address(_GOOGLE, google), _address(_OUTLOOK, outlook))


def _details(visit: Visit) -> str:
    meeting, booking = visit.entry.occurrence, visit.attendee.booking
    text = (meeting.own_description or booking.description)[:_LONGEST_TEXT]
    organizer = booking.organizer
    contact = ", ".join(filter(None, (organizer.name, organizer.phone, organizer.email)))
    parts = [
        _("Join: %(url)s") % {"url": join_url(visit.attendee)},
        text,
        _("Contact: %(contact)s") % {"contact": contact},
    ]
    return "\n\n".join(filter(None, parts))


def _address(base: str, values: dict[str, str]) -> str:
    # Blanks as %20: Outlook shows the plus signs that forms write.
    return f"{base}?{urlencode(values, quote_via=quote)}"


def _compact(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _plain(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
