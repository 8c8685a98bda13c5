"""Finds a room: free ones for a time or a series, times that suit rooms and colleagues, and one at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.queries import find_colleagues
from bookings import services
from bookings.forms import IdsField, read_submission
from bookings.rules import BookingRequest
from bookings.views.booking_people import suggestion
from bookings.views.finding_page import QUICK, FindPage
from bookings.wording import refusal_text
from rooms.permissions import SiteRoles

_REFUSED = 422


@require_safe
def room_find(request: HttpRequest) -> HttpResponse:
    """Search; the address is the whole search, so it can be kept and passed on."""
    return _answer(request, _searcher(request))


@require_safe
def colleague_search(request: HttpRequest) -> HttpResponse:
    """Suggest colleagues for what is typed, as options of the list box."""
    _searcher(request)
    found = [suggestion(item) for item in find_colleagues(request.GET.get("q", ""))]
    return render(request, "bookings/_people.html", {"suggestions": found})


@require_POST
def room_now(request: HttpRequest) -> HttpResponseBase:
    """Book a room from this minute for half an hour."""
    user, now = _searcher(request), timezone.now().replace(second=0, microsecond=0)
    submission = read_submission(request.POST.get("submission", ""), user_id=user.pk)
    try:
        booking = services.book(_quick(request, user, now), by=user, now=now, submission=submission)
    except services.AlreadyBooked as again:
        messages.info(request, _("This session is booked already; nothing was booked twice."))
        return redirect("booking_show", again.booking.number)
    except services.Refused as refused:
        return _answer(request, user, quick_refusals=[refusal_text(item) for item in refused.refusals])
    except services.NotAllowed:
        raise PermissionDenied from None
    if booking.is_requested:
        messages.info(request, _("The request is sent. The room is held for you until it is answered."))
    else:
        messages.success(request, _("The room is yours. Change the title or invite people whenever you like."))
    return redirect("booking_show", booking.number)


def _quick(request: HttpRequest, user: User, now: datetime) -> BookingRequest:
    start = timezone.localtime(now, timezone.get_default_timezone()).replace(tzinfo=None)
    return BookingRequest(
        title=_("Quick session"),
        local_start=start,
        local_end=start + timedelta(minutes=QUICK),
        time_zone=settings.TIME_ZONE,
        organizer_id=user.pk,
        # Without a room there is nothing to take: the judge says that there is no such room.
        room_ids=IdsField().to_python([request.POST.get("room", "")]),
    )


def _answer(request: HttpRequest, user: User, **more: Any) -> HttpResponse:
    page = FindPage(request.GET, user, timezone.now(), **more)
    refused = page.form.errors or page.quick_refusals
    return render(request, "bookings/room_find.html", page.context(), status=_REFUSED if refused else 200)


def _searcher(request: HttpRequest) -> User:
    """Return the user, who may book something somewhere; nobody else has anything to find."""
    if not isinstance(request.user, User) or not SiteRoles.of(request.user).may_book_anything:
        raise PermissionDenied
    return request.user
