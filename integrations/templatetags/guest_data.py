"""The way to what is kept of an invited person, on each page of theirs."""

from __future__ import annotations

from django import template
from django.urls import reverse
from django.utils import translation

from bookings.guest_queries import is_account
from bookings.models import Attendee
from integrations.jitsi import links

register = template.Library()


@register.simple_tag
def guest_data_url(attendee: Attendee) -> str:
    """Return the address; empty for members of staff, whose data is in their account."""
    if attendee.user_id is not None or attendee.is_organizer or is_account(attendee.email):
        return ""
    return f"{reverse('guest_data', args=[links.token_for(attendee)])}?lang={translation.get_language()}"
