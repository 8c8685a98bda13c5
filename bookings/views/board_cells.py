"""Says what the board shows in words: hours, licences, lengths, and what holds a room."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from bookings.board import Board, BoardSession, Taker
from bookings.views.licence_marks import licence_mark
from bookings.wording import clock, interval_range, whole_minute
from rooms.interval import Interval
from rooms.models import Equipment, Site

USUAL_LENGTH = timedelta(hours=1)


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


def site_name(site: Site) -> str:
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


def axis_html(axis: Iterable[HourView]) -> SafeString:
    """Return the cells of the axis, in one go like the rows."""
    return SafeString(
        "".join(
            [
                f'<div class="board__hour a-{hour.a}{" is-past" if hour.is_past else ""}" role="columnheader"'
                f' aria-colindex="{hour.column}" aria-colspan="4">{hour.label}</div>'
                for hour in axis
            ]
        )
    )


def licences_html(axis: Iterable[HourView]) -> SafeString:
    """Return the cells of the licences in use, none where the office has no pool."""
    full = escape(pgettext("licences", "full"))
    return SafeString("".join([_licence_cell(hour, full) for hour in axis if hour.licence_label]))


def _licence_cell(hour: HourView, full: str) -> str:
    label = escape(hour.licence_label)
    state, more = (f" lic--{hour.state}", f" {full}" if hour.state == "full" else "") if hour.state else ("", "")
    return (
        f'<div class="lic a-{hour.a} v-{hour.tenths}{state}" role="gridcell" aria-colindex="{hour.column}"'
        f' aria-colspan="4" aria-label="{label}" title="{label}"><span class="lic__n">{hour.in_use}{more}</span>'
        '<span class="lic__ticks"></span></div>'
    )


def _licence(board: Board, position: int) -> dict[str, Any]:
    if position >= len(board.licences):
        return {}
    hour = board.licences[position]
    mark = licence_mark(hour.in_use, hour.granted)
    return {
        "in_use": hour.in_use,
        "tenths": mark.tenths,
        "state": mark.state,
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


def reason_of(closure: BoardSession) -> str:
    return closure.title_en if closure.title_en and get_language() == "en" else closure.title


def session_title(session: BoardSession) -> str:
    """Say what holds the room; for what is not certain yet, with the word for that."""
    if session.kind is Taker.SESSION and session.title:
        return session.title
    if session.kind == Taker.OFFER:
        return _("Taken")
    if session.kind == Taker.CANCELLED:
        return _("Session being cancelled")
    if session.kind == Taker.DRAFT:
        return _("Tentative booking")
    if session.kind == Taker.REQUEST:
        if not session.title:
            return _("Tentative booking, closed session")
        return _("Tentative booking: %(title)s") % {"title": session.title}
    return session.title or _("Hearing, closed session")


def until_in_words(session: BoardSession, zone: ZoneInfo) -> str:
    """Say who has the room for a while, and until when."""
    assert session.until is not None
    if session.kind == Taker.CANCELLED:
        free_at = {"time": clock(whole_minute(session.until).astimezone(zone))}
        if session.is_mine:
            return _("you can undo it; the room comes free at %(time)s") % free_at
        return _("the room may be free from %(time)s") % free_at
    until = {"time": clock(session.until.astimezone(zone))}
    if session.kind == Taker.DRAFT:
        if session.is_mine:
            return _("your open form, until %(time)s") % until
        return _("somebody is filling in the form until %(time)s") % until
    if session.is_mine:
        return _("offered to you until %(time)s") % until
    return _("offered to somebody who waits, until %(time)s") % until
