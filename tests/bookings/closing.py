"""Closures as tests write them, and what they hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from accounts.models import User
from bookings import services
from bookings.closure_times import ClosureDraft
from bookings.models import Booking, RoomHold
from rooms.models import Closure, Room
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office


def closing(
    room: Room | None = None, *, start: datetime | None = None, hours: float = 4, **fields: Any
) -> ClosureDraft:
    """Return a closure on the day of most tests' sessions, from 9:00."""
    start = start or at(9)
    if room is not None:
        fields["room_id"] = room.pk
    return ClosureDraft("maintenance", "Wymiana kabli", start, start + timedelta(hours=hours), **fields)


def book(office: Office, *codes: str, by: User | None = None, **fields: Any) -> Booking:
    by = by or office.staff
    return services.book(ask(by, *map(office.room, codes), **fields), by=by, now=NOW)


def held_by(closure: Closure) -> list[tuple[int, str]]:
    """Return room and wall clock of what a closure holds."""
    rows = RoomHold.objects.filter(closure=closure, live=True).order_by("room_id", "period")
    zone = rows[0].room.site.zone if rows else UTC
    return [
        (
            row.room_id,
            f"{row.interval.start_at.astimezone(zone):%d %H:%M}–{row.interval.end_at.astimezone(zone):%d %H:%M}",
        )
        for row in rows
    ]


def covered(closure: Closure, room: Room) -> timedelta:
    """Return how long the closure holds the room."""
    rows = RoomHold.objects.filter(closure=closure, room=room, live=True)
    return sum((row.interval.duration for row in rows), timedelta(0))
