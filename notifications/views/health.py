"""Tells a monitor whether the product lives and can do its work. Open to everybody; says nothing about anybody."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from notifications.health import find_readiness


@never_cache
@require_safe
@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """The web process answers. Asks nobody."""
    return HttpResponse("ok", content_type="text/plain; charset=utf-8")


@never_cache
@require_safe
@login_not_required
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when pages and mail work, else 503 that names what is missing."""
    readiness = find_readiness(timezone.now())
    age = readiness.heartbeat_age
    answer = {
        "ready": readiness.is_ready,
        "missing": list(readiness.missing),
        "troubles": list(readiness.troubles),
        "heartbeat_age_seconds": None if age is None else round(age.total_seconds(), 1),
    }
    return JsonResponse(answer, status=200 if readiness.is_ready else 503)
