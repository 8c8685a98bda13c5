"""Conferences as tests write them: on the day of most tests' sessions, by the wall clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from accounts.models import User
from bookings import services
from bookings.models import ConferenceRun, Occurrence
from rooms.interval import Interval
from rooms.models import LicenceGrant, SiteShare
from tests.bookings.requests import NOW, ask
from tests.factories import Office

DAY = datetime.fromisoformat("2026-11-24T00:00+01:00")


def clock(text: str) -> datetime:
    hours, minutes = text.split(":")
    return DAY + timedelta(hours=int(hours), minutes=int(minutes))


def span(begins: str, ends: str) -> Interval:
    return Interval(clock(begins), clock(ends))


def seats_of_all(seats: int) -> None:
    """Let the pool have so many licences, for whoever comes first."""
    SiteShare.objects.all().delete()
    LicenceGrant.objects.update(seats=seats)


def book(office: Office, code: str, begins: str, ends: str, *, by: User | None = None, **fields: Any) -> Occurrence:
    """Book a session in the room, or without one where there is no code."""
    by = by or office.it_admin
    start = clock(begins).replace(tzinfo=None)
    minutes = int((clock(ends) - clock(begins)).total_seconds() // 60)
    rooms = [office.room(code)] if code else []
    request = ask(by, *rooms, start=start, minutes=minutes, **fields)
    return services.book(request, by=by, now=NOW).occurrences.get()


def start(meeting: Occurrence, at: str, *, now: str = "") -> ConferenceRun:
    return services.record_started(meeting, clock(at), now=clock(now or at))


def end(meeting: Occurrence | ConferenceRun, at: str, **fields: Any) -> ConferenceRun | None:
    return services.record_ended(meeting, clock(at), now=clock(at), **fields)


def seats(meeting: Occurrence) -> list[Interval]:
    return [hold.interval for hold in meeting.licence_holds.filter(live=True).order_by("period")]


def rooms(meeting: Occurrence) -> list[Interval]:
    return [hold.interval for hold in meeting.room_holds.filter(live=True).order_by("position")]
