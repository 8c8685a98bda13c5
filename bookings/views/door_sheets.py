"""Sheets for the doors of a session's rooms: one page each, for paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from accounts.models import User
from bookings.door_plans import DoorLine, DoorPlan, door_plans
from bookings.models import Occurrence
from bookings.queries import BookingDetails
from bookings.views.session_page import where
from bookings.views.sessions import found_or_404
from bookings.wording import clock, interval_range, long_date

#: From so many sessions on a day lines are closer, and from so many each is one line: the page stays one page.
_CLOSE_FROM, _CLOSEST_FROM = 7, 12


@dataclass(frozen=True, slots=True)
class Line:
    times: str
    title: str
    who: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """`density`: empty, close or closest."""

    room: str
    where: str
    seats: int
    day: str
    lines: tuple[Line, ...]
    density: str


@require_safe
@cache_control(private=True, no_store=True)
def door_sheets(request: HttpRequest, number: str) -> HttpResponse:
    """Show the sheets of the meeting that is looked at, or with `?tydzien` of all its series has in that week.

    For whoever may open the session. What is on them anybody may read who passes the door.
    """
    assert isinstance(request.user, User)
    now, zone = timezone.now(), timezone.get_default_timezone()
    assert isinstance(zone, ZoneInfo)
    details = found_or_404(request, number, now=now)
    is_week = "tydzien" in request.GET
    week = _of_the_week(details, zone)
    meetings = week if is_week else [details.occurrence]
    if details.booking.is_requested or details.occurrence.status != Occurrence.Status.CONFIRMED:
        messages.info(request, _("Door sheets are for sessions that take place: this one is not booked."))
        return redirect("booking_show", number)
    plans = door_plans(meetings, zone=zone)
    if not plans:
        messages.info(request, _("This session has no room, so there is no door for a sheet."))
        return redirect("booking_show", number)
    context = {
        "booking": details.booking,
        "key": details.on(details.occurrence).isoformat(),
        "sheets": [_sheet(plan, zone) for plan in plans],
        "is_week": is_week,
        "has_week": len(week) > 1,
        "host": urlsplit(settings.BASE_URL).netloc,
        "printed": _printed(now, zone),
    }
    return render(request, "bookings/door_sheets.html", context)


def _of_the_week(details: BookingDetails, zone: ZoneInfo) -> Sequence[Occurrence]:
    """Return the meetings of the week that the one looked at is in."""

    def week(meeting: Occurrence) -> tuple[int, int]:
        year, number, _weekday = meeting.starts_at.astimezone(zone).isocalendar()
        return year, number

    held = [meeting for meeting in details.meetings if meeting.status == Occurrence.Status.CONFIRMED]
    return [meeting for meeting in held if week(meeting) == week(details.occurrence)]


def _sheet(plan: DoorPlan, zone: ZoneInfo) -> Sheet:
    count = len(plan.lines)
    density = "closest" if count >= _CLOSEST_FROM else "close" if count >= _CLOSE_FROM else ""
    lines = tuple(_line(item, zone) for item in plan.lines)
    return Sheet(plan.room.name, where(plan.room), plan.room.seats, long_date(plan.day), lines, density)


def _line(item: DoorLine, zone: ZoneInfo) -> Line:
    times = interval_range(item.interval, zone)
    if item.is_closed:
        return Line(times, _("Hearing, closed session"), "")
    who = ", ".join(filter(None, [item.organizer.name, item.organizer.unit])) if item.organizer else ""
    return Line(times, item.title, who)


def _printed(now: datetime, zone: ZoneInfo) -> str:
    local = now.astimezone(zone)
    on: date = local.date()
    return f"{on.day}.{on.month:02d}.{on.year}, {clock(local)}"
