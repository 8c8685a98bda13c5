"""{% nav_counts as waits %}: what waits for the reader, for the navigation; asks once for each page."""

from __future__ import annotations

from django import template
from django.utils import timezone

from accounts.models import User
from bookings.nav_counts import NavCounts
from bookings.nav_counts import nav_counts as count

register = template.Library()
_KEY = "_nav_counts"


@register.simple_tag(takes_context=True)
def nav_counts(context: template.Context) -> NavCounts:
    request = context.get("request")
    if request is None or not isinstance(request.user, User):
        return NavCounts()
    if not hasattr(request, _KEY):
        setattr(request, _KEY, count(request.user, now=timezone.now()))
    found: NavCounts = getattr(request, _KEY)
    return found
