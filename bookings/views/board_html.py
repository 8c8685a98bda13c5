"""Writes the rows of the board as HTML, in one go and with words that were looked up once.

A busy day has a thousand stretches; a template takes ten times as long for them as all the rest of the page does. What
people typed goes through `escape` here, each piece once, where it is put in. A row that was drawn before, of the same
room and day with the same sessions as this reader may see them, is not drawn again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache, lru_cache, partial
from html import escape
from typing import Any

from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from accounts.templatetags.icons import icon
from bookings.board import Board, BoardSession, Taker, whole_day
from bookings.board_kept import Latest
from bookings.models import THREAD_LETTERS
from bookings.views.board_cells import (
    USUAL_LENGTH,
    equipment_name,
    length_in_words,
    reason_of,
    seats_in_words,
    session_title,
    site_name,
    until_in_words,
)
from bookings.views.board_layout import Block, Row, Segment, Thread, quarters
from bookings.wording import clock, interval_range
from rooms.interval import Interval
from rooms.models import Equipment
from rooms.permissions import SiteRoles

_DAY = 86_400
# A row of a busy day takes 4 kB.
_drawn: Latest[tuple[Any, ...], bytes] = Latest(most=2000)
_USUAL = int(USUAL_LENGTH.total_seconds())


class Access(Enum):
    """How the reader gets a room: at once, when a manager has agreed, or not at all."""

    AT_ONCE = "at once"
    ASKED = "asked"
    NONE = "none"


class Clock:
    """Says times of one day, each once. Times are whole seconds since 1970."""

    def __init__(self, board: Board) -> None:
        span = whole_day(board.day, board.zone)
        self._zone = board.zone
        self._midnight, self._ends = int(span.start_at.timestamp()), int(span.end_at.timestamp())
        # On a day on which no clock is changed, the wall clock is what has passed since midnight.
        self._is_plain = span.duration == timedelta(days=1)
        self._clocks: dict[int, str] = {}
        self._ranges: dict[tuple[int, int], str] = {}

    def at(self, at: int) -> str:
        """Return „9:00”; the midnight that ends the day is 0:00."""
        found = self._clocks.get(at)
        if found is None:
            passed = at - self._midnight
            if self._is_plain and 0 <= passed < _DAY:
                found = f"{passed // 3600}:{passed // 60 % 60:02d}"
            else:
                found = clock(_instant(at).astimezone(self._zone))
            self._clocks[at] = found
        return found

    def end(self, at: int) -> str:
        """Return the end of a stretch of this day; the booking form reads 0:00 as the beginning of the day."""
        return "24:00" if at >= self._ends else self.at(at)

    def span(self, begins: int, ends: int) -> str:
        """Return „9:00–10:30”; what goes on over midnight says on which day it ends."""
        found = self._ranges.get((begins, ends))
        if found is None:
            if self._is_plain and self._midnight <= begins and ends < self._midnight + _DAY:
                found = f"{self.at(begins)}–{self.at(ends)}"
            else:
                found = interval_range(Interval(_instant(begins), _instant(ends)), self._zone)
            self._ranges[begins, ends] = found
        return found


def _instant(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)


class Words:
    """What rows say, in the reader's language and looked up once; with the icons."""

    def __init__(self) -> None:
        self.closed, self.past = escape(_("closed")), escape(_("Past, no session"))
        self.buffer = escape(_("set-up or clearing"))
        self.free = {
            Access.AT_ONCE: _("free %(length)s"),
            Access.ASKED: _("free %(length)s, needs approval"),
            Access.NONE: _("free %(length)s"),
        }
        self.free_label = {
            Access.AT_ONCE: _(", %(times)s, %(room)s"),
            Access.ASKED: _(", %(times)s, %(room)s"),
            Access.NONE: _(", %(times)s, %(room)s, booked by staff of a site only"),
        }
        self.unusable = _("%(times)s, can't be used: %(reason)s")
        self.private = icon("lock", label=_("closed session"))
        self.mine = icon("user", label=_("your session"))
        self.repeated = icon("repeat", label=_("a meeting of a series"))
        self.series, self.in_progress = _("a meeting of a series"), _("in progress")
        self.live = f'<span class="sr-only">, {escape(self.in_progress)}</span>'
        self.outside, self.awaits = _("from a mail calendar"), _("awaits approval")
        self.place, self.letter = _("%(place)d of %(count)d rooms"), _("session %(letter)s")


@lru_cache(maxsize=8)
def _words(_language: str, _icons: str) -> Words:
    return Words()


class Pen:
    """What all rows of one page share, looked up once.

    `is_dense`: rows are too low for more than a line, and say nothing of the equipment.
    """

    def __init__(self, board: Board, *, roles: SiteRoles, now: datetime, is_dense: bool = False) -> None:
        self._board, self._roles, self._now, self._is_dense = board, roles, now.timestamp(), is_dense
        self._shows_now = board.frame.contains(now)
        # What rows are drawn from besides what is their own; opening hours belong to the office.
        self._key = (board.office, get_language(), board.day, board.zone, is_dense)
        self._words = _words(get_language(), static("icons.svg"))
        self._clock = Clock(board)
        self._booking = f"{reverse('booking_new')}?day={board.day.isoformat()}&amp;room="
        # Addresses of sessions differ by number only.
        self._session_url = reverse("booking_show", args=["N-0"]).partition("N-0")
        # Said once for all that are alike, since many rooms and stretches are; in the language of this page.
        self._size = cache(lambda seats: escape(seats_in_words(seats)))
        self._count, self._joined = cache(_people_in_words), cache(_joined_in_words)
        self._free_text = cache(partial(_free_in_words, self._words))
        self._equipment: dict[int, str] = {}

    def _kept_row(self, row: Row, address: str) -> bytes:
        """Return the row as it was drawn before, if it was, and as it is sent."""
        roles, room = self._roles, row.room
        access = Access.AT_ONCE if roles.may_book(room) else Access.ASKED if roles.may_ask(room) else Access.NONE
        live = tuple([self._is_live(item) for item in row.sessions]) if self._shows_now else ()
        hours = (row.frame.begins, row.frame.ends, row.frame.future)
        key = (self._key, hours, room.pk, access, row.sessions, row.joins, row.threads, live)
        found = _drawn.get(key)
        if found is None:
            found = self._row(row, address, access).encode()
            _drawn.keep(key, found)
        return found

    def rows(self, blocks: Iterable[Block]) -> bytes:
        """Return the rows of all sites, each under its name, as they are sent."""
        lines: list[bytes] = []
        for block in blocks:
            address = ", ".join(filter(None, [block.site.name, block.site.address]))
            lines.append(self._heading(block).encode())
            lines += [self._kept_row(row, address) for row in block.rows]
            lines.append(b"</div>")
        return b"\n".join(lines)

    def _heading(self, block: Block) -> str:
        count = len(block.rows)
        summary = ngettext("%(count)d room", "%(count)d rooms", count) % {"count": count}
        if self._shows_now:
            summary = _("%(rooms)s, free now: %(free)d") % {"rooms": summary, "free": block.free_now}
        name = escape(site_name(block.site))
        return (
            f'<div role="rowgroup" aria-label="{name}" data-block="{block.site.pk}">\n'
            '<div class="board__site" role="row"><div class="board__sitename" role="rowheader">'
            f"<strong data-site>{name}</strong><span data-summary>{escape(summary)}</span></div>"
            f"{_lines(block.threads)}</div>"
        )

    def _row(self, row: Row, address: str, access: Access) -> str:
        room, pk = row.room, row.room.pk
        name = escape(room.name)
        cells = "".join([self._cell(pk, name, item, access) for item in row.segments])
        return (
            f'<div class="board__row" role="row" id="room-{pk}">'
            f'<div class="board__room" role="rowheader"><strong class="board__name" title="{name}, {escape(address)}">'
            f'{name}</strong><span class="board__meta"><span>{escape(seats_in_words(room.seats))}</span>'
            f"{'' if self._is_dense else self._icons(room.equipment.all())}</span></div>\n"
            f"{cells}{_lines(row.threads)}</div>"
        )

    def _icons(self, equipment: Iterable[Equipment]) -> str:
        for item in equipment:
            if item.pk not in self._equipment:
                self._equipment[item.pk] = icon(item.icon, label=equipment_name(item)) if item.icon else ""
        return "".join(self._equipment[item.pk] for item in equipment)

    def _cell(self, room_id: int, room: str, at: Segment, access: Access) -> str:
        """Return a stretch. `room`: the name of the room, escaped."""
        css, kind = "cell", at.kind
        if kind == "session":
            assert at.session is not None
            thread = f" th-{at.session.thread}" if at.down and at.session.thread else ""
            css += (" cell--up" if at.up else "") + (" cell--down" if at.down else "") + thread
            inner = self._session(at, at.session)
        elif kind == "free":
            css += f" cell--{size}" if (size := at.size) else ""
            inner = self._free_stretch(room_id, room, at, access)
        elif kind == "closure":
            css += " cell--closed cell--closure"
            inner = self._closure(at)
        else:
            css += f" cell--{kind}"
            inner = self._plain(kind)
        return f'<div class="{css}{_place(at.a, at.z)}>{inner}</div>\n'

    def _plain(self, kind: str) -> str:
        if kind == "closed":
            return f"<small><span>{self._words.closed}</span></small>"
        if kind == "buffer":
            return f'<span class="sr-only">{self._words.buffer}</span>'
        return f'<span class="sr-only">{self._words.past}</span>'

    def _closure(self, at: Segment) -> str:
        assert at.session is not None
        reason = reason_of(at.session)
        label = self._words.unusable % {"times": self._clock.span(at.begins, at.ends), "reason": reason}
        reason, label = escape(reason), escape(label)
        return (
            f'<small class="closure" data-stop title="{reason}, {label}"><span>{reason}</span>'
            f'<span class="sr-only">, {label}</span></small>'
        )

    def _free_stretch(self, room_id: int, room: str, at: Segment, access: Access) -> str:
        times, begins, ends = self._clock, at.begins, at.ends
        text = self._free_text(ends - begins, access)
        label = self._words.free_label[access] % {"times": times.span(begins, ends), "room": room}
        if access is Access.NONE:
            return f'<span class="free free--ask" data-stop>{text}<span class="sr-only">{label}</span></span>'
        css = "free" if access is Access.AT_ONCE else "free free--ask"
        start = times.at(begins)
        query = f"{room_id}&amp;start={start}&amp;end={times.end(min(ends, begins + _USUAL))}"
        return (
            f'<a class="{css}" href="{self._booking}{query}" data-from="{start}" data-to="{times.at(ends)}">'
            f'<span>{text}</span><span class="sr-only">{label}</span></a>'
        )

    def _session(self, at: Segment, session: BoardSession) -> str:
        is_tentative = session.kind is not Taker.SESSION
        is_live = self._is_live(session)
        times = self._clock.span(session.begins, session.ends)
        title = escape(session_title(session))
        letter = THREAD_LETTERS[session.thread - 1] if session.thread else ""
        badge = f'<span class="badge">{letter}</span>' if letter else ""
        facts = " · ".join([times, *self._facts(session)])
        inner = (
            f'<span class="sess__t">{badge}{self._marks(session)}<span>{title}</span></span>'
            f'<span class="sess__m">{facts}</span>{self._words.live if is_live else ""}'
        )
        # Rooms of one session are shown together, and who has booked finds the session.
        key = f' data-session="{session.booking_id}"' if letter or session.is_mine else ""
        # What the text says is not said twice: board.js makes a hint of it where a pointer rests.
        more = ", ".join(self._more(session, letter, is_live=is_live))
        hint = f' title="{title}, {times}, {more}"' if more else ""
        css = _session_css(at, session, letter, is_tentative=is_tentative, is_live=is_live)
        if session.number:
            before, _number, after = self._session_url
            of_day = f"?spotkanie={session.on.isoformat()}" if session.is_repeated and session.on else ""
            return f'<a href="{before}{session.number}{after}{of_day}" class="{css}"{key}{hint}>{inner}</a>'
        return f'<span data-stop class="{css}"{key}{hint}>{inner}</span>'

    def _marks(self, session: BoardSession) -> str:
        marks = self._words.private if session.is_private else ""
        marks += self._words.mine if session.is_mine else ""
        marks += self._words.repeated if session.is_repeated else ""
        return f'<span class="sess__marks">{marks}</span>' if marks else ""

    def _is_live(self, session: BoardSession) -> bool:
        return session.kind is Taker.SESSION and session.begins <= self._now < session.ends

    def _facts(self, session: BoardSession) -> Iterable[str]:
        if session.until is not None:
            yield until_in_words(session, self._board.zone)
        if session.kind is Taker.REQUEST:
            yield self._words.awaits
        if session.room_count > 1:
            yield self._words.place % {"place": session.place, "count": session.room_count}
        if session.is_outside:
            yield self._words.outside
        elif session.title and session.people:
            yield self._count(session.people)

    def _more(self, session: BoardSession, letter: str, *, is_live: bool) -> Iterable[str]:
        """Yield what a pointer and a screen reader are told beside title and times."""
        if session.until is not None:
            yield until_in_words(session, self._board.zone)
        if session.kind is Taker.REQUEST:
            yield self._words.awaits
        if letter:
            yield f"{self._words.letter % {'letter': letter}} {self._joined(session.room_count)}"
        if session.is_outside:
            yield self._words.outside
        if session.is_repeated:
            yield self._words.series
        if is_live:
            yield self._words.in_progress


def _free_in_words(words: Words, seconds: int, access: Access) -> str:
    return words.free[access] % {"length": length_in_words(timedelta(seconds=seconds))}


def _people_in_words(people: int) -> str:
    return ngettext("%(count)d person", "%(count)d people", people) % {"count": people}


def _joined_in_words(rooms: int) -> str:
    return ngettext("joins %(count)d room", "joins %(count)d rooms", rooms) % {"count": rooms}


@lru_cache(maxsize=2048)
def _place(a: int, z: int) -> str:
    """Return what a cell between two grid lines says of its place, the end of its class before it."""
    column, columns = quarters(a, z)
    span = f' aria-colspan="{columns}"' if columns > 1 else ""
    return f' a-{a} z-{z}" role="gridcell" aria-colindex="{column}"{span}'


def _session_css(at: Segment, session: BoardSession, letter: str, *, is_tentative: bool, is_live: bool) -> str:
    css = f"sess th-{session.thread}" if session.thread else "sess"
    if session.is_private and not letter and not is_tentative:
        css += " sess--private"
    css += (" sess--hold" if is_tentative else "") + (" sess--live" if is_live else "")
    return css + (" sess--up" if at.up else "") + (" sess--down" if at.down else "")


def _lines(threads: Iterable[Thread]) -> str:
    return "".join(f'<i class="thread thread--{item.part} th-{item.thread} a-{item.a}"></i>' for item in threads)
