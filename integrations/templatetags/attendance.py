"""Lets the page of a session show who came to its conference."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django import template

from accounts.models import User
from bookings.queries import BookingDetails
from integrations.jitsi.attendance_queries import attendance_of, changes_for
from integrations.jitsi.attendance_words import Shown, shown

register = template.Library()


@register.simple_tag
def attendance_shown(details: BookingDetails, user: User, now: datetime) -> Shown | None:
    """Return it in words, in the user's time zone; None where nothing is known, or not for this user."""
    found = attendance_of(user, details, now=now)
    return None if found is None else shown(found, zone=ZoneInfo(user.time_zone), now=now)


@register.simple_tag
def attendance_changes(details: BookingDetails, user: User, now: datetime) -> bool:
    """Say whether the page has to ask again who is there."""
    return changes_for(user, details, now=now)
