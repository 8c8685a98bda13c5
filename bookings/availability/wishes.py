"""What is wanted beside rooms: seats and equipment of the rooms, of which a lack is told; movable equipment, which is
held like a room.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from django.utils.translation import get_language

from bookings.availability import holds as held
from bookings.availability.facts import Facts
from bookings.availability.holds import Ignoring, Probe
from bookings.availability.planned import PlannedMeeting
from bookings.rules import BookingRequest, Code, Refusal, Wishes
from rooms.interval import Interval
from rooms.licences import Use, peak_use
from rooms.models import Equipment, MovableEquipment, Room


def find_warnings(request: BookingRequest, meetings: Sequence[PlannedMeeting], facts: Facts) -> tuple[Refusal, ...]:
    """Return what the rooms lack: seats for the people of a site, equipment. Worth knowing, no reason to refuse.

    Meetings in the same rooms are told of once, with the date only where they have rooms of their own.
    """
    found: list[Refusal] = []
    lacking = _lacking(request.wishes, facts.rooms)
    told: set[tuple[int, ...]] = set()
    for meeting in meetings:
        key = tuple(room.pk for room in meeting.rooms)
        if key in told:
            continue
        told.add(key)
        on = meeting.on if meeting.has_own_rooms and request.series is not None else None
        found += _warnings(request.wishes, meeting.rooms, lacking, on=on)
    return tuple(found)


def find_lacks(wishes: Wishes, rooms: Sequence[Room]) -> list[Refusal]:
    """Return what the rooms of a meeting that is booked lack, as `find_warnings` says it: at most two queries."""
    return _warnings(wishes, rooms, _lacking(wishes, [room.pk for room in rooms]), on=None)


def _warnings(
    wishes: Wishes, rooms: Sequence[Room], lacking: Mapping[int, list[str]], *, on: date | None
) -> list[Refusal]:
    found = [
        Refusal(Code.SEATS_TOO_FEW, "rooms", data={"site": name, "people": people, "seats": seats}, on=on)
        for name, people, seats in _tight_sites(wishes, rooms)
    ]
    return found + [
        Refusal(
            Code.FEATURE_MISSING,
            "rooms",
            room_id=room.pk,
            room_name=room.name,
            data={"missing": lacking[room.pk]},
            on=on,
        )
        for room in rooms
        if room.pk in lacking
    ]


def _tight_sites(wishes: Wishes, rooms: Sequence[Room]) -> list[tuple[str, int, int]]:
    found = []
    for site_id, people in wishes.seats:
        here = [room for room in rooms if room.site_id == site_id]
        seats = sum(room.seats for room in here)
        if here and seats < people:
            found.append((here[0].site.label, people, seats))
    return found


def _lacking(wishes: Wishes, room_ids: Collection[int]) -> dict[int, list[str]]:
    """Return the wanted equipment that each room has not: name by name, in the order asked for."""
    wanted = wishes.features
    if not wanted or not room_ids:
        return {}
    names = {item.pk: _name(item) for item in Equipment.objects.filter(pk__in=wanted)}
    link = Room.equipment.through.objects.filter(room__in=room_ids, equipment__in=wanted)
    has = set(link.values_list("room_id", "equipment_id"))
    lacking = {pk: [names[item] for item in wanted if item in names and (pk, item) not in has] for pk in room_ids}
    return {pk: missing for pk, missing in lacking.items() if missing}


def _name(item: Equipment) -> str:
    return item.name_en if item.name_en and get_language() == "en" else item.name


def find_equipment_refusals(
    request: BookingRequest,
    meetings: Sequence[PlannedMeeting],
    facts: Facts,
    ignoring: Ignoring,
    *,
    is_series: bool,
) -> list[Refusal]:
    """Return the movable equipment that is not there, not for these rooms, or held by others at some instant.

    It is held from the meeting's beginning to its end, without set-up and clearing.
    """
    wanted = [(pk, quantity) for pk, quantity in request.wishes.movable if quantity > 0]
    if not wanted:
        return []
    found = [
        Refusal(Code.EQUIPMENT_UNKNOWN, "equipment", data={"name": "", "site": ""})
        for pk, _quantity in wanted
        if pk not in facts.movable
    ]
    items = [facts.movable[pk] for pk, _quantity in wanted if pk in facts.movable]
    found += find_misplaced(items, [meeting.rooms for meeting in meetings])
    found += _find_closed_recording(request, items)
    probes = [
        Probe(number, pk, meeting.interval.start_at, meeting.interval.end_at)
        for number, meeting in enumerate(meetings)
        for pk, _quantity in wanted
        if pk in facts.movable
    ]
    uses: dict[tuple[int, int], list[Use]] = {}
    for number, pk, quantity, starts_at, ends_at in held.equipment_held(probes, ignoring):
        uses.setdefault((number, pk), []).append(Use(None, quantity, Interval(starts_at, ends_at)))
    for number, meeting in enumerate(meetings):
        on = meeting.on if is_series else None
        for pk, quantity in wanted:
            if pk in facts.movable:
                in_use = peak_use(uses.get((number, pk), []), span=meeting.interval)
                found += _find_shortage(facts.movable[pk], in_use, quantity, meeting.interval, on)
    return found


def _find_closed_recording(request: BookingRequest, items: Sequence[MovableEquipment]) -> list[Refusal]:
    """Refuse to record what nobody may record: a closed session (`jitsi.people.may_record`)."""
    is_recorded = any(item.is_recorder for item in items)
    return [Refusal(Code.CLOSED_NOT_RECORDED, "recording")] if request.is_private and is_recorded else []


def _find_shortage(
    item: MovableEquipment, in_use: int, needed: int, interval: Interval, on: date | None
) -> list[Refusal]:
    if in_use + needed <= item.quantity:
        return []
    data = {
        "name": item.name,
        "site": item.site.label if item.site else "",
        "quantity": item.quantity,
        "in_use": in_use,
        "needed": needed,
        "equipment": item.pk,
    }
    field = "recording" if item.is_recorder else "equipment"
    return [Refusal(Code.EQUIPMENT_NONE_FREE, field, interval=interval, data=data, on=on)]


def find_misplaced(items: Sequence[MovableEquipment], rooms_of: Sequence[Sequence[Room]]) -> list[Refusal]:
    """Return equipment that none of the rooms of some meeting can have: it stays at its site, or in certain rooms."""
    if not items:
        return []
    link = MovableEquipment.rooms.through.objects.filter(movableequipment__in=[item.pk for item in items])
    allowed_in: dict[int, set[int]] = {}
    for item_id, room_id in link.values_list("movableequipment_id", "room_id"):
        allowed_in.setdefault(item_id, set()).add(room_id)
    found = []
    for item in items:
        if item.site is None:
            # A recorder: it comes into the conference, not into a room.
            continue
        allowed = allowed_in.get(item.pk)
        if any(
            not any(room.site_id == item.site_id and (allowed is None or room.pk in allowed) for room in rooms)
            for rooms in rooms_of
        ):
            data = {"name": item.name, "site": item.site.label}
            found.append(Refusal(Code.EQUIPMENT_UNKNOWN, "equipment", data=data))
    return found
