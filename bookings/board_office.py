"""The office as the boards show it: rooms with site and equipment, opening hours, the licences that there are.

Read in one statement and kept by this process for as long as the database has the same marks (`bookings.board_marks`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.db.models import Model
from django.utils.dateparse import parse_duration

from rooms import prepared
from rooms.hours import Hours
from rooms.licences import Seats
from rooms.models import Equipment, Room, Site
from rooms.queries import in_order, midnight

Thing = TypeVar("Thing", bound=Model)


@dataclass(frozen=True, slots=True, eq=False)
class BoardOffice:
    """`rooms`: those that may be booked, in the order of lists. `hours`: by site.

    `grants`: licences of the pool that sessions take theirs from, None where there is no such pool. `pool`: its name
    where the office has several.
    """

    rooms: tuple[Room, ...]
    equipment: Mapping[int, tuple[Equipment, ...]]
    filter_equipment: tuple[Equipment, ...]
    hours: Mapping[int, tuple[Hours, ...]]
    grants: tuple[Seats, ...] | None
    pool: str = ""

    def rooms_at(self, site: str) -> tuple[Room, ...]:
        """Return the rooms of a site by its code; all without one."""
        return tuple(room for room in self.rooms if room.site.code == site) if site else self.rooms

    def owned(self, at: datetime) -> int:
        """Return how many licences the office owns at the instant, whoever they are for."""
        return sum(item.seats for item in self.grants or () if item.in_force(at))


_OFFICE = """
SELECT 'site', 0, 0, to_jsonb(site) FROM rooms_site site
UNION ALL SELECT 'equipment', 0, 0, to_jsonb(equipment) FROM rooms_equipment equipment
UNION ALL SELECT 'room', 0, 0, to_jsonb(room) FROM rooms_room room WHERE is_active
UNION ALL SELECT 'equipped', room_id, equipment_id, NULL FROM rooms_room_equipment
UNION ALL SELECT 'hours', site_id, weekday, jsonb_build_array(opens, closes) FROM rooms_openinghours
UNION ALL SELECT 'pool', id, is_default::int, jsonb_build_array(name, time_zone) FROM rooms_licencepool
UNION ALL SELECT 'grant', pool_id, seats, jsonb_build_array(valid_from, valid_to) FROM rooms_licencegrant
ORDER BY 1, 2, 3
"""

_kept: tuple[str, BoardOffice] | None = None


def office_at(mark: str) -> BoardOffice:
    """Return the office. `mark`: the marks of it, read before; without any the office is read each time.

    Rooms are shared by whoever asks: nobody changes them.
    """
    global _kept
    kept = _kept
    if kept is not None and mark and kept[0] == mark:
        return kept[1]
    found = _read()
    _kept = (mark, found)
    return found


def _read() -> BoardOffice:
    rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for kind, first, second, more in prepared.fetch(_OFFICE):
        # Django leaves it to its fields to read JSON.
        rows[kind].append((first, second, json.loads(more) if more else None))
    sites = {row[2]["id"]: _thing(Site, row[2]) for row in rows["site"]}
    items = {row[2]["id"]: _thing(Equipment, row[2]) for row in rows["equipment"]}
    equipped: dict[int, list[Equipment]] = defaultdict(list)
    for room_id, equipment_id, _nothing in rows["equipped"]:
        equipped[room_id].append(items[equipment_id])
    rooms = in_order([_room(row[2], sites, equipped) for row in rows["room"]])
    opening: dict[int, list[Hours]] = {pk: [] for pk in sites}
    for site_id, weekday, (opens, closes) in rows["hours"]:
        opening[site_id].append(Hours(weekday, time.fromisoformat(opens), time.fromisoformat(closes)))
    pools = {pk: (name, zone) for pk, is_default, (name, zone) in rows["pool"] if is_default}
    return BoardOffice(
        rooms=tuple(rooms),
        equipment={room.pk: tuple(equipped[room.pk]) for room in rooms},
        filter_equipment=tuple(sorted((item for item in items.values() if item.is_filter), key=lambda item: item.pk)),
        hours={pk: tuple(sorted(found, key=lambda item: (item.weekday, item.opens))) for pk, found in opening.items()},
        grants=tuple(_seats(row, pools[row[0]][1]) for row in rows["grant"] if row[0] in pools) if pools else None,
        pool=next(iter(pools.values()))[0] if pools and len(rows["pool"]) > 1 else "",
    )


def _thing(model: type[Thing], values: dict[str, Any]) -> Thing:
    """Return a row as Django would; columns have the names of the fields."""
    names = [field.attname for field in model._meta.concrete_fields]  # noqa: SLF001  a public API by its documentation
    return model.from_db("default", names, [values[name] for name in names])


def _room(values: dict[str, Any], sites: dict[int, Site], equipped: dict[int, list[Equipment]]) -> Room:
    durations = {name: parse_duration(values[name]) or timedelta() for name in ("setup", "clearing")}
    room = _thing(Room, values | durations)
    room.site = sites[room.site_id]
    found = Equipment.objects.all()
    # What prefetching leaves behind: `room.equipment.all()` asks the database no more.
    found._result_cache = equipped[room.pk]  # noqa: SLF001  Django has no public way
    found._prefetch_done = True  # type: ignore[attr-defined] # noqa: SLF001  as prefetching does
    room._prefetched_objects_cache = {"equipment": found}  # type: ignore[attr-defined] # noqa: SLF001  as prefetching does
    return room


def _seats(row: tuple[Any, ...], zone: str) -> Seats:
    _pool_id, seats, (first, last) = row
    ends = None if last is None else midnight(date.fromisoformat(last) + timedelta(days=1), ZoneInfo(zone))
    return Seats(seats, midnight(date.fromisoformat(first), ZoneInfo(zone)), ends)
