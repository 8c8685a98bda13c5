"""How many licences are in use while a meeting lasts, of how many the office owns, and which of its own are reserve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bookings.models import LONGEST_HOLD, LicenceHold, as_interval
from rooms import licences, terms
from rooms.interval import Interval


@dataclass(frozen=True, slots=True)
class LicenceUse:
    """The highest use at one instant, of a pool that the office owns `owned` seats of.

    `from_reserve`: by hold, how many of its seats are beyond the share of its site.
    """

    in_use: int
    owned: int
    from_reserve: Mapping[int, int]


def use_during(holds: Sequence[LicenceHold], span: Interval, *, now: datetime) -> LicenceUse:
    """Return the highest use within `span` of the pool that all of `holds` are of: two queries.

    What was held until before `now` is free.
    """
    pool_id = holds[0].pool_id
    # By the beginnings, so that the plain index finds them however long the history is (LONGEST_HOLD).
    rows = LicenceHold.objects.filter(
        pool=pool_id,
        live=True,
        period__startswith__gt=span.start_at - LONGEST_HOLD,
        period__startswith__lt=span.end_at,
    )
    live = [row for row in rows if row.expires_at is None or row.expires_at > now]
    pool = terms.load_pools()[pool_id]
    return LicenceUse(
        licences.peak_use([_use(row) for row in live], span=span),
        pool.owned(span.start_at),
        {hold.pk: _beyond_share(hold, live, pool.allocation, span) for hold in holds},
    )


def _use(hold: LicenceHold) -> licences.Use:
    return licences.Use(hold.site_id, hold.seats, as_interval(hold.period))


def _beyond_share(
    hold: LicenceHold, live: Sequence[LicenceHold], allocation: licences.Allocation, span: Interval
) -> int:
    """Return how many seats of the hold the share of its site has no room for, those that were there before first."""
    share = LicenceHold.Source.SHARE
    if hold.source != share or hold.site_id is None:
        return 0
    before = [_use(row) for row in live if row.source == share and row.site_id == hold.site_id and row.pk < hold.pk]
    free = min(
        balance.share_by_site.get(hold.site_id, 0) - balance.use_by_site.get(hold.site_id, 0)
        for balance in licences.balances(allocation, before, span=span)
    )
    return min(hold.seats, max(0, hold.seats - free))
