"""The door: a personal join address leads to the conference, or says when and why not."""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from bookings.models import Attendee
from integrations.guest_page import keep_to_itself, language, session_page, unknown_link
from integrations.guests import page
from integrations.guests.link_uses import note_use
from integrations.guests.pacing import turned_away
from integrations.guests.visits import STATUS_WHEN_OVER, visit_of
from integrations.jitsi import arrival, assignments, links, tokens
from integrations.jitsi.entry import Entry, State, find_entry
from integrations.jitsi.models import ConferenceServer, ServerHealth

#: In the address of the page that says that the server is down: go there all the same.
TRY = "mimo"
_STATUS_WHEN_DOWN = 503
_RETRY = timedelta(seconds=20)


@login_not_required
@require_safe
@never_cache
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Let the person in, or say why not.

    Programs that check links in mails may read it as often as they like: nothing is used up, and people's own visits
    go on as if there had been none.
    """
    attendee, now = links.attendee_for(token), timezone.now()
    response = turned_away(request, attendee, now=now)
    if response is None:
        response = unknown_link(request) if attendee is None else _answer(request, attendee, now=now)
    return keep_to_itself(response, has_form=response.status_code == HTTPStatus.OK)


def _answer(request: HttpRequest, attendee: Attendee, *, now: datetime) -> HttpResponse:
    entry = find_entry(attendee, now=now)
    if entry.state in {State.REMOVED, State.CANCELLED, State.ENDED}:
        return session_page(request, "join/session_over.html", attendee, entry, status=STATUS_WHEN_OVER)
    if entry.state is State.EARLY:
        return _page(request, attendee, now=now)
    if request.method == "HEAD":
        # Who only asks whether the address works, gets no key to the room.
        return HttpResponse()
    return _let_in(request, attendee, entry, now=now)


def _page(request: HttpRequest, attendee: Attendee, *, now: datetime, **extra: object) -> HttpResponse:
    with translation.override(language(request, attendee.language)):
        return page.show(request, visit_of(attendee, now=now), extra=extra)


def _let_in(request: HttpRequest, attendee: Attendee, entry: Entry, *, now: datetime) -> HttpResponse:
    if attendee.is_organizer:
        assignments.organizer_came(entry.occurrence, now=now)
    server = assignments.server_of(entry.occurrence, now=now)
    if server is None or tokens.setting_missing_for(server):
        # All that needs no conference is there: the answer, the calendar, the telephone.
        return _page(request, attendee, now=now, no_way_in=True)
    if _is_down(server) and TRY not in request.GET:
        response = session_page(request, "join/server_down.html", attendee, entry, status=_STATUS_WHEN_DOWN)
        response.headers["Refresh"] = str(_RETRY.seconds)
        return response
    response = HttpResponseRedirect(tokens.conference_url(attendee, entry.occurrence, server=server, now=now))
    arrival.remember(response, attendee, until=entry.closes_at, now=now)
    note_use(request, attendee, now=now)
    return response


def _is_down(server: ConferenceServer) -> bool:
    """Say whether it did not answer when it was last asked. It may answer this person: who wants to, tries."""
    health = getattr(server, "health", None)
    return health is not None and health.state == ServerHealth.State.DOWN
