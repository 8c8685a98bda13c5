"""A new PIN for a session, where too many people have the old one."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.models import User
from bookings.models import Booking
from bookings.permissions import may_change
from bookings.queries import booking_for
from integrations.jitsi import dial_in


@require_POST
def renew_pin(request: HttpRequest, number: str) -> HttpResponseBase:
    """Let the organizer, and who else may change the session, make the old PIN worthless."""
    assert isinstance(request.user, User)
    try:
        booking = booking_for(request.user, number)
    except Booking.DoesNotExist:
        raise Http404 from None
    if not may_change(request.user, booking):
        messages.error(request, _("Only the organiser and site managers make a new PIN. Ask one of them."))
    elif not dial_in.is_offered(booking) or not dial_in.numbers():
        messages.error(request, _("Nobody joins this session by telephone, so it has no PIN."))
    else:
        dial_in.renew(booking, now=timezone.now())
        told = _("The session has a new PIN; the old one lets nobody in. Reminders will name the new one.")
        messages.success(request, told)
    return redirect("booking_show", number)
