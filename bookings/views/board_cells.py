"""Says each stretch of the board in words and addresses, ready for the template."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from bookings.board import Board, BoardSession, Taker
from bookings.models import THREAD_LETTERS
from bookings.views.board_html import Access, CellView, Pen
from bookings.views.board_layout import Block, Row, Segment, Thread
from bookings.wording import clock, interval_range
from rooms.interval import Interval
from rooms.models import Equipment, Room, Site
from rooms.permissions import SiteRoles

_USUAL_LENGTH = timedelta(hours=1)
_NEAR = 8  # tenths


@dataclass(frozen=True, slots=True)
class RowView:
    room: Room
    seats: str
    place: str
    equipment: tuple[tuple[str, str], ...]
    #: The stretches of the day, as they stand in the page (bookings.views.board_html).
    cells: SafeString
    threads: tuple[Thread, ...]


@dataclass(frozen=True, slots=True)
class BlockView:
    name: str
    summary: str
    rows: tuple[RowView, ...]
    threads: tuple[Thread, ...]


@dataclass(frozen=True, slots=True)
class HourView:
    """An hour of the axis with the licences in use. `tenths`: of what is granted, 0 to 10."""

    a: int
    column: int
    label: str
    is_past: bool
    in_use: int = 0
    tenths: int = 0
    state: str = ""
    licence_label: str = ""


def present(board: Board, block: Block, pen: Pen, *, roles: SiteRoles, now: datetime) -> BlockView:
    count = len(block.rows)
    summary = ngettext("%(count)d room", "%(count)d rooms", count) % {"count": count}
    if board.frame.contains(now):
        summary = _("%(rooms)s, free now: %(free)d") % {"rooms": summary, "free": block.free_now}
    rows = tuple(_row(board, row, pen, roles=roles, now=now) for row in block.rows)
    return BlockView(_site_name(block.site), summary, rows, block.threads)


def _site_name(site: Site) -> str:
    """„Koszykowa 16, Warszawa”: with the city, unless the name tells it."""
    # „Ośrodek w Białej Podlaskiej” has the city in another case, so the beginning of the word has to do.
    told = all(word[:4] in site.name for word in site.city.split())
    return site.name if told else f"{site.name}, {site.city}"


def hours(board: Board, *, now: datetime) -> list[HourView]:
    """Return the hours of the frame, with the licence use where the office has a pool."""
    found = []
    at, position = board.frame.start_at, 0
    while at < board.frame.end_at:
        hour = Interval(at, min(at + timedelta(hours=1), board.frame.end_at))
        label, is_past = clock(at.astimezone(board.zone)), hour.end_at <= now
        licence = _licence(board, position)
        found.append(HourView(2 + position * 12, 2 + position * 4, label, is_past, **licence))
        at, position = hour.end_at, position + 1
    return found


def _licence(board: Board, position: int) -> dict[str, Any]:
    if position >= len(board.licences):
        return {}
    hour = board.licences[position]
    # Rounded up: one licence in use is never drawn as none.
    tenths = min(10, -(-10 * hour.in_use // hour.granted)) if hour.granted else 0
    is_full, is_near = hour.in_use >= hour.granted, tenths >= _NEAR
    return {
        "in_use": hour.in_use,
        "tenths": tenths,
        "state": "full" if is_full else "near" if is_near else "",
        "licence_label": _("%(hours)s: %(in_use)d of %(granted)d licences in use")
        % {
            "hours": interval_range(hour.interval, board.zone),
            "in_use": hour.in_use,
            "granted": hour.granted,
        },
    }


def equipment_name(item: Equipment) -> str:
    return item.name_en if item.name_en and get_language() == "en" else item.name


def seats_in_words(seats: int) -> str:
    return ngettext("%(count)d seat", "%(count)d seats", seats) % {"count": seats}


def length_in_words(length: timedelta) -> str:
    """„2 h”, „1 h 45 min”, „30 min”."""
    full_hours, minutes = divmod(int(length.total_seconds()) // 60, 60)
    parts = [f"{full_hours} h" if full_hours else "", f"{minutes} min" if minutes else ""]
    return " ".join(filter(None, parts))


def _row(board: Board, row: Row, pen: Pen, *, roles: SiteRoles, now: datetime) -> RowView:
    room = row.room
    access = Access.AT_ONCE if roles.may_book(room) else Access.ASKED if roles.may_ask(room) else Access.NONE
    return RowView(
        room=room,
        seats=seats_in_words(room.seats),
        place=", ".join(filter(None, [room.site.name, room.site.address])),
        equipment=tuple((item.icon, equipment_name(item)) for item in room.equipment.all() if item.icon),
        cells=pen.draw(_cell(board, room, segment, pen, access=access, now=now) for segment in row.segments),
        threads=row.threads,
    )


def _cell(board: Board, room: Room, segment: Segment, pen: Pen, *, access: Access, now: datetime) -> CellView:
    if segment.kind == "closure":
        return _closure_cell(board, segment)
    if segment.session:
        return _session_cell(board, segment, segment.session, now=now)
    if segment.kind == "free":
        return _free_cell(board, room, segment, pen, access)
    words = {"closed": pen.closed, "past": pen.past, "buffer": pen.buffer}
    return CellView(segment, f"cell cell--{segment.kind}", text=words.get(segment.kind, ""))


def _closure_cell(board: Board, segment: Segment) -> CellView:
    assert segment.session is not None
    reason = reason_of(segment.session)
    times = interval_range(segment.interval, board.zone)
    label = _("%(times)s, can't be used: %(reason)s") % {"times": times, "reason": reason}
    return CellView(segment, "cell cell--closed cell--closure", text=reason, label=label)


def reason_of(closure: BoardSession) -> str:
    return closure.title_en if closure.title_en and get_language() == "en" else closure.title


def _free_cell(board: Board, room: Room, segment: Segment, pen: Pen, access: Access) -> CellView:
    start, end = (at.astimezone(board.zone) for at in (segment.interval.start_at, segment.interval.end_at))
    first_end = min(end, start + _USUAL_LENGTH)
    query = urlencode(
        {"room": room.pk, "day": board.day.isoformat(), "start": clock(start), "end": _end(board, first_end)}
    )
    words = {
        "length": length_in_words(segment.interval.duration),
        "times": interval_range(segment.interval, board.zone),
        "room": room.name,
    }
    return CellView(
        segment,
        _classes("cell", segment.size and f"cell--{segment.size}"),
        inner_css="free" if access == Access.AT_ONCE else "free free--ask",
        href="" if access == Access.NONE else f"{pen.booking_url}?{query}",
        text=pen.free[access] % words,
        label=pen.free_label[access] % words,
        start=clock(start),
        end=clock(end),
    )


def _end(board: Board, end: datetime) -> str:
    """Write midnight as the end of this day; the booking form reads 0:00 as its beginning."""
    return "24:00" if end.date() > board.day else clock(end)


def _session_cell(board: Board, segment: Segment, session: BoardSession, *, now: datetime) -> CellView:
    times = interval_range(session.interval, board.zone)
    is_tentative = session.kind != Taker.SESSION
    is_live = session.interval.contains(now) and not is_tentative
    title = session_title(session)
    letter = THREAD_LETTERS[session.thread - 1] if session.thread else ""
    thread_css = f"th-{session.thread}" if session.thread else ""
    return CellView(
        segment,
        _classes("cell", segment.up and "cell--up", segment.down and "cell--down", segment.down and thread_css),
        inner_css=_classes(
            "sess",
            thread_css,
            session.is_private and not letter and not is_tentative and "sess--private",
            is_tentative and "sess--hold",
            is_live and "sess--live",
            segment.up and "sess--up",
            segment.down and "sess--down",
        ),
        href=reverse("booking_show", args=[session.number]) + _of_day(board, session) if session.number else "",
        text=title,
        meta=" · ".join([times, *_session_facts(session, board.zone)]),
        label=", ".join(_session_label(session, board.zone, title, times, is_live=is_live)),
        letter=letter,
        is_mine=session.is_mine,
        is_private=session.is_private,
        is_live=is_live,
        is_repeated=session.is_repeated,
    )


def _of_day(board: Board, session: BoardSession) -> str:
    """Lead to the meeting of a series that was pointed at."""
    return f"?spotkanie={session.on.isoformat()}" if session.is_repeated and session.on else ""


def session_title(session: BoardSession) -> str:
    """Say what holds the room; for what is not certain yet, with the word for that."""
    if session.kind == Taker.OFFER:
        return _("Taken")
    if session.kind == Taker.DRAFT:
        return _("Tentative booking")
    if session.kind == Taker.REQUEST:
        if not session.title:
            return _("Tentative booking, closed session")
        return _("Tentative booking: %(title)s") % {"title": session.title}
    return session.title or _("Hearing, closed session")


def _until(session: BoardSession, zone: ZoneInfo) -> str:
    """Say who has the room for a while, and until when."""
    assert session.until is not None
    until = {"time": clock(session.until.astimezone(zone))}
    if session.kind == Taker.DRAFT:
        if session.is_mine:
            return _("your open form, until %(time)s") % until
        return _("somebody is filling in the form until %(time)s") % until
    if session.is_mine:
        return _("offered to you until %(time)s") % until
    return _("offered to somebody who waits, until %(time)s") % until


def _session_facts(session: BoardSession, zone: ZoneInfo) -> Iterable[str]:
    if session.until is not None:
        yield _until(session, zone)
    if session.kind == Taker.REQUEST:
        yield _("awaits approval")
    if session.room_count > 1:
        yield _("%(place)d of %(count)d rooms") % {"place": session.place, "count": session.room_count}
    if session.is_outside:
        yield _("from a mail calendar")
    elif session.title and session.people:
        yield ngettext("%(count)d person", "%(count)d people", session.people) % {"count": session.people}


def _session_label(session: BoardSession, zone: ZoneInfo, title: str, times: str, *, is_live: bool) -> Iterable[str]:
    yield title
    yield times
    if session.until is not None:
        yield _until(session, zone)
    if session.kind == Taker.REQUEST:
        yield _("awaits approval")
    if session.thread:
        letter = THREAD_LETTERS[session.thread - 1]
        joins = ngettext("joins %(count)d room", "joins %(count)d rooms", session.room_count)
        yield _("session %(letter)s") % {"letter": letter} + " " + joins % {"count": session.room_count}
    if session.is_outside:
        yield _("from a mail calendar")
    if session.is_repeated:
        yield _("a meeting of a series")
    if is_live:
        yield _("in progress")


def _classes(*names: str | bool) -> str:
    return " ".join(name for name in names if isinstance(name, str) and name)
