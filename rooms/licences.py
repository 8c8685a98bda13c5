"""Licence arithmetic: shares, reserve and peak use. Pure; the database's trigger says the same in SQL.

The rule (docs/architecture.md, section 5): at every instant the sum over sites of `max(0, use - share)` fits into the
reserve, which is what is granted and not shared out. Counting overlapping sessions instead would refuse wrongly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from rooms.interval import Interval

CONFERENCE, ROOM, PARTICIPANT = "conference", "room", "participant"


@dataclass(frozen=True, slots=True)
class Seats:
    """Seats in force in `[start_at, end_at)`; no end: until further notice. `site_id` None: granted to the pool.

    Fewer than none: taken away from the rest, such as what a site has lent.
    """

    seats: int
    start_at: datetime
    end_at: datetime | None = None
    site_id: int | None = None

    def in_force(self, at: datetime) -> bool:
        return self.start_at <= at and (self.end_at is None or at < self.end_at)


@dataclass(frozen=True, slots=True)
class Use:
    """Seats that a session takes from a site's share first. `site_id` None: no site, straight from the reserve."""

    site_id: int | None
    seats: int
    interval: Interval


@dataclass(frozen=True, slots=True)
class NamedSeat:
    """A seat of a pool that belongs to a person or to a room, in force in `[start_at, end_at)`."""

    pk: int
    pool_id: int
    site_id: int | None
    start_at: datetime
    end_at: datetime | None = None
    user_id: int | None = None
    room_id: int | None = None

    def covers(self, interval: Interval) -> bool:
        return self.start_at <= interval.start_at and (self.end_at is None or interval.end_at <= self.end_at)


@dataclass(frozen=True, slots=True)
class Need:
    """What a meeting needs: seats by pool and site. `named`: seats of its people and rooms that may serve instead."""

    by_pool: Mapping[int, Mapping[int | None, int]]
    named: tuple[NamedSeat, ...] = ()

    @property
    def seats(self) -> int:
        return sum(seats for sites in self.by_pool.values() for seats in sites.values())

    def without(self, seat: NamedSeat, *, site_id: int | None) -> Need:
        """Return what is left where the named seat serves: one seat less of its pool, of `site_id` if there is one."""
        sites = dict(self.by_pool.get(seat.pool_id, {}))
        if not sites:
            return self
        site = site_id if site_id in sites else next(iter(sites))
        sites[site] -= 1
        left = {pk: seats for pk, seats in sites.items() if seats}
        by_pool = {**self.by_pool, seat.pool_id: left}
        return Need({pk: sites for pk, sites in by_pool.items() if sites}, self.named)


@dataclass(frozen=True, slots=True)
class Allocation:
    """What a pool has for general use: grants and site shares, with their dates, loans and named seats counted in.

    `keeps_to_share`: sites that take nothing from the reserve, by their own choice.
    """

    grants: tuple[Seats, ...]
    shares: tuple[Seats, ...]
    keeps_to_share: frozenset[int | None] = field(default=frozenset())

    def granted(self, at: datetime) -> int:
        return sum(item.seats for item in self.grants if item.in_force(at))

    def shares_by_site(self, at: datetime) -> dict[int | None, int]:
        found: dict[int | None, int] = {}
        for item in self.shares:
            if item.in_force(at):
                found[item.site_id] = found.get(item.site_id, 0) + item.seats
        return found

    def changes_within(self, span: Interval) -> set[datetime]:
        edges = {edge for item in (*self.grants, *self.shares) for edge in (item.start_at, item.end_at) if edge}
        return {edge for edge in edges if span.contains(edge)}


@dataclass(frozen=True, slots=True)
class Balance:
    """How a pool stands at one instant. `over`: what sites use beyond their shares. `reserve`: what is there for it."""

    at: datetime
    granted: int
    in_use: int
    over: int
    reserve: int
    use_by_site: dict[int | None, int]
    share_by_site: dict[int | None, int]

    @property
    def is_overused(self) -> bool:
        # Where more is taken away than there is, nothing in use is still not too much.
        return self.in_use > max(0, self.granted) or self.over > self.reserve

    def free_for(self, site_id: int | None, *, from_reserve: bool = True) -> int:
        """Return how many more seats the site could take at this instant. `from_reserve`: not only of its share."""
        share_left = max(0, self.share_by_site.get(site_id, 0) - self.use_by_site.get(site_id, 0))
        reserve_left = self.reserve - self.over if from_reserve else 0
        return max(0, min(self.granted - self.in_use, share_left + reserve_left))


def balance_at(allocation: Allocation, uses: Iterable[Use], at: datetime) -> Balance:
    use_by_site: dict[int | None, int] = {}
    for use in uses:
        if use.interval.contains(at):
            use_by_site[use.site_id] = use_by_site.get(use.site_id, 0) + use.seats
    return _balance(at, allocation.granted(at), allocation.shares_by_site(at), use_by_site)


def _balance(
    at: datetime, granted: int, share_by_site: dict[int | None, int], use_by_site: dict[int | None, int]
) -> Balance:
    return Balance(
        at=at,
        granted=granted,
        in_use=sum(use_by_site.values()),
        over=sum(max(0, seats - share_by_site.get(site, 0)) for site, seats in use_by_site.items()),
        reserve=max(0, granted - sum(share_by_site.values())),
        use_by_site=use_by_site,
        share_by_site=share_by_site,
    )


def balances(allocation: Allocation, uses: Iterable[Use], *, span: Interval) -> list[Balance]:
    """Return the pool's balance at every instant inside `span` where it can change for the worse."""
    return list(_sweep(allocation, uses, span, worse_only=True))


def _sweep(
    allocation: Allocation, uses: Iterable[Use], span: Interval, *, worse_only: bool = False
) -> Iterator[Balance]:
    """Yield the balance at every instant inside `span` at which it changes, the first instant included.

    `worse_only`: not where a use ends. Each use is counted in and out once, whatever the number of instants.
    """
    changes: list[tuple[datetime, int | None, int]] = []
    instants = {span.start_at, *allocation.changes_within(span)}
    for use in uses:
        if not use.interval.overlaps(span):
            continue
        starts_at = max(use.interval.start_at, span.start_at)
        changes += ((starts_at, use.site_id, use.seats), (use.interval.end_at, use.site_id, -use.seats))
        instants.add(starts_at)
        if not worse_only and use.interval.end_at < span.end_at:
            instants.add(use.interval.end_at)
    changes.sort(key=_instant, reverse=True)
    in_use: dict[int | None, int] = {}
    edges = allocation.changes_within(span)
    granted, share_by_site = allocation.granted(span.start_at), allocation.shares_by_site(span.start_at)
    for at in sorted(instants):
        if at in edges:
            granted, share_by_site = allocation.granted(at), allocation.shares_by_site(at)
        while changes and changes[-1][0] <= at:
            _at, site_id, seats = changes.pop()
            in_use[site_id] = in_use.get(site_id, 0) + seats
        yield _balance(at, granted, share_by_site, {site: seats for site, seats in in_use.items() if seats})


def _instant(change: tuple[datetime, int | None, int]) -> datetime:
    return change[0]


def full_stretches(
    allocation: Allocation, uses: Iterable[Use], needed: Mapping[int | None, int], *, span: Interval
) -> list[Interval]:
    """Return the parts of `span` in which the seats `needed` would be too many, sorted and merged."""
    found: list[Interval] = []
    since: datetime | None = None
    for balance in _sweep(allocation, uses, span):
        is_full = _is_too_much(allocation, balance, needed)
        if is_full and since is None:
            since = balance.at
        elif not is_full and since is not None:
            found.append(Interval(since, balance.at))
            since = None
    return found if since is None else [*found, Interval(since, span.end_at)]


def first_refusal(
    allocation: Allocation, uses: Iterable[Use], needed: Mapping[int | None, int], *, span: Interval
) -> Balance | None:
    """Return how the pool stands, without the seats `needed`, at the first instant at which they are too many.

    Asked under the locks for every date that is not sure to fit, so sums are carried along instead of made anew.
    """
    touching = [use for use in uses if use.interval.overlaps(span)]
    at = _first_lack(allocation, touching, needed, span)
    return None if at is None else balance_at(allocation, touching, at)


def _first_lack(
    allocation: Allocation, uses: Sequence[Use], needed: Mapping[int | None, int], span: Interval
) -> datetime | None:
    """Return the first instant of `span` at which the seats `needed` are too many, or None. `uses`: touch the span."""
    begin = span.start_at
    changes = [(max(use.interval.start_at, begin), use.site_id, use.seats) for use in uses]
    changes += [(use.interval.end_at, use.site_id, -use.seats) for use in uses]
    # Changes of the allocation change no use: nothing is added to the wish.
    changes += [(edge, None, 0) for edge in (begin, *allocation.changes_within(span))]
    changes.sort(key=_instant)
    wanted = dict(needed)
    total, over, reserve, granted = sum(wanted.values()), 0, 0, 0
    shares: dict[int | None, int] = {}
    kept = [site for site in needed if site in allocation.keeps_to_share]
    for at, same in groupby(changes, key=_instant):
        if at >= span.end_at:
            return None
        for _at, site, seats in same:
            if not seats:
                granted, shares = allocation.granted(at), allocation.shares_by_site(at)
                reserve = max(0, granted - sum(shares.values()))
                over = sum(max(0, there - shares.get(of, 0)) for of, there in wanted.items())
                continue
            before = wanted.get(site, 0)
            share = shares.get(site, 0)
            wanted[site] = before + seats
            total += seats
            over += max(0, before + seats - share) - max(0, before - share)
        if total > granted or over > reserve or any(wanted[site] > shares.get(site, 0) for site in kept):
            return at
    return None


def _is_too_much(allocation: Allocation, balance: Balance, needed: Mapping[int | None, int]) -> bool:
    use, share = balance.use_by_site, balance.share_by_site
    wanted = {site: use.get(site, 0) + needed.get(site, 0) for site in use.keys() | needed.keys()}
    over = sum(max(0, seats - share.get(site, 0)) for site, seats in wanted.items())
    if sum(wanted.values()) > max(0, balance.granted) or over > balance.reserve:
        return True
    kept = allocation.keeps_to_share
    return any(site in kept and wanted[site] > share.get(site, 0) for site in needed)


def first_overuse(allocation: Allocation, uses: Iterable[Use], *, span: Interval) -> Balance | None:
    """Return the first instant in `span` at which more is used than the pool has, or None."""
    return next((found for found in _sweep(allocation, uses, span, worse_only=True) if found.is_overused), None)


def surely_fits(allocation: Allocation, seats_by_site: Mapping[int | None, int], *, span: Interval) -> bool:
    """Say whether so many seats of each site fit at every instant of `span`.

    Given the seats of all uses that touch the span, at once or one after another, True means that there is no over-use;
    False, that the uses have to be looked at (`first_overuse`). Much the faster of the two.
    """
    instants = [span.start_at, *allocation.changes_within(span)]
    in_use = sum(seats_by_site.values())
    for at in instants:
        granted, shares = allocation.granted(at), allocation.shares_by_site(at)
        over = sum(max(0, seats - shares.get(site, 0)) for site, seats in seats_by_site.items())
        if in_use > granted or over > max(0, granted - sum(shares.values())):
            return False
        if any(seats_by_site.get(site, 0) > shares.get(site, 0) for site in allocation.keeps_to_share):
            return False
    return True


def peak_use(uses: Iterable[Use], *, span: Interval) -> int:
    """Return the highest number of seats in use at one instant of `span`."""
    changes: list[tuple[datetime, int]] = []
    for use in uses:
        if use.interval.overlaps(span):
            changes += ((use.interval.start_at, use.seats), (use.interval.end_at, -use.seats))
    # What ends at an instant has made room for what begins then.
    changes.sort()
    in_use = peak = 0
    for at, seats in changes:
        if at >= span.end_at:
            break
        in_use += seats
        peak = max(peak, in_use)
    return peak


def seats_needed(
    counts: str, *, room_sites: Sequence[int], host_site: int | None, participants: int
) -> dict[int | None, int]:
    """Return how many seats a session takes from which site: per conference, per connected room, or per participant."""
    if counts == CONFERENCE:
        return {host_site: 1}
    if counts == PARTICIPANT:
        return {host_site: max(1, participants)}
    needed: dict[int | None, int] = {}
    for site_id in room_sites:
        needed[site_id] = needed.get(site_id, 0) + 1
    return needed or {host_site: 1}
