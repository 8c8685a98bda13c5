"""The waiting list as one person sees it: where they wait, what is offered to them and until when."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from bookings import services
from bookings.models import WaitlistEntry
from bookings.views.waiting_page import WaitingPage
from bookings.wording import refusal_text

_REFUSED = 422


@require_safe
def waiting_list(request: HttpRequest) -> HttpResponse:
    return _answer(request)


@require_POST
def waiting_accept(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Book what is offered."""
    assert isinstance(request.user, User)
    entry = _entry(request.user, pk)
    try:
        booking = services.accept(entry, by=request.user, now=timezone.now())
    except services.AlreadyBooked as again:
        messages.info(request, _("This session is booked already; nothing was booked twice."))
        return redirect("booking_show", again.booking.number)
    except (services.OfferLapsed, services.AlreadyOver):
        messages.warning(request, _("This offer has ended, and it is the next person's turn. You can join again."))
    except services.Refused as refused:
        return _answer(request, failed=(pk, [refusal_text(item) for item in refused.refusals]))
    except services.NotAllowed:
        raise PermissionDenied from None
    else:
        messages.success(request, _("The session is booked.") + " " + _("The invitations are on their way."))
        return redirect("booking_show", booking.number)
    return redirect("waiting_list")


@require_POST
def waiting_leave(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Leave the line, or decline an offer: it goes to the next person."""
    assert isinstance(request.user, User)
    entry = _entry(request.user, pk)
    was_offered = entry.state == WaitlistEntry.State.OFFERED
    services.leave(entry, by=request.user, now=timezone.now())
    said = _("Declined: the next person in line gets it.") if was_offered else _("You do not wait there any more.")
    messages.success(request, said)
    return redirect("waiting_list")


def _answer(request: HttpRequest, *, failed: tuple[int, list[str]] | None = None) -> HttpResponse:
    assert isinstance(request.user, User)
    page = WaitingPage(request.user, timezone.now(), failed=failed)
    return render(request, "bookings/waiting_list.html", page.context(), status=_REFUSED if failed else 200)


def _entry(user: User, pk: int) -> WaitlistEntry:
    """Return an entry of this user; another person's is not there."""
    try:
        return WaitlistEntry.objects.get(pk=pk, user=user)
    except WaitlistEntry.DoesNotExist:
        raise Http404 from None
