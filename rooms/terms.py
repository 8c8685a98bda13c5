"""Reads in one statement what binds bookings in the whole office: opening hours, the office's rules, licences.

`rooms.queries` reads each of them alone; who books needs them all at once, and quickly: `bookings.availability` keeps
them until they change.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from rooms import prepared
from rooms.hours import Hours
from rooms.licences import Allocation, NamedSeat, Seats
from rooms.models import LicencePool, Room, SiteTerms
from rooms.queries import midnight
from rooms.rules import Kind, Rule, RuleBook, Waiver

Row = tuple[Any, ...]
# A change of any of these tables has to leave a mark of the office (bookings migrations 0022 and 0028).
_TERMS = """
SELECT 'hours', id, weekday::int, site_id, NULL::bigint, NULL::bigint, '', '', opens, closes, NULL::date, NULL::date
    FROM rooms_openinghours
UNION ALL
SELECT 'rule', id, value::int, site_id, room_id, NULL, kind, role, NULL, NULL, NULL, NULL FROM rooms_bookingrule
UNION ALL
SELECT 'grant', id, seats::int, NULL, NULL, pool_id, '', '', NULL, NULL, valid_from, valid_to FROM rooms_licencegrant
UNION ALL
SELECT 'share', id, seats::int, site_id, NULL, pool_id, '', '', NULL, NULL, valid_from, valid_to FROM rooms_siteshare
UNION ALL
SELECT 'loan', id, seats::int, lender_id, borrower_id, pool_id, '', '', NULL, NULL, valid_from, valid_to
    FROM rooms_licenceloan
UNION ALL
SELECT 'emergency', id, seats::int, NULL, NULL, pool_id, '', '', NULL, NULL, valid_from, valid_to
    FROM rooms_emergencyseats
UNION ALL
SELECT CASE WHEN user_id IS NULL THEN 'room' ELSE 'person' END, id, coalesce(user_id, room_id)::int, site_id, NULL,
    pool_id, '', '', NULL, NULL, valid_from, valid_to FROM rooms_namedlicence
UNION ALL
SELECT 'terms', id, lend_days::int, site_id, NULL, pool_id, when_short, '', NULL, NULL, NULL, NULL FROM rooms_siteterms
UNION ALL
SELECT 'pool', id, is_default::int, NULL, NULL, id, name, counts || ' ' || emergency_for || ' ' || time_zone, NULL,
    NULL, NULL, NULL FROM rooms_licencepool
ORDER BY 2
"""


@dataclass(frozen=True, slots=True)
class PoolTerms:
    """A pool with what it has. `emergency`: seats that only some may take, not in `allocation`; `named`: nor these.

    `lend_days`: by site, where it is not the default, how many days ahead others may borrow what it leaves idle.
    """

    pool: LicencePool
    allocation: Allocation
    emergency: tuple[Seats, ...] = ()
    named: tuple[NamedSeat, ...] = ()
    lend_days: dict[int, int] = field(default_factory=dict)

    def owned(self, at: datetime) -> int:
        """Return how many seats the office owns at the instant, whoever they are for."""
        return sum(item.seats for item in self.allocation.grants if item.seats > 0 and item.in_force(at))

    def lends(self, site_id: int) -> int:
        """Return how many days ahead people of other sites may borrow idle seats of this site by themselves."""
        return self.lend_days.get(site_id, SiteTerms.DEFAULT_LEND_DAYS)


@dataclass(frozen=True, slots=True)
class Terms:
    """What binds a booking. `hours`: by site, of the sites of its rooms. `pools`: all, by key, in the order of keys."""

    hours: dict[int, tuple[Hours, ...]]
    rule_book: RuleBook
    pools: dict[int, PoolTerms]


@dataclass(frozen=True, slots=True, eq=False)
class OfficeTerms:
    """What binds bookings anywhere in the office. Shared by whoever asks: nobody changes it."""

    hours: dict[int, tuple[Hours, ...]]
    rules: tuple[Rule, ...]
    pools: dict[int, PoolTerms]

    def of(self, rooms: Collection[Room], waivers: Iterable[Waiver] = ()) -> Terms:
        """Return what binds a booking of these rooms. `waivers`: exemptions in force of those who ask."""
        sites = {room.site_id for room in rooms}
        places, room_ids = {None, *sites}, {None, *(room.pk for room in rooms)}
        rules = tuple(rule for rule in self.rules if rule.site_id in places and rule.room_id in room_ids)
        hours = {pk: self.hours[pk] for pk in sites if pk in self.hours}
        return Terms(hours, RuleBook(rules, tuple(waivers)), self.pools)


def load_office() -> OfficeTerms:
    """Return what binds bookings in the whole office: one query."""
    hours: dict[int, list[Hours]] = {}
    rules: list[Rule] = []
    pools: dict[int, _Pool] = {}
    dated: list[Row] = []
    for row in prepared.fetch(_TERMS):
        what, pk, number, site_id, room_id, _pool_id, text, more, opens, closes, _first, _last = row
        if what == "hours":
            hours.setdefault(site_id, []).append(Hours(number, opens, closes))
        elif what == "rule":
            rules.append(Rule(Kind(text), number, site_id, room_id, more, pk))
        elif what == "pool":
            counts, emergency_for, zone = more.split(" ", 2)
            pools[pk] = _Pool(LicencePool(pk, text, counts, zone, emergency_for, bool(number)))
        else:
            dated.append(row)
    for row in dated:
        pools[row[5]].add(row)
    return OfficeTerms(
        {site_id: tuple(found) for site_id, found in hours.items()},
        tuple(rules),
        {pk: pool.terms() for pk, pool in pools.items()},
    )


def load_pools() -> dict[int, PoolTerms]:
    """Return all pools with what they have: one query."""
    return load_office().pools


def allocation(pool: LicencePool) -> Allocation:
    """Return what the pool has for general use, as instants: all begins and ends at midnight in the pool's zone."""
    return load_pools()[pool.pk].allocation


@dataclass
class _Pool:
    """Collects the rows of one pool."""

    pool: LicencePool
    grants: list[Seats] = field(default_factory=list)
    shares: list[Seats] = field(default_factory=list)
    emergency: list[Seats] = field(default_factory=list)
    named: list[NamedSeat] = field(default_factory=list)
    keeping: set[int | None] = field(default_factory=set)
    lend_days: dict[int, int] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        what, pk, number, site_id, other_id = row[:5]
        if what == "terms":
            self.lend_days[site_id] = number
            if row[6] == SiteTerms.WhenShort.OTHER_TIME:
                self.keeping.add(site_id)
            return
        zone = self.pool.time_zone
        first = _midnight(row[10], zone)
        last = None if row[11] is None else _midnight(row[11] + timedelta(days=1), zone)
        if what == "grant":
            self.grants.append(Seats(number, first, last))
        elif what == "share":
            self.shares.append(Seats(number, first, last, site_id))
        elif what == "loan":
            self.shares += (Seats(-number, first, last, site_id), Seats(number, first, last, other_id))
        elif what == "emergency":
            self.emergency.append(Seats(number, first, last))
            self.grants.append(Seats(-number, first, last))
        else:
            owner = {"user_id" if what == "person" else "room_id": number}
            self.named.append(NamedSeat(pk, self.pool.pk, site_id, first, last, **owner))
            self.grants.append(Seats(-1, first, last))
            if site_id is not None:
                self.shares.append(Seats(-1, first, last, site_id))

    def terms(self) -> PoolTerms:
        have = Allocation(tuple(self.grants), tuple(self.shares), frozenset(self.keeping))
        return PoolTerms(self.pool, have, tuple(self.emergency), tuple(self.named), self.lend_days)


@lru_cache(maxsize=1024)
def _midnight(day: date, zone: str) -> datetime:
    return midnight(day, ZoneInfo(zone))
