"""Who holds licence seats, and which site could lend some: what a refusal for lack of a licence names. Pure data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bookings.rules import Holder


@dataclass(frozen=True, slots=True)
class SeatHolder:
    """A session, an unplanned conference, an open form or an offer that holds seats.

    `site`: where it is hosted, or empty; `until`: aware.
    """

    holder: Holder
    site: str
    until: datetime
    seats: int = 1


@dataclass(frozen=True, slots=True)
class IdleSite:
    """A site with seats to spare that whoever asks may not borrow by themselves: its managers may.

    `days`: how many days ahead anybody may; 0: never.
    """

    site: str
    phone: str
    days: int
