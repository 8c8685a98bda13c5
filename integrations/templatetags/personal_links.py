"""Lets the page of a session say whose personal link may be in other hands."""

from __future__ import annotations

from django import template

from bookings.models import Attendee, Booking
from integrations.guests import link_uses

register = template.Library()


@register.simple_tag
def used_from_two_places(booking: Booking) -> dict[int, Attendee]:
    """Return, by key, those whose link was. One query. For those who may change the session: the caller asks."""
    return link_uses.used_from_two_places(booking)
