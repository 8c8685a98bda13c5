"""The locks, taken in one order by everybody, so that nobody waits in a circle.

The form that is sent or the booking that changes, then rooms in primary-key order, movable equipment likewise, and the
licence pools, which everybody wants, last; as late as possible and before the check (docs/architecture.md, section 5).
What is locked is read at the same time, for the judge.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from accounts.models import User
from bookings import rows
from bookings.availability import Asked, Locked, read_ahead
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
_FORM = "SELECT pg_advisory_xact_lock(%s)"
# A statement of its own: one sees what was committed before it began, not what it has waited for.
_FORM_BOOKED = "SELECT id FROM bookings_booking WHERE submission = %s::uuid"
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


def lock_things(
    room_ids: Collection[int],
    movable_ids: Collection[int] = (),
    *,
    submission: uuid.UUID | None = None,
    judging: Asked | None = None,
) -> Locked:
    """Lock rooms, movable equipment and pools, in one round trip. Inside a transaction.

    `submission`: of the form that asks. One that is sent twice at once waits for itself: this lock comes first, and
    nobody else takes it, so it closes no circle. `judging`: what the judge asks about this is read in the same round
    trip. Raises: AlreadyBooked.
    """
    ids = sorted(room_ids)
    form: list[prepared.Statement] = []
    if submission is not None:
        form = [(_FORM, [submission.int % 2**63]), (_FORM_BOOKED, [submission])]
    rooms, movable, pools = (_ROOMS, [ids]), (_MOVABLE, [sorted(movable_ids)]), (_POOLS, [ids])
    wanted = [*([rooms] if ids else ()), *([movable] if movable_ids else ()), pools]
    found = prepared.fetch_each(*form, *wanted, *(judging.statements(ids) if judging else ()))
    if form and found[1]:
        raise AlreadyBooked(Booking.objects.get(pk=found[1][0][0]))
    locks = len(form) + len(wanted)
    *others, pool_rows = found[len(form) : locks]
    known = _rooms(others[0]) if ids else {}
    return Locked(
        rooms=known,
        pools=_pools(pool_rows),
        movable={row[0]: rows.read(MovableEquipment, row) for row in others[-1]} if movable_ids else {},
        ahead=read_ahead(found[locks:], known.values()) if judging else None,
    )


def lock_pools(room_ids: Collection[int]) -> dict[int, LicencePool]:
    """Lock the pools that sessions in these rooms take their licences from, last of all."""
    return _pools(prepared.fetch(_POOLS, [sorted(room_ids)]))


def _rooms(found: Iterable[Sequence[Any]]) -> dict[int, Room]:
    rooms: dict[int, Room] = {}
    for row in found:
        room = rows.read(Room, row)
        room.site = rows.read(Site, row[rows.width(Room) :])
        rooms[room.pk] = room
    return rooms


def _pools(found: Iterable[Sequence[Any]]) -> dict[int, LicencePool]:
    pools = (rows.read(LicencePool, row) for row in found)
    return {pool.pk: pool for pool in pools}


def lock_for(request: BookingRequest, *, held_by: Iterable[int] = ()) -> Locked:
    """Lock all that the request names, and what the meetings `held_by` hold already."""
    return lock_things(rooms_of(request) | rooms_held(held_by), _movable_of(request))


def lock_for_new(asked: Asked) -> Locked:
    """Lock all that a new booking asks for, and read what the judge will ask. Raises: AlreadyBooked."""
    request = asked.request
    return lock_things(rooms_of(request), _movable_of(request), submission=asked.draft, judging=asked)


def _movable_of(request: BookingRequest) -> list[int]:
    return [pk for pk, _quantity in request.wishes.movable]


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
