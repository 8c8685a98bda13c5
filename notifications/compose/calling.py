"""How the recipient of a mail joins by telephone: read once for all who get a mail of the same batch."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import get_language

from bookings.models import Attendee, Booking
from integrations.jitsi import dial_in
from integrations.jitsi.dial_in import DialIn
from integrations.jitsi.models import DialInNumber
from notifications.compose.shelf import Shelf


def read_dial_in(booking: Booking, attendee: Attendee, *, shelf: Shelf, now: datetime) -> DialIn | None:
    """Return number and PIN in the language that is active; None where the office has no number, or the session no PIN.

    The first mail about a session makes its PIN.
    """
    found = shelf.keep(("numbers",), dial_in.numbers)
    if not found or not dial_in.is_offered(booking):
        return None
    pin = shelf.keep(("pin", booking.pk, booking.version), lambda: dial_in.pin_for(booking, now=now))
    site_ids = _site_ids(booking, attendee, found, shelf)
    key = ("dial in", pin, site_ids, get_language())
    return shelf.keep(key, lambda: dial_in.to_call(pin, found=found, site_ids=site_ids))


def _site_ids(booking: Booking, attendee: Attendee, found: list[DialInNumber], shelf: Shelf) -> frozenset[int]:
    """Return the recipient's sites, where it matters: one query for all who are invited."""
    if attendee.user_id is None or all(number.site_id is None for number in found):
        return frozenset()
    sites = shelf.keep(("sites", booking.pk, booking.version), lambda: dial_in.sites_of_invited(booking))
    return sites.get(attendee.user_id, frozenset())
