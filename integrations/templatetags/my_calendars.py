"""Lets pages say which calendars somebody has subscribed to: {% my_calendars user as calendars %}."""

from __future__ import annotations

from django import template

from accounts.models import User
from integrations.feeds.queries import feeds_of
from integrations.feeds.wording import name_of

register = template.Library()


@register.simple_tag
def my_calendars(user: User) -> list[str]:
    """Return the names of the calendars that have an address, the newest first. The addresses are secrets of a page."""
    return [name_of(feed) for feed in feeds_of(user)]
