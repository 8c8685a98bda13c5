"""Which rooms are taken at which times, for all rooms of the office at once, in one statement.

Asking room by room costs a descent into an index for each room and date. Here each date reads what begins a little
before it, in all rooms: the index `room_hold_by_length` keeps short holds, longer and long ones apart, so that little
is read which has ended before. History is never read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bookings.availability.holds import Ignoring
from bookings.models import HOLD_LENGTH_CLASS, HOLD_LENGTHS
from rooms import prepared
from rooms.interval import Interval
from rooms.models import Room

_CLASSES = ", ".join(f"({n}, interval '{item // timedelta(seconds=1)} seconds')" for n, item in enumerate(HOLD_LENGTHS))

_TAKEN = """
SELECT span.place - 1, ARRAY(
    SELECT hold.room_id FROM (VALUES __classes__) AS class (number, length)
    CROSS JOIN LATERAL (
        SELECT hold.room_id, lower(hold.period) AS begins, upper(hold.period) AS ends FROM bookings_roomhold hold
        WHERE hold.live AND __class__ = class.number
            AND lower(hold.period) < span.ends + clearing AND lower(hold.period) > span.starts - setup - class.length
            AND upper(hold.period) > span.starts - setup __counts__
        OFFSET 0
    ) AS hold
    WHERE hold.begins < span.ends AND hold.ends > span.starts __prepared__
)
FROM unnest(%s::timestamptz[], %s::timestamptz[]) WITH ORDINALITY AS span (starts, ends, place),
    (SELECT %s::interval, %s::interval) AS longest (setup, clearing)
""".replace("__classes__", _CLASSES).replace("__class__", HOLD_LENGTH_CLASS)
# Rooms that are prepared in the same way, of which an office has a handful.
_PREPARED = """
        OR hold.begins < span.ends + %s::interval AND hold.ends > span.starts - %s::interval
            AND hold.room_id = ANY (%s::bigint[])"""


def load(rooms: Sequence[Room], spans: Sequence[Interval], ignoring: Ignoring) -> dict[int, set[int]]:
    """Return for each of the rooms at which of the spans, by their places, it is taken, preparation included."""
    alike: dict[tuple[timedelta, timedelta], list[int]] = {}
    for room in rooms:
        if room.setup or room.clearing:
            alike.setdefault((room.clearing, room.setup), []).append(room.pk)
    counts, values = ignoring.sql()
    sql = _TAKEN.replace("__counts__", counts).replace("__prepared__", _PREPARED * len(alike))
    for (clearing, setup), pks in alike.items():
        values += [clearing, setup, pks]
    values += [[span.start_at for span in spans], [span.end_at for span in spans]]
    values += [max(room.setup for room in rooms), max(room.clearing for room in rooms)]
    found: dict[int, set[int]] = {room.pk: set() for room in rooms}
    for place, taken in prepared.fetch(sql, values):
        for pk in found.keys() & taken:
            found[pk].add(place)
    return found
