"""Finds rooms for times and times for rooms: free on how many of the dates, the nearest common slots, free right now.

Every question is a fixed number of statements, whatever is booked and however many dates are asked about; history is
never read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from uuid import UUID

from accounts.models import User
from bookings.availability import binding, people_busy, rooms_taken
from bookings.availability import facts as known
from bookings.availability import holds as held
from bookings.availability.cases import find_bounds
from bookings.availability.clashes import Asker
from bookings.availability.facts import Facts
from bookings.availability.holds import Ignoring
from bookings.availability.judge import limits
from bookings.availability.openings import (
    Choice,
    LicenceCheck,
    open_starts,
    pick_with_licence,
    span_at,
    whole_seconds,
    window_of,
)
from bookings.models import Booking
from rooms import catalogue, hours
from rooms.free_time import both, nearest, seconds, starts_between
from rooms.interval import Interval
from rooms.models import Room
from rooms.permissions import SiteRoles
from rooms.queries import in_order
from rooms.rules import Asked, AskedMeeting, Kind, Place, find_breaches
from rooms.terms import Terms

#: The equipment that says that a room is reached without steps.
STEP_FREE = "dostepna"


@dataclass(frozen=True, slots=True)
class RoomFilter:
    """What rooms are looked for; empty and zero leave it open. `equipment_ids`: all of them."""

    site_ids: tuple[int, ...] = ()
    seats: int = 0
    equipment_ids: tuple[int, ...] = ()
    step_free: bool = False


@dataclass(frozen=True, slots=True)
class FreeRoom:
    """A room that is free on so many of the times asked for. `taken`: the places of the others among them."""

    room: Room
    free_on: int
    of: int
    taken: tuple[int, ...]


def free_rooms(
    spans: Sequence[Interval],
    *,
    by: User,
    now: datetime,
    filters: RoomFilter = RoomFilter(),
    changing: Booking | None = None,
    draft: UUID | None = None,
) -> list[FreeRoom]:
    """Return the rooms that `by` may ask for with the times at which each is free: the most first, then as in lists.

    A room counts as free when nothing holds it, preparation included, its site is open and no rule forbids it. Whether
    there is a licence is not the room's business. What the open form `draft` holds does not count.
    """
    rooms = _rooms(filters, by)
    if not rooms or not spans:
        return []
    replaced = tuple(changing.occurrences.values_list("pk", flat=True)) if changing else ()
    ignoring = Ignoring(now, replaced, draft)
    found = binding.load(rooms, user_ids={by.pk}, now=now)
    taken = rooms_taken.load(rooms, spans, ignoring)
    shut = _ClosedTimes(found, SiteRoles.of(by), spans, now)
    result = []
    for room in in_order(rooms):
        gone = sorted(taken[room.pk] | shut.of(room))
        result.append(FreeRoom(room, len(spans) - len(gone), len(spans), tuple(gone)))
    return sorted(result, key=lambda item: -item.free_on)


def free_now(site_id: int | None, *, minutes: int = 30, by: User, now: datetime) -> list[FreeRoom]:
    """Return the rooms that are free from now on for so long, the smallest first; none when no licence is."""
    span = Interval(now, now + timedelta(minutes=minutes))
    filters = RoomFilter(site_ids=() if site_id is None else (site_id,))
    free = [item for item in free_rooms([span], by=by, now=now, filters=filters) if item.free_on]
    if not free:
        return []
    facts = _licence_facts([item.room for item in free], by, now)
    check = LicenceCheck(facts, Ignoring(now))
    sites = {item.room.site_id: item.room for item in free}
    fits = check.fits([(span, facts.need(1, [room])) for room in sites.values()])
    licensed = {pk for pk, is_free in zip(sites, fits, strict=True) if is_free}
    return sorted((item for item in free if item.room.site_id in licensed), key=lambda item: item.room.seats)


def nearest_slots(
    room_ids: Sequence[int],
    *,
    duration: timedelta,
    around: datetime,
    organizer_id: int,
    user_ids: Sequence[int] = (),
    by: User,
    now: datetime,
    days: int = 30,
    limit: int = 10,
    people: int = 1,
) -> list[Interval]:
    """Return the nearest times at which all these rooms and a licence are free and these users have no session.

    In the `days` from the day of `around` on, the nearest first; none overlaps another. What the users declined is not
    in their way. No time at which `by` may not book by the office's limits and rules.
    """
    length = whole_seconds(duration)
    facts = known.load(room_ids, organizer_id=organizer_id, by_id=by.pk, now=now, host_ids=room_ids)
    asker = Asker(by, SiteRoles.of(by))
    rooms = tuple(facts.rooms.values())
    window = _window(around, find_bounds(rooms, facts, asker, now), duration, days)
    if window is None or _is_banned(rooms, facts, asker, duration, now):
        return []
    ignoring = Ignoring(now)
    [busy] = held.busy_stretches([(rooms, window)], ignoring)
    starts = open_starts(rooms, window, length, facts, asker.roles)
    starts = both(starts, starts_between(busy, window_of(window), length))
    starts = both(starts, starts_between(people_busy.load(user_ids, window), window_of(window), length))
    pick = partial(nearest, around=seconds(around), length=length, limit=limit)
    choice = Choice(starts, window, length, facts.need(people, rooms), pick)
    [picked] = pick_with_licence([choice], LicenceCheck(facts, ignoring))
    return [span_at(at, length) for at in picked]


def _window(
    around: datetime, bounds: tuple[datetime, datetime] | None, duration: timedelta, days: int
) -> Interval | None:
    """Return the days to search, from midnight where `around` is, within the bounds of where to begin."""
    if bounds is None:
        return None
    midnight = datetime.combine(around.date(), time(), around.tzinfo or UTC)
    first = max(midnight, bounds[0])
    last = min(midnight + timedelta(days=days), bounds[1])
    return Interval(first, last + duration) if first <= last else None


def _is_banned(rooms: Sequence[Room], facts: Facts, asker: Asker, duration: timedelta, now: datetime) -> bool:
    """Say whether a rule forbids these rooms to the asker, or a meeting so long, at any time."""
    if duration > limits().max_duration or any(not asker.roles.may_ask(room) for room in rooms):
        return True
    places = tuple(asker.roles.place_of(room) for room in rooms)
    asked = AskedMeeting(now.date(), Interval(now, now + duration), places)
    breaches = find_breaches(facts.rule_book, Asked(now, (asked,), is_it_admin=asker.roles.is_it_admin))
    return any(breach.kind in {Kind.BOOK, Kind.LENGTH} and breach.waiver is None for breach in breaches)


def _licence_facts(rooms: Sequence[Room], by: User, now: datetime) -> Facts:
    return known.load(
        [room.pk for room in rooms],
        organizer_id=by.pk,
        by_id=by.pk,
        now=now,
        host_ids=[rooms[0].pk],
        locked=known.Locked({room.pk: room for room in rooms}),
    )


def _rooms(filters: RoomFilter, by: User) -> list[Room]:
    found = catalogue.load(site_ids=filters.site_ids, seats=filters.seats)
    roles = SiteRoles.of(by)
    wanted = set(filters.equipment_ids)
    return [
        room
        for room in found
        if roles.may_ask(room)
        and (not wanted or wanted <= {item.pk for item in room.equipment.all()})
        and (not filters.step_free or any(item.code == STEP_FREE for item in room.equipment.all()))
    ]


class _ClosedTimes:
    """At which of the times a room can't be had whatever is booked: its site is closed, or a rule is against it.

    Rooms of a site to which the same rules apply are looked at once.
    """

    def __init__(self, found: Terms, roles: SiteRoles, spans: Sequence[Interval], now: datetime) -> None:
        self._terms, self._roles, self._spans, self._now = found, roles, spans, now
        self._special = {rule.room_id for rule in found.rule_book.rules if rule.room_id is not None}
        self._by_site: dict[int, frozenset[int]] = {}

    def of(self, room: Room) -> frozenset[int]:
        if room.pk in self._special:
            return self._find(room)
        if room.site_id not in self._by_site:
            self._by_site[room.site_id] = self._find(room)
        return self._by_site[room.site_id]

    def _find(self, room: Room) -> frozenset[int]:
        place = replace(self._roles.place_of(room), needs_approval=False)
        opening, zone = self._terms.hours.get(room.site_id, ()), room.site.zone
        gone = {n for n, span in enumerate(self._spans) if span.end_at <= self._now}
        if not self._terms.rule_book.allows_any_hour(place):
            gone |= {n for n, span in enumerate(self._spans) if not hours.is_open(opening, span, zone)}
        return frozenset(gone | self._against_rules(place))

    def _against_rules(self, place: Place) -> set[int]:
        rules = self._terms.rule_book.rules
        if all(rule.kind in {Kind.APPROVAL, Kind.ANY_HOUR} for rule in rules):
            return set()
        # Named by their place among the spans: a rule says which dates it is about.
        names = {date.fromordinal(n + 1): n for n in range(len(self._spans))}
        meetings = tuple(AskedMeeting(name, self._spans[n], (place,)) for name, n in names.items())
        asked = Asked(self._now, meetings, is_it_admin=self._roles.is_it_admin)
        return {
            names[name]
            for breach in find_breaches(self._terms.rule_book, asked)
            if breach.waiver is None and breach.kind in {Kind.BOOK, Kind.LENGTH, Kind.NOTICE, Kind.WINDOW}
            for name in breach.on
        }
