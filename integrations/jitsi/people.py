"""Who somebody is in a conference: an id that says nothing to others, and whether they lead it."""

from __future__ import annotations

from django.db.models import Q
from django.utils import timezone

from bookings.models import Attendee, Occurrence
from integrations import signed
from integrations.jitsi.recorders import has_recorder
from rooms.models import Deputy

_SALT = "integrations.jitsi.people"


def user_id(attendee: Attendee) -> str:
    """Return what the token and the events of the conference call the person (P17).

    Unlike a join link it outlives the renewal of their key: who came stays known. It opens nothing.
    """
    return signed.token(attendee.pk, str(attendee.pk), salt=_SALT)


def attendee_key(user_id: str) -> int | None:
    """Return the key of the person with this id, None for one that we never gave out. Asks nobody."""
    pk = signed.pk_in(user_id)
    return pk if pk is not None and signed.is_genuine(user_id, str(pk), salt=_SALT) else None


def attendee_of(user_id: str) -> Attendee | None:
    """Return the person with this id, with the booking; removed ones too. One query at most."""
    pk = attendee_key(user_id)
    return None if pk is None else Attendee.objects.select_related("booking").filter(pk=pk).first()


def leads(attendee: Attendee, occurrence: Occurrence) -> bool:
    """Say whether the person moderates this meeting: the organizer, and who stands in for them (docs/decisions/0018).

    Those are, if invited: who booked it in the organizer's name, and the organizer's deputies of that day. One query
    at most, none for guests.
    """
    if attendee.is_organizer:
        return True
    if attendee.user_id is None:
        return False
    if attendee.user_id == attendee.booking.created_by_id:
        return True
    on = timezone.localtime(occurrence.starts_at).date()
    standing_in = Q(manager=attendee.booking.organizer_id, deputy=attendee.user_id)
    return Deputy.objects.filter(standing_in, valid_from__lte=on, valid_to__gte=on).exists()


def may_record(attendee: Attendee, occurrence: Occurrence) -> bool:
    """Say whether the person may record and transcribe the meeting.

    Who leads it, where a recorder is booked for it; nobody a closed one.
    """
    return not attendee.booking.is_private and leads(attendee, occurrence) and has_recorder(occurrence)
