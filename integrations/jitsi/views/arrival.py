"""Where conference servers send people who open a conference without a token (Jitsi's `tokenAuthUrl`)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User
from bookings.models import Attendee
from integrations.guest_page import keep_to_itself, language, page
from integrations.jitsi import arrival, links

#: In the address to which signing in leads back.
SIGNED_IN = "zalogowano"
_FORBIDDEN, _UNKNOWN = 403, 404


@login_not_required
@require_safe
@never_cache
def arrive(request: HttpRequest, room: str) -> HttpResponse:
    """Lead whoever we recognise to their own door, tell the others what to do.

    `state`, which the server adds, is not read: it comes from whoever made the address. The room is looked up and never
    led to. Who is not signed in learns nothing of it, not even whether there is one.
    """
    name = arrival.conference_name(room)
    attendee = arrival.recognise(request, name, now=timezone.now()) if name else None
    return keep_to_itself(_tell(request, name) if attendee is None else _lead(request, attendee))


def _lead(request: HttpRequest, attendee: Attendee) -> HttpResponse:
    door = reverse("join", kwargs={"token": links.token_for(attendee)})
    if SIGNED_IN not in request.GET:
        return HttpResponseRedirect(door)
    # Browsers count what a form was sent to and all that it is led on to as one: from our form to another server they
    # would refuse (form-action of our Content-Security-Policy). A page in between begins anew.
    response = _page(request, "join/arrival_welcome.html", {"door": door}, status=200)
    response.headers["Refresh"] = f"0; url={door}"
    return response


def _tell(request: HttpRequest, name: str) -> HttpResponse:
    if not isinstance(request.user, User):
        return _page(request, "join/arrival_stranger.html", {"sign_in": _sign_in(name)}, status=_FORBIDDEN)
    known = arrival.known_to(request.user, name) if name else arrival.Known(is_booked=False)
    if not known.is_booked:
        return _page(request, "join/arrival_unbooked.html", {}, status=_UNKNOWN)
    context: dict[str, Any] = {"booking": known.booking, "may_open": known.may_open}
    if known.booking is not None:
        context["organizer"] = known.booking.organizer
    return _page(request, "join/arrival_uninvited.html", context, status=_FORBIDDEN)


def _sign_in(name: str) -> str:
    address = resolve_url("account_login")
    if not name:
        return address
    back = f"{reverse('jitsi_arrival', kwargs={'room': name})}?{SIGNED_IN}=1"
    return f"{address}?{urlencode({'next': back})}"


def _page(request: HttpRequest, template: str, context: dict[str, Any], *, status: int) -> HttpResponse:
    return page(request, template, context, language=language(request, translation.get_language()), status=status)
