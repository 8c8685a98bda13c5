"""Links that prove an address: signed for one participant and one new address, for a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core import signing
from django.urls import reverse

from accounts.models import MAX_EMAIL_LENGTH
from bookings.models import Attendee

#: No longer than a mail with a link is tried for.
VALID_FOR = timedelta(days=1)
_SALT = "integrations.guests.wishes"
# More than any that we have signed.
_LONGEST = 1_000


@dataclass(frozen=True, slots=True)
class Wish:
    """Where this participant wants to be reached, proved by whoever has the link."""

    attendee: Attendee
    email: str


def wish_path(attendee: Attendee, email: str, *, now: datetime) -> str:
    """Return the path by which a reader of this mailbox proves that it is theirs."""
    ends = int((now + VALID_FOR).timestamp())
    signed = signing.dumps([attendee.pk, attendee.join_key, email[:MAX_EMAIL_LENGTH], ends], salt=_SALT)
    return reverse("guest_address_proved", kwargs={"signed": signed})


def read_wish(signed: str, *, now: datetime) -> Wish | None:
    """Return what was signed, with booking and organizer; None: not by us, too old, or of an invitation that is gone.

    Once the address is the new one, the old invitation is no more, so a link works once.
    """
    try:
        pk, join_key, email, ends = signing.loads(signed[:_LONGEST], salt=_SALT)
    except signing.BadSignature:
        return None
    if ends <= now.timestamp():
        return None
    found = Attendee.objects.select_related("booking__organizer", "occurrence")
    attendee = found.filter(pk=pk, join_key=join_key, removed_at=None).first()
    return Wish(attendee, email) if attendee else None
