"""Says in a sentence, in the active language, what a call tells: for chats, and the rule of a series for programs.

What staff typed stands in it, and a chat reads signs of its own in there: none of them calls people or makes a link.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bookings import recurrence, series_words, wording
from bookings.models import Booking
from integrations.webhooks.facts import Facts, Meeting, days_of
from integrations.webhooks.models import Webhook

Event = Webhook.Event
#: What chats read as calling people, links and markup, with what looks the same to a reader.
_PLAIN = str.maketrans({"<": "‹", ">": "›", "[": "(", "]": ")", "`": "'", "*": "∗", "@": "@\u200b", "|": "¦"})
_ROOMS_AT_MOST = 8

_SENTENCES: dict[str, Callable[[], str]] = {
    Event.BOOKED: lambda: pgettext("webhook", "Booked: %(what)s"),
    Event.CHANGED: lambda: pgettext("webhook", "Changed: %(what)s"),
    Event.CANCELLED: lambda: pgettext("webhook", "Cancelled: %(what)s"),
    Event.STARTED: lambda: pgettext("webhook", "The conference has begun: %(what)s"),
    Event.ENDED: lambda: pgettext("webhook", "The conference is over: %(what)s"),
}


def of(found: Facts) -> str:
    """Return „Zarezerwowano: Konsultacje, wtorek, 24 listopada 2026, 10:00–11:00, Sala wideo 2.14 (KOS). https://…”."""
    return f"{_SENTENCES[found.occasion]() % {'what': _what(found)}}. {found.url}"


def trial() -> str:
    return _("Narada is trying out this webhook. Nothing happened to any session.")


def rule(booking: Booking) -> str:
    """Return „co czwartek 10:00–11:00 do 24 czerwca 2027”: when the series is, by the clock of its zone."""
    pattern = recurrence.parse(booking.rrule, zone=booking.zone)
    start, end = (datetime.fromisoformat(text) for text in (booking.local_start, booking.local_end))
    values = {
        "rhythm": series_words.rhythm(pattern),
        "times": wording.time_range(start, end),
        "day": series_words.full_day(days_of(booking)[-1]),
    }
    return pgettext("series", "%(rhythm)s %(times)s until %(day)s") % values


def _what(found: Facts) -> str:
    is_whole = found.booking.is_series and not found.is_about_one
    title = found.title
    if found.is_about_one and found.meetings:
        title = found.meetings[0].title or title
    when = rule(found.booking) if is_whole else "".join(_when(found, meeting) for meeting in found.meetings[:1])
    parts = [_quoted(title) if not found.booking.is_private else title, when, *_rooms(found)]
    return ", ".join(filter(None, parts))


def _quoted(title: str) -> str:
    return pgettext("title of a session in a sentence", "“%(title)s”") % {"title": title.translate(_PLAIN)}


def _when(found: Facts, meeting: Meeting) -> str:
    interval = meeting.occurrence.interval
    start = interval.start_at.astimezone(found.zone)
    return f"{wording.long_date(start.date())}, {wording.interval_range(interval, found.zone)}"


def _rooms(found: Facts) -> list[str]:
    rooms = [f"{room.name} ({room.site.label})".translate(_PLAIN) for room in found.rooms]
    return rooms if len(rooms) <= _ROOMS_AT_MOST else [*rooms[:_ROOMS_AT_MOST], "…"]
