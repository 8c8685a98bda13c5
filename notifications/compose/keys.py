"""Under which keys the shelf of a batch has what is read of a booking: with the version that it was read for."""

from __future__ import annotations

from collections.abc import Hashable

from bookings.models import Booking


def session(booking: Booking) -> Hashable:
    """Of a session that is no series: its meeting, and the rooms of it."""
    return ("session", booking.pk, booking.version)


def guests(booking: Booking) -> Hashable:
    """How many are invited to all of it besides the organizer."""
    return ("guests", booking.pk, booking.version)


def first_mails(booking: Booking) -> Hashable:
    """Key and Message-ID of the first mail to each address, in lower case."""
    return ("first mails", booking.pk, booking.version)
