"""Calendar programs that subscribe: they ask by HTTP, and three libraries that did not write the answer read it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import icalendar
import recurring_ical_events
import time_machine
import vobject
from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from bookings.models import Occurrence
from integrations.feeds import services
from integrations.feeds.addresses import calendar_url
from integrations.feeds.models import CalendarFeed
from rooms.models import Room, Site
from tests.bookings.requests import NOW

#: Start and end in UTC, and the title.
Seen = tuple[datetime, datetime, str]


def subscribe(owner: User, to: Room | Site | None = None, *, now: datetime = NOW, **fields: Any) -> CalendarFeed:
    return services.create_feed(owner, to, **{"detail": "titles", **fields}, now=now)


def path_of(url: str) -> str:
    assert url.startswith(settings.BASE_URL)
    return url.removeprefix(settings.BASE_URL)


def ask(feed: CalendarFeed, *, now: datetime = NOW, etag: str = "", method: str = "get") -> HttpResponse:
    """Ask for a calendar as a program does: with no cookie, and the tag of what it has."""
    headers = {"If-None-Match": etag} if etag else {}
    with time_machine.travel(now, tick=False):
        return getattr(Client(), method)(path_of(calendar_url(feed)), headers=headers)


def read(feed: CalendarFeed, *, now: datetime = NOW) -> bytes:
    response = ask(feed, now=now)
    assert response.status_code == 200, response.content
    return response.content


def events_of(raw: bytes) -> list[Any]:
    calendar = icalendar.Calendar.from_ical(raw)
    assert [part.errors for part in calendar.walk() if part.errors] == []
    return list(calendar.walk("VEVENT"))


def titles(feed: CalendarFeed, *, now: datetime = NOW) -> list[str]:
    return [str(event["SUMMARY"]) for event in events_of(read(feed, now=now)) if "RECURRENCE-ID" not in event]


def expanded(raw: bytes, *, start: datetime, end: datetime) -> list[Seen]:
    """Return what recurring-ical-events makes of it."""
    calendar = icalendar.Calendar.from_ical(raw)
    found = recurring_ical_events.of(calendar).between(start, end)
    return sorted(
        (event["DTSTART"].dt.astimezone(UTC), event["DTEND"].dt.astimezone(UTC), str(event["SUMMARY"]))
        for event in found
    )


def expanded_by_vobject(raw: bytes) -> list[Seen]:
    """Return what vobject makes of it, which reads the VTIMEZONE and knows no names of zones."""
    calendar = vobject.readOne(raw.decode())
    events = list(calendar.vevent_list) if hasattr(calendar, "vevent_list") else []
    overridden = {
        (event.uid.value, event.recurrence_id.value.astimezone(UTC)): event
        for event in events
        if hasattr(event, "recurrence_id")
    }
    found: list[Seen] = []
    for event in events:
        if hasattr(event, "recurrence_id"):
            continue
        starts = [event.dtstart.value]
        if hasattr(event, "rrule"):
            starts = list(event.getrruleset(addRDate=True))
        lasts = event.dtend.value - event.dtstart.value
        for start in starts:
            own = overridden.get((event.uid.value, start.astimezone(UTC)))
            if own is not None:
                found.append((_utc(own.dtstart.value), _utc(own.dtend.value), own.summary.value))
            else:
                found.append((_utc(start), _utc(start + lasts), event.summary.value))
    return sorted(found)


def in_database(meetings: list[Occurrence]) -> list[Seen]:
    return sorted(
        (meeting.starts_at, meeting.ends_at, meeting.own_title or meeting.booking.title) for meeting in meetings
    )


def around(now: datetime) -> tuple[datetime, datetime]:
    return now - timedelta(days=29), now + timedelta(days=364)


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC)
