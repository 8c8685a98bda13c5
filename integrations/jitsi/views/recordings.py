"""What recorders and those who keep their files tell us, and ask."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from integrations.jitsi import recorders, recordings
from integrations.jitsi.callers import Purpose, only_from, refusal
from integrations.jitsi.json_body import BadBody, read_object
from integrations.jitsi.models import ConferenceServer


@only_from(Purpose.RECORDINGS, methods=["POST"], key_in_path=True)
def recorder_status(request: HttpRequest, server: ConferenceServer) -> HttpResponse:
    """Hear how a recorder is (Jibri's webhook v1/status). It can send no key in a header: the address holds it."""
    try:
        recorders.note_status(server, read_object(request.body), now=timezone.now())
    except BadBody as bad:
        return refusal(400, bad.reason)
    return HttpResponse()


@only_from(Purpose.RECORDINGS, methods=["POST"], key_in_path=True)
def recorder_session(request: HttpRequest, server: ConferenceServer) -> HttpResponse:
    """Hear that a recording began, failed or ended (Jibri's webhook v1/session/status)."""
    try:
        recorders.note_session(server, read_object(request.body), now=timezone.now())
    except BadBody as bad:
        return refusal(400, bad.reason)
    return HttpResponse()


@only_from(Purpose.RECORDINGS, methods=["POST"])
def recording_file(request: HttpRequest, server: ConferenceServer) -> HttpResponse:
    """File a recording that was just made."""
    try:
        recording = recordings.file(server, read_object(request.body), now=timezone.now())
    except BadBody as bad:
        return refusal(400, bad.reason)
    found = recording.occurrence
    answer = {
        "id": str(recording.pk),
        "keep_until": recording.keep_until.isoformat(),
        "session": found.booking.number if found else "",
    }
    return JsonResponse(answer, status=201)


@only_from(Purpose.RECORDINGS, methods=["GET", "HEAD"])
def recordings_due(request: HttpRequest, server: ConferenceServer) -> HttpResponse:
    """Say which files are to be deleted by now."""
    due = recordings.due(server, now=timezone.now())
    found = [{"id": str(item.pk), "session_id": item.session_id, "file_name": item.file_name} for item in due]
    return JsonResponse({"recordings": found})


@only_from(Purpose.RECORDINGS, methods=["DELETE"])
def recording_deleted(request: HttpRequest, server: ConferenceServer, pk: int) -> HttpResponse:
    """Hear that a file is gone."""
    recordings.note_deleted(server, pk, now=timezone.now())
    return HttpResponse(status=204)
