"""Who calls us: conference servers and the switchboard, each with a key of its own, for one purpose each.

The keys are not stored: they are signed over the server's row, so that SECRET_KEY is the only secret there is. Counting
up `key_version` of a server makes new ones; with SECRET_KEY_FALLBACKS those of the old SECRET_KEY go on working.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Collection
from enum import StrEnum
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from bookings import rows
from integrations import signed
from integrations.jitsi.models import ConferenceServer
from rooms import prepared

logger = logging.getLogger(__name__)

#: Bytes. The largest that Jitsi sends is the list of everybody who ever was in a conference.
MAX_BODY = 512 * 1024

_SERVER = " ".join(
    ["SELECT", rows.columns(ConferenceServer, "server"), "FROM integrations_conferenceserver server WHERE id = %s"]
)

P = ParamSpec("P")
_View = Callable[Concatenate[HttpRequest, ConferenceServer, P], HttpResponse]


class Purpose(StrEnum):
    """What a key is for: it opens nothing else."""

    RESERVATIONS = "reservations"
    EVENTS = "events"
    DIAL_IN = "dial-in"
    RECORDINGS = "recordings"


def key_for(server: ConferenceServer, purpose: Purpose) -> str:
    """Return the key with which the server, or the switchboard before it, calls us. For IT admins only."""
    return signed.token(server.pk, _value(server), salt=_salt(purpose))


def server_with(key: str, purpose: Purpose) -> ConferenceServer | None:
    """Return whose key this is, None for one that is unknown, for something else, or replaced. One query at most."""
    pk = signed.pk_in(key)
    found = [] if pk is None else prepared.fetch(_SERVER, [pk])
    server = rows.read(ConferenceServer, found[0]) if found else None
    if server is None or not signed.is_genuine(key, _value(server), salt=_salt(purpose)):
        return None
    return server


def only_from(
    purpose: Purpose, *, methods: Collection[str], key_in_path: bool = False
) -> Callable[[_View[P]], Callable[Concatenate[HttpRequest, P], HttpResponse]]:
    """Let only whoever has the key for this purpose (`Authorization: Bearer …`) call the view, and name the server.

    What is refused is said in JSON, with a `message` that is always text: Jitsi hangs on anything else (P3). While the
    database is away the answer is 503, which servers repeat (docs/decisions/0016). The office's language is active.

    `key_in_path`: the address itself holds the key, as `key`, for programs that can send no header (Jibri's webhooks).
    """

    def decorate(view: _View[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
        @csrf_exempt
        @login_not_required
        @never_cache
        @functools.wraps(view)
        def called(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            with translation.override(settings.LANGUAGE_CODE):
                key = str(kwargs.pop("key")) if key_in_path else bearer(request)
                try:
                    return _called(view, request, key, purpose, methods, *args, **kwargs)
                except (OperationalError, InterfaceError):
                    # Without the path, which may hold a key.
                    logger.exception("The database does not answer, so a call for %s was not answered", purpose)
                    return refusal(503, _("Narada can't look into its plans just now. Try again in a minute."))

        return called

    return decorate


def _called(
    view: _View[P],
    request: HttpRequest,
    key: str,
    purpose: Purpose,
    methods: Collection[str],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> HttpResponse:
    server = server_with(key, purpose)
    if server is None:
        response = refusal(401, _("Narada does not know this key. IT finds the right one on the page of the server."))
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
    if request.method not in methods:
        response = refusal(405, _("This address does not know the method %(name)s.") % {"name": request.method})
        response.headers["Allow"] = ", ".join(methods)
        return response
    if not is_short(request, MAX_BODY):
        return refusal(413, _("That is more than Narada reads."))
    return view(request, server, *args, **kwargs)


def is_short(request: HttpRequest, most: int) -> bool:
    """Say whether the request announces a body of at most so many bytes."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    return length.isdecimal() and len(length) <= len(str(most)) and int(length) <= most


def bearer(request: HttpRequest) -> str:
    """Return what stands after `Bearer`, empty without it."""
    scheme, _space, key = request.headers.get("Authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def refusal(status: int, message: str) -> JsonResponse:
    """Return a refusal with a sentence that people read in the conference."""
    return JsonResponse({"message": message}, status=status)


def _value(server: ConferenceServer) -> str:
    return f"{server.pk}:{server.key_version}"


def _salt(purpose: Purpose) -> str:
    return f"integrations.jitsi.callers.{purpose}"
