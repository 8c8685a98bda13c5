"""Draws a time and the hours around it: which rooms are free then, what fills their tracks, how licences stand.

For the eyes of the person who fills in the form; whether the request can be booked is for `find_refusals` to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from accounts.models import User
from bookings.availability import facts as known
from bookings.availability.clashes import Asker, holder_of, holds_in_the_way, is_open
from bookings.availability.facts import Facts
from bookings.availability.holds import Ignoring
from bookings.availability.planned import Take
from bookings.models import Booking
from bookings.rules import BookingRequest, Holder
from rooms import hours, licences
from rooms.interval import Interval, gaps
from rooms.licences import Need
from rooms.models import Room, Site
from rooms.permissions import SiteRoles


@dataclass(frozen=True, slots=True)
class RoomState:
    """Whether a room can be had at the time. `free_at`: when the last session in the way ends, clearing included.

    `is_closed`: that last one is no session, but a closure.
    """

    is_open: bool
    free_at: datetime | None = None
    is_closed: bool = False

    @property
    def is_free(self) -> bool:
        return self.is_open and self.free_at is None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a track that is not free. `holder` None: the site is closed, or no licence is left."""

    interval: Interval
    holder: Holder | None = None
    clashes: bool = False


@dataclass(frozen=True, slots=True)
class Track:
    room: Room
    stretches: tuple[Stretch, ...]
    is_free: bool


@dataclass(frozen=True, slots=True)
class LicenceState:
    """Seats at the tightest instant of the time asked for, without the session itself. `site` None: the reserve.

    `has_all`: the session has all that it needs of this pool, wherever from.
    """

    seats: int
    pool: str
    site: Site | None
    site_use: int
    site_share: int
    in_use: int
    granted: int
    free: int
    stretches: tuple[Stretch, ...]
    pool_id: int
    has_all: bool = False

    @property
    def is_free(self) -> bool:
        return self.has_all or self.free >= self.seats


@dataclass(frozen=True, slots=True)
class Picture:
    """`licences`: of each pool that the session needs, the one with the least to spare first."""

    window: Interval
    states: dict[int, RoomState]
    tracks: tuple[Track, ...]
    licences: tuple[LicenceState, ...]

    @property
    def licence(self) -> LicenceState | None:
        return self.licences[0] if self.licences else None


def draw(
    request: BookingRequest,
    interval: Interval,
    *,
    window: Interval,
    room_ids: Sequence[int],
    people: int,
    by: User,
    now: datetime,
    changing: Booking | None = None,
    draft: UUID | None = None,
    takes: Sequence[Take] = (),
) -> Picture:
    """Return the picture of `interval` within `window`, which covers it.

    `room_ids`: all rooms whose state is shown; the tracks are those of the request. Its own holds do not count when it
    is `changing` a booking. `takes`: the licences that the judge found for it, named and borrowed ones included.
    """
    facts = known.load(
        list(dict.fromkeys([*request.room_ids, *room_ids])),
        organizer_id=request.organizer_id,
        by_id=by.pk,
        now=now,
        host_ids=request.room_ids,
    )
    ignoring = Ignoring(now, tuple(changing.occurrences.values_list("pk", flat=True)) if changing else (), draft)
    facts = replace(
        facts,
        holds=known.load_holds(facts.rooms.values(), window, ignoring=ignoring),
        uses=known.load_uses(facts.pools, [window], ignoring=ignoring),
    )
    asker = Asker(by, SiteRoles.of(by))
    chosen = [facts.rooms[pk] for pk in request.room_ids if pk in facts.rooms]
    states = {pk: _state(room, interval, facts, asker.roles) for pk, room in facts.rooms.items()}
    tracks = (Track(room, _stretches(room, interval, window, facts, asker), states[room.pk].is_free) for room in chosen)
    return Picture(window, states, tuple(tracks), _licences(interval, window, facts, facts.need(people, chosen), takes))


def _state(room: Room, interval: Interval, facts: Facts, roles: SiteRoles) -> RoomState:
    in_the_way = holds_in_the_way(interval, facts, room)
    last = max(in_the_way, key=lambda hold: hold.interval.end_at, default=None)
    opens = is_open(room, interval, facts, roles)
    return RoomState(opens, last.interval.end_at, last.kind == "closure") if last else RoomState(opens)


def _stretches(room: Room, interval: Interval, window: Interval, facts: Facts, asker: Asker) -> tuple[Stretch, ...]:
    found = [Stretch(closed, clashes=closed.overlaps(interval)) for closed in _closed(room.site, window, facts)]
    wanted = interval.widened(before=room.setup, after=room.clearing)
    for hold in facts.holds.get(room.pk, ()):
        if shown := hold.interval.clipped(window):
            found.append(Stretch(shown, holder_of(hold, room, asker), hold.interval.overlaps(wanted)))
    return tuple(sorted(found, key=lambda stretch: stretch.interval))


def _closed(site: Site, window: Interval, facts: Facts) -> list[Interval]:
    """Return the parts of the window in which the site is closed."""
    days = {at.astimezone(site.zone).date() for at in (window.start_at, window.end_at)}
    open_stretches = [part for day in days for part in hours.open_on(facts.hours.get(site.pk, ()), day, site.zone)]
    return gaps(open_stretches, within=window)


def _licences(
    interval: Interval, window: Interval, facts: Facts, need: Need, takes: Sequence[Take]
) -> tuple[LicenceState, ...]:
    found = (_pool_state(pool_id, need, interval, window, facts, takes) for pool_id in need.by_pool)
    return tuple(sorted(found, key=lambda state: (state.has_all, state.free - state.seats)))


def _pool_state(
    pool_id: int, need: Need, interval: Interval, window: Interval, facts: Facts, takes: Sequence[Take]
) -> LicenceState:
    terms, uses, needed = facts.pools[pool_id], facts.uses[pool_id], need.by_pool[pool_id]
    site_id = next(iter(needed))
    site = facts.sites.get(site_id or 0) or (facts.host_site if facts.host_site_id == site_id else None)
    keeps = site_id in terms.allocation.keeps_to_share
    worst = min(
        licences.balances(terms.allocation, uses, span=interval),
        key=lambda balance: balance.free_for(site_id, from_reserve=not keeps),
    )
    seats = sum(needed.values())
    has_all = sum(take.seats for take in takes if take.pool_id == pool_id) >= seats
    return LicenceState(
        seats=seats,
        pool=terms.pool.name,
        site=site,
        site_use=worst.use_by_site.get(site_id, 0),
        site_share=worst.share_by_site.get(site_id, 0),
        in_use=worst.in_use,
        granted=worst.granted,
        free=worst.free_for(site_id, from_reserve=not keeps),
        stretches=tuple(
            Stretch(part, clashes=not has_all and part.overlaps(interval))
            for part in licences.full_stretches(terms.allocation, uses, needed, span=window)
        ),
        pool_id=pool_id,
        has_all=has_all,
    )
