"""Where a server asks before a conference may begin, and says when it is gone."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.jitsi import openings, refusing
from integrations.jitsi.callers import Purpose, only_from, refusal
from integrations.jitsi.models import ConferenceServer
from integrations.jitsi.reservations import BadForm, answer, read_form


@only_from(Purpose.RESERVATIONS, methods=["POST"])
def ask(request: HttpRequest, server: ConferenceServer) -> HttpResponse:
    """Say whether the conference may begin. Asked again, the answer is the same."""
    try:
        asked = read_form(request.body, kind=request.headers.get("Content-Type", ""))
    except BadForm as error:
        return refusal(error.status, _("Narada can't read this request: %(reason)s.") % {"reason": error.reason})
    now = timezone.now()
    try:
        conference = openings.open_conference(server, name=asked.name, asked_by=asked.mail_owner, now=now)
    except openings.NotNow as refused:
        return refusal(403, refusing.message(refused, now=now))
    except openings.OpenAlready as found:
        return JsonResponse({"conflict_id": found.conference.key}, status=409)
    return JsonResponse(answer(conference))


@only_from(Purpose.RESERVATIONS, methods=["GET", "DELETE"])
def one(request: HttpRequest, server: ConferenceServer, conference_key: str) -> HttpResponse:
    """Tell again what was promised, or hear that the conference is gone; that never fails, whatever it is about."""
    if request.method == "DELETE":
        openings.close(server, conference_key, now=timezone.now())
        return HttpResponse(status=204)
    conference = openings.open_now(server, conference_key, now=timezone.now())
    if conference is None:
        return refusal(404, _("This conference is not open."))
    return JsonResponse(answer(conference))
