"""Says which licences meetings take: named ones first, then shares and the reserve, then what was asked for instead.

Adds up first all that touches a meeting, which mostly says enough, and looks closely only at the dates where it does
not. What a meeting has already and still needs it keeps, whatever has become of the pool.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bookings.availability import facts as known
from bookings.availability import holds as held
from bookings.availability.facts import Facts
from bookings.availability.holds import Ignoring, Probe, Sums
from bookings.availability.planned import Take
from bookings.rules import LicenceWish
from rooms import licences
from rooms.interval import Interval
from rooms.licences import Allocation, Balance, Need, Use
from rooms.models import LicencePool
from rooms.permissions import SiteRoles

Sites = Mapping[int | None, int]


@dataclass(frozen=True, slots=True)
class Short:
    """A pool that has too little for a meeting: how it stands at the first such instant, without the meeting.

    `uses`: all of shares and reserve that touches the meeting. `frees_at`: when the next seat in use then comes free.
    """

    pool_id: int
    span: Interval
    needed: Sites
    balance: Balance
    uses: tuple[Use, ...] = ()

    @property
    def seats(self) -> int:
        return sum(self.needed.values())

    @property
    def frees_at(self) -> datetime | None:
        ends = (use.interval.end_at for use in self.uses if use.interval.contains(self.balance.at))
        return min(ends, default=None)


@dataclass(frozen=True, slots=True)
class Seated:
    """The licences of one meeting, as far as there are any, and what is missing."""

    takes: tuple[Take, ...] = ()
    short: tuple[Short, ...] = ()


@dataclass(frozen=True, slots=True)
class Seating:
    """Seats meetings. `wish`: what to do where licences are short, and `roles` of whoever asks: what they may do.

    `sums`: of a single meeting, what touches it, where that has been read already.
    """

    facts: Facts
    ignoring: Ignoring
    wish: LicenceWish = field(default_factory=LicenceWish)
    roles: SiteRoles = field(default_factory=SiteRoles)
    sums: Sums | None = None

    def seat(self, asked: Sequence[tuple[Interval, Need]]) -> list[Seated]:
        """Return the licences of each meeting; a fixed number of statements, one where nothing is short."""
        rest, named = self._take_named(asked)
        short = self._find_short([(span, need) for (span, _asked), need in zip(asked, rest, strict=True)])
        instead = self._take_instead([item for items in short for item in items])
        found = []
        for n, need in enumerate(rest):
            missing = {item.pool_id: item for item in short[n]}
            takes = [*named[n], *_shares(need, but_for=missing)]
            takes += [take for item in short[n] for take in instead.get(id(item), ())]
            left = [item for item in short[n] if id(item) not in instead]
            found.append(Seated(tuple(takes), tuple(left)))
        return found

    def _take_named(self, asked: Sequence[tuple[Interval, Need]]) -> tuple[list[Need], list[list[Take]]]:
        rest = [need for _span, need in asked]
        takes: list[list[Take]] = [[] for _ in asked]
        probes = [
            Probe(n, seat.pk, span.start_at, span.end_at)
            for n, (span, need) in enumerate(asked)
            for seat in need.named
            if seat.covers(span)
        ]
        in_use = held.named_in_use(probes, self.ignoring)
        seats = {seat.pk: seat for _span, need in asked for seat in need.named}
        for probe in probes:
            seat, need = seats[probe.resource_id], rest[probe.key]
            if (probe.key, seat.pk) in in_use or seat.pool_id not in need.by_pool:
                continue
            rest[probe.key] = need.without(seat, site_id=site_of(seat, self.facts))
            takes[probe.key].append(Take(seat.pool_id, seat.site_id, 1, "named", seat.pk))
        return rest, takes

    def _find_short(self, asked: Sequence[tuple[Interval, Need]]) -> list[list[Short]]:
        found: list[list[Short]] = [[] for _ in asked]
        probes = [
            Probe(n, pool_id, span.start_at, span.end_at)
            for n, (span, need) in enumerate(asked)
            for pool_id in need.by_pool
        ]
        sums = held.seats_held(probes, self.ignoring) if self.sums is None else self.sums
        tight = [probe for probe in probes if not self._surely_fits(*asked[probe.key], probe, sums)]
        if not tight:
            return found
        uses = known.load_uses_by_probe(tight, ignoring=self.ignoring)
        for probe in tight:
            span, need = asked[probe.key]
            near = uses.get((probe.key, probe.resource_id), [])
            if short := find_short(probe.resource_id, need, self.facts, near, span=span):
                found[probe.key].append(short)
        return found

    def _surely_fits(self, span: Interval, need: Need, probe: Probe, sums: Sums) -> bool:
        pool_id = probe.resource_id
        touching = sums.get((probe.key, pool_id), {})
        return licences.surely_fits(self._allocation(pool_id), added(touching, need.by_pool[pool_id]), span=span)

    def _take_instead(self, short: Sequence[Short]) -> dict[int, list[Take]]:
        """Return what to take where seats are short, by `id` of the lack, as far as whoever asks said so and may."""
        found: dict[int, list[Take]] = {}
        lender = self.wish.borrow_from
        for item in short if lender is not None else ():
            if lender in self.lenders(item):
                found[id(item)] = [
                    Take(item.pool_id, lender, seats, borrower_id=site) for site, seats in item.needed.items()
                ]
        if self.wish.emergency_reason.strip():
            left = [item for item in short if id(item) not in found]
            for item, has_seats in zip(left, self.have_emergency(left), strict=True):
                if has_seats:
                    found[id(item)] = [
                        Take(item.pool_id, site, seats, "emergency") for site, seats in item.needed.items()
                    ]
        return found

    def lenders(self, short: Short) -> list[int]:
        """Return the sites whose idle share whoever asks may use, those with most of it first."""
        allocation = self._allocation(short.pool_id)
        sites = {item.site_id for item in allocation.shares if item.site_id is not None} - set(short.needed)
        # Seats that several sites lack would need several lenders: those are refused.
        if len(short.needed) != 1:
            return []
        idle = {site: _idle(allocation, short.uses, site, short.span) for site in sites}
        return sorted(
            (
                site
                for site in sites
                if idle[site] >= short.seats
                and self._may_borrow(site, short)
                # Where sessions were kept the pool may be over-full as a whole, idle shares or not.
                and licences.first_refusal(allocation, short.uses, {site: short.seats}, span=short.span) is None
            ),
            key=lambda site: (-idle[site], site),
        )

    def _may_borrow(self, site_id: int, short: Short) -> bool:
        days = self.facts.pools[short.pool_id].lends(site_id)
        if self.roles.manages(site_id):
            return True
        return days > 0 and short.span.start_at <= self.ignoring.now + timedelta(days=days)

    def may_use_emergency(self, pool_id: int) -> bool:
        if self.roles.is_it_admin:
            return True
        is_for_managers = self.facts.pools[pool_id].pool.emergency_for == LicencePool.Helpers.MANAGER
        return is_for_managers and bool(self.roles.managed_sites)

    def have_emergency(self, short: Sequence[Short]) -> list[bool]:
        """Say for each lack whether there are emergency seats that whoever asks may take: one statement at most."""
        pools = {item.pool_id: self.facts.pools[item.pool_id].emergency for item in short}
        asked = [item for item in short if pools[item.pool_id] and self.may_use_emergency(item.pool_id)]
        if not asked:
            return [False] * len(short)
        probes = held.probes_of(pools, [item.span for item in asked])
        uses = [
            (pool_id, pk, Use(None, seats, Interval(starts_at, ends_at)))
            for _key, pk, pool_id, _site, seats, starts_at, ends_at in held.uses_held(
                probes, self.ignoring, source="emergency"
            )
        ]
        answers = []
        for item in short:
            there = Allocation(pools[item.pool_id] if item in asked else (), ())
            of_pool = {pk: use for pool_id, pk, use in uses if pool_id == item.pool_id}
            refused = licences.first_refusal(there, of_pool.values(), {None: item.seats}, span=item.span)
            answers.append(refused is None)
        return answers

    def _allocation(self, pool_id: int) -> Allocation:
        return self.facts.pools[pool_id].allocation


def find_short(pool_id: int, need: Need, facts: Facts, uses: Iterable[Use], *, span: Interval) -> Short | None:
    """Return why the seats of the pool don't fit at some instant of the span, or None. `uses`: all that touch it."""
    uses, needed = list(uses), need.by_pool[pool_id]
    worst = licences.first_refusal(facts.pools[pool_id].allocation, uses, needed, span=span)
    if worst is None:
        return None
    return Short(pool_id, span, needed, worst, tuple(uses))


def keep(need: Need, has: Sequence[Take], facts: Facts) -> tuple[Take, ...] | None:
    """Return which of the licences that a meeting has already cover all that it needs, or None where they don't."""
    left = {pk: dict(sites) for pk, sites in need.by_pool.items()}
    named = {seat.pk: seat for seat in need.named}
    kept: list[Take] = []
    for take in sorted(has, key=lambda take: take.source != "named"):
        sites = left.get(take.pool_id, {})
        site = take.site_id if take.borrower_id is None else take.borrower_id
        if take.named_id is not None:
            if take.named_id not in named:
                continue
            site = site_of(named[take.named_id], facts)
            site = site if site in sites else next(iter(sites), None)
        seats = min(take.seats, sites.get(site, 0))
        if seats:
            kept.append(replace(take, seats=seats))
            sites[site] -= seats
    missing = any(seats for sites in left.values() for seats in sites.values())
    return None if missing else tuple(kept)


def site_of(seat: licences.NamedSeat, facts: Facts) -> int | None:
    """Return the site whose seat the named licence stands in for: where its room is, or where the meeting is hosted."""
    if seat.room_id is not None and seat.room_id in facts.rooms:
        return facts.rooms[seat.room_id].site_id
    return facts.host_site_id


def added(first: Sites, second: Sites) -> dict[int | None, int]:
    """Add up seats by site."""
    return {site: first.get(site, 0) + second.get(site, 0) for site in first.keys() | second.keys()}


def _shares(need: Need, *, but_for: Mapping[int, object]) -> Iterator[Take]:
    for pool_id, sites in need.by_pool.items():
        if pool_id not in but_for:
            for site_id, seats in sites.items():
                yield Take(pool_id, site_id, seats)


def _idle(allocation: Allocation, uses: Sequence[Use], site_id: int, span: Interval) -> int:
    """Return how many seats of the site's share nobody uses at any instant of the span."""
    return min(
        balance.share_by_site.get(site_id, 0) - balance.use_by_site.get(site_id, 0)
        for balance in licences.balances(allocation, uses, span=span)
    )
