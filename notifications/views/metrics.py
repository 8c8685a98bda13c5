"""Figures for Prometheus, to whoever knows the token."""

from __future__ import annotations

import hmac

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from notifications.metrics import render


@never_cache
@require_safe
@login_not_required
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with METRICS_TOKEN alone; without a setting there is no such page."""
    if not settings.METRICS_TOKEN:
        return HttpResponseNotFound()
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    # All of it is compared, whatever is wrong with it: how long that takes tells nothing.
    is_known = hmac.compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode())
    if scheme.lower() != "bearer" or not is_known:
        return HttpResponse(status=401, headers={"WWW-Authenticate": 'Bearer realm="metrics"'})
    return HttpResponse(render(timezone.now()), content_type=CONTENT_TYPE_PLAIN_0_0_4)
