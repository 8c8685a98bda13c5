"""My sessions, the page of one session, and sending an invitation again from it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from bookings import services
from bookings.list_queries import Part, past_meetings_of, sessions_of
from bookings.models import Attendee, Booking
from bookings.queries import EVENTS_AT_MOST, BookingDetails, booking_for, details_for, next_meeting, open_waiting_of
from bookings.views import (
    outside,
    quick_acts,
    scopes,
    series_page,
    session_answers,
    session_page,
    session_people,
    session_steps,
    undo_offer,
)
from bookings.views.history import history
from bookings.views.session_list import in_days
from rooms.permissions import SiteRoles

_PER_PAGE = 20


@require_safe
def my_sessions(request: HttpRequest) -> HttpResponse:
    """List what the user organizes or is invited to: to come, or with `?past` what is over, newest first.

    `?only=led` leaves what they organize or made, `?only=invited` the rest; anything else is everything.
    """
    assert isinstance(request.user, User)
    now, past = timezone.now(), "past" in request.GET
    find = past_meetings_of if past else sessions_of
    only = request.GET.get("only", "")
    part = Part(only) if only in set(Part) else Part.ALL
    page = find(request.user, now=now, number=_page_number(request.GET.get("page", "")), size=_PER_PAGE, part=part)
    waiting = () if past else open_waiting_of(request.user)
    context = {
        "page": page,
        "days": in_days(page.lines, user=request.user, now=now),
        "past": past,
        "may_book": SiteRoles.of(request.user).may_book_anything,
        "part": part,
        "waiting": waiting,
        "offers": [entry for entry in waiting if entry.offer_expires_at],
        "zone": ZoneInfo(request.user.time_zone),
        "now": now,
    }
    return render(request, "bookings/my_sessions.html", context)


def _page_number(text: str) -> int:
    """Read `?page=`; what makes no sense is the first page."""
    return max(1, int(text)) if text.isdecimal() and len(text) < 5 else 1


@require_safe
@cache_control(private=True, no_store=True)
def booking_show(request: HttpRequest, number: str) -> HttpResponse:
    """Show a session; of a series its next meeting, or that of `?spotkanie=2026-12-03`. `?minione` lists past ones."""
    assert isinstance(request.user, User)
    now, zone = timezone.now(), ZoneInfo(request.user.time_zone)
    details = found_or_404(request, number, now=now)
    state = session_page.state_of(details, now=now, zone=zone)
    answers = session_answers.answers(details, by=request.user, now=now, zone=zone)
    context: dict[str, Any] = {
        "details": details,
        "booking": details.booking,
        "key": details.on(details.occurrence).isoformat(),
        "session_title": details.title,
        "state": state,
        # The way in leads to the next meeting, whichever is looked at.
        "is_next": details.occurrence == next_meeting(details.meetings, now=now),
        "may_book": SiteRoles.of(request.user).may_book_anything,
        "can_change": details.may_change and bool(scopes.to_come(details.meetings, now=now)),
        "when": session_page.when_in_words(details, zone),
        "steps": session_steps.steps(details, state, answers, zone=zone, now=now),
        **session_page.facts(details, state, now=now),
        "people": session_people.people_list(answers.people, asked=request.GET.get("osoby", "")),
        "answers": answers,
        "history": history(details, zone=zone),
        "undo": undo_offer.offered(details, by=request.user, now=now),
        "holds_mails": undo_offer.holds_mails(details, now=now),
        "events_at_most": EVENTS_AT_MOST if details.has_older_events else 0,
        "board_day": details.occurrence.starts_at.astimezone(timezone.get_default_timezone()).date(),
        "zone": zone,
        "now": now,
    }
    if details.booking.is_series:
        context["series"] = series_page.series(details, now=now, zone=zone, past="minione" in request.GET)
    if details.booking.is_requested:
        context["approvals"] = series_page.approvals(details, zone=zone)
        context["approvers"] = series_page.who_answers(details, now=now)
    if details.booking.is_outside and details.may_change and not details.booking.is_cancelled:
        context["outside_text"] = outside.changed_there(details.booking)
    if state.kind == "live" and details.may_change and not details.booking.is_outside:
        context["quick"] = quick_acts.offered(details, now=now, zone=zone)
    return render(request, "bookings/booking_show.html", context)


def found_or_404(request: HttpRequest, number: str, *, now: datetime) -> BookingDetails:
    """Return the session for somebody who may open it, at the meeting that `spotkanie` names."""
    assert isinstance(request.user, User)
    asked = request.POST.get("spotkanie") or request.GET.get("spotkanie")
    try:
        # PostgreSQL's text has no zero byte, and no number has one.
        return details_for(request.user, number.replace("\0", "?"), now=now, on=scopes.day_asked(asked))
    except (Booking.DoesNotExist, ValueError):
        raise Http404 from None


@require_POST
def attendee_invite_again(request: HttpRequest, number: str, pk: int) -> HttpResponseBase:
    """Send one participant the invitation again; with `new_link` their old join link stops working."""
    assert isinstance(request.user, User)
    try:
        attendee = booking_for(request.user, number).attendees.get(pk=pk)
    except (Booking.DoesNotExist, Attendee.DoesNotExist):
        raise Http404 from None
    act = services.revoke_join_link if "new_link" in request.POST else services.invite_again
    try:
        act(attendee, by=request.user, now=timezone.now())
    except services.NotAllowed:
        messages.error(request, _("Only the organiser and site managers send invitations. Ask one of them."))
    except services.AlreadyOver:
        messages.error(request, _("The session is over or cancelled, so nothing was sent."))
    else:
        messages.success(request, _("The invitation is on its way again: %(name)s.") % {"name": attendee.label})
    return redirect("booking_show", number)
