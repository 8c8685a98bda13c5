"""Addresses that begin like a personal one and are none: cut off, too long, or of a page that is gone."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from bookings.models import Attendee
from integrations import personal
from integrations.guest_page import keep_to_itself, unknown_link
from integrations.guests import links
from integrations.guests.pacing import turned_away
from integrations.jitsi import links as joining

_PAGES: dict[str, tuple[str, Callable[[str], Attendee | None]]] = {
    "d": ("join", joining.attendee_for),
    "g": ("guest_page", joining.attendee_for),
    "o": ("answer", links.attendee_for),
}


# Nothing is done here in anybody's name, so no form needs a token to be told that it was sent to nowhere.
@csrf_exempt
@login_not_required
@never_cache
def lost(request: HttpRequest, kind: str, rest: str = "") -> HttpResponse:
    """Lead to the page whose address begins it, or say that the address is none of ours."""
    name, attendee_for = _PAGES[kind.lower()]
    token = personal.cleaned(rest.split("/")[0])
    attendee = attendee_for(token)
    away = turned_away(request, attendee, now=timezone.now())
    if away is not None:
        return keep_to_itself(away)
    if attendee is None or request.method not in {"GET", "HEAD"}:
        return keep_to_itself(unknown_link(request))
    return keep_to_itself(HttpResponseRedirect(reverse(name, kwargs={"token": token})))
