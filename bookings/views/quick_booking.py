"""Books a room from the day board: a title, a beginning, a length, done; and takes that back while nobody heard of it.

The popover is this module's; without script a free stretch leads to the booking form, and so does "more options", which
sends everything typed there.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
    QueryDict,
)
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from bookings import services
from bookings.forms import IdsField, new_submission, read_submission
from bookings.models import Booking
from bookings.queries import BookingDetails, details_for
from bookings.rules import Refusal
from bookings.views.board_filters import Filters
from bookings.views.quick_page import LENGTHS, USUAL, Asked, QuickPage
from bookings.when import YEARS
from rooms.permissions import SiteRoles

#: How long "undo" takes a session back. The button is there for eight seconds; a slow line takes longer.
UNDO_WITHIN = timedelta(minutes=2)
_REFUSED = 422
_LONGEST_TEXT = 40


@never_cache
@require_safe
def quick_show(request: HttpRequest) -> HttpResponseBase:
    """Show the popover for `?room=3&day=2026-12-03&start=10:00`; as a page, lead to the booking form."""
    user = _booker(request)
    if not _is_fetched(request):
        return redirect(f"{reverse('booking_new')}?{request.GET.urlencode()}")
    return _render(request, _page(user, _read(request.GET, user)))


@require_POST
def quick_book(request: HttpRequest) -> HttpResponseBase:
    """Book what the popover says. Refused, it comes back with the reasons; booked, the answer says where to go on.

    Sent as an ordinary form, all of it goes on to the booking form, which reads the same fields.
    """
    user = _booker(request)
    if not _is_fetched(request):
        return HttpResponseRedirect(reverse("booking_new"), preserve_request=True)
    page = _page(user, _read(request.POST, user))
    if page.asked.mistake:
        return _render(request, page, status=_REFUSED)
    submission = read_submission(page.asked.submission, user_id=user.pk)
    try:
        booking = services.book(page.request(page.asked.minutes), by=user, now=page.now, submission=submission)
    except services.AlreadyBooked as again:
        return _booked_before(request, page, again.booking)
    except services.Refused as refused:
        # Judged anew: what fitted when it was sent may not any more.
        return _render(request, _page(user, page.asked, refusals=refused.refusals), status=_REFUSED)
    except services.NotAllowed:
        raise PermissionDenied from None
    shown = {"booking": booking, "back": page.asked.back}
    messages.success(request, render_to_string("bookings/_quick_toast.html", shown, request))
    return _booked(page.asked, booking)


@require_POST
def quick_undo(request: HttpRequest, number: str) -> HttpResponseBase:
    """Take back a session that the user has just booked for nobody else; later, lead to the page that cancels."""
    user = _booker(request)
    now = timezone.now()
    try:
        details = details_for(user, number.replace("\0", "?"), now=now)
    except Booking.DoesNotExist:
        raise Http404 from None
    booking = details.booking
    if booking.created_by_id != user.pk:
        raise PermissionDenied
    if booking.is_cancelled:
        messages.info(request, _("This session is cancelled already."))
        return redirect("booking_show", booking.number)
    if now - booking.created_at > UNDO_WITHIN or not _is_untouched(details):
        messages.warning(request, _("It is too late to undo this booking at once. Here you can cancel it."))
        return redirect("booking_cancel", booking.number)
    try:
        services.cancel(booking, by=user, now=now, version=booking.version)
    except (services.Refused, services.AlreadyOver, services.NotAllowed):
        messages.warning(request, _("It is too late to undo this booking at once. Here you can cancel it."))
        return redirect("booking_cancel", booking.number)
    messages.success(request, _("Booking undone: %(title)s.") % {"title": booking.title})
    day = details.occurrence.starts_at.astimezone(booking.zone).date()
    return redirect(_board(day, request.POST.get("back", "")))


def _is_untouched(details: BookingDetails) -> bool:
    """Say whether nothing was changed since it was booked and nobody but the organizer was told."""
    return details.booking.version == 1 and all(person.is_organizer for person in details.attendees)


def _booker(request: HttpRequest) -> User:
    if not isinstance(request.user, User) or not SiteRoles.of(request.user).may_book_anything:
        raise PermissionDenied
    return request.user


def _is_fetched(request: HttpRequest) -> bool:
    return request.headers.get("X-Requested-With") == "fetch"


def _read(data: QueryDict, user: User) -> Asked:
    """Return what was sent. Raises: Http404 for a day or room that no board has."""
    (room_id,) = IdsField().to_python([data.get("rooms") or data.get("room", "")])
    try:
        day = date.fromisoformat(data.get("day", ""))
    except ValueError:
        raise Http404 from None
    if day.year not in YEARS:
        raise Http404
    length = data.get("length", "")
    minutes = int(length) if length.isascii() and length.isdecimal() and len(length) < 4 else USUAL
    submission = data.get("submission", "")
    return Asked(
        room_id=room_id,
        day=day,
        start=data.get("start", "")[:_LONGEST_TEXT],
        minutes=minutes if minutes in LENGTHS else USUAL,
        title=data.get("title", ""),
        submission=submission if read_submission(submission, user_id=user.pk) else new_submission(user.pk),
        back=Filters.of(QueryDict(data.get("back", "").lstrip("?"))).query(),
    )


def _page(user: User, asked: Asked, *, refusals: tuple[Refusal, ...] = (), notice: str = "") -> QuickPage:
    """Return the popover. Raises: Http404 for a room that the user may not even ask for."""
    page = QuickPage(asked, user, timezone.now(), refusals, notice)
    if page.room is None or not SiteRoles.of(user).may_ask(page.room):
        raise Http404
    return page


def _booked(asked: Asked, booking: Booking) -> HttpResponseBase:
    return JsonResponse({"address": _board(asked.day, asked.back), "session": booking.pk}, status=201)


def _booked_before(request: HttpRequest, page: QuickPage, booking: Booking) -> HttpResponseBase:
    """Answer a popover that was sent twice; one that asks for something else by now is offered afresh."""
    details, wanted = details_for(page.user, booking.number, now=page.now), page.request(page.asked.minutes)
    same_time = details.occurrence.local_start == wanted.local_start.strftime("%Y-%m-%dT%H:%M")
    if same_time and booking.title == wanted.title and wanted.room_ids == tuple(room.pk for room in details.rooms):
        return _booked(page.asked, booking)
    asked = replace(page.asked, submission=new_submission(page.user.pk))
    notice = _("This form has booked %(number)s “%(title)s” before. Send it once more to book another session.")
    words = notice % {"number": booking.number, "title": booking.title}
    return _render(request, _page(page.user, asked, notice=words), status=_REFUSED)


def _render(request: HttpRequest, page: QuickPage, *, status: int = 200) -> HttpResponse:
    return render(request, "bookings/_quick_form.html", page.context(), status=status)


def _board(day: date, back: str) -> str:
    today = timezone.localtime(timezone.now()).date()
    path = reverse("board") if day == today else reverse("board_day", args=[day])
    return path + Filters.of(QueryDict(back.lstrip("?"))).query()
