"""The day board: all rooms of all sites on one day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import User
from bookings.board import Board, Taker, day_board
from bookings.views.board_cells import equipment_name, hours, present
from bookings.views.board_filters import Filters, seat_steps
from bookings.views.board_html import Pen
from bookings.views.board_layout import arrange, is_free_now, line_at
from bookings.when import NoSuchDay, Unreadable, WrongWeekday, parse_day
from bookings.wording import clock, interval_range, long_date
from rooms.permissions import SiteRoles
from rooms.queries import filter_equipment, opening_hours

_ROOMY, _REGULAR = 3, 24


@require_safe
def board_show(request: HttpRequest, day: date | None = None) -> HttpResponseBase:
    """Show a day, by default today. `?day=` takes a date as people write it and leads to that day's address."""
    assert isinstance(request.user, User)
    now, zone = timezone.now(), timezone.get_default_timezone()
    today = now.astimezone(zone).date()
    filters = Filters.of(request.GET)
    if "day" in request.GET:
        return _go_to(request, request.GET["day"], filters, today=today)
    board = day_board(request.user, day or today, zone=zone, now=now)
    rooms = filters.chosen(board.rooms)
    if filters.free_now and board.day == today:
        rooms = [room for room in rooms if is_free_now(board, room, now=now)]
    blocks = arrange(board, rooms, now=now)
    roles, pen = SiteRoles.of(request.user), Pen()
    context = {
        "day": board.day,
        "heading": long_date(board.day),
        "is_today": board.day == today,
        "now": clock(now.astimezone(zone)),
        "room_count": len(rooms),
        "density": "roomy" if len(rooms) <= _ROOMY else "regular" if len(rooms) <= _REGULAR else "compact",
        "blocks": [present(board, block, pen, roles=roles, now=now) for block in blocks],
        "hours": hours(board, now=now),
        "granted": board.licences[0].granted if board.licences else 0,
        "pool": board.pool,
        "frame_words": interval_range(board.frame, board.zone),
        "frame_hours": -(-board.frame.duration // timedelta(hours=1)),
        "is_closed": not any(board.open.values()) and not _is_used(board),
        **_navigation(board, filters, today=today),
        **_filter_choices(board, filters, today=today),
    }
    if board.frame.contains(now):
        context["now_line"] = line_at(board, now)
        context["now_minute"] = ((now - board.frame.start_at) // timedelta(minutes=1)) % 5
    return render(request, "bookings/board_show.html", context)


def _is_used(board: Board) -> bool:
    return any(item.kind != Taker.CLOSURE for row in board.sessions.values() for item in row)


def _go_to(request: HttpRequest, text: str, filters: Filters, *, today: date) -> HttpResponseBase:
    try:
        day = parse_day(text, today=today)
    except WrongWeekday as mistake:
        day = mistake.day
    except (Unreadable, NoSuchDay):
        messages.error(request, _("“%(text)s” is not a date. Write one such as 24.11.2026.") % {"text": text[:40]})
        day = today
    return redirect(_address(day, filters, today=today))


def _address(day: date, filters: Filters, *, today: date) -> str:
    path = reverse("board") if day == today else reverse("board_day", args=[day])
    return path + filters.query()


def _navigation(board: Board, filters: Filters, *, today: date) -> dict[str, Any]:
    found = {
        "previous_url": _address(board.day - timedelta(days=1), filters, today=today),
        "next_url": _address(board.day + timedelta(days=1), filters, today=today),
        "today_url": _address(today, filters, today=today),
    }
    if not any(board.open.values()):
        open_day = _next_open_day(board)
        if open_day:
            found |= {"open_day": long_date(open_day), "open_day_url": _address(open_day, filters, today=today)}
    return found


def _filter_choices(board: Board, filters: Filters, *, today: date) -> dict[str, Any]:
    def to(chosen: Filters) -> str:
        return _address(board.day, chosen, today=today)

    sites = {room.site_id: room.site for room in board.rooms}
    fewer, more = seat_steps(board.rooms, filters.seats)
    return {
        "filters": filters,
        "all_sites_url": to(filters.at_site("")),
        "site_choices": [(site, to(filters.at_site(site.code)), site.code == filters.site) for site in sites.values()],
        "fewer_seats_url": None if fewer is None else to(filters.with_seats(fewer)),
        "more_seats_url": None if more is None else to(filters.with_seats(more)),
        "equipment_choices": [
            (item, equipment_name(item), to(filters.toggled(item.code)), item.code in filters.equipment)
            for item in filter_equipment()
        ],
        "free_now_url": to(filters.free_now_toggled()) if board.day == today else "",
        "clear_url": to(Filters()),
    }


def _next_open_day(board: Board) -> date | None:
    """Return the first later day on which a site opens, or None where none ever does."""
    weekdays = {item.weekday for found in opening_hours(set(board.open)).values() for item in found}
    week = (board.day + timedelta(days=ahead) for ahead in range(1, 8))
    return next((day for day in week if day.weekday() in weekdays), None)
