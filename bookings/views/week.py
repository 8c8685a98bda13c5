"""The week: all rooms of all sites, each day in miniature."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import User
from bookings.board_holds import Held
from bookings.board_office import BoardOffice
from bookings.views.board_filters import Filters
from bookings.views.board_pieces import Asked, BoardPiece, answer
from bookings.views.board_tools import DayField, Places, tools
from bookings.views.licence_marks import licence_mark
from bookings.views.week_html import WeekPen
from bookings.week import LicencePeak, Week, load_week, whole_week
from bookings.wording import day_and_month, days_range
from rooms.permissions import SiteRoles


@dataclass(frozen=True, slots=True)
class DayView:
    """The head of a column. `tenths`: of what is granted, 0 to 10."""

    name: str
    url: str
    is_today: bool
    is_past: bool
    in_use: int = 0
    tenths: int = 0
    state: str = ""
    licence_label: str = ""


@require_safe
def week_show(request: HttpRequest, day: date | None = None) -> HttpResponseBase:
    """Show the week of a day, by default of today. `?day=` takes a date as people write it and leads to its week.

    The address keeps the day, so that the day board opens on it again. Where `?day=` can't be read the answer is 422:
    the same week, and what to write beside the field. Who has the page and asks again whether it is still so gets 304.
    """
    user = request.user
    assert isinstance(user, User)
    now, zone = timezone.now(), timezone.get_default_timezone()
    today = now.astimezone(zone).date()
    shown = day or today
    filters, field = Filters.of(request.GET), DayField.of(request.GET, today=today)
    places = Places(filters, today, is_week=True)
    if field.day:
        return redirect(places.to(field.day))
    is_current = shown.isocalendar()[:2] == today.isocalendar()[:2]

    def draw(office: BoardOffice, held: Held) -> BoardPiece:
        week = load_week(user, shown, office, zone=zone, now=now, site=filters.site, held=held)
        context = _context(week, places, SiteRoles.of(user), is_current=is_current, now=now)
        equipment = office.filter_equipment
        context |= tools(office.rooms, places, shown, field, is_current=is_current, equipment=equipment)
        return BoardPiece.drawn(request, "bookings/_week_page.html", context, head=_head(week, places))

    asked = Asked(request, user, whole_week(shown, zone), filters.site, now, today, is_now=is_current)
    return answer(asked, "bookings/week_show.html", draw, status=422 if field.error else 200)


def _head(week: Week, places: Places) -> dict[str, Any]:
    return {
        "heading": days_range(week.days[0], week.days[-1]),
        "canonical_url": Places(Filters(), places.today, is_week=True).to(week.days[0]),
    }


def _context(week: Week, places: Places, roles: SiteRoles, *, is_current: bool, now: datetime) -> dict[str, Any]:
    rooms = places.filters.chosen(week.rooms)
    if places.filters.free_now and is_current:
        rooms = [room for room in rooms if week.is_free_at(room, now)]
    return {
        "week_number": week.days[0].isocalendar().week,
        "room_count": len(rooms),
        "days": _days(week, places),
        "granted": max((peak.granted for peak in week.peaks.values()), default=0),
        "pool": week.pool,
        "frame_hours": week.last_hour - week.first_hour,
        "bodies": WeekPen(week, places, roles=roles, now=now).draw(rooms),
    }


def _days(week: Week, places: Places) -> list[DayView]:
    today = places.today
    return [
        _with_licences(DayView(day_and_month(day), places.of_day(day), day == today, day < today), week.peaks.get(day))
        for day in week.days
    ]


def _with_licences(view: DayView, peak: LicencePeak | None) -> DayView:
    if peak is None:
        return view
    mark = licence_mark(peak.in_use, peak.granted)
    label = _("at most %(in_use)d of %(granted)d licences in use")
    return replace(
        view,
        in_use=peak.in_use,
        tenths=mark.tenths,
        state=mark.state,
        licence_label=label % {"in_use": peak.in_use, "granted": peak.granted},
    )
