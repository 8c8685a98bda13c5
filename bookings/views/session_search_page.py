"""What the search for sessions found, in words: day by day, with what matched marked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.alphabet import folded
from accounts.models import User
from bookings.models import Attendee, Booking, Occurrence
from bookings.queries import date_of
from bookings.search_queries import FoundMeeting
from bookings.search_text import SearchText
from bookings.views.session_search_form import SearchForm
from bookings.wording import interval_range, long_date, short_date
from rooms.permissions import SiteRoles

_NAMES_AT_MOST = 3


@dataclass(frozen=True, slots=True)
class FoundLine:
    """`state`: as in the list of my sessions. `on_board`: the link leads to the board of the day, not to a page."""

    title: SafeString
    href: str
    times: str
    rooms: SafeString
    organizer: SafeString
    people: SafeString
    state: str
    booking: Booking
    thread: int | None
    is_repeated: bool
    on_board: bool


@dataclass(frozen=True, slots=True)
class FoundDay:
    name: str
    near: str
    lines: tuple[FoundLine, ...]


@dataclass(frozen=True, slots=True)
class FoundPart:
    """Those to come, or those that are over."""

    is_past: bool
    days: tuple[FoundDay, ...]


@dataclass(frozen=True, slots=True)
class WayOn:
    label: str
    href: str


def parts(meetings: Iterable[FoundMeeting], *, words: Sequence[str], zone: ZoneInfo, now: datetime) -> list[FoundPart]:
    """Group what was found, which comes in order, by past or not and by the day in the user's zone."""
    today = now.astimezone(zone).date()

    def day_of(item: FoundMeeting) -> date:
        return item.occurrence.starts_at.astimezone(zone).date()

    found = []
    for is_past, side in groupby(meetings, key=lambda item: item.is_past):
        days = []
        for day, group in groupby(side, key=day_of):
            near = {0: _("today"), 1: _("tomorrow"), -1: _("yesterday")}.get((day - today).days, "")
            lines = tuple(_line(item, day, words=words, zone=zone, now=now) for item in group)
            days.append(FoundDay(long_date(day), near, lines))
        found.append(FoundPart(is_past, tuple(days)))
    return found


def understood(text: SearchText) -> str:
    """Say which days were read from the text: „3 grudnia” without a year means three of them."""
    days = sorted(text.spans)
    return "; ".join(
        short_date(first) if first == last else f"{short_date(first)} – {short_date(last)}" for first, last in days
    )


def ways_on(form: SearchForm, user: User) -> list[WayOn]:
    """Return what to try where nothing was found: fewer limits, the board of the day, a free room."""
    search, text = reverse("session_search"), form.data["q"].strip()
    found = []
    if form.is_narrowed and text:
        found.append(WayOn(_("Search all days, rooms and states"), f"{search}?{urlencode({'q': text})}"))
    days = [first for first, last in form.text.spans if first == last]
    day = next((day for day in days if day >= form.today), None) or form.cleaned_data.get("since")
    if day:
        found.append(WayOn(_("Open the board of %(day)s") % {"day": short_date(day)}, reverse("board_day", args=[day])))
    if SiteRoles.of(user).may_book_anything:
        query = f"?{urlencode({'day': day.isoformat()})}" if day and day >= form.today else ""
        found.append(WayOn(_("Find a free room"), reverse("room_find") + query))
    return found


def marked(text: str, words: Sequence[str]) -> SafeString:
    """Return the text, escaped, with the beginnings of words that were looked for in <mark>."""
    text = unicodedata.normalize("NFC", text)
    # Letter by letter, so that places in the one are places in the other.
    plain = "".join(folded(letter)[:1] or " " for letter in text)
    wanted = "|".join(re.escape(word) + (r"(?![^\W_])" if len(word) == 1 else "") for word in _longest_first(words))
    if not wanted:
        return format_html("{}", text)
    pieces, at = [], 0
    for match in re.finditer(rf"(?<![^\W_])(?:{wanted})", plain):
        pieces += [(text[at : match.start()], text[match.start() : match.end()])]
        at = match.end()
    return format_html("{}{}", format_html_join("", "{}<mark>{}</mark>", pieces), text[at:])


def _longest_first(words: Sequence[str]) -> list[str]:
    return sorted(words, key=len, reverse=True)


def _line(item: FoundMeeting, day: date, *, words: Sequence[str], zone: ZoneInfo, now: datetime) -> FoundLine:
    meeting = item.occurrence
    booking = meeting.booking
    named = ", ".join(f"{room.name} ({room.site.label})" for room in item.rooms)
    is_cancelled = booking.is_cancelled or meeting.status == Occurrence.Status.CANCELLED
    return FoundLine(
        title=marked(meeting.own_title or booking.title, words),
        href=_address(item) if item.may_open else reverse("board_day", args=[day]),
        times=interval_range(meeting.interval, zone),
        rooms=marked(named or ("" if is_cancelled else _("without a room")), words),
        organizer=marked(str(booking.organizer), words) if item.may_open else SafeString(),
        people=_people(item.people, booking, words),
        state="cancelled" if is_cancelled else _state(booking, meeting, now),
        booking=booking,
        thread=booking.thread if len(item.rooms) > 1 else None,
        is_repeated=booking.is_series,
        on_board=not item.may_open,
    )


def _state(booking: Booking, meeting: Occurrence, now: datetime) -> str:
    if booking.is_requested:
        return "requested"
    return "live" if meeting.interval.contains(now) else ""


def _address(item: FoundMeeting) -> str:
    booking = item.occurrence.booking
    address = reverse("booking_show", args=[booking.number])
    return f"{address}?spotkanie={date_of(booking, item.occurrence)}" if booking.is_series else address


def _people(people: Sequence[Attendee], booking: Booking, words: Sequence[str]) -> SafeString:
    """Return the names by which it was found, a few of them; the organizer is named anyway."""
    guests = [guest for guest in people if guest.user_id != booking.organizer_id]
    names = format_html_join(", ", "{}", ((_name(guest, words),) for guest in guests[:_NAMES_AT_MOST]))
    return format_html("{} …", names) if len(guests) > _NAMES_AT_MOST else names


def _name(guest: Attendee, words: Sequence[str]) -> SafeString:
    """Return the name with the institution or address that matched, where the name itself does not."""
    name = marked(guest.label, words)
    if "<mark>" in name:
        return name
    institution = guest.contact.institution.name if guest.contact and guest.contact.institution else ""
    for other in (institution, guest.email):
        shown = marked(other, words)
        if other and other != guest.label and "<mark>" in shown:
            return format_html("{} ({})", name, shown)
    return name
