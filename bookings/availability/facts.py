"""What is known about rooms, hours, rules, licences and equipment, whatever the time: loaded once, then only read.

What is held when is asked of `holds`; `HeldRoom` says it with the session or closure behind it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.utils.translation import get_language

from bookings.availability import binding
from bookings.availability import holds as held
from bookings.availability.ahead import Ahead
from bookings.availability.holds import Ignoring, Probe, Row
from bookings.models import Booking
from rooms import hours, licences, queries
from rooms.interval import Interval
from rooms.models import Closure, LicencePool, MovableEquipment, Room, Site
from rooms.rules import RuleBook
from rooms.terms import PoolTerms

_NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class Locked:
    """What whoever holds the locks has read already: rooms with their sites, pools, movable equipment.

    `ahead`: of a new booking also what the judge asks next.
    """

    rooms: dict[int, Room]
    pools: dict[int, LicencePool] = field(default_factory=dict)
    movable: dict[int, MovableEquipment] = field(default_factory=dict)
    ahead: Ahead | None = None


@dataclass(frozen=True, slots=True)
class HeldRoom:
    """A live hold of a room, set-up and clearing included, and what is behind it.

    `kind`: as in `rules.Holder`. `until`: when it ends by itself. Names are empty for drafts and offers; of a closure
    `title` is the reason.
    """

    room_id: int
    interval: Interval
    kind: str = "session"
    title: str = ""
    is_private: bool = False
    organizer_id: int | None = None
    created_by_id: int | None = None
    organizer_name: str = ""
    organizer_phone: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the judge needs to know about the rooms asked for. `rooms` keeps the order asked for."""

    rooms: dict[int, Room]
    hours: dict[int, tuple[hours.Hours, ...]]
    host_site: Site | None
    organizer_id: int
    pools: dict[int, PoolTerms]
    rule_book: RuleBook
    movable: dict[int, MovableEquipment] = field(default_factory=dict)
    holds: dict[int, tuple[HeldRoom, ...]] = field(default_factory=dict)
    uses: dict[int, tuple[licences.Use, ...]] = field(default_factory=dict)
    is_outside: bool = False

    @property
    def sites(self) -> dict[int, Site]:
        return {room.site_id: room.site for room in self.rooms.values()}

    @property
    def host_site_id(self) -> int | None:
        return self.host_site.pk if self.host_site else None

    @property
    def default_pool_id(self) -> int | None:
        return next((pk for pk, terms in self.pools.items() if terms.pool.is_default), None)

    def need(self, people: int, rooms: Sequence[Room]) -> licences.Need:
        """Return what licences a meeting in these rooms needs with so many people, organizer included.

        Each room says from which pool; the first of a pool hosts there. A meeting without rooms needs the default pool,
        and is hosted where the booking is.
        """
        by_pool: dict[int, dict[int | None, int]] = {}
        for pool_id, of_pool in self._rooms_by_pool(rooms).items():
            by_pool[pool_id] = licences.seats_needed(
                self.pools[pool_id].pool.counts,
                room_sites=[room.site_id for room in of_pool],
                host_site=of_pool[0].site_id if of_pool else self.host_site_id,
                participants=people,
            )
        room_ids = {room.pk for room in rooms}
        named = tuple(
            seat
            for pool_id in by_pool
            for seat in self.pools[pool_id].named
            if seat.room_id in room_ids or seat.user_id == self.organizer_id
        )
        return licences.Need(by_pool, named)

    def _rooms_by_pool(self, rooms: Sequence[Room]) -> dict[int, list[Room]]:
        default = self.default_pool_id
        if not rooms:
            return {} if default is None else {default: []}
        found: dict[int, list[Room]] = {}
        for room in rooms:
            pool_id = room.licence_pool_id or default
            takes_licence = room.needs_licence and (room.mail_takes_licence or not self.is_outside)
            if takes_licence and pool_id is not None:
                found.setdefault(pool_id, []).append(room)
        return found


def load(
    room_ids: Sequence[int],
    *,
    organizer_id: int,
    by_id: int,
    now: datetime,
    host_ids: Sequence[int] = (),
    movable_ids: Collection[int] = (),
    locked: Locked | None = None,
    is_outside: bool = False,
) -> Facts:
    """Load the facts. `locked`: what has been read already is not read again.

    `host_ids`: the rooms of the request itself, of which the first hosts; none: the organizer's site. `is_outside`: as
    in the request.
    """
    rooms = _load_rooms(room_ids, locked)
    host = next((rooms[pk] for pk in host_ids if pk in rooms), None)
    if locked and locked.ahead:
        found = locked.ahead.terms
    else:
        found = binding.load(rooms.values(), user_ids={organizer_id, by_id}, now=now)
    return Facts(
        rooms=rooms,
        hours=found.hours,
        host_site=host.site if host else queries.home_site(organizer_id),
        organizer_id=organizer_id,
        pools=found.pools,
        rule_book=found.rule_book,
        movable=_load_movable(movable_ids, locked),
        is_outside=is_outside,
    )


def _load_rooms(room_ids: Sequence[int], locked: Locked | None) -> dict[int, Room]:
    found = dict(locked.rooms) if locked else {}
    missing = [pk for pk in room_ids if pk not in found]
    if missing:
        found |= {room.pk: room for room in Room.objects.select_related("site").filter(pk__in=missing)}
    return {pk: found[pk] for pk in dict.fromkeys(room_ids) if pk in found}


def _load_movable(ids: Collection[int], locked: Locked | None) -> dict[int, MovableEquipment]:
    if not ids:
        return {}
    found = locked.movable if locked else {}
    if any(pk not in found for pk in ids):
        rows = MovableEquipment.objects.select_related("site").filter(pk__in=ids)
        found = {**{row.pk: row for row in rows}, **found}
    return {pk: found[pk] for pk in ids if pk in found}


def name_holds(rows: Iterable[Row]) -> list[HeldRoom]:
    """Say what is behind the holds: one query each for sessions, closures and open forms, where there are any."""
    rows = list(rows)
    meeting_ids = {row[4] for row in rows if row[4] is not None}
    closure_ids = {row[5] for row in rows if row[5] is not None}
    draft_ids = {row[6] for row in rows if row[6] is not None}
    sessions = held.sessions(meeting_ids) if meeting_ids else {}
    closures = _closure_titles(closure_ids) if closure_ids else {}
    cancelled = held.cancellations(draft_ids) if draft_ids else set()
    return [_held_room(row, sessions, closures, cancelled) for row in rows]


def _held_room(
    row: Row, sessions: dict[int, tuple[object, ...]], closures: dict[int, str], cancelled: Collection[UUID]
) -> HeldRoom:
    _key, room_id, starts_at, ends_at, meeting_id, closure_id, draft_id, _offer_id, until = row
    interval = Interval(starts_at, ends_at)
    if meeting_id is not None:
        title, is_private, status, organizer_id, created_by_id, name, phone = sessions[meeting_id]
        kind = "request" if status == Booking.Status.REQUESTED else "session"
        return HeldRoom(room_id, interval, kind, title, is_private, organizer_id, created_by_id, name, phone)  # type: ignore[arg-type]  # columns of one statement
    if closure_id is not None:
        return HeldRoom(room_id, interval, "closure", closures[closure_id])
    kind = "offer" if draft_id is None else "cancelled" if draft_id in cancelled else "draft"
    return HeldRoom(room_id, interval, kind, until=until)


def _closure_titles(pks: Collection[int]) -> dict[int, str]:
    is_english = (get_language() or "").startswith("en")
    rows = Closure.objects.filter(pk__in=pks).values_list("pk", "title", "title_en")
    return {pk: (title_en or title) if is_english else title for pk, title, title_en in rows}


def load_holds(rooms: Iterable[Room], span: Interval, *, ignoring: Ignoring) -> dict[int, tuple[HeldRoom, ...]]:
    """Return what holds the rooms in `span` or so close to it that their set-up or clearing reaches into it."""
    probes = [Probe(0, room.pk, span.start_at - room.setup, span.end_at + room.clearing) for room in rooms]
    by_room: dict[int, list[HeldRoom]] = {}
    for hold in name_holds(held.rooms_in_the_way(probes, ignoring)):
        by_room.setdefault(hold.room_id, []).append(hold)
    return {pk: tuple(found) for pk, found in by_room.items()}


def load_uses(
    pool_ids: Collection[int], spans: Sequence[Interval], *, ignoring: Ignoring
) -> dict[int, tuple[licences.Use, ...]]:
    """Return by pool what is used of shares and reserve in one of the spans; one statement."""
    found: dict[int, dict[int, licences.Use]] = {pk: {} for pk in pool_ids}
    for row in held.uses_held(held.probes_of(pool_ids, spans), ignoring):
        if row[1] not in found[row[2]]:
            found[row[2]][row[1]] = _use(row)
    return {pk: tuple(uses.values()) for pk, uses in found.items()}


def load_uses_by_probe(probes: Sequence[Probe], *, ignoring: Ignoring) -> dict[tuple[int, int], list[licences.Use]]:
    """Return by key and pool what is used of shares and reserve in each probe of a pool; one statement.

    Seats of a site that are used at the same time are one use.
    """
    found: dict[tuple[int, int], list[licences.Use]] = {}
    for key, pool_id, site_id, seats, starts_at, ends_at in held.uses_touching(probes, ignoring):
        found.setdefault((key, pool_id), []).append(licences.Use(site_id, seats, Interval(starts_at, ends_at)))
    return found


def _use(row: held.UseRow) -> licences.Use:
    return licences.Use(row[3], row[4], Interval(row[5], row[6]))
