"""The day board: all rooms of all sites on one day."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.models import User
from bookings.board import Board, Taker, day_board, whole_day
from bookings.board_holds import Held
from bookings.board_office import BoardOffice
from bookings.views.board_cells import axis_html, hours, licences_html
from bookings.views.board_filters import Filters
from bookings.views.board_html import Pen
from bookings.views.board_layout import arrange, is_free_now, line_at
from bookings.views.board_pieces import HOLE, Asked, BoardPiece, answer, framed
from bookings.views.board_tools import DayField, Places, tools
from bookings.wording import clock, interval_range, long_date
from rooms.permissions import SiteRoles

_ROOMY, _REGULAR = 3, 24


@require_safe
def board_show(request: HttpRequest, day: date | None = None) -> HttpResponseBase:
    """Show a day, by default today. `?day=` takes a date as people write it and leads to that day's address.

    Where it can't be read the answer is 422: the same day, and what to write beside the field. Who has the page and
    asks again whether it is still so gets 304.
    """
    user = request.user
    assert isinstance(user, User)
    now, zone = timezone.now(), timezone.get_default_timezone()
    today = now.astimezone(zone).date()
    shown = day or today
    filters, field = Filters.of(request.GET), DayField.of(request.GET, today=today)
    places = Places(filters, today)
    if field.day:
        return redirect(places.to(field.day))

    def draw(office: BoardOffice, held: Held) -> BoardPiece:
        board = day_board(user, shown, zone=zone, now=now, site=filters.site, office=office, held=held)
        return _piece(asked, board, office, places, field)

    asked = Asked(request, user, whole_day(shown, zone), filters.site, now, today, is_now=shown == today)
    return answer(asked, "bookings/board_show.html", draw, status=422 if field.error else 200)


def _piece(asked: Asked, board: Board, office: BoardOffice, places: Places, field: DayField) -> BoardPiece:
    now, filters, is_today = asked.now, places.filters, board.day == places.today
    rooms = filters.chosen(board.rooms)
    if filters.free_now and is_today:
        rooms = [room for room in rooms if is_free_now(board, room, now=now)]
    density = "roomy" if len(rooms) <= _ROOMY else "regular" if len(rooms) <= _REGULAR else "compact"
    pen = Pen(board, roles=SiteRoles.of(asked.user), now=now, is_dense=density == "compact")
    axis = hours(board, now=now)
    licences = licences_html(axis).encode()
    is_closed = not any(board.open.values()) and not _is_used(board)
    granted = board.licences[0].granted if board.licences else 0
    head = {"heading": long_date(board.day)}

    def draw() -> str:
        context = {
            "zone": board.zone.key,
            "room_count": len(rooms),
            "density": density,
            "has_rows": bool(rooms),
            "rows": HOLE,
            "axis": axis_html(axis),
            "licence_cells": HOLE if licences else "",
            "granted": granted,
            "pool": board.pool,
            "frame_words": interval_range(board.frame, board.zone),
            "frame_hours": -(-board.frame.duration // timedelta(hours=1)),
            "is_closed": is_closed,
            **_now_line(board, now),
            **_opening_next(board, office, places),
            **tools(office.rooms, places, board.day, field, is_current=is_today, equipment=office.filter_equipment),
        }
        return render_to_string("bookings/_board_page.html", {**context, **head}, asked.request)

    parts = [] if is_closed or not rooms else [pen.rows(arrange(board, rooms, now=now))]
    parts = [licences, *parts] if licences and parts else parts
    made_of = (len(rooms), board.frame, is_closed, bool(licences), granted)
    return BoardPiece(framed(asked, office, made_of, draw, *parts), head)


def _now_line(board: Board, now: datetime) -> dict[str, Any]:
    line = {"now": clock(now.astimezone(board.zone))}
    if not board.frame.contains(now):
        return line
    minute = ((now - board.frame.start_at) // timedelta(minutes=1)) % 5
    return {**line, "now_line": line_at(board, now), "now_minute": minute}


def _is_used(board: Board) -> bool:
    return any(item.kind is not Taker.CLOSURE for row in board.sessions.values() for item in row)


def _opening_next(board: Board, office: BoardOffice, places: Places) -> dict[str, Any]:
    open_day = None if any(board.open.values()) else _next_open_day(board, office)
    return {"open_day": long_date(open_day), "open_day_url": places.to(open_day)} if open_day else {}


def _next_open_day(board: Board, office: BoardOffice) -> date | None:
    """Return the first later day on which a site opens, or None where none ever does."""
    weekdays = {item.weekday for site_id in board.open for item in office.hours[site_id]}
    week = (board.day + timedelta(days=ahead) for ahead in range(1, 8))
    return next((day for day in week if day.weekday() in weekdays), None)
