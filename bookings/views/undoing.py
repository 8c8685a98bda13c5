"""Undoes a cancellation from the page of its session."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.models import User
from bookings import services
from bookings.views.sessions import found_or_404
from bookings.wording import refusal_text

_LONGEST_KEY = 18


@require_POST
def booking_restore(request: HttpRequest, number: str) -> HttpResponseBase:
    """Undo the cancellation that `event` names, for whoever may change the session or cancelled it."""
    assert isinstance(request.user, User)
    now, key = timezone.now(), request.POST.get("event", "")
    details = found_or_404(request, number, now=now)
    if not (key.isascii() and key.isdecimal() and len(key) <= _LONGEST_KEY):
        raise Http404
    try:
        services.undo(details.booking, event_id=int(key), by=request.user, now=now)
    except services.NotAllowed:
        raise PermissionDenied from None
    except services.UndoTooLate:
        messages.warning(
            request,
            _("It is too late to undo this cancellation: the messages have gone, or something else was changed since."),
        )
    except services.Refused as refused:
        messages.error(request, _("The cancellation stands, because something it freed is taken by now:"))
        for refusal in refused.refusals:
            messages.error(request, refusal_text(refusal))
    else:
        messages.success(request, _("The cancellation is undone. Everything is as it was."))
    address = reverse("booking_show", args=[details.booking.number])
    if "spotkanie" in request.POST:
        address += "?" + urlencode({"spotkanie": details.on(details.occurrence).isoformat()})
    return redirect(address)
