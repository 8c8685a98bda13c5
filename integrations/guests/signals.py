"""News of guests for those above: a mail has to prove that an address is theirs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.dispatch import Signal

from bookings.models import Attendee

#: Sent as `address_given.send(sender=GivenAddress, given=given)`; who hears it, mails the link.
address_given = Signal()


@dataclass(frozen=True, slots=True)
class GivenAddress:
    """Where a participant wants to be reached. `path`: of the link that only a reader of that mailbox gets to know."""

    attendee: Attendee
    email: str
    path: str
    at: datetime
