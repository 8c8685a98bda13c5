"""Meetings of other calendars as tests invite rooms to them, without any mail."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from accounts.models import User
from bookings import services
from bookings.models import Booking
from bookings.recurrence import Frequency, Pattern
from bookings.services import Invitation, Version, Withdrawal
from rooms.models import Room
from tests.bookings.requests import NOW

UID = "narada@kalendarz.example"
STAMP = datetime(2026, 11, 9, 6, 30, tzinfo=UTC)
TUESDAYS = Pattern(Frequency.WEEKLY, weekdays=(1,), count=4)


def invitation(user: User, *rooms: Room, number: int = 0, **fields: Any) -> Invitation:
    """Return an invitation to Tuesday 24 November 2026, 10:00 to 11:00. `number`: its SEQUENCE."""
    defaults: dict[str, Any] = {
        "uid": UID,
        "organizer": user,
        "organizer_email": user.email,
        "organizer_name": user.name,
        "version": Version(number, STAMP),
        "message_id": f"<{number}@kalendarz.example>",
        "rooms": {room.pk: f"{room.pk}@sale.example" for room in rooms},
        "title": "Narada",
        "time_zone": "Europe/Warsaw",
        "local_start": datetime(2026, 11, 24, 10),
        "local_end": datetime(2026, 11, 24, 11),
    }
    return Invitation(**{**defaults, **fields})


def withdrawal(asked: Invitation, *, number: int, recurrence_at: datetime | None = None) -> Withdrawal:
    return Withdrawal(
        uid=asked.uid,
        organizer_email=asked.organizer_email,
        organizer_name=asked.organizer_name,
        version=replace(asked.version, sequence=number),
        message_id=f"<{number}@kalendarz.example>",
        rooms=asked.rooms,
        recurrence_at=recurrence_at,
    )


def book_outside(user: User, *rooms: Room, now: datetime = NOW, **fields: Any) -> Booking:
    verdicts = services.invite_rooms(invitation(user, *rooms, **fields), now=now)
    assert verdicts.meeting is not None
    assert verdicts.meeting.booking is not None
    return verdicts.meeting.booking


def tuesday(month: int, day: int) -> date:
    return date(2026, month, day)
