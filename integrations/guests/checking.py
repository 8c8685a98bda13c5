"""People test camera, microphone, speakers and network before the day, in their browser, on a page of ours.

Nothing of it comes here but that it was tested (docs/decisions/0029).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from csp.constants import SELF
from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.browser_features import open_features
from bookings import services
from bookings.wording import clock, long_date
from integrations.guest_page import session_page
from integrations.guests.visits import Visit, guest_view
from integrations.jitsi import servers
from integrations.jitsi.models import ConferenceServer

#: What the person says: all that is needed works here; or a room has its own equipment, or they only listen.
TESTED, NOT_NEEDED = "test", "room"
_NO_CONTENT, _REFUSED = 204, 422
# As it may stand in a Content-Security-Policy.
_HOST = re.compile(r"[a-z0-9][a-z0-9.-]*(?::[0-9]{1,5})?", re.IGNORECASE)
#: Where conferences get picture and sound, unless IT has chosen another port.
MEDIA_PORT = 10_000


@dataclass(frozen=True, slots=True)
class Target:
    """The conference server as a browser reaches it. `stun`: host and port of what tells whether UDP passes, or ""."""

    host: str
    url: str
    socket_url: str
    stun: str

    @property
    def origins(self) -> list[str]:
        return [_origin(self.url), _origin(self.socket_url)]

    @property
    def port(self) -> int:
        parts = urlsplit(self.url)
        return parts.port or (443 if parts.scheme == "https" else 80)


@guest_view()
@require_http_methods(["GET", "HEAD", "POST"])
def guest_check(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show the check; its result is noted by a post. The conference server is asked by the browser alone."""
    if request.method == "POST":
        return _note(request, visit)
    return _show(request, visit)


def target_of(server: ConferenceServer | None) -> Target | None:
    """Return where the browser asks; None where no server is known, or by no address that can be allowed."""
    if server is None:
        return None
    parts = urlsplit(server.url)
    if not _HOST.fullmatch(parts.netloc):
        return None
    socket_url = f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}{parts.path}"
    return Target(parts.hostname or "", server.url, socket_url, server.stun_address)


def _note(request: HttpRequest, visit: Visit) -> HttpResponse:
    how = request.POST.get("how", "")
    if how not in {TESTED, NOT_NEEDED}:
        return _show(request, visit, status=_REFUSED)
    services.note_devices_tested(visit.attendee, now=visit.now)
    if request.headers.get("X-Requested-With") == "fetch":
        return HttpResponse(status=_NO_CONTENT)
    return HttpResponseRedirect(visit.address("guest_check", query=f"zapisano={how}"))


def _show(request: HttpRequest, visit: Visit, *, status: int = 200) -> HttpResponse:
    target = target_of(servers.likely_server(visit.entry.occurrence))
    extra = {
        "visit": visit,
        "target": target,
        "for_it": "\n".join(_for_it(target)) if target else "",
        "tested": _tested(visit),
        "saved": request.GET.get("zapisano", ""),
        "is_unclear": status == _REFUSED,
    }

    def shown(asked: HttpRequest) -> HttpResponse:
        response = session_page(
            asked, "guests/check.html", visit.attendee, visit.entry, now=visit.now, extra=extra, status=status
        )
        open_features(response, "camera", "microphone")
        return response

    # This page, and no other, may connect to the conference server.
    allowed = csp_replace({"connect-src": [SELF, *(target.origins if target else ())]})
    return cast(HttpResponse, allowed(shown)(request))


def _for_it(target: Target) -> list[str]:
    """Return what an IT department has to let through, a line each."""
    values = {"host": target.host, "port": target.port, "media": MEDIA_PORT}
    lines = [
        _("%(host)s, TCP port %(port)d: HTTPS and WebSocket (wss)") % values,
        _("%(host)s, UDP port %(media)d: picture and sound") % values,
    ]
    if target.stun:
        lines.append(_("%(stun)s, UDP: finding a way through the network (STUN)") % {"stun": target.stun})
    return lines


def _tested(visit: Visit) -> str:
    at = visit.attendee.devices_tested_at
    if at is None:
        return ""
    local = at.astimezone(visit.zone)
    return f"{long_date(local.date())}, {clock(local)}"


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
