"""What is kept of somebody, as a file to take along: JSON for machines, a page for people."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.http import Http404, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from notifications.kept_data import as_json, kept_of

_NAME = "narada-dane-osobowe"


def as_file(address: str, *, kind: str, now: datetime) -> HttpResponse:
    """Return the file, in the active language. Raises: Http404 for a kind that there is not."""
    if kind not in {"json", "html"}:
        raise Http404
    kinds = kept_of(address, now=now)
    if kind == "json":
        shown = {"ensure_ascii": False, "indent": 2}
        response: HttpResponse = JsonResponse(as_json(address, kinds, now=now), json_dumps_params=shown)
    else:
        context = {"kinds": kinds, "address": address, "made_at": now, "office_name": settings.OFFICE_NAME}
        response = HttpResponse(render_to_string("notifications/guest_data_file.html", context))
    response.headers["Content-Disposition"] = f'attachment; filename="{_NAME}.{kind}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
