"""Shows on the page of a session who is in its conference, and what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django import template

from bookings.models import Booking, Occurrence
from integrations.jitsi.models import Conference
from integrations.jitsi.moderating import Inside, conference_of, people_in

register = template.Library()

#: By so much the buttons of a session page extend at most.
_LONGEST_EXTENSION = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Live:
    """`people`: connections whose coming the server told us of; `unseen`: how many more it counts."""

    conference: Conference
    people: list[Inside]
    unseen: int

    @property
    def can_act(self) -> bool:
        return self.conference.server.can_be_controlled


@register.simple_tag
def live_conference(booking: Booking) -> Live | None:
    """Return the conference that runs, for those who may change the session."""
    conference = conference_of(booking)
    if conference is None:
        return None
    people = people_in(conference)
    return Live(conference, people, max(0, conference.people_now - len(people)))


@register.simple_tag
def closes_before(occurrence: Occurrence, now: datetime) -> datetime | None:
    """Return when the server closes the conference, where that may be before an extended end; else None.

    Jitsi is told once, when a conference opens, how long it may last (P9).
    """
    promised = Conference.objects.filter(
        occurrence=occurrence,
        closed_at=None,
        promised_until__gt=now,
        promised_until__lt=occurrence.ends_at + _LONGEST_EXTENSION,
    )
    return promised.values_list("promised_until", flat=True).first()
