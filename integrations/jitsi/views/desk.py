"""The desk of IT admins: conferences that run and how the servers are, their settings, and whether all is connected."""

from __future__ import annotations

import hashlib
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRefresh, reswap

from accounts.guards import for_it_admins
from accounts.models import User
from bookings import services
from integrations.jitsi import desk, desk_queries, desk_words
from integrations.jitsi.control import NotControlled, Unreachable
from integrations.jitsi.models import ConferenceServer
from integrations.jitsi.probing import in_words
from integrations.jitsi.selftest import gather
from integrations.jitsi.selftest_checks import Result, judge
from integrations.jitsi.servers import all_servers
from integrations.jitsi.settings_text import Kind, NotPlain, example_server, settings_for


@require_safe
@for_it_admins
def desk_show(request: HttpRequest) -> HttpResponse:
    """Show everything. Every 15 seconds the page asks for the part that changes (`desk_now`)."""
    return render(request, "jitsi/desk_show.html", _live(request))


@login_not_required
@require_safe
def desk_now(request: HttpRequest) -> HttpResponseBase:
    """Answer with the part that changes. Who has been signed out meanwhile is asked to sign in on a whole page."""
    if not request.user.is_authenticated:
        return HttpResponseClientRefresh()
    return _now(request)


@for_it_admins
def _now(request: HttpRequest) -> HttpResponse:
    """Where the reader has it already, answer with the time alone.

    What is not put in anew keeps its focus, and is not read out again.
    """
    context = _live(request)
    if request.GET.get("widziane") == context["digest"]:
        return reswap(render(request, "jitsi/_desk_checked.html", {**context, "is_oob": True}), "none")
    return render(request, "jitsi/_desk_live.html", {**context, "is_oob": True})


@require_http_methods(["GET", "HEAD", "POST"])
@for_it_admins
def desk_end(request: HttpRequest, key: str) -> HttpResponse:
    """Ask whether to end a conference for everybody, and end it."""
    now = timezone.now()
    conference = desk_queries.find_conference(key)
    if conference is None:
        messages.info(request, _("This conference is over."))
        return redirect("jitsi_desk")
    item = desk_queries.item_of(conference, now=now)
    if request.method == "POST":
        try:
            desk.end(conference, by=_user(request), now=now)
        except (NotControlled, services.NotAllowed):
            messages.error(request, _("Narada can't end conferences on this server. Its self-test says why."))
        except Unreachable as error:
            words = _("The conference goes on: %(why)s") % {"why": in_words(error.why, error.detail)}
            messages.error(request, words)
        else:
            messages.success(request, _("The conference was ended for everybody."))
            return redirect("jitsi_desk")
    return render(request, "jitsi/desk_end.html", {"row": desk_words.row(item, **_reader(request))})


@require_safe
@for_it_admins
def server_settings(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what to paste into one server's settings, with its keys."""
    return _settings(request, _server(pk))


@require_safe
@for_it_admins
def example_settings(request: HttpRequest) -> HttpResponse:
    """Show the same for a server that there is not, without keys: for those who have none yet."""
    return _settings(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@for_it_admins
def server_selftest(request: HttpRequest, pk: int) -> HttpResponse:
    """Explain the self-test; with POST make it. Takes a few seconds at most."""
    server = _server(pk)
    checks = judge(gather(server, now=timezone.now())) if request.method == "POST" else []
    counts = [(result, sum(check.result is result for check in checks)) for result in Result]
    context = {"server": server, "checks": checks, "counts": [(result, count) for result, count in counts if count]}
    return render(request, "jitsi/desk_selftest.html", context)


def _settings(request: HttpRequest, server: ConferenceServer | None) -> HttpResponse:
    kind = Kind(asked) if (asked := request.GET.get("rodzaj", "")) in set(Kind) else Kind.DOCKER
    context: dict[str, Any] = {"server": server, "kind": kind, "kinds": list(Kind), "files": (), "not_plain": None}
    try:
        context["files"] = settings_for(server or example_server(kind), kind, with_keys=server is not None)
    except NotPlain as error:
        context["not_plain"] = error
    return render(request, "jitsi/desk_settings.html", context)


def _live(request: HttpRequest) -> dict[str, Any]:
    """Return what the live part shows, already written, and a digest of it."""
    reader = _reader(request)
    found = desk_queries.find_desk(now=reader["now"])
    checked = reader["now"].astimezone(reader["zone"])
    context = {**reader, "shown": desk_words.desk(found, **reader), "checked": f"{checked:%H:%M:%S}"}
    live = render_to_string("jitsi/_desk_now.html", context, request)
    return {**context, "live": live, "digest": hashlib.sha256(live.encode()).hexdigest()[:16]}


def _reader(request: HttpRequest) -> dict[str, Any]:
    return {"zone": ZoneInfo(_user(request).time_zone), "now": timezone.now()}


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)


def _server(pk: int) -> ConferenceServer:
    found = next((server for server in all_servers() if server.pk == pk), None)
    if found is None:
        raise Http404
    return found
