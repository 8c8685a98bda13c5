"""The roll call of a session: its page for whoever may open the session, files for those who may change it."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from accounts.models import User
from bookings.models import Booking
from bookings.queries import BookingDetails, booking_for, details_for
from bookings.wording import interval_range, long_date, zone_label
from notifications.asking import Silent, find_silent
from notifications.asking_words import skipped_groups
from reports.roll_call import mark_of
from reports.roll_call import roll_call as called
from reports.views.files import csv_file, xlsx_file
from reports.views.roll_call_page import Wishes, arrange, meetings_to_choose
from reports.views.roll_call_sheets import parties_sheet, people_sheet

_never_kept = cache_control(private=True, no_store=True)


@require_safe
@_never_kept
def roll_call(request: HttpRequest, number: str) -> HttpResponse:
    """Show who comes; of a series to its next meeting, or to that of `?spotkanie=2026-12-03`.

    `?stan=brak` leaves those who stand so; `?kolejnosc=stan` begins with what is open.
    """
    assert isinstance(request.user, User)
    details, now, zone = _found(request, number), timezone.now(), ZoneInfo(request.user.time_zone)
    if details.booking.is_requested:
        messages.info(request, _("Nobody is invited yet: the session awaits approval."))
        return redirect("booking_show", number)
    # Before the rest is read: what changes meanwhile is noticed, were it shown already.
    mark = mark_of(details.booking)
    key = details.on(details.occurrence).isoformat()
    wishes = _wishes(request, meeting=key if details.booking.is_series else "")
    is_cancelled = details.booking.is_cancelled or details.is_meeting_cancelled
    is_to_come = not is_cancelled and details.occurrence.ends_at > now
    # Somebody who only looks asks nobody; the page takes them a query or two less.
    silent = find_silent(details.booking, details.occurrence, now=now) if details.may_change else Silent()
    context: dict[str, Any] = {
        "details": details,
        "booking": details.booking,
        "key": key,
        "wishes": wishes,
        "roll": arrange(called(details), wishes, zone=zone),
        "meetings": meetings_to_choose(details, zone=zone),
        "when": _when(details, zone),
        "is_cancelled": is_cancelled,
        "can_correct": details.may_change and is_to_come,
        "changes": reverse("roll_call_now", args=[number]) + wishes.query(widziane=mark) if is_to_come else "",
        "silent": silent,
        "skipped": skipped_groups(silent.skipped),
        "zone": zone,
        "now": now,
    }
    return render(request, "reports/roll_call.html", context)


@require_safe
@_never_kept
def roll_call_now(request: HttpRequest, number: str) -> HttpResponse:
    """Say that the roll call is not as `?widziane` has it any more; 204 while it is. Six queries at most."""
    assert isinstance(request.user, User)
    try:
        booking = booking_for(request.user, number)
    except Booking.DoesNotExist:
        raise Http404 from None
    if request.GET.get("widziane", "") == mark_of(booking):
        return HttpResponse(status=204)
    wishes = _wishes(request, meeting=request.GET.get("spotkanie", ""))
    address = reverse("roll_call", args=[number]) + wishes.query()
    return render(request, "reports/_roll_call_changed.html", {"address": address})


@require_safe
@_never_kept
def roll_call_csv(request: HttpRequest, number: str) -> HttpResponse:
    """Send one table; `?tabela=` which one: `instytucje` or `osoby`; without it the institutions."""
    details, zone = _of_organizer(request, number)
    tables = {"instytucje": parties_sheet, "osoby": people_sheet}
    key = request.GET.get("tabela", "") or "instytucje"
    if key not in tables:
        raise Http404
    return csv_file(tables[key](called(details), zone=zone), f"{_file_name(details)}-{key}.csv")


@require_safe
@_never_kept
def roll_call_xlsx(request: HttpRequest, number: str) -> HttpResponse:
    details, zone = _of_organizer(request, number)
    groups = called(details)
    return xlsx_file(
        [sheet(groups, zone=zone) for sheet in (parties_sheet, people_sheet)], f"{_file_name(details)}.xlsx"
    )


def _of_organizer(request: HttpRequest, number: str) -> tuple[BookingDetails, ZoneInfo]:
    """Return the session for somebody who may change it: files hold everybody's address."""
    assert isinstance(request.user, User)
    details = _found(request, number)
    if not details.may_change:
        raise PermissionDenied
    return details, ZoneInfo(request.user.time_zone)


def _found(request: HttpRequest, number: str) -> BookingDetails:
    assert isinstance(request.user, User)
    asked = request.GET.get("spotkanie")
    try:
        on = date.fromisoformat(asked) if asked else None
        return details_for(request.user, number, now=timezone.now(), on=on)
    except (Booking.DoesNotExist, ValueError):
        raise Http404 from None


def _wishes(request: HttpRequest, *, meeting: str) -> Wishes:
    return Wishes(meeting, standing=request.GET.get("stan", ""), order=request.GET.get("kolejnosc", ""))


def _file_name(details: BookingDetails) -> str:
    return f"narada-lista-{details.booking.number}-{details.on(details.occurrence)}"


def _when(details: BookingDetails, zone: ZoneInfo) -> str:
    """Return day and times for the reader, with the zone where the office's clocks show something else."""
    interval = details.occurrence.interval
    start = interval.start_at.astimezone(zone)
    text = f"{long_date(start.date())}, {interval_range(interval, zone)}"
    if start.utcoffset() == interval.start_at.astimezone(details.booking.zone).utcoffset():
        return text
    return f"{text}, {zone_label(interval.start_at, zone)}"
