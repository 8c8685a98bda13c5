"""Sessions that hold licences, written row by row: any day, any length, past the form and the judge."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from accounts.models import User
from bookings.models import Booking, ConferenceRun, LicenceHold, LicenceRefusal, Occurrence, as_range
from rooms.interval import Interval
from rooms.models import LicencePool, Site
from tests.factories import Office

WARSAW = ZoneInfo("Europe/Warsaw")
#: Tuesday 24 November 2026, 10:30 in Warsaw.
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
TODAY = date(2026, 11, 24)
_numbers = count(1)


def at(hour: int, minute: int = 0, *, day: date = TODAY) -> datetime:
    """Return a time on the clock of Warsaw."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=WARSAW).astimezone(UTC)


def hold(
    pool: LicencePool,
    site: Site | None,
    start: datetime,
    end: datetime,
    *,
    by: User,
    title: str = "Odprawa",
    asked_at: datetime | None = None,
    is_private: bool = False,
    host: Site | None = None,
    booking: Booking | None = None,
    **fields: Any,
) -> LicenceHold:
    """Book a session from `start` to `end` that holds `seats` (1) of the pool, from the share of `site`."""
    booking = booking or make_booking(by, title, asked_at or start - timedelta(days=7), is_private, host or site)
    occurrence = Occurrence.objects.create(
        booking=booking,
        original_start_at=start,
        starts_at=start,
        ends_at=fields.pop("planned_end", end),
        local_start=f"{start.astimezone(WARSAW):%Y-%m-%dT%H:%M}",
        local_end=f"{end.astimezone(WARSAW):%Y-%m-%dT%H:%M}",
    )
    period = as_range(Interval(start, end))
    return LicenceHold.objects.create(pool=pool, site=site, period=period, occurrence=occurrence, **fields)


def make_booking(by: User, title: str, asked_at: datetime, is_private: bool, host: Site | None) -> Booking:
    number = next(_numbers)
    return Booking.objects.create(
        number=f"T-{number}",
        uid=f"{uuid4()}@narada",
        title=title,
        organizer=by,
        created_by=by,
        host_site=host,
        time_zone="Europe/Warsaw",
        is_private=is_private,
        stamped_at=asked_at,
        created_at=asked_at,
        changed_at=asked_at,
    )


def run(held: LicenceHold, start: datetime, end: datetime | None) -> ConferenceRun:
    return ConferenceRun.objects.create(occurrence=held.occurrence, started_at=start, ended_at=end)


def refuse(office: Office, site: Site | None, start: datetime, **fields: Any) -> LicenceRefusal:
    """Write down that a session of an hour was refused, by default an hour before it was to begin."""
    defaults: dict[str, Any] = {
        "pool": office.pool,
        "user": office.staff,
        "title": "Śląski UW: odwołania",
        "at": start - timedelta(hours=1),
        "on": start.astimezone(WARSAW).date(),
        "outcome": LicenceRefusal.Outcome.GAVE_UP,
        "period": as_range(Interval(start, start + timedelta(hours=1))),
    }
    values = {**defaults, **fields}
    if values["outcome"] != LicenceRefusal.Outcome.OPEN:
        values.setdefault("closed_at", values["at"])
    return LicenceRefusal.objects.create(site=site, **values)
