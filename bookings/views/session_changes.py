"""Changes that a session page leads to: the choice of what of a series, cancelling, longer or shorter while it runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from bookings import services
from bookings.forms import CancelForm
from bookings.models import Booking, Occurrence
from bookings.queries import BookingDetails
from bookings.rules import Refusal, Scope
from bookings.views import outside, quick_acts, scopes
from bookings.views.scopes import ScopeChoice, choices_for
from bookings.views.sessions import found_or_404
from bookings.wording import clock, interval_range, long_date, refusal_text

_REFUSED = 422


@require_safe
def booking_scope(request: HttpRequest, number: str) -> HttpResponseBase:
    """Ask what of a series is to be changed, and lead to the form; `?part=when` or `rooms`: to that part of it."""
    now = timezone.now()
    details = _changeable(request, number, now=now)
    if details.booking.is_outside:
        return outside.lead_back(request, details.booking)
    part = scopes.part_of(request.GET.get("part", ""))
    if not details.booking.is_series:
        return redirect(reverse("booking_edit", args=[number]) + part.anchor)
    choices = choices_for(details, now=now, zone=_zone(request), running=True)
    if not choices:
        return _say_over(request, details.booking)
    context = {
        "details": details,
        "booking": details.booking,
        "choices": choices,
        "key": _key(details),
        "question": part.question,
        "anchor": part.anchor,
    }
    return render(request, "bookings/booking_scope.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def booking_cancel(request: HttpRequest, number: str) -> HttpResponseBase:
    """Ask before a session, or meetings of a series, are cancelled, then cancel them. Requests are withdrawn."""
    now = timezone.now()
    details = _changeable(request, number, now=now)
    choices = choices_for(details, now=now, zone=_zone(request), running=False)
    if not choices:
        return _say_over(request, details.booking)
    if details.booking.is_requested:
        # A request is one answer for all its dates.
        choices = choices[-1:]
    chosen = _chosen(request, choices)
    form = CancelForm(request.POST if request.method == "POST" else None, initial={"version": details.booking.version})
    refusals: tuple[Refusal, ...] = ()
    if form.is_valid() and chosen:
        try:
            return _cancel(request, details, chosen, form.cleaned_data, now=now)
        except services.AlreadyOver:
            return _say_over(request, details.booking)
        except services.Refused as refused:
            refusals = refused.refusals
    context = {
        "form": form,
        "undo_words": _undo_words(details, choices, now=now),
        "details": details,
        "booking": details.booking,
        "choices": choices,
        "chosen": chosen or choices[0],
        "is_choice_missing": form.is_bound and chosen is None,
        "key": _key(details),
        "when_words": _when_words(details),
        "refusals": [refusal_text(item) for item in refusals],
    }
    is_wrong = form.is_bound or bool(refusals)
    return render(request, "bookings/booking_cancel.html", context, status=_REFUSED if is_wrong else 200)


def _cancel(
    request: HttpRequest, details: BookingDetails, chosen: ScopeChoice, data: dict[str, Any], *, now: datetime
) -> HttpResponseBase:
    assert isinstance(request.user, User)
    occurrence = details.occurrence if chosen.value != Scope.ALL else None
    booking = services.cancel(
        details.booking,
        by=request.user,
        now=now,
        reason=data["reason"],
        version=data["version"],
        scope=chosen.value,
        occurrence=occurrence,
        undo_for=timedelta(seconds=settings.CANCEL_UNDO_SECONDS),
    )
    if not services.is_undoable(booking, now=now):
        # Otherwise the page says so itself, with a way back.
        messages.success(request, _cancelled_words(details.booking, chosen))
    address = reverse("booking_show", args=[details.booking.number])
    return redirect(f"{address}?{urlencode({'spotkanie': _key(details)})}" if chosen.value == Scope.ONE else address)


def _undo_words(details: BookingDetails, choices: list[ScopeChoice], *, now: datetime) -> str:
    """Say whether there is a way back, as far as that is the same whatever is chosen."""
    seconds = settings.CANCEL_UNDO_SECONDS
    near = [choice.starts_at <= now + services.CLOSE for choice in choices]
    if not seconds or all(near) or details.booking.is_requested or details.booking.is_outside:
        return _("This cannot be undone.")
    if any(near):
        words = _("You have %(count)d s to undo it, unless a meeting begins within half an hour.")
    else:
        words = _("You have %(count)d s to undo it; only then do the messages leave.")
    return words % {"count": seconds}


def _cancelled_words(booking: Booking, chosen: ScopeChoice) -> str:
    if booking.is_requested:
        return _("The request is withdrawn, and its rooms are free again.")
    if not booking.is_series:
        said = _("The session is cancelled.")
    else:
        count = chosen.reach.meetings
        said = ngettext("%(count)d meeting is cancelled.", "%(count)d meetings are cancelled.", count)
        said %= {"count": count}
    told = chosen.reach.people
    words = ngettext("A message goes to %(count)d person.", "A message goes to %(count)d people.", told)
    return said + " " + words % {"count": told}


def _chosen(request: HttpRequest, choices: list[ScopeChoice]) -> ScopeChoice | None:
    """Return the choice that was sent; the first one where there is nothing to choose or nothing was sent yet."""
    if len(choices) == 1 or request.method != "POST":
        wanted = request.GET.get("scope")
        return next((item for item in choices if item.value == wanted), choices[0])
    return next((item for item in choices if item.value == request.POST.get("scope")), None)


@require_POST
def booking_end(request: HttpRequest, number: str) -> HttpResponseBase:
    """Let a session that runs go on longer, or end it now."""
    assert isinstance(request.user, User)
    now = timezone.now()
    details = _changeable(request, number, now=now)
    if details.booking.is_outside:
        return outside.lead_back(request, details.booking)
    ends_at = quick_acts.new_end(details, request.POST.get("do", ""), now=now)
    if ends_at is None:
        raise Http404
    if details.booking.is_requested or not details.occurrence.interval.contains(now):
        return _say_over(request, details.booking)
    try:
        services.end_at(details.occurrence, ends_at, by=request.user, now=now)
    except services.AlreadyOver:
        return _say_over(request, details.booking)
    except services.Refused as refused:
        for refusal in refused.refusals:
            messages.error(request, refusal_text(refusal))
    else:
        until = clock(ends_at.astimezone(_zone(request)))
        words = _("The session ended at %(time)s.") if ends_at <= now else _("The session now ends at %(time)s.")
        messages.success(request, words % {"time": until} + " " + _("Participants get a message."))
    return redirect(f"{reverse('booking_show', args=[number])}?{urlencode({'spotkanie': _key(details)})}")


def _changeable(request: HttpRequest, number: str, *, now: datetime) -> BookingDetails:
    """Return the session for somebody who may change it; 404 where they may not even know of it."""
    details = found_or_404(request, number, now=now)
    if not details.may_change:
        raise PermissionDenied
    return details


def _say_over(request: HttpRequest, booking: Booking) -> HttpResponse:
    messages.warning(request, _("This session is over or cancelled, so there is nothing left to change."))
    return redirect("booking_show", booking.number)


def _zone(request: HttpRequest) -> ZoneInfo:
    assert isinstance(request.user, User)
    return ZoneInfo(request.user.time_zone)


def _key(details: BookingDetails) -> str:
    return details.on(details.occurrence).isoformat()


def _when_words(details: BookingDetails) -> str:
    zone = details.booking.zone
    occurrence: Occurrence = details.occurrence
    return f"{long_date(occurrence.starts_at.astimezone(zone).date())}, {interval_range(occurrence.interval, zone)}"
