"""Where Prosody's event_sync tells who came and went. It reads no answer; what fails with 5xx it tells again."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.jitsi import attendance
from integrations.jitsi.callers import Purpose, only_from, refusal
from integrations.jitsi.events import Kind, read
from integrations.jitsi.json_body import BadBody
from integrations.jitsi.models import ConferenceServer


@only_from(Purpose.EVENTS, methods=["POST"])
def told(request: HttpRequest, server: ConferenceServer, kind: Kind) -> HttpResponse:
    """Take in one event. Told again, late, or in another order it changes nothing."""
    try:
        news = read(kind, request.body)
    except BadBody as error:
        return refusal(400, _("Narada can't read this event: %(reason)s.") % {"reason": error.reason})
    attendance.take_in(server, news, now=timezone.now())
    return HttpResponse(status=204)
