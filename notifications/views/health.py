"""Tells a monitor whether the product lives and can do its work. Open to everybody; says nothing about anybody."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from notifications.health import Readiness, find_readiness


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
    answer = {
        "ready": readiness.is_ready,
        "missing": list(readiness.missing),
        "troubles": list(readiness.troubles),
        "heartbeat_age_seconds": _seconds(readiness.heartbeat_age),
        "jobs": _jobs(readiness),
        "mail": _mail(readiness),
    }
    return JsonResponse(answer, status=200 if readiness.is_ready else 503)


def _jobs(readiness: Readiness) -> dict[str, object]:
    jobs = readiness.jobs
    return {
        "late": [job.work.name for job in jobs if job.is_late],
        "failing": [job.work.name for job in jobs if job.is_failing],
        "lag_seconds": _seconds(max((job.lag for job in jobs), default=None)),
    }


def _mail(readiness: Readiness) -> dict[str, object] | None:
    mail = readiness.mail
    if mail is None:
        return None
    return {
        "waiting": mail.waiting,
        "oldest_due_seconds": _seconds(mail.oldest_due),
        "failed_last_day": mail.failed_last_day,
        "servers": mail.servers,
    }


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else round(span.total_seconds(), 1)
