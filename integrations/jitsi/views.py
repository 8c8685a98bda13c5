"""The door: a personal join address leads to the conference, or says when and why not."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from bookings import wording
from bookings.models import Attendee
from integrations.jitsi import links, tokens
from integrations.jitsi.entry import Entry, State, find_entry
from integrations.places import Place, places
from integrations.when import when

_STATUS_WHEN_OVER = 410
# Often enough for a countdown in minutes; rarely while there are hours to go.
_REFRESH_SOON = timedelta(minutes=1)
_REFRESH_LATER = timedelta(minutes=15)


@login_not_required
@require_safe
@never_cache
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Let the person in, or say why not. Reading it changes nothing: programs that check links in mails may."""
    now = timezone.now()
    attendee = links.attendee_for(token)
    if attendee is None:
        language = _language(request, translation.get_language() or settings.LANGUAGE_CODE)
        response = _page(request, "join/link_unknown.html", {}, language=language, status=404)
    else:
        response = _answer(request, attendee, now=now)
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _answer(request: HttpRequest, attendee: Attendee, *, now: datetime) -> HttpResponse:
    entry = find_entry(attendee, now=now)
    if entry.state in {State.REMOVED, State.CANCELLED, State.ENDED}:
        return _session_page(request, "join/session_over.html", attendee, entry, status=_STATUS_WHEN_OVER)
    if setting := tokens.missing_setting():
        return _session_page(request, "join/server_missing.html", attendee, entry, setting=setting)
    if entry.state is State.EARLY:
        wait = entry.opens_at - now
        response = _session_page(request, "join/session_wait.html", attendee, entry, now=now)
        response.headers["Refresh"] = str(_refresh_seconds(wait))
        return response
    if request.method == "HEAD":
        # Who only asks whether the address works, gets no key to the room.
        return HttpResponse()
    return HttpResponseRedirect(tokens.conference_url(attendee, entry.occurrence, now=now))


def _session_page(
    request: HttpRequest,
    template: str,
    attendee: Attendee,
    entry: Entry,
    *,
    now: datetime | None = None,
    setting: str = "",
    status: int = 200,
) -> HttpResponse:
    language = _language(request, attendee.language)
    zone = ZoneInfo(attendee.time_zone)
    with translation.override(language):
        context = {
            "attendee": attendee,
            "booking": attendee.booking,
            "organizer": attendee.booking.organizer,
            "state": entry.state.value,
            "when": when(entry.occurrence.interval, zone=zone, office_zone=attendee.booking.zone),
            "ends": wording.clock(entry.occurrence.ends_at.astimezone(zone)),
            "opens": wording.clock(entry.opens_at.astimezone(zone)),
            "opens_day": wording.long_date(entry.opens_at.astimezone(zone).date()),
            "countdown": _countdown(entry.occurrence.starts_at - now) if now else "",
            "places": _places(entry),
            "setting": setting,
        }
        return _page(request, template, context, language=language, status=status)


def _page(request: HttpRequest, template: str, context: dict[str, Any], *, language: str, status: int) -> HttpResponse:
    with translation.override(language):
        response = render(request, template, context, status=status)
    response.headers["Content-Language"] = language
    return response


def _language(request: HttpRequest, otherwise: str) -> str:
    wanted = request.GET.get("lang", "")
    return wanted if wanted in dict(settings.LANGUAGES) else otherwise


def _places(entry: Entry) -> tuple[Place, ...]:
    holds = entry.occurrence.room_holds.filter(live=True).select_related("room__site").order_by("position")
    return places(hold.room for hold in holds)


def _refresh_seconds(wait: timedelta) -> int:
    """Return when the page should ask again: at the latest when the door opens."""
    step = _REFRESH_SOON if wait <= timedelta(hours=1) else _REFRESH_LATER
    return max(1, ceil(min(wait, step).total_seconds()))


def _countdown(left: timedelta) -> str:
    """„3 dni”, „2 h 5 min”, „18 min”; rounded up, so that it never says 0 before the start."""
    minutes = ceil(left / timedelta(minutes=1))
    days, hours = minutes // 1440, minutes // 60
    if days >= 2:
        return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
    if hours:
        return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes % 60}
    return _("%(minutes)d min") % {"minutes": minutes}
