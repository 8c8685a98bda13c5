"""What is going on just now: who is in the conference, and whether an open page still shows what is so."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from bookings.material_queries import latest_change
from integrations.guests.visits import Visit, guest_view
from integrations.jitsi.entry import State
from integrations.jitsi.moderating import conference_of

_UNCHANGED, _CHANGED = 204, 205


@dataclass(frozen=True, slots=True)
class Inside:
    """`people`: how many are in the conference; `is_led`: the organizer is among them."""

    people: int
    is_led: bool


def inside(visit: Visit) -> Inside | None:
    """Return who is in the conference of a meeting that can be entered; None while it can't be."""
    if visit.entry.state is not State.OPEN:
        return None
    conference = conference_of(visit.attendee.booking)
    if conference is None:
        return Inside(0, is_led=False)
    leads = conference.presences.filter(left_at=None, attendee__is_organizer=True).exists()
    return Inside(conference.people_now, is_led=leads)


def version_of(visit: Visit, *, there: Inside | None) -> str:
    """Return what changes whenever the page would say something else than it does, but for the time that passes.

    `there`: as `inside` returns it.
    """
    attendee, meeting = visit.attendee, visit.entry.occurrence
    booking = attendee.booking
    rooms = meeting.room_holds.filter(live=True).order_by("position").values_list("room_id", flat=True)
    # Not the version of the booking: another guest who brings a colleague along is no news here.
    seen = (
        visit.entry.state.value,
        (booking.title, booking.description, booking.is_requested, booking.organizer_id),
        (meeting.own_title, meeting.own_description, list(rooms)),
        meeting.pk,
        meeting.starts_at,
        meeting.ends_at,
        meeting.status,
        attendee.partstat,
        attendee.answered_at,
        attendee.removed_at,
        (attendee.time_zone, attendee.own_room, attendee.headcount),
        list(attendee.named.order_by("pk").values_list("pk", "partstat", "removed_at")),
        latest_change(booking),
        bool(there and there.people),
        bool(there and there.is_led),
    )
    return hashlib.blake2b(repr(seen).encode(), digest_size=8).hexdigest()


@guest_view(when_over=True)
@require_safe
def guest_changes(request: HttpRequest, visit: Visit, version: str) -> HttpResponse:
    """Tell an open page whether it is to be read again: 205 if so, 204 while it shows what is so."""
    return HttpResponse(status=_UNCHANGED if version == version_of(visit, there=inside(visit)) else _CHANGED)
