"""Reads what is true of an organizer's sessions of one day, in a number of queries that does not grow with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from accounts.models import User
from bookings.closure_queries import ClosedTime, closed_between
from bookings.models import (
    Absence,
    Approval,
    Attendee,
    Booking,
    EquipmentHold,
    LicenceHold,
    MeetingAnswer,
    Occurrence,
    RoomHold,
)
from integrations.jitsi.models import ConferenceServer, ServerAssignment, ServerHealth
from notifications.models import Message
from rooms.interval import Interval
from rooms.models import MovableEquipment, Room
from rooms.queries import midnight

_DAY = timedelta(days=1)
Hold = TypeVar("Hold", LicenceHold, EquipmentHold)


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody invited besides the organizer. `partstat`: what they answered about this meeting.

    `is_unreached`: the newest mail about the session that was for them could not be delivered.
    """

    name: str
    partstat: str
    is_unreached: bool


@dataclass(frozen=True, slots=True)
class Lack:
    """Movable equipment that was asked for and is not held; `quantity`: how many pieces are missing."""

    equipment: MovableEquipment
    quantity: int


@dataclass(frozen=True, slots=True)
class DayMeeting:
    """A meeting with all that its organizer has to know before it. `occurrence.booking` is loaded.

    `closed`: what closes its rooms, their sites or its equipment at that time. `awaited`: sites whose managers have not
    answered the request. `server`: the conference server that does not answer, None where that is not known.
    """

    occurrence: Occurrence
    guests: tuple[Guest, ...]
    rooms: tuple[Room, ...]
    licences: tuple[LicenceHold, ...]
    equipment: tuple[EquipmentHold, ...]
    lacks: tuple[Lack, ...]
    closed: tuple[ClosedTime, ...]
    awaited: frozenset[int]
    server: ServerHealth | None

    @property
    def title(self) -> str:
        return self.occurrence.own_title or self.occurrence.booking.title


def read_day(user: User, day: date, *, zone: ZoneInfo) -> tuple[DayMeeting, ...]:
    """Return what the user organizes on this day of `zone`, by time, requests included; empty where nothing is booked.

    A request alone makes no day: nobody is invited yet.
    """
    span = Interval(midnight(day, zone), midnight(day + _DAY, zone))
    found = Occurrence.objects.filter(
        booking__organizer=user,
        booking__status__in=[Booking.Status.CONFIRMED, Booking.Status.REQUESTED],
        status=Occurrence.Status.CONFIRMED,
        starts_at__gte=span.start_at,
        starts_at__lt=span.end_at,
    )
    meetings = list(found.select_related("booking__host_site").order_by("starts_at", "pk"))
    if all(meeting.booking.is_requested for meeting in meetings):
        return ()
    return _Reading(meetings, span).all()


class _Reading:
    """Everything of the day, each kind in one query."""

    def __init__(self, meetings: list[Occurrence], span: Interval) -> None:
        self._meetings, self._span = meetings, span
        self._keys = [meeting.pk for meeting in meetings]
        self._bookings = {meeting.booking_id for meeting in meetings}

    def all(self) -> tuple[DayMeeting, ...]:
        guests, rooms = self._guests(), self._rooms()
        licences = _grouped(
            LicenceHold.objects.filter(occurrence__in=self._keys, live=True).select_related("pool", "site")
        )
        held = EquipmentHold.objects.filter(occurrence__in=self._keys, live=True)
        equipment = _grouped(held.select_related("equipment").order_by("equipment_id"))
        kinds = self._kinds_wanted(equipment)
        sites = {room.site_id for found in rooms.values() for room in found}
        closed = closed_between(sites, self._span)
        awaited, servers = self._awaited(), self._servers()
        return tuple(
            DayMeeting(
                occurrence=meeting,
                guests=tuple(guests[meeting.pk]),
                rooms=tuple(rooms[meeting.pk]),
                licences=tuple(licences[meeting.pk]),
                equipment=tuple(equipment[meeting.pk]),
                lacks=tuple(_lacks(meeting, equipment[meeting.pk], kinds)),
                closed=tuple(_closed_at(meeting, rooms[meeting.pk], equipment[meeting.pk], closed)),
                awaited=frozenset(awaited[meeting.booking_id]),
                server=None if meeting.booking.is_outside else servers.get(meeting.pk),
            )
            for meeting in self._meetings
        )

    def _guests(self) -> dict[int, list[Guest]]:
        """Return who is invited besides the organizer, by meeting: four queries."""
        attendees = Attendee.objects.filter(booking__in=self._bookings, removed_at=None, is_organizer=False)
        absent = set(Absence.objects.filter(occurrence__in=self._keys).values_list("occurrence_id", "attendee_id"))
        own_rows = MeetingAnswer.objects.filter(occurrence__in=self._keys)
        own = {(item.occurrence_id, item.attendee_id): item.partstat for item in own_rows}
        unreached = self._unreached()
        by_booking: dict[int, list[Attendee]] = defaultdict(list)
        for attendee in attendees.order_by("pk"):
            by_booking[attendee.booking_id].append(attendee)
        return {
            meeting.pk: [
                Guest(item.label, own.get((meeting.pk, item.pk), item.partstat), item.pk in unreached)
                for item in by_booking[meeting.booking_id]
                if item.occurrence_id in {None, meeting.pk} and (meeting.pk, item.pk) not in absent
            ]
            for meeting in self._meetings
        }

    def _unreached(self) -> set[int]:
        """Return the participants whose newest invitation or change was given up."""
        newest = (
            Message.objects.filter(booking__in=self._bookings, attendee__removed_at=None, kind__in=Message.ITIP)
            .exclude(state=Message.State.SUPERSEDED)
            .order_by("attendee_id", "-pk")
            .distinct("attendee_id")
        )
        states = newest.values_list("attendee_id", "state")
        return {pk for pk, state in states if pk is not None and state == Message.State.FAILED}

    def _rooms(self) -> dict[int, list[Room]]:
        holds = RoomHold.objects.filter(occurrence__in=self._keys, live=True).select_related("room__site")
        found: dict[int, list[Room]] = defaultdict(list)
        for hold in holds.order_by("position", "pk"):
            found[hold.occurrence_id or 0].append(hold.room)
        return found

    def _kinds_wanted(self, held: Mapping[int, Collection[EquipmentHold]]) -> dict[int, MovableEquipment]:
        """Return the movable equipment that was asked for, by key. No query where everything asked for is held."""
        wanted = {int(pk) for meeting in self._meetings for pk in meeting.booking.wishes.get("movable", {})}
        known = {hold.equipment_id: hold.equipment for holds in held.values() for hold in holds}
        return known | MovableEquipment.objects.in_bulk(wanted - known.keys()) if wanted - known.keys() else known

    def _awaited(self) -> dict[int, set[int]]:
        pending = Approval.objects.filter(booking__in=self._bookings, state=Approval.State.PENDING)
        found: dict[int, set[int]] = defaultdict(set)
        for booking_id, site_id in pending.values_list("booking_id", "site_id"):
            found[booking_id].add(site_id)
        return found

    def _servers(self) -> dict[int, ServerHealth]:
        """Return by meeting the server that is down: its own, or where it has none yet the first, if none is up."""
        enabled = ConferenceServer.objects.filter(is_enabled=True).select_related("health")
        servers = list(enabled.order_by("position", "pk"))
        down = [health for server in servers if (health := _down(server)) is not None]
        if not down:
            return {}
        every = len(down) == len(servers)
        given = dict(ServerAssignment.objects.filter(pk__in=self._keys).values_list("pk", "server_id"))
        by_server = {health.pk: health for health in down}
        found = {key: by_server.get(given[key]) if key in given else down[0] if every else None for key in self._keys}
        return {key: health for key, health in found.items() if health is not None}


def _down(server: ConferenceServer) -> ServerHealth | None:
    health: ServerHealth | None = getattr(server, "health", None)
    return health if health is not None and health.state == ServerHealth.State.DOWN else None


def _grouped(holds: Iterable[Hold]) -> dict[int, list[Hold]]:
    found: dict[int, list[Hold]] = defaultdict(list)
    for hold in holds:
        found[hold.occurrence_id or 0].append(hold)
    return found


def _lacks(
    meeting: Occurrence, held: Collection[EquipmentHold], kinds: Mapping[int, MovableEquipment]
) -> Iterable[Lack]:
    there: dict[int, int] = defaultdict(int)
    for hold in held:
        there[hold.equipment_id] += hold.quantity
    for pk, quantity in meeting.booking.wishes.get("movable", {}).items():
        missing = quantity - there[int(pk)]
        if missing > 0 and int(pk) in kinds:
            yield Lack(kinds[int(pk)], missing)


def _closed_at(
    meeting: Occurrence, rooms: Collection[Room], equipment: Collection[EquipmentHold], closed: Iterable[ClosedTime]
) -> Iterable[ClosedTime]:
    room_ids, site_ids = {room.pk for room in rooms}, {room.site_id for room in rooms}
    # Where only some pieces are away, the guard of the equipment keeps those that the meeting holds.
    owned = {hold.equipment_id: hold.equipment.quantity for hold in equipment}
    for item in closed:
        closure = item.closure
        is_away = closure.equipment_id in owned and (closure.quantity or 0) >= owned[closure.equipment_id]
        is_closed = closure.room_id in room_ids or closure.site_id in site_ids or is_away
        if is_closed and item.interval.overlaps(meeting.interval):
            yield item
