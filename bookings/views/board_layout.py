"""Arranges a day board: each room's day as free stretches and sessions in time order, and the threads between rooms.

Columns are five minutes wide and counted from grid line 2, since line 1 begins the column of room names. They become
the classes a-N and z-N of static/css/board-steps.css, because the CSP refuses style attributes.

All times here are whole seconds since 1970: a busy day has more than a thousand stretches.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from bookings.board import Board, BoardSession, Taker
from rooms.models import Room, Site

COLUMN = timedelta(minutes=5)
_COLUMN, _QUARTER = 300, 900
#: A shorter gap is nothing to book; it is left blank.
_SHORTEST_FREE = _QUARTER
_TINY, _LONG, _XLONG = 1800, 5400, 8100


class Segment(NamedTuple):
    """A stretch of a room's day.

    `kind`: session (whatever holds the room but a closure), closure, free, closed (outside opening hours), buffer
    (set-up or clearing), or past. What is left between them is blank.
    """

    begins: int
    ends: int
    kind: str
    #: First and last grid line.
    a: int
    z: int
    session: BoardSession | None = None
    #: The neighbouring row above or below, of the same site, belongs to the same session.
    up: bool = False
    down: bool = False

    @property
    def size(self) -> str:
        length = self.ends - self.begins
        if length <= _TINY:
            return "tiny"
        return "xlong" if length >= _XLONG else "long" if length >= _LONG else ""


def quarters(a: int, z: int) -> tuple[int, int]:
    """Return where a stretch between two grid lines stands for screen readers: its first column and how many it has.

    They are quarters of an hour, the column of names being 1.
    """
    first = 2 + (a - 2) // 3
    return first, max(1, 2 - ((2 - z) // 3) - first)


_Stretch = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Frame:
    """What all rows share. `future`: when a session could begin at the earliest, within the two.

    `open`: by site, within the frame.
    """

    begins: int
    ends: int
    future: int
    now: float
    open: dict[int, list[_Stretch]]


class Thread(NamedTuple):
    """A piece of the line that joins the rooms of a session. `part`: from, to or pass."""

    part: str
    thread: int
    a: int


class Join(NamedTuple):
    """Which neighbouring rows, of the same site, belong to a session of the row. `place`: among the row's sessions."""

    place: int
    up: bool
    down: bool


class Row(NamedTuple):
    """A room's day. All but `room` and `frame` can be compared with the same room's row on another page."""

    room: Room
    sessions: tuple[BoardSession, ...]
    joins: tuple[Join, ...]
    threads: tuple[Thread, ...]
    is_free_now: bool
    frame: Frame

    @property
    def segments(self) -> list[Segment]:
        """The day in pieces, worked out each time: rows that are drawn already are never asked."""
        found = _segments(self.frame, self.room, self.sessions)
        if not self.joins:
            return found
        joins = {id(self.sessions[join.place]): join for join in self.joins}
        return [
            item._replace(up=join.up, down=join.down)
            if item.session is not None and (join := joins.get(id(item.session)))
            else item
            for item in found
        ]


@dataclass(frozen=True, slots=True)
class Block:
    """A site's rows. `threads` cross the line with the site's name."""

    site: Site
    rows: tuple[Row, ...]
    threads: tuple[Thread, ...]

    @property
    def free_now(self) -> int:
        return sum(row.is_free_now for row in self.rows)


@dataclass(slots=True)
class _Span:
    """Where a session in several rooms stands among the rows shown."""

    thread: int
    a: int
    rows: list[int] = field(default_factory=list)

    def joins(self, rooms: Sequence[Room], upper: int, lower: int) -> bool:
        """Say whether it holds two neighbouring rows of one site."""
        return upper in self.rows and lower in self.rows and rooms[upper].site_id == rooms[lower].site_id


_Spans = dict[tuple[int | None, int, int], _Span]


def arrange(board: Board, rooms: Sequence[Room], *, now: datetime) -> list[Block]:
    """Return the rows of `rooms`, which are some or all of the board's, grouped by site in their order."""
    frame = _frame(board, now)
    spans = _find_spans(board, rooms, frame)
    threads = _draw_threads(spans, rooms)
    blocks: list[tuple[Site, int, list[Row]]] = []
    for index, room in enumerate(rooms):
        if not blocks or blocks[-1][0].pk != room.site_id:
            blocks.append((room.site, index, []))
        sessions = board.sessions.get(room.pk, ())
        joins = tuple(_joins(spans, rooms, index, sessions)) if spans else ()
        is_free = _is_free_now(frame.open.get(room.site_id, ()), sessions, frame.now)
        blocks[-1][2].append(Row(room, sessions, joins, tuple(threads[index].values()), is_free, frame))
    return [Block(site, tuple(rows), _crossing(spans, before=first)) for site, first, rows in blocks]


def is_free_now(board: Board, room: Room, *, now: datetime) -> bool:
    """Say whether the room is open and not held at this moment."""
    opened = [(_seconds(item.start_at), _seconds(item.end_at)) for item in board.open.get(room.site_id, ())]
    return _is_free_now(opened, board.sessions.get(room.pk, ()), now.timestamp())


def line_at(board: Board, at: datetime) -> int:
    """Return the grid line at or before an instant of the frame."""
    return 2 + (at - board.frame.start_at) // COLUMN


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def _frame(board: Board, now: datetime) -> Frame:
    begins, ends, at = _seconds(board.frame.start_at), _seconds(board.frame.end_at), now.timestamp()
    # Full quarters count from the beginning of the frame.
    future = begins if at <= begins else min(ends, begins - int((begins - at) // _QUARTER) * _QUARTER)
    opened = {
        site_id: [
            (max(begins, _seconds(item.start_at)), min(ends, _seconds(item.end_at)))
            for item in stretches
            if _seconds(item.start_at) < ends and _seconds(item.end_at) > begins
        ]
        for site_id, stretches in board.open.items()
    }
    return Frame(begins, ends, future, at, opened)


def _is_free_now(opened: Sequence[_Stretch], sessions: Sequence[BoardSession], at: float) -> bool:
    if not any(begins <= at < ends for begins, ends in opened):
        return False
    return not any(item.held_from <= at < item.held_to for item in sessions)


def _gaps(taken: Iterable[_Stretch], begins: int, ends: int) -> list[_Stretch]:
    """Return what none of `taken`, which is sorted, covers between the two."""
    found = []
    for start, end in taken:
        if start > begins:
            if start >= ends:
                break
            found.append((begins, start))
        begins = max(begins, end)
    if begins < ends:
        found.append((begins, ends))
    return found


_Piece = tuple[int, int, str, BoardSession | None]


def _segments(frame: Frame, room: Room, sessions: Sequence[BoardSession]) -> list[Segment]:
    first, last = frame.begins, frame.ends
    found = [
        piece
        for pieces in (_taken(sessions), _closed(frame, room, sessions), _free(frame, room, sessions))
        for piece in pieces
        if piece[0] < last and piece[1] > first
    ]
    found.sort(key=_begins)
    if frame.future > first:
        passed = _gaps([(begins, ends) for begins, ends, _kind, _session in found], first, frame.future)
        found += [(begins, ends, "past", None) for begins, ends in passed]
        found.sort(key=_begins)
    return [
        Segment(begins, ends, kind, 2 + (begins - first) // _COLUMN, 2 - (first - ends) // _COLUMN, session)
        for begins, ends, kind, session in (
            (max(piece[0], first), min(piece[1], last), piece[2], piece[3]) for piece in found
        )
    ]


def _begins(piece: _Piece) -> int:
    return piece[0]


def _taken(sessions: Sequence[BoardSession]) -> list[_Piece]:
    found: list[_Piece] = []
    buffers: list[_Stretch] = []
    for item in sessions:
        found.append((item.begins, item.ends, "closure" if item.kind is Taker.CLOSURE else "session", item))
        if item.held_from < item.begins:
            # What is cleared and set up again without a break is one stretch.
            touches = buffers and buffers[-1][1] == item.held_from
            buffers.append((buffers.pop()[0] if touches else item.held_from, item.begins))
        if item.ends < item.held_to:
            buffers.append((item.ends, item.held_to))
    return found + [(begins, ends, "buffer", None) for begins, ends in buffers]


def _closed(frame: Frame, room: Room, sessions: Sequence[BoardSession]) -> Iterable[_Piece]:
    for begins, ends in _gaps(frame.open.get(room.site_id, []), frame.begins, frame.ends):
        for gap in _gaps([(item.held_from, item.held_to) for item in sessions], begins, ends):
            yield (*gap, "closed", None)


def _free(frame: Frame, room: Room, sessions: Sequence[BoardSession]) -> Iterable[_Piece]:
    # What a new session needs before and after itself is not free.
    before, after = int(room.clearing.total_seconds()), int(room.setup.total_seconds())
    blocked = [(item.held_from - before, item.held_to + after) for item in sessions]
    for begins, ends in frame.open.get(room.site_id, []):
        for gap in _gaps(blocked, max(begins, frame.future), ends):
            if gap[1] - gap[0] >= _SHORTEST_FREE:
                yield (*gap, "free", None)


def _joins(spans: _Spans, rooms: Sequence[Room], index: int, sessions: Iterable[BoardSession]) -> Iterable[Join]:
    for place, session in enumerate(sessions):
        if session.thread and (span := spans.get(_key(session))):
            up, down = span.joins(rooms, index - 1, index), span.joins(rooms, index, index + 1)
            if up or down:
                yield Join(place, up, down)


def _key(session: BoardSession) -> tuple[int | None, int, int]:
    """Tell meetings apart, two of one series on the same day included."""
    return session.booking_id, session.begins, session.ends


def _find_spans(board: Board, rooms: Sequence[Room], frame: Frame) -> _Spans:
    spans: _Spans = {}
    for index, room in enumerate(rooms):
        for session in board.sessions.get(room.pk, ()):
            if session.thread and session.begins < frame.ends and session.ends > frame.begins:
                a = 2 + (max(session.begins, frame.begins) - frame.begins) // _COLUMN
                spans.setdefault(_key(session), _Span(session.thread, a)).rows.append(index)
    return spans


def _draw_threads(spans: _Spans, rooms: Sequence[Room]) -> list[dict[tuple[str, int], Thread]]:
    """Return the lines of each row: past it, or out of and into its own session where no neighbour is merged.

    Lines that pass in the same place are drawn as one.
    """
    drawn: list[dict[tuple[str, int], Thread]] = [{} for _ in rooms]
    for span in spans.values():
        first, last = span.rows[0], span.rows[-1]
        passing = Thread("pass", span.thread, span.a)
        for index in range(first, last + 1) if first < last else ():
            if index not in span.rows:
                drawn[index]["pass", span.a] = passing
                continue
            if index < last and not span.joins(rooms, index, index + 1):
                drawn[index]["from", span.a] = Thread("from", span.thread, span.a)
            if index > first and not span.joins(rooms, index - 1, index):
                drawn[index]["to", span.a] = Thread("to", span.thread, span.a)
    return drawn


def _crossing(spans: _Spans, *, before: int) -> tuple[Thread, ...]:
    """Return the lines that cross the heading above row `before`."""
    passing = (span for span in spans.values() if span.rows[0] < before <= span.rows[-1])
    return tuple({span.a: Thread("pass", span.thread, span.a) for span in passing}.values())
