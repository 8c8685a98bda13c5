"""Lets the page of a session say who can be asked once more: {% silent_at booking meeting now as silent %}."""

from __future__ import annotations

from datetime import datetime

from django import template

from bookings.models import Booking, Occurrence
from notifications.asking import Silent, find_silent

register = template.Library()


@register.simple_tag
def silent_at(booking: Booking, occurrence: Occurrence, now: datetime) -> Silent:
    """Return who has not answered about the meeting; for those who may change the session."""
    return find_silent(booking, occurrence, now=now)
