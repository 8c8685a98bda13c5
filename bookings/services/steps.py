"""What every change of a booking does to its counters."""

from __future__ import annotations

from datetime import datetime, timedelta

from bookings.models import Booking


def step(booking: Booking, *, now: datetime, material: bool) -> None:
    """Count a change: version always, SEQUENCE when it is material; DTSTAMP rises by at least a second (E4).

    Material is what changes time, place or guest list of any meeting (RFC 5546 2.1.4); the title is not. Once in a
    transaction.
    """
    booking.version += 1
    booking.sequence += material
    booking.stamped_at = max(now.replace(microsecond=0), booking.stamped_at + timedelta(seconds=1))
    booking.changed_at = now
