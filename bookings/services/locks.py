"""The locks, taken in one order by everybody, so that nobody waits in a circle.

The form that is sent or the booking that changes, then rooms in primary-key order, movable equipment likewise, and the
licence pools, which everybody wants, last; as late as possible and before the check (docs/architecture.md, section 5).
What is locked is read at the same time, for the judge.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import connection

from accounts.models import User
from bookings import rows
from bookings.availability import Locked
from bookings.models import Booking
from bookings.permissions import may_change
from bookings.rules import BookingRequest, Code, Refusal
from bookings.services.errors import AlreadyBooked, AlreadyOver, NotAllowed, Refused
from rooms import prepared
from rooms.models import LicencePool, MovableEquipment, Room, Site

# Written out, since compiling the same query anew for every booking takes longer than running it. NO KEY UPDATE: rows
# that refer to what is locked may still be read and made.
_ROOMS = " ".join(
    [
        "SELECT",
        rows.columns(Room, "room"),
        ",",
        rows.columns(Site, "site"),
        "FROM rooms_room room",
        "JOIN rooms_site site ON site.id = room.site_id WHERE room.id = ANY (%s)",
        "ORDER BY room.id FOR NO KEY UPDATE OF room",
    ]
)
_MOVABLE = " ".join(
    [
        "SELECT",
        rows.columns(MovableEquipment, "piece"),
        "FROM rooms_movableequipment piece",
        "WHERE id = ANY (%s) ORDER BY id FOR NO KEY UPDATE",
    ]
)
_POOLS = " ".join(
    [
        "SELECT",
        rows.columns(LicencePool, "pool"),
        "FROM rooms_licencepool pool WHERE is_default",
        "OR id IN (SELECT licence_pool_id FROM rooms_room WHERE id = ANY (%s))",
        "ORDER BY id FOR NO KEY UPDATE",
    ]
)
_ROOMS_HELD = "SELECT room_id FROM bookings_roomhold WHERE occurrence_id = ANY (%s::bigint[]) AND live"
_DROP_EXPIRED = """
WITH rooms AS (
    DELETE FROM bookings_roomhold WHERE expires_at <= %(now)s::timestamptz AND room_id = ANY (%(rooms)s::bigint[])
), licences AS (
    DELETE FROM bookings_licencehold
    WHERE expires_at <= %(now)s::timestamptz AND pool_id = ANY (%(pools)s::bigint[])
)
DELETE FROM bookings_equipmenthold
WHERE expires_at <= %(now)s::timestamptz AND equipment_id = ANY (%(pieces)s::bigint[])
"""


def lock_things(room_ids: Collection[int], movable_ids: Collection[int] = ()) -> Locked:
    """Lock rooms, movable equipment and pools. Inside a transaction."""
    rooms: dict[int, Room] = {}
    movable: dict[int, MovableEquipment] = {}
    if room_ids:
        for row in prepared.fetch(_ROOMS, [sorted(room_ids)]):
            room = rows.read(Room, row)
            room.site = rows.read(Site, row[rows.width(Room) :])
            rooms[room.pk] = room
    if movable_ids:
        movable = {row[0]: rows.read(MovableEquipment, row) for row in prepared.fetch(_MOVABLE, [sorted(movable_ids)])}
    return Locked(rooms, lock_pools(room_ids), movable)


def lock_pools(room_ids: Collection[int]) -> dict[int, LicencePool]:
    """Lock the pools that sessions in these rooms take their licences from, last of all."""
    found = (rows.read(LicencePool, row) for row in prepared.fetch(_POOLS, [sorted(room_ids)]))
    return {pool.pk: pool for pool in found}


def lock_for(request: BookingRequest, *, held_by: Iterable[int] = ()) -> Locked:
    """Lock all that the request names, and what the meetings `held_by` hold already."""
    return lock_things(rooms_of(request) | rooms_held(held_by), [pk for pk, _quantity in request.wishes.movable])


def lock_held(occurrence_ids: Iterable[int]) -> Locked:
    """Lock what these meetings hold, so that it can be given to somebody else as it is freed."""
    return lock_things(rooms_held(occurrence_ids))


def drop_expired(locked: Locked, *, now: datetime) -> None:
    """Delete what open forms and offers held of these things until their time was over."""
    prepared.run(
        _DROP_EXPIRED, {"now": now, "rooms": [*locked.rooms], "pools": [*locked.pools], "pieces": [*locked.movable]}
    )


def rooms_of(request: BookingRequest) -> set[int]:
    """Return the rooms of the request, those decided for single dates included."""
    decided = request.series.decisions if request.series else ()
    return {*request.room_ids, *(pk for decision in decided for pk in decision.room_ids or ())}


def rooms_held(occurrence_ids: Iterable[int]) -> set[int]:
    ids = list(occurrence_ids)
    if not ids:
        return set()
    return {room_id for (room_id,) in prepared.fetch(_ROOMS_HELD, [ids])}


def lock_submission(submission: uuid.UUID | None) -> None:
    """Let a form that is sent twice at once wait for itself. Taken first, and by nobody else, so it closes no circle.

    Raises: AlreadyBooked.
    """
    if submission is None:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [submission.int % 2**63])
    earlier = Booking.objects.filter(submission=submission).first()
    if earlier is not None:
        raise AlreadyBooked(earlier)


def lock_booking(booking: Booking, *, by: User, now: datetime, version: int | None) -> Booking:
    """Lock the booking and read it anew.

    Raises: NotAllowed, AlreadyOver; Refused when it changed since `version`.
    """
    locked = Booking.objects.select_for_update(no_key=True).get(pk=booking.pk)
    if not may_change(by, locked):
        raise NotAllowed
    if locked.is_cancelled or not locked.occurrences.filter(ends_at__gt=now, status="confirmed").exists():
        raise AlreadyOver
    if version is not None and version != locked.version:
        raise Refused([Refusal(Code.CHANGED_MEANWHILE, "version")])
    return locked
