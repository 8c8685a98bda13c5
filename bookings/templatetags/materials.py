"""Reads files and notes for the page of a session: {% materials_of details as materials %}."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django import template

from bookings.material_queries import materials_on_page
from bookings.models import Material
from bookings.queries import BookingDetails
from bookings.wording import day_and_month

register = template.Library()


@register.simple_tag
def materials_of(details: BookingDetails) -> list[Material]:
    """Return the files and notes of the session that the reader of its page may see."""
    return materials_on_page(details)


@register.filter
def day_in(at: datetime, zone: ZoneInfo) -> str:
    """Return „czw. 3 grudnia”."""
    return day_and_month(at.astimezone(zone).date())
