"""What every page for an invited person shows: the session in their language and zone, whoever invites, the places."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings import wording
from bookings.models import Attendee
from integrations.jitsi.entry import Entry
from integrations.jitsi.recorders import may_be_recorded
from integrations.places import Place, places
from integrations.when import When, length_in_words, when

_DAYS_FROM = timedelta(days=2)


def session_page(
    request: HttpRequest,
    template: str,
    attendee: Attendee,
    entry: Entry,
    *,
    now: datetime | None = None,
    extra: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """Return a page about one person's meeting. `now`: counts down to it; `extra`: what else the template reads."""
    wanted = language(request, attendee.language)
    zone = ZoneInfo(attendee.time_zone)
    with translation.override(wanted):
        shown = when(entry.occurrence.interval, zone=zone, office_zone=attendee.booking.zone)
        context = {
            "attendee": attendee,
            "booking": attendee.booking,
            "organizer": attendee.booking.organizer,
            "state": entry.state.value,
            "when": shown,
            "length": length_in_words(entry.occurrence.interval.duration),
            "ends": wording.clock(entry.occurrence.ends_at.astimezone(zone)),
            "opens": _opens(entry, shown, zone),
            "opens_day": wording.long_date(entry.opens_at.astimezone(zone).date()),
            "now": now,
            "countdown": _countdown(entry.occurrence.starts_at, now, zone) if now else "",
            "is_recorded": may_be_recorded(attendee.booking, entry.occurrence),
            **(extra or {}),
        }
        if "places" not in context:
            context["places"] = places_of(entry)
        return page(request, template, context, language=wanted, status=status)


def page(request: HttpRequest, template: str, context: dict[str, Any], *, language: str, status: int) -> HttpResponse:
    """Return a page in this language, and say in a header which it is."""
    with translation.override(language):
        response = render(request, template, context, status=status)
    response.headers["Content-Language"] = language
    return response


def unknown_link(request: HttpRequest) -> HttpResponse:
    """Say that the address is none of ours, or no longer."""
    wanted = language(request, translation.get_language() or settings.LANGUAGE_CODE)
    return page(request, "join/link_unknown.html", {}, language=wanted, status=404)


def keep_to_itself(response: HttpResponse, *, has_form: bool = False) -> HttpResponse:
    """Keep the secret address out of other sites and search engines.

    `has_form`: the page sends something back to us. With "no-referrer" a browser would say "Origin: null" then, and the
    protection against forged requests would refuse it.
    """
    response.headers["Referrer-Policy"] = "same-origin" if has_form else "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def language(request: HttpRequest, otherwise: str) -> str:
    """Return the language that the reader chose on the page, else `otherwise`."""
    wanted = request.GET.get("lang", "")
    return wanted if wanted in dict(settings.LANGUAGES) else otherwise


def places_of(entry: Entry) -> tuple[Place, ...]:
    """Return where the meeting takes place, in the order of its rooms: one query."""
    holds = entry.occurrence.room_holds.filter(live=True).select_related("room__site").order_by("position")
    return places(hold.room for hold in holds)


def _opens(entry: Entry, shown: When, zone: ZoneInfo) -> str:
    """Return when the door opens, with the zone wherever two are shown."""
    local = entry.opens_at.astimezone(zone)
    return f"{wording.clock(local)} {wording.zone_label(local, zone)}" if shown.elsewhere else wording.clock(local)


def _countdown(starts_at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """„3 dni”, „2 h 5 min”, „18 min”; rounded up, so that it never says 0 before the start.

    `zone`: of the reader, whose calendar counts the days.
    """
    left = starts_at - now
    minutes = ceil(left / timedelta(minutes=1))
    hours = minutes // 60
    if left >= _DAYS_FROM:
        days = (starts_at.astimezone(zone).date() - now.astimezone(zone).date()).days
        return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
    if hours:
        return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes % 60}
    return _("%(minutes)d min") % {"minutes": minutes}
