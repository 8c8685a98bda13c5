"""Arranges a day board: each room's day as free stretches and sessions in time order, and the threads between rooms.

Columns are five minutes wide and counted from grid line 2, since line 1 begins the column of room names. They become
the classes a-N and z-N of static/css/board-steps.css, because the CSP refuses style attributes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bookings.board import Board, BoardSession, Taker
from rooms.interval import Interval, gaps
from rooms.models import Room, Site

COLUMN = timedelta(minutes=5)
QUARTER = timedelta(minutes=15)
#: A shorter gap is nothing to book; it is left blank.
SHORTEST_FREE = QUARTER
_TINY, _LONG, _XLONG = timedelta(minutes=30), timedelta(minutes=90), timedelta(minutes=135)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a room's day.

    `kind`: session (whatever holds the room but a closure), closure, free, closed (outside opening hours), buffer
    (set-up or clearing), past, or gap.
    """

    kind: str
    interval: Interval
    #: First and last grid line.
    a: int
    z: int
    #: For screen readers: the first quarter of an hour and how many, the column of names being 1.
    column: int
    columns: int
    session: BoardSession | None = None
    #: The neighbouring row above or below, of the same site, belongs to the same session.
    up: bool = False
    down: bool = False

    @property
    def size(self) -> str:
        length = self.interval.duration
        if length <= _TINY:
            return "tiny"
        return "xlong" if length >= _XLONG else "long" if length >= _LONG else ""


@dataclass(frozen=True, slots=True)
class Thread:
    """A piece of the line that joins the rooms of a session. `part`: from, to or pass."""

    part: str
    thread: int
    a: int


@dataclass(frozen=True, slots=True)
class Row:
    room: Room
    segments: tuple[Segment, ...]
    threads: tuple[Thread, ...]
    is_free_now: bool


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


_Spans = dict[tuple[int | None, Interval], _Span]


def arrange(board: Board, rooms: Sequence[Room], *, now: datetime) -> list[Block]:
    """Return the rows of `rooms`, which are some or all of the board's, grouped by site in their order."""
    spans = _find_spans(board, rooms)
    blocks: list[tuple[Site, int, list[Row]]] = []
    for index, room in enumerate(rooms):
        if not blocks or blocks[-1][0].pk != room.site_id:
            blocks.append((room.site, index, []))
        blocks[-1][2].append(_arrange_row(board, rooms, index, spans, now=now))
    return [Block(site, tuple(rows), _crossing(spans, before=first)) for site, first, rows in blocks]


def is_free_now(board: Board, room: Room, *, now: datetime) -> bool:
    """Say whether the room is open and not held at this moment."""
    is_open = any(stretch.contains(now) for stretch in board.open.get(room.site_id, ()))
    return is_open and not any(item.held.contains(now) for item in board.sessions.get(room.pk, ()))


def line_at(board: Board, at: datetime) -> int:
    """Return the grid line at or before an instant of the frame."""
    return 2 + (at - board.frame.start_at) // COLUMN


def _arrange_row(board: Board, rooms: Sequence[Room], index: int, spans: _Spans, *, now: datetime) -> Row:
    room = rooms[index]
    sessions = board.sessions.get(room.pk, ())
    segments = sorted(_segments(board, room, sessions, now=now), key=lambda item: item[0])
    return Row(
        room=room,
        segments=tuple(_placed(board, rooms, index, spans, item) for item in segments),
        threads=tuple(_threads(spans, rooms, index)),
        is_free_now=is_free_now(board, room, now=now),
    )


_Piece = tuple[Interval, str, BoardSession | None]


def _segments(board: Board, room: Room, sessions: Sequence[BoardSession], *, now: datetime) -> list[_Piece]:
    frame = board.frame
    pieces: list[_Piece] = [(item, _kind(session), session) for session in sessions if (item := _clip(session, frame))]
    held = [session.held for session in sessions]
    for session in sessions:
        pieces += [(item, "buffer", None) for item in gaps([session.interval], within=session.held)]
    pieces = [(part, kind, session) for item, kind, session in pieces if (part := item.clipped(frame))]
    opened = board.open.get(room.site_id, ())
    closed = [part for item in gaps(opened, within=frame) for part in gaps(held, within=item)]
    pieces += [(item, "closed", None) for item in closed]
    # What a new session needs before and after itself is not free.
    blocked = [item.widened(before=room.clearing, after=room.setup) for item in held]
    begins = _next_quarter(board, now)
    for stretch in opened:
        future = stretch.clipped(Interval(begins, max(frame.end_at, begins + COLUMN)))
        if future:
            free = gaps(blocked, within=future)
            pieces += [(item, "free", None) for item in free if item.duration >= SHORTEST_FREE]
    rest = gaps([item for item, _kind, _session in pieces], within=frame)
    return pieces + [piece for item in rest for piece in _passed(item, begins)]


def _kind(session: BoardSession) -> str:
    return "closure" if session.kind == Taker.CLOSURE else "session"


def _clip(session: BoardSession, frame: Interval) -> Interval | None:
    return session.interval.clipped(frame)


def _next_quarter(board: Board, now: datetime) -> datetime:
    """Return when a session could begin at the earliest: full quarters count from the beginning of the frame."""
    if now <= board.frame.start_at:
        return board.frame.start_at
    return board.frame.start_at - ((board.frame.start_at - now) // QUARTER) * QUARTER


def _passed(item: Interval, begins: datetime) -> Iterable[_Piece]:
    """Split a stretch with nothing in it where the future begins."""
    if item.end_at <= begins:
        return [(item, "past", None)]
    if item.start_at >= begins:
        return [(item, "gap", None)]
    return [(Interval(item.start_at, begins), "past", None), (Interval(begins, item.end_at), "gap", None)]


def _placed(board: Board, rooms: Sequence[Room], index: int, spans: _Spans, piece: _Piece) -> Segment:
    interval, kind, session = piece
    start, end = interval.start_at - board.frame.start_at, interval.end_at - board.frame.start_at
    column = 2 + start // QUARTER
    span = spans.get(_key(session)) if session else None
    return Segment(
        kind=kind,
        interval=interval,
        a=2 + start // COLUMN,
        z=2 - (-end // COLUMN),
        column=column,
        columns=max(1, 2 - (-end // QUARTER) - column),
        session=session,
        up=span is not None and _are_neighbours(rooms, span, index - 1, index),
        down=span is not None and _are_neighbours(rooms, span, index, index + 1),
    )


def _key(session: BoardSession) -> tuple[int | None, Interval]:
    """Tell meetings apart, two of one series on the same day included."""
    return session.booking_id, session.interval


def _find_spans(board: Board, rooms: Sequence[Room]) -> _Spans:
    spans: _Spans = {}
    for index, room in enumerate(rooms):
        for session in board.sessions.get(room.pk, ()):
            if session.thread and session.interval.overlaps(board.frame):
                begins = max(session.interval.start_at, board.frame.start_at)
                span = spans.setdefault(_key(session), _Span(session.thread, line_at(board, begins)))
                span.rows.append(index)
    return spans


def _are_neighbours(rooms: Sequence[Room], span: _Span, upper: int, lower: int) -> bool:
    return upper in span.rows and lower in span.rows and rooms[upper].site_id == rooms[lower].site_id


def _threads(spans: _Spans, rooms: Sequence[Room], index: int) -> Iterable[Thread]:
    """Draw the line through a row: past it, or out of and into its own session where no neighbour is merged."""
    for span in spans.values():
        first, last = span.rows[0], span.rows[-1]
        if not first <= index <= last or first == last:
            continue
        if index not in span.rows:
            yield Thread("pass", span.thread, span.a)
            continue
        if index < last and not _are_neighbours(rooms, span, index, index + 1):
            yield Thread("from", span.thread, span.a)
        if index > first and not _are_neighbours(rooms, span, index - 1, index):
            yield Thread("to", span.thread, span.a)


def _crossing(spans: _Spans, *, before: int) -> tuple[Thread, ...]:
    """Return the lines that cross the heading above row `before`."""
    return tuple(
        Thread("pass", span.thread, span.a) for span in spans.values() if span.rows[0] < before <= span.rows[-1]
    )
