"""Lets pages show a participant how to join by telephone."""

from __future__ import annotations

from datetime import datetime

from django import template

from bookings.models import Attendee
from integrations.jitsi import dial_in
from integrations.jitsi.dial_in import DialIn

register = template.Library()


@register.simple_tag
def dial_in_for(attendee: Attendee, now: datetime | None = None) -> DialIn | None:
    """Return number and PIN for this participant, None where nobody joins by telephone. Only for their own eyes."""
    if attendee.removed_at is not None or now is None:
        return None
    found = dial_in.numbers()
    site_ids = dial_in.site_ids_of(attendee.user_id) if found else frozenset()
    return dial_in.dial_in_for(attendee.booking, found=found, site_ids=site_ids, now=now)
