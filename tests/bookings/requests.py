"""Requests to book, as tests write them: everything has a default, and what matters is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from accounts.models import User
from bookings.rules import BookingRequest
from rooms.models import Room

#: Monday, a fortnight before most tests' sessions; 8:00 in Warsaw.
NOW = datetime(2026, 11, 9, 7, 0, tzinfo=UTC)
#: A Tuesday.
DAY = datetime(2026, 11, 24)


def at(hour: int, minute: int = 0, *, day: datetime = DAY) -> datetime:
    return day.replace(hour=hour, minute=minute)


def ask(
    organizer: User, *rooms: Room, start: datetime | None = None, minutes: int = 60, **fields: Any
) -> BookingRequest:
    """Return a request for a session on 24 November 2026 from 10:00, or from `start`, Warsaw time."""
    start = start or at(10)
    defaults: dict[str, Any] = {
        "title": "Konsultacje z Mazowieckim UW",
        "local_start": start,
        "local_end": start + timedelta(minutes=minutes),
        "time_zone": "Europe/Warsaw",
        "organizer_id": organizer.pk,
        "room_ids": tuple(room.pk for room in rooms),
    }
    return BookingRequest(**{**defaults, **fields})
