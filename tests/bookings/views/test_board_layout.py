"""The board's arithmetic: what a room's day is made of, in which columns, and how threads run."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bookings.board import Board, BoardSession
from bookings.views.board_layout import Row, arrange, quarters
from rooms.interval import Interval
from rooms.models import Room, Site

_WARSAW = ZoneInfo("Europe/Warsaw")
_DAY = date(2026, 11, 24)
_KOS, _TAB = Site(pk=1, code="KOS", name="Koszykowa"), Site(pk=2, code="TAB", name="Taborowa")
#: Before the day begins, so that nothing has passed.
_EARLY = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 24, hour, minute, tzinfo=_WARSAW)


def _room(pk: int, site: Site = _KOS, **fields: timedelta) -> Room:
    return Room(pk=pk, site=site, code=str(pk), name=f"Sala {pk}", seats=10, **fields)


def _session(room: Room, start: datetime, end: datetime, booking: int = 1, **fields: Any) -> BoardSession:
    begins, ends = int(start.timestamp()), int(end.timestamp())
    defaults: dict[str, Any] = {
        "booking_id": booking,
        "number": "N-2026-00001",
        "title": "Konsultacje",
        "is_private": False,
        "is_mine": False,
        "begins": begins,
        "ends": ends,
        "held_from": begins - int(room.setup.total_seconds()),
        "held_to": ends + int(room.clearing.total_seconds()),
        "room_id": room.pk,
        "thread": None,
        "place": 1,
        "room_count": 1,
        "people": 2,
    }
    return BoardSession(**{**defaults, **fields})


def _board(rooms: list[Room], sessions: list[BoardSession], *, opens: int = 7, closes: int = 18) -> Board:
    by_room: dict[int, tuple[BoardSession, ...]] = {}
    for session in sessions:
        by_room[session.room_id] = (*by_room.get(session.room_id, ()), session)
    opening = (Interval(_at(opens), _at(closes)),)
    return Board(
        day=_DAY,
        zone=_WARSAW,
        frame=Interval(_at(7), _at(18)),
        rooms=tuple(rooms),
        sessions=by_room,
        open={_KOS.pk: opening, _TAB.pk: opening},
        licences=(),
    )


def _rows(board: Board, *, now: datetime = _EARLY) -> list[Row]:
    return [row for block in arrange(board, board.rooms, now=now) for row in block.rows]


def _shape(row: Row) -> list[tuple[str, str]]:
    def clock(at: int) -> str:
        return f"{datetime.fromtimestamp(at, _WARSAW):%H:%M}"

    return [(item.kind, f"{clock(item.begins)}-{clock(item.ends)}") for item in row.segments]


def _threads(row: Row) -> list[str]:
    return [thread.part for thread in row.threads]


def test_an_empty_day_is_one_free_stretch_over_all_columns() -> None:
    (row,) = _rows(_board([_room(1)], []))
    assert _shape(row) == [("free", "07:00-18:00")]
    assert (row.segments[0].a, row.segments[0].z) == (2, 134)
    assert quarters(row.segments[0].a, row.segments[0].z) == (2, 44)


def test_sessions_that_touch_leave_nothing_between_them() -> None:
    room = _room(1)
    sessions = [_session(room, _at(9), _at(10)), _session(room, _at(10), _at(11), 2)]
    (row,) = _rows(_board([room], sessions))
    assert _shape(row) == [
        ("free", "07:00-09:00"),
        ("session", "09:00-10:00"),
        ("session", "10:00-11:00"),
        ("free", "11:00-18:00"),
    ]
    assert [(item.a, item.z) for item in row.segments] == [(2, 26), (26, 38), (38, 50), (50, 134)]


def test_what_has_passed_is_not_free_and_the_rest_begins_at_a_full_quarter() -> None:
    (row,) = _rows(_board([_room(1)], []), now=_at(10, 42))
    assert _shape(row) == [("past", "07:00-10:45"), ("free", "10:45-18:00")]
    (row,) = _rows(_board([_room(1)], []), now=_at(10, 45))
    assert _shape(row) == [("past", "07:00-10:45"), ("free", "10:45-18:00")]
    (row,) = _rows(_board([_room(1)], []), now=_at(18))
    assert _shape(row) == [("past", "07:00-18:00")]


def test_closed_hours_are_shown_and_not_free() -> None:
    (row,) = _rows(_board([_room(1)], [], opens=8, closes=16))
    assert _shape(row) == [("closed", "07:00-08:00"), ("free", "08:00-16:00"), ("closed", "16:00-18:00")]


def test_set_up_and_clearing_of_both_neighbours_are_not_free() -> None:
    quarter = timedelta(minutes=15)
    room = _room(1, setup=quarter, clearing=quarter)
    (row,) = _rows(_board([room], [_session(room, _at(10), _at(11))]))
    # 9:30 to 9:45 is what another session needs to be cleared before this one's set-up.
    assert _shape(row) == [
        ("free", "07:00-09:30"),
        ("buffer", "09:45-10:00"),
        ("session", "10:00-11:00"),
        ("buffer", "11:00-11:15"),
        ("free", "11:30-18:00"),
    ]


def test_less_than_a_quarter_is_left_blank() -> None:
    room = _room(1)
    sessions = [_session(room, _at(9), _at(10)), _session(room, _at(10, 10), _at(18), 2)]
    (row,) = _rows(_board([room], sessions))
    assert _shape(row) == [("free", "07:00-09:00"), ("session", "09:00-10:00"), ("session", "10:10-18:00")]


def test_clearing_and_setting_up_without_a_break_are_one_stretch() -> None:
    quarter = timedelta(minutes=15)
    room = _room(1, setup=quarter, clearing=quarter)
    sessions = [_session(room, _at(10), _at(11)), _session(room, _at(11, 30), _at(17), 2)]
    (row,) = _rows(_board([room], sessions))
    assert _shape(row)[2:5] == [
        ("session", "10:00-11:00"),
        ("buffer", "11:00-11:30"),
        ("session", "11:30-17:00"),
    ]


def test_lines_that_pass_in_the_same_place_are_one() -> None:
    rooms = [_room(1), _room(2), _room(3), _room(4), _room(5)]
    other = [item._replace(booking_id=2, thread=2) for item in _joined(rooms[1], rooms[4])]
    passed = _rows(_board(rooms, [*_joined(rooms[0], rooms[3]), *other]))[2]
    assert _threads(passed) == ["pass"]


def test_a_session_beyond_the_frame_is_cut_to_it() -> None:
    room = _room(1)
    (row,) = _rows(_board([room], [_session(room, _at(6), _at(8))]))
    assert _shape(row) == [("session", "07:00-08:00"), ("free", "08:00-18:00")]


def _joined(*rooms: Room) -> list[BoardSession]:
    count = len(rooms)
    return [
        _session(room, _at(11), _at(12), thread=1, place=place, room_count=count)
        for place, room in enumerate(rooms, start=1)
    ]


def test_a_thread_leaves_its_first_room_passes_others_and_ends_in_its_last() -> None:
    rooms = [_room(1), _room(2), _room(3, _TAB), _room(4, _TAB), _room(5, _TAB)]
    board = _board(rooms, _joined(rooms[0], rooms[2], rooms[4]))
    first, passed, middle, passed_again, last = _rows(board)
    parts = [_threads(row) for row in (first, passed, middle, passed_again, last)]
    assert parts == [["from"], ["pass"], ["from", "to"], ["pass"], ["to"]]
    assert {thread.a for row in (first, middle, last) for thread in row.threads} == {50}
    koszykowa, taborowa = arrange(board, rooms, now=_EARLY)
    assert (len(koszykowa.threads), len(taborowa.threads)) == (0, 1)


def test_neighbours_of_one_site_merge_and_need_no_line() -> None:
    rooms = [_room(1), _room(2), _room(3, _TAB)]
    upper, lower, other_site = _rows(_board(rooms, _joined(*rooms)))
    assert [_threads(row) for row in (upper, lower, other_site)] == [[], ["from"], ["to"]]
    merged = [next(item for item in row.segments if item.session) for row in (upper, lower, other_site)]
    assert [(item.up, item.down) for item in merged] == [(False, True), (True, False), (False, False)]


def test_a_session_with_one_room_left_by_the_filters_has_no_thread() -> None:
    rooms = [_room(1), _room(2)]
    board = _board(rooms, _joined(*rooms))
    (block,) = arrange(board, rooms[:1], now=_EARLY)
    assert _threads(block.rows[0]) == []


def test_free_now_counts_rooms_that_are_open_and_not_held() -> None:
    busy, idle = _room(1), _room(2)
    board = _board([busy, idle], [_session(busy, _at(10), _at(11))])
    assert [row.is_free_now for row in _rows(board, now=_at(10))] == [False, True]
    assert [row.is_free_now for row in _rows(board, now=_at(11))] == [True, True]
    assert [row.is_free_now for row in _rows(board, now=_at(18))] == [False, False]


def test_the_day_of_25_hours_has_a_column_for_each_of_its_minutes() -> None:
    day = date(2026, 10, 25)
    whole = Interval(datetime(2026, 10, 25, tzinfo=_WARSAW), datetime(2026, 10, 26, tzinfo=_WARSAW))
    board = Board(day, _WARSAW, whole, (_room(1),), {}, {_KOS.pk: (whole,)}, ())
    (block,) = arrange(board, board.rooms, now=datetime(2026, 10, 1, tzinfo=UTC))
    assert block.rows[0].segments[0].z == 2 + 25 * 12
