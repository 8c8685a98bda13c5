"""Personal addresses: which participant, signed for one purpose, dead as soon as the person's key is renewed."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

from django.core import signing
from django.utils.crypto import constant_time_compare
from django.utils.http import base36_to_int, int_to_base36

from bookings.models import Attendee

_SIGNATURE_LENGTH = 26
# Letters and digits only: mail programs cut punctuation off the end of an address, and people read it out by phone.
_TOKEN = re.compile(rf"([0-9a-z]{{1,12}})-([a-z2-7]{{{_SIGNATURE_LENGTH}}})")


def token_for(attendee: Attendee, *, salt: str) -> str:
    """Return the token. `salt` names the purpose: a token for one opens nothing else."""
    return f"{int_to_base36(attendee.pk)}-{next(_signatures(attendee, salt))}"


def attendee_for(token: str, *, salt: str) -> Attendee | None:
    """Return whose token this is, with booking and organizer, or None: unknown, changed, or signed with an old key.

    Says nothing about what the person may do now; removed people have a valid token too.
    """
    match = _TOKEN.fullmatch(token.lower())
    if match is None:
        return None
    attendee = Attendee.objects.select_related("booking__organizer").filter(pk=base36_to_int(match[1])).first()
    if attendee is None:
        return None
    matches = [constant_time_compare(match[2], expected) for expected in _signatures(attendee, salt)]
    return attendee if any(matches) else None


def _signatures(attendee: Attendee, salt: str) -> Iterator[str]:
    """Yield the 130-bit signature by the current key, then those by SECRET_KEY_FALLBACKS."""
    signer = signing.Signer(salt=salt)
    value = f"{attendee.pk}:{attendee.booking_id}:{attendee.join_key}"
    for key in (signer.key, *signer.fallback_keys):
        digest = signing.b64_decode(signer.signature(value, key).encode())
        yield base64.b32encode(digest).decode().lower()[:_SIGNATURE_LENGTH]
