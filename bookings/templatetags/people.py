"""Finds participants for pages that know only their keys, and says whether there is a roll to call.

{% with person=details|participant:failure.attendee_id %}, {% if details|has_roll_to_call %}
"""

from __future__ import annotations

from django import template

from bookings.models import Attendee
from bookings.queries import BookingDetails

register = template.Library()


@register.filter
def participant(details: BookingDetails, pk: int) -> Attendee | None:
    """Return the participant of the meeting that is looked at, None where they are not at it."""
    return next((attendee for attendee in details.attendees if attendee.pk == pk), None)


@register.filter
def has_roll_to_call(details: BookingDetails) -> bool:
    """Say whether so many come from outside that a list of them helps: an institution, or two guests."""
    outside = [attendee for attendee in details.attendees if attendee.user_id is None]
    return len(outside) > 1 or any(item.contact and item.contact.institution_id for item in outside)
