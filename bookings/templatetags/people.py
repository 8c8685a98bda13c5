"""Finds participants for pages that know only their keys: {% with person=details|participant:failure.attendee_id %}."""

from __future__ import annotations

from django import template

from bookings.models import Attendee
from bookings.queries import BookingDetails

register = template.Library()


@register.filter
def participant(details: BookingDetails, pk: int) -> Attendee | None:
    """Return the participant of the meeting that is looked at, None where they are not at it."""
    return next((attendee for attendee in details.attendees if attendee.pk == pk), None)
