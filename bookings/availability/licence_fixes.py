"""Finds ways to a licence where none is free: what another site leaves idle, an emergency seat; and who holds them all.

Two statements however many dates are refused, and none where no licence is short.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bookings.availability import holders
from bookings.availability.clashes import Asker
from bookings.availability.holders import Named
from bookings.availability.judge import Assessment
from bookings.availability.seating import Seating, Short
from bookings.rules import Fix, LicenceWish
from bookings.seats_taken import IdleSite
from rooms import licences
from rooms.permissions import SiteRoles
from rooms.terms import PoolTerms

MAX_LENDERS = 2
MAX_NAMED = 5


@dataclass(frozen=True, slots=True)
class WayOut:
    """What is added to a refusal: ways out that were checked to work, and what its sentence tells besides."""

    fixes: tuple[Fix, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


def find_ways_out(assessment: Assessment, asker: Asker) -> dict[int, WayOut]:
    """Return the ways out by the `id` of each refusal for lack of a licence."""
    if not assessment.short:
        return {}
    facts, shorts = assessment.facts, [short for _refusal, short in assessment.short]
    seating = Seating(facts, assessment.ignoring, LicenceWish(), asker.roles)
    found = holders.find(
        [(short.pool_id, short.balance.at) for short in shorts], ignoring=assessment.ignoring, asker=asker
    )
    ways: dict[int, WayOut] = {}
    for (refusal, short), named, has_emergency in zip(
        assessment.short, found.by_question, seating.have_emergency(shorts), strict=True
    ):
        terms = facts.pools[short.pool_id]
        lenders = _lenders(seating, short)
        fixes = [Fix("borrow", site_id=pk, site_name=found.sites[pk][0]) for pk in lenders[:MAX_LENDERS]]
        if has_emergency:
            fixes.append(Fix("emergency"))
        data = _told(short, terms, named) | {"has_other_pools": len(facts.pools) > 1}
        if not lenders:
            data["idle"] = _idle_sites(seating, short, found.sites)
        ways[id(refusal)] = WayOut(tuple(fixes), data)
    return ways


def _lenders(seating: Seating, short: Short) -> list[int]:
    """Return the sites to borrow from; none where the pool as a whole has too little, as when it was made smaller."""
    allocation = seating.facts.pools[short.pool_id].allocation
    return [
        site_id
        for site_id in seating.lenders(short)
        if licences.first_refusal(allocation, short.uses, {site_id: short.seats}, span=short.span) is None
    ]


def _idle_sites(seating: Seating, short: Short, sites: Mapping[int, tuple[str, str]]) -> tuple[IdleSite, ...]:
    """Return the sites that could lend what is needed, though not to whoever asks: whom to talk to."""
    for_anybody = replace(seating, roles=SiteRoles(is_it_admin=True))
    terms = seating.facts.pools[short.pool_id]
    return tuple(IdleSite(*sites[pk], days=terms.lends(pk)) for pk in _lenders(for_anybody, short)[:MAX_LENDERS])


def _told(short: Short, terms: PoolTerms, named: Sequence[Named]) -> dict[str, Any]:
    """Return who holds the seats that are in the way, a few by name, and when the first of them comes free."""
    in_the_way = _sites_in_the_way(short, terms)
    shown = [item.shown for item in named if in_the_way is None or item.share_of in in_the_way]
    return {
        "holders": tuple(shown[:MAX_NAMED]),
        "more": max(0, len(shown) - MAX_NAMED),
        "frees_at": _frees_at(short, terms, in_the_way),
    }


def _sites_in_the_way(short: Short, terms: PoolTerms) -> frozenset[int | None] | None:
    """Return whose seats would have to come free, None: anybody's.

    Sessions within the guaranteed share of another site are in nobody's way, unless the whole pool is used up.
    """
    balance, own = short.balance, set(short.needed)
    if balance.in_use + short.seats > balance.granted:
        return None
    if own & terms.allocation.keeps_to_share:
        return frozenset(own)
    over = {site for site, seats in balance.use_by_site.items() if seats > balance.share_by_site.get(site, 0)}
    return frozenset(own | over)


def _frees_at(short: Short, terms: PoolTerms, in_the_way: frozenset[int | None] | None) -> datetime | None:
    """Return when what is needed is free again; past the end of the meeting, when the next seat in the way is."""
    full = licences.full_stretches(terms.allocation, short.uses, short.needed, span=short.span)
    ends_at = next((part.end_at for part in full if part.contains(short.balance.at)), short.span.end_at)
    if ends_at < short.span.end_at:
        return ends_at
    later = (
        use.interval.end_at
        for use in short.uses
        if use.interval.end_at >= short.span.end_at and (in_the_way is None or use.site_id in in_the_way)
    )
    return min(later, default=None)
