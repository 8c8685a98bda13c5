"""How much the named licences of a pool are used."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from bookings.models import LONGEST_HOLD
from rooms.models import LicencePool

#: Days that are looked back.
NAMED_DAYS = 30

# What was held and not given up, as far as it lies in the window; found by the index on beginnings.
_HOURS = """
SELECT named_id, sum(extract(epoch FROM least(upper(period), %(now)s) - greatest(lower(period), %(since)s)))
FROM bookings_licencehold
WHERE pool_id = %(pool)s AND live AND named_id IS NOT NULL
    AND lower(period) > %(since)s - %(longest)s AND lower(period) < %(now)s AND upper(period) > %(since)s
GROUP BY named_id
"""


def hours_by_named(pool: LicencePool, *, now: datetime) -> dict[int, float]:
    """Return the hours in the last 30 days by named licence; one that was not used is left out. One statement."""
    since = now - timedelta(days=NAMED_DAYS)
    values: dict[str, Any] = {"pool": pool.pk, "now": now, "since": since, "longest": LONGEST_HOLD}
    with connection.cursor() as cursor:
        cursor.execute(_HOURS, values)
        return {named_id: float(seconds) / 3600 for named_id, seconds in cursor.fetchall()}
