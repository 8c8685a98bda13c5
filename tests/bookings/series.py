"""Series as tests write them, and what of them is in the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from accounts.models import User
from bookings.models import Booking, Occurrence, RoomHold
from bookings.recurrence import Frequency, Pattern
from bookings.rules import BookingRequest, Series
from rooms.models import Room
from tests.bookings.requests import ask

TUESDAY = 1


def weekly(count: int = 5, *, weekdays: tuple[int, ...] = (TUESDAY,), **fields: Any) -> Series:
    """Return „every Tuesday”, so many times: 24 November, 1, 8, 15 and 22 December 2026."""
    return Series(Pattern(Frequency.WEEKLY, weekdays=weekdays, count=count), **{"skip_holidays": False, **fields})


def daily(count: int = 5, **fields: Any) -> Series:
    return Series(Pattern(Frequency.DAILY, count=count), **{"skip_holidays": False, **fields})


def ask_series(organizer: User, *rooms: Room, series: Series | None = None, **fields: Any) -> BookingRequest:
    return ask(organizer, *rooms, series=series or weekly(), **fields)


def meetings(booking: Booking) -> list[Occurrence]:
    return list(booking.occurrences.filter(status=Occurrence.Status.CONFIRMED).order_by("original_start_at"))


def local_starts(booking: Booking) -> list[str]:
    return [meeting.local_start for meeting in meetings(booking)]


def held(booking: Booking) -> list[tuple[str, str]]:
    """Return what rooms the booking holds, as the wall clock of Warsaw at which each hold begins, in order."""
    holds = RoomHold.objects.filter(occurrence__booking=booking, live=True).select_related("room__site")
    found = [
        (f"{hold.period.lower.astimezone(booking.zone):%m-%d %H:%M}", f"{hold.room.site.code}/{hold.room.code}")
        for hold in holds
    ]
    return sorted(found)


def at_day(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute)
