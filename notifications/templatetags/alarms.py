"""{% open_alarms as alarms %}: what is ill, for the pages of IT admins; nothing, and no query, for others."""

from __future__ import annotations

from django import template

from accounts.models import User
from notifications.compose.alarm import words_of
from notifications.state import open_alarms as find

register = template.Library()


@register.simple_tag(takes_context=True)
def open_alarms(context: template.Context) -> list[str]:
    """Return the titles of the alarms that are open."""
    user = getattr(context.get("request"), "user", None)
    if not isinstance(user, User) or not user.is_staff:
        return []
    return [words_of(alarm).title for alarm in find()]
