"""Keeps the time zone that a guest chose: for their sessions to come, and in the address book for later ones."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from accounts.zones import validate_time_zone
from bookings.models import Attendee


class ZoneOfAccount(Exception):
    """Whoever has an account chooses the zone there."""


def choose_zone(attendee: Attendee, time_zone: str, *, now: datetime) -> None:
    """Give all mails and pages of this address times in the zone from now on. No calendar changes by it.

    Raises: ValidationError for what is no zone; ZoneOfAccount.
    """
    validate_time_zone(time_zone)
    if attendee.user_id is not None:
        raise ZoneOfAccount
    with transaction.atomic():
        same = Q(pk=attendee.pk) | Q(email__iexact=attendee.email, user=None)
        coming = Attendee.objects.filter(same, booking__occurrences__ends_at__gt=now, removed_at=None)
        keys = sorted(set(coming.values_list("pk", flat=True)) | {attendee.pk})
        Attendee.objects.filter(pk__in=keys).update(time_zone=time_zone)
        if attendee.contact is not None:
            attendee.contact.time_zone = time_zone
            attendee.contact.save(update_fields=["time_zone"])
    attendee.time_zone = time_zone
