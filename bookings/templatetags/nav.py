"""{% nav_counts as waits %}: what waits for the reader, for the navigation; asks once for each page."""

from __future__ import annotations

from django import template
from django.utils import timezone

from bookings.nav_counts import NavCounts, nav_counts_of

register = template.Library()


@register.simple_tag(takes_context=True)
def nav_counts(context: template.Context) -> NavCounts:
    request = context.get("request")
    return NavCounts() if request is None else nav_counts_of(request, now=timezone.now())
