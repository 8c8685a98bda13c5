"""Joining by telephone: which numbers there are for whom, and the PIN of a session.

Where no number is in use, nothing anywhere speaks of telephones. A PIN lets a caller in without a name, so closed
sessions have none.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils.translation import get_language

from bookings.models import Booking
from integrations.jitsi.models import DialInNumber, DialInPin
from rooms.models import SiteRole

_DIGITS = 9
_LOWEST = 10 ** (_DIGITS - 1)
# Passes over both: somebody else's row of the same session, and a PIN that another session has.
_MAKE_PIN = """
INSERT INTO integrations_dialinpin (booking_id, pin, created_at) VALUES (%(booking)s, %(pin)s, %(now)s)
ON CONFLICT DO NOTHING RETURNING pin
"""


@dataclass(frozen=True, slots=True)
class Number:
    """A telephone number: as machines dial it (`+48221234567`), and as people read it."""

    dialled: str
    shown: str
    label: str = ""
    is_toll_free: bool = False

    @property
    def href(self) -> str:
        return f"tel:{self.dialled}"


@dataclass(frozen=True, slots=True)
class DialIn:
    """How somebody joins one session by telephone: the number for them, the others that there are, and the PIN."""

    pin: str
    number: Number
    others: tuple[Number, ...] = ()

    @property
    def grouped(self) -> str:
        """The PIN as people read it out: „481 120 337”."""
        return grouped(self.pin)

    @property
    def href(self) -> str:
        """Return what dials the number, waits, and then types the PIN (RFC 7986 5.11; `%23` is the hash key)."""
        return f"{self.number.href},,{self.pin}%23"


def grouped(pin: str) -> str:
    return " ".join(re.findall(r"\d{1,3}", pin))


def is_offered(booking: Booking) -> bool:
    """Say whether callers may join this session at all, where there is a number to call."""
    is_on = booking.status == Booking.Status.CONFIRMED
    return is_on and not booking.is_private and not booking.is_outside


def numbers() -> list[DialInNumber]:
    """Return the numbers in use, the one for mails first. One query."""
    return list(DialInNumber.objects.filter(is_active=True).order_by("-is_default", "position", "number"))


def sites_first(found: Iterable[DialInNumber], site_ids: Collection[int]) -> list[DialInNumber]:
    """Return the numbers for people of these sites first, and those for people of other sites last."""

    def place(number: DialInNumber) -> int:
        if number.site_id in site_ids:
            return 0
        return 1 if number.site_id is None or number.is_default else 2

    return sorted(found, key=place)


def dial_in_for(
    booking: Booking, *, found: Collection[DialInNumber], site_ids: Collection[int], now: datetime
) -> DialIn | None:
    """Return how a reader of these sites joins by telephone, in the language that is active; None where nobody can.

    `found`: `numbers()`. Makes the session's PIN if it has none yet.
    """
    if not found or not is_offered(booking):
        return None
    return to_call(pin_for(booking, now=now), found=found, site_ids=site_ids)


def to_call(pin: str, *, found: Collection[DialInNumber], site_ids: Collection[int]) -> DialIn:
    first, *others = map(_as_read, sites_first(found, site_ids))
    return DialIn(pin, first, tuple(others))


def site_ids_of(user_id: int | None) -> frozenset[int]:
    """Return the sites at which somebody of the staff has a role; guests have none."""
    roles = SiteRole.objects.filter(user=user_id) if user_id is not None else SiteRole.objects.none()
    return frozenset(roles.values_list("site", flat=True))


def sites_of_invited(booking: Booking) -> dict[int, frozenset[int]]:
    """Return the sites at which those who are invited have a role, by user. One query."""
    roles = SiteRole.objects.filter(user__invitations__booking=booking, user__invitations__removed_at=None)
    sites: dict[int, set[int]] = {}
    for user_id, site_id in roles.values_list("user_id", "site_id"):
        sites.setdefault(user_id, set()).add(site_id)
    return {user_id: frozenset(found) for user_id, found in sites.items()}


def pin_for(booking: Booking, *, now: datetime) -> str:
    """Return the session's PIN; made when it is asked for first, of a series one for all its meetings.

    Whoever asks at the same moment gets the same. Whether callers may join is asked before (`is_offered`).
    """
    while True:
        pin = DialInPin.objects.filter(booking=booking).values_list("pin", flat=True).first()
        if pin is not None:
            return pin
        with connection.cursor() as cursor:
            cursor.execute(_MAKE_PIN, {"booking": booking.pk, "pin": _new_pin(), "now": now})
            if made := cursor.fetchone():
                return str(made[0])


def renew(booking: Booking, *, now: datetime) -> str:
    """Return a new PIN of the session; the old one lets nobody in any more. Nobody is told."""
    DialInPin.objects.filter(booking=booking).delete()
    return pin_for(booking, now=now)


def _new_pin() -> str:
    """Return nine random digits of which the first is not 0: Jitsi reads them as a number."""
    return str(_LOWEST + secrets.randbelow(9 * _LOWEST))


def _as_read(number: DialInNumber) -> Number:
    label = number.label_en if get_language() == "en" and number.label_en else number.label
    return Number(number.number, number.formatted or number.number, label, number.is_toll_free)
