"""The page that says how the service is, for IT admins, and its test mails."""

from __future__ import annotations

import hashlib
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh, reswap

from accounts.guards import for_it_admins
from accounts.models import User
from notifications import state, state_words
from notifications.alarms import ways
from notifications.alarms.trial import send_trial

#: Between two test mails of one person: each holds a thread for as long as the server takes.
TRIAL_EVERY_SECONDS = 15


@require_safe
@for_it_admins
def state_show(request: HttpRequest) -> HttpResponse:
    """Show everything. Every 15 seconds the page asks for the part that changes (`state_now`)."""
    return render(request, "notifications/service_state.html", _live(request))


@login_not_required
@require_safe
def state_now(request: HttpRequest) -> HttpResponseBase:
    """Answer with the part that changes. Who has been signed out meanwhile is asked to sign in on a whole page."""
    if not request.user.is_authenticated:
        return HttpResponseClientRefresh()
    return _now(request)


@for_it_admins
def _now(request: HttpRequest) -> HttpResponse:
    """Where the reader has it already, answer with the time alone; the verdict only where it is another one.

    What is not put in anew keeps its focus, and is not read out again.
    """
    context = _live(request)
    context["is_verdict_new"] = request.GET.get("werdykt") != context["verdict_digest"]
    if request.GET.get("widziane") == context["digest"]:
        return reswap(render(request, "notifications/_state_checked.html", {**context, "is_oob": True}), "none")
    return render(request, "notifications/_state_live.html", {**context, "is_oob": True})


@require_POST
@for_it_admins
def state_trial(request: HttpRequest, server: str) -> HttpResponse:
    """Mail the reader over this server, past the outbox, and show what the server said."""
    if server not in ways.servers():
        raise Http404
    user, now = _user(request), timezone.now()
    if not cache.add(f"service_state.trial.{user.pk}", True, timeout=TRIAL_EVERY_SECONDS):
        messages.warning(request, _("A test mail left a moment ago. Wait 15 seconds, then send the next."))
        return redirect("service_state")
    said = send_trial(user, server=server, now=now)
    values = {"email": user.email, "words": said.words or "–"}
    if said.is_taken:
        messages.success(request, _("The test mail to %(email)s was taken. The server says: %(words)s") % values)
    else:
        messages.error(request, _("The test mail to %(email)s was not taken. The server says: %(words)s") % values)
    return redirect("service_state")


def _live(request: HttpRequest) -> dict[str, Any]:
    """Return what the live part shows, already written, and digests of it."""
    now, zone = timezone.now(), ZoneInfo(_user(request).time_zone)
    shown = state_words.Speaker(state.find_state(now), zone=zone, now=now).shown()
    context = {"shown": shown, "checked": f"{now.astimezone(zone):%H:%M:%S}", "is_verdict_new": False}
    live = render_to_string("notifications/_state_now.html", context, request)
    return {**context, "live": live, "digest": _digest(live), "verdict_digest": _digest(shown.verdict.text)}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)
