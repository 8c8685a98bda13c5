"""Lets the page of a session show a participant their own way in, and organizers one to pass on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django import template

from bookings.models import Attendee
from bookings.queries import BookingDetails
from integrations.jitsi.entry import State, find_entry
from integrations.jitsi.links import join_url
from integrations.jitsi.moderating import conference_of
from integrations.jitsi.servers import all_servers
from integrations.jitsi.tokens import setting_missing_for

register = template.Library()


@dataclass(frozen=True, slots=True)
class Door:
    """A participant's way into the conference. `url` is theirs alone.

    `inside`: how many are there already, for the organizer, who is waited for.
    """

    url: str
    is_open: bool
    is_coming: bool
    opens_at: datetime
    has_server: bool
    inside: int = 0


@register.simple_tag
def link_to_pass_on(details: BookingDetails, attendee: Attendee | None) -> str:
    """Return the personal link of a guest whom mail does not reach, for whoever may change the session; else "".

    Who has it comes in as this guest. So it is never one of somebody with an account, who signs in and needs none,
    and nobody gets it who could not send themselves the invitation anyway, by correcting the address.
    """
    if attendee is None or not details.may_change or attendee.user_id is not None or attendee.is_organizer:
        return ""
    return join_url(attendee)


@register.simple_tag
def door_for(attendee: Attendee, now: datetime) -> Door:
    entry = find_entry(attendee, now=now)
    conference = conference_of(attendee.booking) if attendee.is_organizer and entry.state is State.OPEN else None
    return Door(
        url=join_url(attendee),
        is_open=entry.state is State.OPEN,
        is_coming=entry.state is State.EARLY,
        opens_at=entry.opens_at,
        has_server=not setting_missing_for(next(iter(all_servers()), None)),
        inside=conference.people_now if conference else 0,
    )
