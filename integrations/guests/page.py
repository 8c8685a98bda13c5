"""The page of an invited person: who invites, when, the way in, and all that they can say (screen-04 of the design)."""

from __future__ import annotations

from datetime import timedelta
from math import ceil
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from integrations.guest_page import places_of, session_page
from integrations.guests import answers, live
from integrations.guests.calendars import calendars_for
from integrations.guests.forms import PROPOSE, AnswerForm
from integrations.guests.links import answer_path
from integrations.guests.visits import Visit, guest_view, over
from integrations.jitsi import servers, tokens
from integrations.jitsi.entry import State

#: Whoever comes earlier than that before the door opens, comes much too early.
_SOON = timedelta(hours=1)
# Without script the page is read again by itself; seldom, since what is typed would go with it.
_READ_AGAIN_SOON, _READ_AGAIN_LATER = timedelta(minutes=5), timedelta(minutes=15)


@guest_view(when_over=True)
@require_safe
def guest_page(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show the page. Reading it changes nothing: programs that check links in mails may."""
    return over(request, visit) if visit.is_over else show(request, visit)


def show(request: HttpRequest, visit: Visit, *, extra: dict[str, Any] | None = None, status: int = 200) -> HttpResponse:
    """Return the page; `extra`: forms that come back with what is wrong in them, as the template calls them."""
    context = _context(request, visit) | (extra or {})
    if not visit.attendee.is_organizer:
        context |= _question(visit, context)
    return session_page(
        request, "guests/page.html", visit.attendee, visit.entry, now=visit.now, extra=context, status=status
    )


def _context(request: HttpRequest, visit: Visit) -> dict[str, Any]:
    meeting, booking = visit.entry.occurrence, visit.attendee.booking
    places, there = places_of(visit.entry), live.inside(visit)
    return {
        "visit": visit,
        "meeting": meeting,
        "title": meeting.own_title or booking.title,
        "agenda": meeting.own_description or booking.description,
        "saved": request.GET.get("zapisano", "") if request.method != "POST" else "",
        "is_early_try": "za-wczesnie" in request.GET,
        "opens_soon": visit.entry.opens_at - visit.now <= _SOON,
        "no_way_in": not _leads_somewhere(),
        "seconds_left": max(0, ceil((meeting.starts_at - visit.now).total_seconds())),
        "read_again": 0 if request.method == "POST" else _read_again_seconds(visit),
        "version": live.version_of(visit, there=there),
        "inside": there,
        "places": places,
        "calendars": calendars_for(visit, at=places),
    }


def _leads_somewhere() -> bool:
    """Say whether there is a server that people can be let into; which one it will be is decided at the door."""
    return not all(tokens.setting_missing_for(server) for server in servers.all_servers())


def _question(visit: Visit, context: dict[str, Any]) -> dict[str, Any]:
    """Return what the panel with the question reads: the form, what was answered, and times to propose if asked for."""
    form: AnswerForm | None = context.get("form")
    meetings = form.meetings if form else answers.meetings_of(visit)
    asked = answers.read_answers(visit, meetings)
    form = form or answers.form_for(visit, {"comment": asked.comment}, meetings=meetings)
    proposes = context.get("chosen") == PROPOSE or form.is_proposal
    return {
        "asked": asked,
        "form": form,
        "answer_path": answer_path(visit.attendee),
        "proposes": proposes,
        "offers": answers.offers(visit) if proposes else [],
    }


def _read_again_seconds(visit: Visit) -> int:
    """Return when a page without script reads itself again: at the latest when the door opens."""
    wait = visit.entry.opens_at - visit.now
    if visit.entry.state is State.OPEN or wait <= timedelta():
        return int(_READ_AGAIN_SOON.total_seconds())
    step = _READ_AGAIN_SOON if wait <= timedelta(hours=1) else _READ_AGAIN_LATER
    return max(1, ceil(min(wait, step).total_seconds()))
