"""Personal addresses: which participant, signed for one purpose, dead as soon as the person's key is renewed."""

from __future__ import annotations

import re

from bookings.models import Attendee
from integrations import signed

_LONGEST = 300
# Between what is no letter and no digit: a token that is too long is none.
_SOMEWHERE = re.compile(r"(?<![0-9a-z])[0-9a-z]{1,12}-[a-z2-7]{26}(?![0-9a-z])")
# What programs write for a hyphen; where lines are broken; what nobody sees.
_HYPHENS = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))
_BREAKS = re.compile(r"[\s=\u00ad\u200b-\u200f\u2060\ufeff]")


def token_for(attendee: Attendee, *, salt: str) -> str:
    """Return the token. `salt` names the purpose: a token for one opens nothing else."""
    return signed.token(attendee.pk, _value(attendee), salt=salt)


def attendee_for(token: str, *, salt: str) -> Attendee | None:
    """Return whose token this is, with booking and organizer, or None: unknown, changed, or signed with an old key.

    Says nothing about what the person may do now; removed people have a valid token too.
    """
    token = cleaned(token)
    pk = signed.pk_in(token)
    if pk is None:
        return None
    attendee = Attendee.objects.select_related("booking__organizer").filter(pk=pk).first()
    if attendee is None or not signed.is_genuine(token, _value(attendee), salt=salt):
        return None
    return attendee


def cleaned(text: str) -> str:
    """Return the token in what arrived, or an empty string.

    Mail programs take the full stop or bracket behind an address along, break long lines, and write capitals and other
    hyphens. That is harmless: what is left still has to be signed.
    """
    text = text[:_LONGEST].lower().translate(_HYPHENS)
    found = _SOMEWHERE.search(text) or _SOMEWHERE.search(_BREAKS.sub("", text))
    return found[0] if found else ""


def _value(attendee: Attendee) -> str:
    return f"{attendee.pk}:{attendee.booking_id}:{attendee.join_key}"
