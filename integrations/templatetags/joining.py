"""Lets the page of a session show a participant their own way in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django import template

from bookings.models import Attendee
from integrations.jitsi.entry import State, find_entry
from integrations.jitsi.links import join_url
from integrations.jitsi.servers import all_servers
from integrations.jitsi.tokens import setting_missing_for

register = template.Library()


@dataclass(frozen=True, slots=True)
class Door:
    """A participant's way into the conference. `url` is theirs alone."""

    url: str
    is_open: bool
    is_coming: bool
    opens_at: datetime
    has_server: bool


@register.simple_tag
def door_for(attendee: Attendee, now: datetime) -> Door:
    entry = find_entry(attendee, now=now)
    return Door(
        url=join_url(attendee),
        is_open=entry.state is State.OPEN,
        is_coming=entry.state is State.EARLY,
        opens_at=entry.opens_at,
        has_server=not setting_missing_for(next(iter(all_servers()), None)),
    )
