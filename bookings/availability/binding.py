"""What binds a booking: hours, rules and licences of the office, kept by this process, and exemptions of who asks.

The office's terms are kept for as long as the database has the same marks of the office (`bookings.board_marks`), which
are read each time. Exemptions are some person's and for some days: they are read with the marks.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.utils import timezone

from bookings.board_kept import Latest
from bookings.board_marks import OFFICE_MARKS
from rooms import prepared, terms
from rooms.models import Room
from rooms.rules import Kind, Waiver
from rooms.terms import OfficeTerms, Terms

_ASKED = f"""
SELECT {OFFICE_MARKS}, (
    SELECT json_agg(json_build_array(id, kind, site_id) ORDER BY id) FROM rooms_exemption
    WHERE user_id = ANY (%(users)s) AND %(on)s BETWEEN valid_from AND valid_to
)
"""  # noqa: S608  put together from constants

_kept: Latest[str, OfficeTerms] = Latest(most=1)


def load(rooms: Collection[Room], *, user_ids: Collection[int], now: datetime) -> Terms:
    """Return what binds a booking of these rooms. `user_ids`: whose exemptions count, those in force on the day."""
    return read(prepared.fetch(*reading(user_ids=user_ids, now=now)), rooms)


def reading(*, user_ids: Collection[int], now: datetime) -> prepared.Statement:
    """Return the statement of `load`, for who sends it along with others; `read` takes its rows."""
    return _ASKED, {"users": list(user_ids), "on": timezone.localtime(now).date()}


def read(rows: prepared.Rows, rooms: Collection[Room]) -> Terms:
    """Return what binds a booking of these rooms; asks the database for the office's terms unless they are kept."""
    ((mark, exemptions),) = rows
    waivers = [Waiver(pk, Kind(kind), site_id) for pk, kind, site_id in exemptions or ()]
    return _office_at(mark).of(rooms, waivers)


def _office_at(mark: str | None) -> OfficeTerms:
    """Return the terms. `mark`: as read before them: they may be newer, and are then merely read once more."""
    found = _kept.get(mark) if mark else None
    if found is None:
        found = terms.load_office()
        if mark:
            _kept.keep(mark, found)
    return found
