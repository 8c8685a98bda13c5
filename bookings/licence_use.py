"""How many licences are in use while a meeting lasts, of how many the office owns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bookings.models import LONGEST_HOLD, LicenceHold, as_interval
from rooms import licences, terms
from rooms.interval import Interval


@dataclass(frozen=True, slots=True)
class LicenceUse:
    """The highest use at one instant, of a pool that the office owns `owned` seats of."""

    in_use: int
    owned: int


def use_during(pool_id: int, span: Interval, *, now: datetime) -> LicenceUse:
    """Return the highest use of the pool within `span`: two queries. What was held until before `now` is free."""
    # By the beginnings, so that the plain index finds them however long the history is (LONGEST_HOLD).
    rows = LicenceHold.objects.filter(
        pool=pool_id,
        live=True,
        period__startswith__gt=span.start_at - LONGEST_HOLD,
        period__startswith__lt=span.end_at,
    )
    uses = [
        licences.Use(site_id, seats, as_interval(period))
        for site_id, seats, period, expires_at in rows.values_list("site_id", "seats", "period", "expires_at")
        if expires_at is None or expires_at > now
    ]
    owned = terms.load_pools()[pool_id].owned(span.start_at)
    return LicenceUse(licences.peak_use(uses, span=span), owned)
