"""What all notices have in common: the row that is read, what a topic says, and the facts of a session in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.translation import get_language

from accounts.models import User
from bookings.models import Booking, Occurrence
from bookings.queries import date_of
from integrations.when import when
from notifications.compose.matter import rooms_of_booking
from notifications.compose.series import rule_of
from notifications.compose.series_words import NO_LINES, Listing, rule_words, zone_name
from notifications.models import Message
from rooms.interval import Interval
from rooms.models import Closure


@dataclass(frozen=True, slots=True)
class Told:
    """What a topic says: its own words, the rest is the same for all.

    `url`: the path of a page, or `mailto:`. `reply_to`: an address where answers go instead of to the service.
    `subject`: where it is not kicker and title. `body`: what a kind of mail with templates of its own shows besides.
    `choice_path`: the page on which such mails are switched off, for who signs in.
    """

    kicker: str
    title: str
    facts: tuple[str, ...]
    paragraphs: tuple[str, ...]
    button: str
    url: str
    listing: Listing = NO_LINES
    reply_to: str = ""
    subject: str = ""
    body: object = None
    choice_path: str = ""


class NothingToSay(Exception):
    """What the mail was to tell of is gone: it is set aside, and nobody gets it."""


@dataclass(frozen=True, slots=True)
class Row:
    """A waiting row, as the topics read it."""

    message: Message
    user: User
    now: datetime

    @property
    def booking(self) -> Booking:
        assert self.message.booking, f"{self.message.topic} is about a session"
        return self.message.booking

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.user.time_zone)

    def key(self, name: str) -> int:
        """Return the key of a row that the notice is about; 0, which no row has, when it names none."""
        return int((self.message.data or {}).get(name, 0))


def facts_of(booking: Booking, row: Row) -> tuple[str, ...]:
    """Return when and where: of a series how often."""
    meetings = booking.occurrences.order_by("starts_at")
    meeting = meetings.filter(ends_at__gt=row.now).first() or meetings.last()
    assert meeting, "a booking has at least one meeting"
    if booking.is_series:
        rule = f"{rule_words(rule_of(booking))} ({zone_name(booking.time_zone)})"
        return (rule, _rooms_line(booking, meeting))
    return facts_of_meeting(booking, meeting, row)


def facts_of_meeting(booking: Booking, meeting: Occurrence | None, row: Row) -> tuple[str, ...]:
    """Return when and where this one meeting is; None: of all of the booking."""
    if meeting is None:
        return facts_of(booking, row)
    return (when_in_words(meeting.interval, booking.zone, row), _rooms_line(booking, meeting))


def when_in_words(interval: Interval, office_zone: ZoneInfo, row: Row) -> str:
    return when(interval, zone=row.zone, office_zone=office_zone).sentence


def page_of(booking: Booking, meeting: Occurrence | None = None) -> str:
    """Return the address of the session's page; of a series at this meeting."""
    address = reverse("booking_show", args=[booking.number])
    if meeting is None or not booking.is_series:
        return address
    return f"{address}?{urlencode({'spotkanie': date_of(booking, meeting).isoformat()})}"


def _rooms_line(booking: Booking, meeting: Occurrence) -> str:
    return "; ".join(f"{room.name}, {room.site.name}" for room in rooms_of_booking(booking, meeting))


def closed_thing(closure: Closure) -> str:
    """Name the room, the site or the equipment that is closed; they are loaded."""
    if closure.room:
        return closure.room.name
    return closure.site.name if closure.site else str(closure.equipment)


def closed_why(closure: Closure) -> str:
    return closure.title_en if get_language() == "en" and closure.title_en else closure.title
