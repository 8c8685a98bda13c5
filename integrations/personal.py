"""Personal addresses: which participant, signed for one purpose, dead as soon as the person's key is renewed."""

from __future__ import annotations

from bookings.models import Attendee
from integrations import signed


def token_for(attendee: Attendee, *, salt: str) -> str:
    """Return the token. `salt` names the purpose: a token for one opens nothing else."""
    return signed.token(attendee.pk, _value(attendee), salt=salt)


def attendee_for(token: str, *, salt: str) -> Attendee | None:
    """Return whose token this is, with booking and organizer, or None: unknown, changed, or signed with an old key.

    Says nothing about what the person may do now; removed people have a valid token too.
    """
    pk = signed.pk_in(token)
    if pk is None:
        return None
    attendee = Attendee.objects.select_related("booking__organizer").filter(pk=pk).first()
    if attendee is None or not signed.is_genuine(token, _value(attendee), salt=salt):
        return None
    return attendee


def _value(attendee: Attendee) -> str:
    return f"{attendee.pk}:{attendee.booking_id}:{attendee.join_key}"
