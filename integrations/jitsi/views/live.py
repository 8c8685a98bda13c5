"""What the organizer, managers of the sites and IT admins do with a conference that runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import User
from bookings import services
from bookings.models import Booking
from bookings.permissions import may_change
from bookings.queries import booking_for, date_of
from integrations.jitsi import moderating
from integrations.jitsi.control import NotControlled, Unreachable
from integrations.jitsi.models import Conference
from integrations.jitsi.probing import in_words
from integrations.jitsi.window import window_of

_FAILED = 422


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def person_remove(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """Ask whether somebody is to be put out of the conference, and put them out."""
    now, user = timezone.now(), _user(request)
    booking = _changeable(user, number)
    conference = moderating.conference_of(booking)
    found = None if conference is None else moderating.find_inside(conference, pk)
    if conference is None or found is None:
        return _say_gone(request, booking, conference)
    presence, person = found
    problem = ""
    if request.method == "POST":
        try:
            moderating.remove(conference, presence, by=user, now=now, new_link=request.POST.get("link") == "new")
        except moderating.Gone:
            return _say_gone(request, booking, conference)
        except services.AlreadyOver:
            words = _("%(name)s is out. The link stays as it is, because the session is over.")
            messages.warning(request, words % {"name": person.name})
            return redirect(_page(booking, conference))
        except (moderating.CantTell, NotControlled, Unreachable) as error:
            problem = _problem(error)
        else:
            messages.success(request, _("Taken out of the conference: %(name)s.") % {"name": person.name})
            return redirect(_page(booking, conference))
    assert conference.occurrence is not None
    context = {
        "person": person,
        "problem": problem,
        "closes_at": window_of(conference.occurrence, now=now).closes_at,
        **_context(booking, conference, user, now=now),
    }
    return render(request, "jitsi/person_kick.html", context, status=_FAILED if problem else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def conference_end(request: HttpRequest, number: str) -> HttpResponse:
    """Ask whether the conference is to end for everybody, and end it."""
    now, user = timezone.now(), _user(request)
    booking = _changeable(user, number)
    conference = moderating.conference_of(booking)
    if conference is None:
        return _say_gone(request, booking, None)
    problem = ""
    if request.method == "POST":
        try:
            moderating.end(conference, by=user, now=now)
        except (NotControlled, Unreachable) as error:
            problem = _problem(error)
        else:
            messages.success(request, _("The conference was ended for everybody."))
            return redirect(_page(booking, conference))
    context = {"problem": problem, **_context(booking, conference, user, now=now)}
    return render(request, "jitsi/conference_end.html", context, status=_FAILED if problem else 200)


def _changeable(user: User, number: str) -> Booking:
    """Return the session for somebody who may change it; 404 where they may not even know of it."""
    try:
        # PostgreSQL's text has no zero byte, and no number has one.
        booking = booking_for(user, number.replace("\0", "?"))
    except Booking.DoesNotExist:
        raise Http404 from None
    if not may_change(user, booking):
        raise PermissionDenied
    return booking


def _problem(error: Exception) -> str:
    """Say why nothing was done, and what can be done instead."""
    if isinstance(error, moderating.CantTell):
        return _(
            "Nobody was taken out: among those who are there it can't be told which one this is. In the conference "
            "itself point at the person in the list of participants, and choose to remove them there."
        )
    if isinstance(error, Unreachable):
        return _("Nothing was done, the conference server is silent. %(why)s Try again in a minute.") % {
            "why": in_words(error.why, error.detail)
        }
    return _(
        "Nothing was done: Narada can't control this conference server. In the conference itself the moderators can. "
        "IT sees in the self-test of the server what is missing."
    )


def _say_gone(request: HttpRequest, booking: Booking, conference: Conference | None) -> HttpResponse:
    words = _("This person is not in the conference any more.") if conference else _("This conference is over.")
    messages.info(request, words)
    return redirect(_page(booking, conference))


def _context(booking: Booking, conference: Conference, user: User, *, now: datetime) -> dict[str, Any]:
    back = _page(booking, conference)
    zone = ZoneInfo(user.time_zone)
    return {"booking": booking, "conference": conference, "back": back, "zone": zone, "now": now}


def _page(booking: Booking, conference: Conference | None) -> str:
    """Return the address of the session's page; of a series that of the meeting which runs."""
    address = reverse("booking_show", args=[booking.number])
    if conference is None or conference.occurrence is None or not booking.is_series:
        return address
    return f"{address}?spotkanie={date_of(booking, conference.occurrence).isoformat()}"


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
