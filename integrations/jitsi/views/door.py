"""The door: a personal join address leads to the conference, or says when and why not."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from bookings.models import Attendee
from integrations.guest_page import keep_to_itself, session_page, unknown_link
from integrations.jitsi import links, tokens
from integrations.jitsi.entry import State, find_entry

_STATUS_WHEN_OVER = 410
# Often enough for a countdown in minutes; rarely while there are hours to go.
_REFRESH_SOON = timedelta(minutes=1)
_REFRESH_LATER = timedelta(minutes=15)


@login_not_required
@require_safe
@never_cache
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Let the person in, or say why not. Reading it changes nothing: programs that check links in mails may."""
    attendee = links.attendee_for(token)
    response = unknown_link(request) if attendee is None else _answer(request, attendee, now=timezone.now())
    return keep_to_itself(response)


def _answer(request: HttpRequest, attendee: Attendee, *, now: datetime) -> HttpResponse:
    entry = find_entry(attendee, now=now)
    if entry.state in {State.REMOVED, State.CANCELLED, State.ENDED}:
        return session_page(request, "join/session_over.html", attendee, entry, status=_STATUS_WHEN_OVER)
    if setting := tokens.missing_setting():
        return session_page(request, "join/server_missing.html", attendee, entry, extra={"setting": setting})
    if entry.state is State.EARLY:
        wait = entry.opens_at - now
        response = session_page(request, "join/session_wait.html", attendee, entry, now=now)
        response.headers["Refresh"] = str(_refresh_seconds(wait))
        return response
    if request.method == "HEAD":
        # Who only asks whether the address works, gets no key to the room.
        return HttpResponse()
    return HttpResponseRedirect(tokens.conference_url(attendee, entry.occurrence, now=now))


def _refresh_seconds(wait: timedelta) -> int:
    """Return when the page should ask again: at the latest when the door opens."""
    step = _REFRESH_SOON if wait <= timedelta(hours=1) else _REFRESH_LATER
    return max(1, ceil(min(wait, step).total_seconds()))
