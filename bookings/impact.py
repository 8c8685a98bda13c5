"""What a closure would hit: the meetings that stand in it, each with another room or another time that would work."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Count, Prefetch

from accounts.models import User
from bookings import closure_holds, other_times
from bookings.availability.holds import Ignoring, Probe, taken_rooms
from bookings.closure_holds import Held
from bookings.models import Attendee, Occurrence, RoomHold
from rooms.interval import Interval
from rooms.models import Room

#: Nobody reads further; what is hit beyond is left to its organizers, or cancelled.
_MOST = 400


@dataclass(frozen=True, slots=True)
class Closing:
    """A closure worked out: what it takes, and when from now on. `owned`: of equipment, how many pieces there are."""

    room_ids: tuple[int, ...]
    spans: tuple[Interval, ...]
    equipment_id: int | None = None
    quantity: int = 0
    owned: int = 0

    def held(self) -> list[Held]:
        if self.equipment_id is not None:
            return closure_holds.held_equipment(self.equipment_id, self.spans)
        return closure_holds.held_rooms(self.room_ids, self.spans)

    def closes(self, rooms: Iterable[Room], interval: Interval) -> bool:
        """Say whether a meeting in these rooms would stand in the closure, set-up and clearing included."""
        closed = set(self.room_ids)
        periods = [interval.widened(before=room.setup, after=room.clearing) for room in rooms if room.pk in closed]
        if self.equipment_id is not None:
            periods = [interval]
        return any(span.overlaps(period) for span in self.spans for period in periods)


@dataclass(frozen=True, slots=True)
class Hit:
    """A meeting that stands in a closure. `rooms`: those of its rooms that close.

    `other_room`: free then, at the same site, with seats enough; only where one room closes. `other_time`: wall clock
    of the booking, at which all its rooms and a licence are free; looked for where no other room is.
    """

    occurrence: Occurrence
    rooms: tuple[Room, ...]
    other_room: Room | None = None
    other_time: tuple[datetime, datetime] | None = None

    @property
    def target(self) -> str:
        """What is proposed, as forms carry it: „room:12”, „time:2026-12-03T10:00/2026-12-03T11:00”."""
        if self.other_room is not None:
            return f"room:{self.other_room.pk}"
        if self.other_time is not None:
            return "time:" + "/".join(at.strftime("%Y-%m-%dT%H:%M") for at in self.other_time)
        return ""

    @property
    def all_rooms(self) -> list[Room]:
        return [hold.room for hold in self.occurrence.room_holds.all()]


@dataclass(frozen=True, slots=True)
class Impact:
    """Which meetings a closure hits, soonest first, and the stretches of time that it closes from now on."""

    hits: tuple[Hit, ...]
    spans: tuple[Interval, ...]


def find_hits(closing: Closing, held: Iterable[Held]) -> tuple[Hit, ...]:
    """Return the meetings that stand in the closure, without looking for ways out: three queries, or none."""
    sessions = [hold for hold in held if hold.occurrence_id is not None]
    if closing.equipment_id is not None:
        sessions = _overused(closing, [hold for hold in held if not hold.is_temporary])
    hit: dict[int, set[int]] = {}
    for hold in sessions:
        assert hold.occurrence_id is not None
        hit.setdefault(hold.occurrence_id, set()).add(hold.thing_id)
    if not hit:
        return ()
    holds = RoomHold.objects.filter(live=True).select_related("room__site").order_by("position", "pk")
    found = (
        Occurrence.objects.filter(pk__in=hit)
        .select_related("booking__organizer", "booking__created_by")
        .prefetch_related(Prefetch("room_holds", holds))
        .order_by("starts_at", "pk")
    )
    return tuple(Hit(item, _rooms_hit(item, closing, hit[item.pk])) for item in found)


def _rooms_hit(occurrence: Occurrence, closing: Closing, things: Collection[int]) -> tuple[Room, ...]:
    if closing.equipment_id is not None:
        return ()
    return tuple(hold.room for hold in occurrence.room_holds.all() if hold.room_id in things)


def _overused(closing: Closing, lasting: Sequence[Held]) -> list[Held]:
    """Return the sessions that have pieces while fewer are left than are to be taken away."""
    short = [
        part
        for span in closing.spans
        for part, left in closure_holds.left_over(closing.owned, span, lasting)
        if left < closing.quantity
    ]
    return [
        hold
        for hold in lasting
        if hold.occurrence_id is not None and any(hold.interval.overlaps(part) for part in short)
    ]


def with_proposals(hits: Sequence[Hit], closing: Closing, *, by: User, now: datetime) -> tuple[Hit, ...]:
    """Return the hits with another room each, or else another time, such that all of them work together.

    Meetings of another calendar are moved there.
    """
    ours = [hit for hit in hits if not hit.occurrence.booking.is_outside]
    rooms = _propose_rooms(ours, closing, now=now)
    roomless = [hit for hit in ours if hit.occurrence.pk not in rooms]
    times = other_times.propose(
        [hit.occurrence for hit in roomless], closes=closing.closes, spans=closing.spans, by=by, now=now
    )
    return tuple(
        replace(hit, other_room=rooms.get(hit.occurrence.pk), other_time=times.get(hit.occurrence.pk)) for hit in hits
    )


def _propose_rooms(hits: Sequence[Hit], closing: Closing, *, now: datetime) -> dict[int, Room]:
    """Return another room by meeting: the smallest that seats everybody. Three queries for any number of meetings."""
    movable = [hit for hit in hits if len(hit.rooms) == 1 and hit.occurrence.starts_at > now][:_MOST]
    if not movable:
        return {}
    sites = {hit.rooms[0].site_id for hit in movable}
    # A room that needs approval is somebody's to give; a closure doesn't give it away.
    others = Room.objects.filter(site__in=sites, is_active=True, needs_approval=False).exclude(pk__in=closing.room_ids)
    candidates = sorted(others.select_related("site"), key=lambda room: (room.seats, room.position, room.pk))
    needed = _people(movable)
    probes = [
        Probe(number, room.pk, hit.occurrence.starts_at - room.setup, hit.occurrence.ends_at + room.clearing)
        for number, hit in enumerate(movable)
        for room in candidates
        if _suits(room, hit, needed)
    ]
    taken = taken_rooms(probes, Ignoring(now))
    wanted = {(probe.key, probe.resource_id): Interval(probe.start_at, probe.end_at) for probe in probes}
    promised: dict[int, list[Interval]] = {}
    found: dict[int, Room] = {}
    for number, hit in enumerate(movable):
        for room in candidates:
            period = wanted.get((number, room.pk))
            if period is None or (number, room.pk) in taken:
                continue
            if any(period.overlaps(other) for other in promised.get(room.pk, ())):
                continue
            promised.setdefault(room.pk, []).append(period)
            found[hit.occurrence.pk] = room
            break
    return found


def _suits(room: Room, hit: Hit, needed: Mapping[int, int]) -> bool:
    used = {held.pk for held in hit.all_rooms}
    return room.site_id == hit.rooms[0].site_id and room.seats >= needed[hit.occurrence.pk] and room.pk not in used


def _people(hits: Sequence[Hit]) -> dict[int, int]:
    """Return how many seats each meeting needs: as wished for, or everybody invited, never more than it has now."""
    invited = dict(
        Attendee.objects.filter(booking__in={hit.occurrence.booking_id for hit in hits}, removed_at=None)
        .values("booking")
        .annotate(people=Count("pk"))
        .values_list("booking", "people")
    )
    needed = {}
    for hit in hits:
        booking, room = hit.occurrence.booking, hit.rooms[0]
        wished = booking.wishes.get("seats", {}).get(str(room.site_id))
        needed[hit.occurrence.pk] = min(room.seats, wished or invited.get(booking.pk, room.seats))
    return needed
