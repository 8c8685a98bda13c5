"""The holds of closures: what of a closure can be held now, and what sessions still stand in it.

A closure holds everything that no session has. Nothing here checks permission; `services` calls it under the locks of
the rooms or the equipment.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Func, Value
from django.db.models.functions import Lower

from bookings import closure_times, recurrence
from bookings.closure_times import ClosureDraft
from bookings.models import LONGEST_HOLD, EquipmentHold, LicenceHold, RoomHold, WaitlistEntry, as_range
from rooms.interval import Interval, gaps, merged
from rooms.models import Closure, Room, Site

_LOCAL = "%Y-%m-%dT%H:%M"
_BATCH = 1_000
# A probe of the index on the beginnings for each thing and stretch: what is long past or far ahead costs nothing.
_HOLDS_WITHIN = """
    SELECT DISTINCT held.id, held.{thing}_id, lower(held.period), upper(held.period),
           held.occurrence_id, held.closure_id, held.draft_id, held.offer_id, held.expires_at, {quantity}
    FROM unnest(%s::bigint[]) AS wanted(id)
    CROSS JOIN unnest(%s::timestamptz[], %s::timestamptz[]) AS stretch(starts, ends)
    CROSS JOIN LATERAL (
        SELECT * FROM {table} hold
        WHERE hold.{thing}_id = wanted.id AND hold.live
          AND lower(hold.period) > stretch.starts - %s AND lower(hold.period) < stretch.ends
          AND upper(hold.period) > stretch.starts
        OFFSET 0
    ) held
"""

# Thousands of rows for a site and a year: one statement, and nothing for Python to compile.
_HOLD_ROOMS = """
    INSERT INTO bookings_roomhold (closure_id, room_id, position, period, live)
    SELECT %s, part.room_id, 0, tstzrange(part.starts, part.ends, '[)'), true
    FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS part(room_id, starts, ends)
"""


@dataclass(frozen=True, slots=True)
class Held:
    """A live hold of a room or of pieces of equipment (`thing_id`), and whose it is."""

    pk: int
    thing_id: int
    interval: Interval
    occurrence_id: int | None
    closure_id: int | None
    draft_id: object | None
    offer_id: int | None
    expires_at: datetime | None
    quantity: int

    @property
    def is_temporary(self) -> bool:
        return self.expires_at is not None


def draft_of(closure: Closure, zone: ZoneInfo) -> ClosureDraft:
    """Return what was asked for when the closure was entered. `zone`: of its site."""
    return ClosureDraft(
        kind=closure.kind,
        title=closure.title,
        title_en=closure.title_en,
        local_start=datetime.fromisoformat(closure.local_start),
        local_end=datetime.fromisoformat(closure.local_end),
        site_id=closure.site_id,
        room_id=closure.room_id,
        equipment_id=closure.equipment_id,
        quantity=closure.quantity,
        pattern=recurrence.parse(closure.rrule, zone=zone) if closure.rrule else None,
    )


def fields_of(draft: ClosureDraft, zone: ZoneInfo) -> dict[str, object]:
    """Return the columns of a closure; of a recurring one, the times of the first date that its rule has."""
    first = closure_times.dates(draft)[0]
    shift = first - draft.local_start.date()
    start, end = draft.local_start + shift, draft.local_end + shift
    rule = recurrence.rrule(draft.pattern, first=first, local_start=start, zone=zone) if draft.pattern else ""
    return {
        "kind": draft.kind,
        "title": draft.title,
        "title_en": draft.title_en,
        "site_id": draft.site_id,
        "room_id": draft.room_id,
        "equipment_id": draft.equipment_id,
        "quantity": draft.quantity,
        "local_start": start.strftime(_LOCAL),
        "local_end": end.strftime(_LOCAL),
        "rrule": rule,
    }


def site_of(closure: Closure) -> Site:
    """Return whose clock the closure goes by. `site`, `room__site` and `equipment__site` are loaded."""
    if closure.site is not None:
        return closure.site
    thing = closure.room or closure.equipment
    assert thing is not None, "the database knows what is closed"
    assert thing.site is not None, "recorders are not closed"
    return thing.site


def room_ids_of(draft: ClosureDraft) -> list[int]:
    """Return the rooms that the closure closes, in key order: all of the site, those out of use included."""
    if draft.room_id is not None:
        return [draft.room_id]
    if draft.site_id is None:
        return []
    return list(Room.objects.filter(site=draft.site_id).order_by("pk").values_list("pk", flat=True))


def held_rooms(room_ids: Collection[int], times: Sequence[Interval]) -> list[Held]:
    """Return the live holds of the rooms that overlap the times, whoever has them: one query."""
    return _held("bookings_roomhold", "room", "1", room_ids, times)


def held_equipment(equipment_id: int, times: Sequence[Interval]) -> list[Held]:
    return _held("bookings_equipmenthold", "equipment", "held.quantity", [equipment_id], times)


def _held(table: str, thing: str, quantity: str, ids: Collection[int], times: Sequence[Interval]) -> list[Held]:
    if not ids or not times:
        return []
    with connection.cursor() as cursor:
        asked: list[Any] = [list(ids), [item.start_at for item in times], [item.end_at for item in times], LONGEST_HOLD]
        cursor.execute(_HOLDS_WITHIN.format(table=table, thing=thing, quantity=quantity), asked)
        return [Held(row[0], row[1], Interval(row[2], row[3]), *row[4:]) for row in cursor.fetchall()]


def clear_temporary(held: Iterable[Held], *, model: type[RoomHold | EquipmentHold]) -> list[WaitlistEntry]:
    """Take what open forms and offers of the waiting list hold; a closure comes before both.

    Whoever had the offer waits again, in their old place. Returns those entries of the waiting list.
    """
    temporary = [hold for hold in held if hold.is_temporary]
    if not temporary:
        return []
    offers = sorted({hold.offer_id for hold in temporary if hold.offer_id is not None})
    model.objects.filter(pk__in=[hold.pk for hold in temporary]).delete()
    if not offers:
        return []
    for kind in (RoomHold, EquipmentHold, LicenceHold):
        kind.objects.filter(offer__in=offers).delete()
    offered = WaitlistEntry.objects.filter(pk__in=offers, state=WaitlistEntry.State.OFFERED)
    again = list(offered)
    offered.update(state=WaitlistEntry.State.WAITING, offered_at=None, offer_expires_at=None)
    return again


def hold_rooms(closure: Closure, room_ids: Collection[int], pieces: Sequence[Interval], held: Iterable[Held]) -> None:
    """Hold the rooms in every part of the pieces that nothing of `held` has. The caller holds their locks."""
    gaps_by_room = _gaps(room_ids, pieces, held)
    rows = [(room_id, free.start_at, free.end_at) for room_id, parts in gaps_by_room.items() for free in parts]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_HOLD_ROOMS, [closure.pk, *map(list, zip(*rows, strict=True))])


def rooms_with_gaps(room_ids: Collection[int], pieces: Sequence[Interval], held: Iterable[Held]) -> list[int]:
    """Return the rooms that nothing has in some part of the pieces, in key order."""
    return sorted(room_id for room_id, parts in _gaps(room_ids, pieces, held).items() if parts)


def _gaps(room_ids: Collection[int], pieces: Sequence[Interval], held: Iterable[Held]) -> dict[int, list[Interval]]:
    taken: dict[int, list[Interval]] = {}
    for hold in held:
        taken.setdefault(hold.thing_id, []).append(hold.interval)
    return {room_id: free_parts(taken.get(room_id, ()), pieces) for room_id in room_ids}


def free_parts(taken: Iterable[Interval], pieces: Sequence[Interval]) -> list[Interval]:
    """Return what of the pieces nothing has, in time linear in both: both are walked once, in order."""
    blocks = merged(taken)
    found: list[Interval] = []
    at = 0
    for piece in sorted(pieces):
        while at < len(blocks) and blocks[at].end_at <= piece.start_at:
            at += 1
        inside = at
        while inside < len(blocks) and blocks[inside].start_at < piece.end_at:
            inside += 1
        found += gaps(blocks[at:inside], within=piece)
    return found


def hold_equipment(closure: Closure, owned: int, pieces: Sequence[Interval], held: Iterable[Held]) -> None:
    """Hold as many of the pieces that are away as others leave, at every instant, beside what the closure has."""
    assert closure.equipment_id is not None
    assert closure.quantity is not None
    held = list(held)
    own = [hold for hold in held if hold.closure_id == closure.pk]
    rows = [
        EquipmentHold(closure=closure, equipment_id=closure.equipment_id, quantity=missing, period=as_range(part))
        for piece in pieces
        for part, left in left_over(owned, piece, held)
        if (missing := min(left, closure.quantity - _quantity_at(part.start_at, own))) > 0
    ]
    EquipmentHold.objects.bulk_create(rows, batch_size=_BATCH)


def _quantity_at(instant: datetime, held: Iterable[Held]) -> int:
    return sum(hold.quantity for hold in held if hold.interval.contains(instant))


def left_over(owned: int, piece: Interval, held: Iterable[Held]) -> list[tuple[Interval, int]]:
    """Return the piece cut where the number of free pieces of equipment changes, each part with that number."""
    inside = [hold for hold in held if hold.interval.overlaps(piece)]
    edges = {edge for hold in inside for edge in (hold.interval.start_at, hold.interval.end_at) if piece.contains(edge)}
    cuts = sorted({piece.start_at, piece.end_at, *edges})
    return [(Interval(*ends), owned - _quantity_at(ends[0], inside)) for ends in pairwise(cuts)]


def release(closure: Closure, *, now: datetime) -> None:
    """Give back what the closure holds from now on; what it held before stays, as history."""
    until_now = Func(Lower("period"), Value(now), function="tstzrange")
    for model in (RoomHold, EquipmentHold):
        held = model.objects.filter(closure=closure, live=True, period__endswith__gt=now)
        held.filter(period__startswith__gte=now).delete()
        held.update(period=until_now)
