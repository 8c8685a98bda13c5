"""A weekly series as tests of pages book it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from accounts.models import User
from bookings import services
from bookings.models import Booking, Occurrence
from bookings.recurrence import Frequency, Pattern
from bookings.rules import Decision, Series
from rooms.models import Room
from tests.bookings.requests import NOW, ask

#: A Thursday; its series meets at 10:00 in Warsaw, before and after the change of clocks.
FIRST = datetime(2026, 11, 26, 10)


def weekly(
    user: User,
    *rooms: Room,
    count: int = 12,
    decisions: tuple[Decision, ...] = (),
    first: datetime = FIRST,
    now: datetime = NOW,
    **fields: Any,
) -> Booking:
    """Book a series on the weekday of `first`, which skips public holidays."""
    pattern = Pattern(Frequency.WEEKLY, weekdays=(first.weekday(),), count=count)
    series = Series(pattern, decisions=decisions)
    return services.book(ask(user, *rooms, start=first, series=series, **fields), by=user, now=now)


def meeting(booking: Booking, on: date) -> Occurrence:
    """Return the meeting that the series gave on this date."""
    (found,) = [
        item for item in booking.occurrences.all() if item.original_start_at.astimezone(booking.zone).date() == on
    ]
    return found


def skip(on: date) -> Decision:
    return Decision(on, "skip")


def at_another_time(on: date, hour: int, *, days: int = 0) -> Decision:
    start = datetime(on.year, on.month, on.day, hour) + timedelta(days=days)
    return Decision(on, "change", start, start + timedelta(hours=1))
