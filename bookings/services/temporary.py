"""Holds that end by themselves: of an open form, or offered to somebody on the waiting list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from bookings.availability import Take
from bookings.models import Draft, EquipmentHold, LicenceHold, RoomHold, WaitlistEntry, as_range
from rooms.interval import Interval
from rooms.models import Room


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one meeting would hold. `takes`: licences; `pieces`: movable equipment by id."""

    interval: Interval
    rooms: tuple[Room, ...]
    takes: tuple[Take, ...]
    pieces: dict[int, int]

    @property
    def is_empty(self) -> bool:
        return not (self.rooms or self.pieces or self.takes)


def hold(meetings: Iterable[Wanted], *, until: datetime, draft: Draft | None, offer: WaitlistEntry | None) -> None:
    """Hold everything until then, for the form or for the offer. Three statements, however many meetings.

    The caller holds the locks of everything and has asked the judge; the guards of the database look on.
    """
    rooms, licences, equipment = [], [], []
    for meeting in meetings:
        period = as_range(meeting.interval)
        for position, room in enumerate(meeting.rooms):
            whole = as_range(meeting.interval.widened(before=room.setup, after=room.clearing))
            rooms.append(
                RoomHold(draft=draft, offer=offer, room=room, position=position, period=whole, expires_at=until)
            )
        for take in meeting.takes:
            licence = LicenceHold(draft=draft, offer=offer, pool_id=take.pool_id, site_id=take.site_id)
            licence.seats, licence.source, licence.named_id = take.seats, take.source, take.named_id
            licence.borrowed_by_id, licence.period, licence.expires_at = take.borrower_id, period, until
            licences.append(licence)
        for equipment_id, quantity in meeting.pieces.items():
            piece = EquipmentHold(draft=draft, offer=offer, equipment_id=equipment_id, quantity=quantity)
            piece.period, piece.expires_at = period, until
            equipment.append(piece)
    RoomHold.objects.bulk_create(rooms)
    LicenceHold.objects.bulk_create(licences)
    EquipmentHold.objects.bulk_create(equipment)


def give_up(*, submissions: Iterable[object] = (), offers: Iterable[int] = ()) -> None:
    """Delete what these forms and offers hold: one statement.

    What somebody else deletes at this moment, because its time is over, is left to them: nobody waits here for a lock.
    """
    owners: dict[str, list[Any]] = {"forms": [str(submission) for submission in submissions], "offers": list(offers)}
    if any(owners.values()):
        with connection.cursor() as cursor:
            cursor.execute(_GIVE_UP, owners)


def drop_expired(*, room_ids: Iterable[int], equipment_ids: Iterable[int], now: datetime) -> None:
    """Delete what nobody counts any more of these rooms, this equipment, and every licence: one statement.

    The caller holds their locks and is about to hold them itself; the guards of the database know no clock.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DROP, {"now": now, "rooms": list(room_ids), "equipment": list(equipment_ids)})


_DELETE = """
WITH rooms AS (
    DELETE FROM bookings_roomhold WHERE id IN (
        SELECT id FROM bookings_roomhold WHERE __which__ __rooms__ FOR UPDATE SKIP LOCKED)
), licences AS (
    DELETE FROM bookings_licencehold WHERE id IN (
        SELECT id FROM bookings_licencehold WHERE __which__ FOR UPDATE SKIP LOCKED)
)
DELETE FROM bookings_equipmenthold WHERE id IN (
    SELECT id FROM bookings_equipmenthold WHERE __which__ __equipment__ FOR UPDATE SKIP LOCKED)
"""


def _deleting(which: str, *, rooms: str = "", equipment: str = "") -> str:
    """Return the statement that deletes what `which` says, but for rows that somebody else is deleting."""
    return _DELETE.replace("__which__", which).replace("__rooms__", rooms).replace("__equipment__", equipment)


_GIVE_UP = _deleting("(draft_id = ANY (%(forms)s::uuid[]) OR offer_id = ANY (%(offers)s::bigint[]))")
_DROP = _deleting(
    "expires_at <= %(now)s", rooms="AND room_id = ANY (%(rooms)s)", equipment="AND equipment_id = ANY (%(equipment)s)"
)
