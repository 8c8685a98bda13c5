"""Reads by which marks a day's board is known, in one statement however much is booked.

Whatever the board shows leaves a mark in the transaction that changes it (migration 0022), and marks go only for new
ones (`services.merge_old_marks`). So equal marks mean an equal board, as long as what ends by itself is looked at too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rooms import prepared
from rooms.interval import Interval


@dataclass(frozen=True, slots=True)
class BoardMarks:
    """`day`: what is booked in a span of time, for every reader alike; `office`: rooms, hours and licences."""

    day: str
    office: str


# Holds of open forms and offers end without a change of a row, and there are few of them: those in force are read.
DAY_MARKS = """
    (SELECT count(*) || ' ' || coalesce(bit_xor(mark), 0) FROM bookings_boardchange
        WHERE starts_at > %(from)s::timestamptz - interval '36 hours' AND starts_at < %(to)s::timestamptz
            AND ends_at > %(from)s::timestamptz),
    (SELECT string_agg(concat_ws(' ', hold.id, room_id, period, draft_id, offer_id, expires_at), ',' ORDER BY hold.id)
        FROM bookings_roomhold hold
        WHERE expires_at > %(now)s::timestamptz AND live
            AND lower(period) < %(to)s::timestamptz AND upper(period) > %(from)s::timestamptz),
    (SELECT string_agg(concat_ws(' ', id, pool_id, period, seats), ',' ORDER BY id) FROM bookings_licencehold
        WHERE expires_at > %(now)s::timestamptz AND live
            AND lower(period) < %(to)s::timestamptz AND upper(period) > %(from)s::timestamptz)
"""
#: Of rooms, hours, rules and licences; NULL where there is no mark at all.
OFFICE_MARKS = "(SELECT count(*) || ' ' || bit_xor(mark) FROM bookings_boardchange WHERE starts_at = '-infinity')"
_MARKS = f"SELECT {DAY_MARKS}, {OFFICE_MARKS}"


def marks_statement(span: Interval, *, now: datetime) -> prepared.Statement:
    """Return what reads the marks of everything that a board of `span` shows at `now`; `marks_of` takes its rows."""
    return _MARKS, {"now": now, "from": span.start_at, "to": span.end_at}


def marks_of(rows: prepared.Rows) -> BoardMarks:
    """Return the marks as read.

    What is booked may have changed when it is read next, and perhaps back again, as open forms come and go: what is
    kept under a mark of a day is read along with it (`bookings.board_facts`). A mark of the office never comes back, so
    what is read after it may be newer, and is merely read once more.
    """
    ((*day, office),) = rows
    return BoardMarks(day_mark(*day), office)


def day_mark(booked: str, held: str | None, licences: str | None) -> str:
    """Make one of the columns of `DAY_MARKS`."""
    return "|".join((booked, held or "", licences or ""))
