"""Says when a room is free or busy, and nothing else (VFREEBUSY, RFC 5545 3.6.4; calendar-mail.md I5)."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import icalendar
from django.conf import settings
from django.db.models import Q
from icalendar import vCalAddress, vText

from bookings.models import Booking, as_interval
from integrations.feeds.models import CalendarFeed
from integrations.feeds.reading import held_between
from integrations.feeds.render import as_utc, new_calendar
from integrations.ical.render.values import Written
from integrations.ical.text import one_line
from rooms.interval import Interval, merged
from rooms.models import Room
from rooms.queries import midnight

DAYS_AHEAD = 60

_Times = dict[str, list[Interval]]


def render_free_busy(feed: CalendarFeed, *, now: datetime) -> bytes:
    """Return the times from today on for which the room is held, set-up and clearing included: one query.

    BUSY are sessions, BUSY-TENTATIVE requests, open forms and offers, BUSY-UNAVAILABLE closures. `feed.room` is loaded.
    """
    room = feed.room
    assert room is not None, "only a room has free and busy times"
    zone = room.site.zone
    today = now.astimezone(zone).date()
    window = Interval(midnight(today, zone), midnight(today + timedelta(days=DAYS_AHEAD), zone))
    times, changed_at = _read(room, window, now=now)
    component = icalendar.FreeBusy()
    component.add("UID", f"free-busy.{feed.scope}@{settings.MAIL_FROM.rpartition('@')[2]}")
    component.add("DTSTAMP", max(changed_at, window.start_at).astimezone(UTC))
    component.add("DTSTART", window.start_at)
    component.add("DTEND", window.end_at)
    component.add("ORGANIZER", _address(room))
    periods = sorted((interval, kind) for kind, intervals in times.items() for interval in merged(intervals))
    for interval, kind in periods:
        component.add("FREEBUSY", Written(as_utc(interval)), parameters={"FBTYPE": kind})
    calendar = new_calendar()
    calendar.add_component(component)
    return calendar.to_ical(sorted=False)


def _read(room: Room, window: Interval, *, now: datetime) -> tuple[_Times, datetime]:
    """Return the periods by FBTYPE, within the window, and when the newest of what holds them changed."""
    fields = ("period", "closure", "occurrence__booking__status", "occurrence__booking__stamped_at")
    made = ("closure__created_at", "draft__created_at")
    holds = held_between(frozenset([room.pk]), window).filter(Q(expires_at=None) | Q(expires_at__gt=now))
    times: _Times = defaultdict(list)
    changed_at = window.start_at
    for period, closure, status, *changes in holds.values_list(*fields, *made):
        interval = as_interval(period).clipped(window)
        if interval is None:
            continue
        if closure is not None:
            kind = "BUSY-UNAVAILABLE"
        else:
            kind = "BUSY" if status == Booking.Status.CONFIRMED else "BUSY-TENTATIVE"
        times[kind].append(interval)
        changed_at = max(changed_at, *(change for change in changes if change is not None), window.start_at)
    return times, changed_at.replace(microsecond=0)


def _address(room: Room) -> vCalAddress:
    """Return the room as ORGANIZER: by its own mailbox, or the address of the service."""
    address = vCalAddress(f"mailto:{room.mailbox or settings.MAIL_FROM}")
    address.params["CN"] = vText(one_line(room.name).replace('"', "”").replace("^", "ˆ").replace("\\", "/"))
    return address
