"""Who is in the conference now, for the session's page to ask again and again."""

from __future__ import annotations

from datetime import date
from typing import cast
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseStopPolling

from accounts.models import User
from bookings.models import Booking
from bookings.queries import BookingDetails, details_for
from integrations.jitsi.attendance_queries import attendance_of
from integrations.jitsi.attendance_words import shown


@require_safe
@never_cache
def attendance_now(request: HttpRequest, number: str) -> HttpResponse:
    """Answer with what became different since the reader has seen it; 404 for whoever may not know.

    Nothing new is 204: what is not put in anew is not read out again. Once nothing can change any more, it is the last.
    """
    user, now = cast(User, request.user), timezone.now()
    found = attendance_of(user, _details(request, number), now=now)
    if found is None:
        raise Http404
    attendance = shown(found, zone=ZoneInfo(user.time_zone), now=now)
    if attendance.is_live and request.GET.get("widziane") == attendance.digest:
        return HttpResponse(status=204)
    response = render(request, "jitsi/_attendance_now.html", {"attendance": attendance})
    if not attendance.is_live:
        response.status_code = HttpResponseStopPolling.status_code
    return response


def _details(request: HttpRequest, number: str) -> BookingDetails:
    """Return the session at the meeting that `spotkanie` names, as its page does."""
    try:
        on = date.fromisoformat(asked) if (asked := request.GET.get("spotkanie", "")) else None
        return details_for(cast(User, request.user), number, now=timezone.now(), on=on)
    except (Booking.DoesNotExist, ValueError):
        raise Http404 from None
