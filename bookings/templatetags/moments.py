"""Says instants in the reader's zone: {% moment line.at zone now %}, {{ door.opens_at|clock_in:zone }}."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django import template
from django.utils.translation import gettext as _

from bookings.wording import clock

register = template.Library()


@register.simple_tag
def moment(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """„dziś 10:31”, „wczoraj 15:20”, „20.11, 9:12”; with the year where it is another one."""
    local, now = at.astimezone(zone), now.astimezone(zone)
    near = {0: _("today"), 1: _("yesterday"), -1: _("tomorrow")}.get((now.date() - local.date()).days)
    if near:
        return f"{near} {clock(local)}"
    year = "" if local.year == now.year else f".{local.year}"
    return f"{local.day}.{local.month:02d}{year}, {clock(local)}"


@register.filter
def clock_in(at: datetime, zone: ZoneInfo) -> str:
    return clock(at.astimezone(zone))
