"""Says instants in the reader's zone: {% moment line.at zone now %}, {{ door.opens_at|clock_in:zone }}."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django import template

from bookings.wording import clock, moment_in_words

register = template.Library()


@register.simple_tag
def moment(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    return moment_in_words(at, zone, now=now)


@register.filter
def clock_in(at: datetime, zone: ZoneInfo) -> str:
    return clock(at.astimezone(zone))
