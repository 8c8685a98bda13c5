"""Keeps what a cancellation gives up, and puts it back: the same rows, in a statement each.

The rows of the meetings stay as what they had; copies of them hold it for the cancellation, as if for an open form.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import connection

from bookings.models import Draft, Occurrence
from rooms import prepared

_HELD = """
SELECT
    ARRAY(SELECT id FROM bookings_roomhold WHERE live AND occurrence_id = ANY (%(ids)s::bigint[]) ORDER BY id),
    ARRAY(SELECT id FROM bookings_licencehold WHERE live AND occurrence_id = ANY (%(ids)s::bigint[]) ORDER BY id),
    ARRAY(SELECT id FROM bookings_equipmenthold WHERE live AND occurrence_id = ANY (%(ids)s::bigint[]) ORDER BY id),
    ARRAY(SELECT id FROM bookings_proposal WHERE state = 'open' AND occurrence_id = ANY (%(ids)s::bigint[]) ORDER BY id)
"""
_KEEP = """
WITH rooms AS (
    INSERT INTO bookings_roomhold (draft_id, room_id, position, period, live, expires_at)
    SELECT %(draft)s::uuid, room_id, position, period, true, %(until)s::timestamptz FROM bookings_roomhold
    WHERE id = ANY (%(rooms)s::bigint[])
), licences AS (
    INSERT INTO bookings_licencehold (draft_id, pool_id, site_id, seats, period, live, expires_at, source, named_id,
        borrowed_by_id)
    SELECT %(draft)s::uuid, pool_id, site_id, seats, period, true, %(until)s::timestamptz, source, named_id,
        borrowed_by_id
    FROM bookings_licencehold WHERE id = ANY (%(licences)s::bigint[])
)
INSERT INTO bookings_equipmenthold (draft_id, equipment_id, quantity, period, live, expires_at)
SELECT %(draft)s::uuid, equipment_id, quantity, period, true, %(until)s::timestamptz FROM bookings_equipmenthold
WHERE id = ANY (%(pieces)s::bigint[])
"""
# A statement for each kind of hold: the copies are gone by then, and the guards of the database see only what is true.
_LET_GO = """
WITH rooms AS (
    DELETE FROM bookings_roomhold WHERE draft_id = %(draft)s::uuid
), licences AS (
    DELETE FROM bookings_licencehold WHERE draft_id = %(draft)s::uuid
), pieces AS (
    DELETE FROM bookings_equipmenthold WHERE draft_id = %(draft)s::uuid
)
SELECT 1
"""
_TAKE_AGAIN = """
WITH rooms AS (
    UPDATE bookings_roomhold SET live = true WHERE id = ANY (%(rooms)s::bigint[])
), licences AS (
    UPDATE bookings_licencehold SET live = true WHERE id = ANY (%(licences)s::bigint[])
), pieces AS (
    UPDATE bookings_equipmenthold SET live = true WHERE id = ANY (%(pieces)s::bigint[])
), proposals AS (
    UPDATE bookings_proposal SET state = 'open', decided_at = NULL
    WHERE id = ANY (%(proposals)s::bigint[]) AND state = 'outdated'
)
UPDATE bookings_occurrence SET status = 'confirmed' WHERE id = ANY (%(meetings)s::bigint[])
"""


def find_held(meetings: Collection[Occurrence]) -> dict[str, list[int]]:
    """Return by key what cancelling these meetings would take away, and the meetings themselves; one query."""
    ids = [meeting.pk for meeting in meetings]
    [(rooms, licences, pieces, proposals)] = prepared.fetch(_HELD, {"ids": ids})
    return {"meetings": ids, "rooms": rooms, "licences": licences, "pieces": pieces, "proposals": proposals}


def keep_held(held: Mapping[str, Sequence[int]], draft: Draft) -> None:
    """Hold for `draft` what these holds, which are given up already, had. The caller has the locks of all of it."""
    prepared.run(_KEEP, _values(held) | {"draft": draft.pk, "until": draft.expires_at})


def let_go(draft: uuid.UUID) -> None:
    """Delete what the cancellation holds. The caller has the locks of all of it."""
    with connection.cursor() as cursor:
        cursor.execute(_LET_GO, {"draft": draft})


def take_again(held: Mapping[str, Sequence[int]]) -> None:
    """Make these meetings, and what they held, true again. The guards of the database refuse what is taken by now."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_AGAIN, _values(held))


def _values(held: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    return {name: list(held[name]) for name in ("meetings", "rooms", "licences", "pieces", "proposals")}
