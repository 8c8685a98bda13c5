"""Books, changes and cancels a session: the form, its live preview, the search for people."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.queries import find_people
from bookings import recurrence, services
from bookings.forms import BookingForm, new_submission, read_submission, submission_owner
from bookings.models import Booking
from bookings.queries import BookingDetails, details_for, invited_count
from bookings.rules import BookingRequest, Code, Scope
from bookings.series_form import without_decision
from bookings.views import booking_draft, booking_series, form_templates, kept_forms, kept_typing, outside
from bookings.views.booking_draft import Draft
from bookings.views.booking_opening import Opened, opened_for, with_usual_rooms
from bookings.views.booking_page import Page
from bookings.views.booking_people import suggestion
from rooms.permissions import SiteRoles

#: Buttons that save; all others only change the form.
_SAVING = {"book", "waitlist"}
_REFUSED = 422


# Both checks are made inside, because their usual answers would lose what was typed (kept_typing).
@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def booking_new(request: HttpRequest) -> HttpResponseBase:
    """Book a session. The address may say where and when: `?room=3&day=2026-12-03&start=10:00&end=11:00`."""
    if not isinstance(request.user, User):
        return kept_typing.ask_to_sign_in(request)
    if not SiteRoles.of(request.user).may_book_anything:
        raise PermissionDenied
    return _answer(request, request.user, None)


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def booking_edit(request: HttpRequest, number: str) -> HttpResponseBase:
    """Change a session: time, rooms, participants, title.

    Of a series the address says how much: `?scope=one&spotkanie=2026-12-03`; one that doesn't leads to the question.
    """
    if not isinstance(request.user, User):
        return kept_typing.ask_to_sign_in(request)
    details = _changeable(request.user, number, on=_day_asked(request))
    if _is_over(details):
        return _say_over(request, details.booking)
    if details.booking.is_outside:
        return outside.lead_back(request, details.booking)
    if details.booking.is_series and _scope_asked(request) is None:
        query = f"?spotkanie={details.on(details.occurrence)}" if _day_asked(request) else ""
        return redirect(reverse("booking_scope", args=[number]) + query)
    return _answer(request, request.user, details)


# Reads only: another site that makes a browser send this learns nothing from it.
@csrf_exempt
@login_not_required
@require_POST
def booking_preview(request: HttpRequest) -> HttpResponseBase:
    """Judge the form as it stands, for htmx: after a change the live parts, after a button the whole form."""
    if not isinstance(request.user, User):
        return HttpResponse(status=401)
    number = request.POST.get("number", "")
    details = _changeable(request.user, number, on=_day_asked(request)) if number else None
    if details is None and not SiteRoles.of(request.user).may_book_anything:
        raise PermissionDenied
    is_live = "do" not in request.POST
    if is_live:
        draft = booking_draft.looked_at(request.POST)
    else:
        draft = booking_draft.pressed(request.POST, booking=details.booking if details else None)
    page = _page(request.user, draft, details, scope=_scope_asked(request) or Scope.ALL)
    template = "bookings/_preview_update.html" if is_live else "bookings/_form.html"
    pause = kept_forms.PAUSE if is_live else timedelta()
    saved_at = kept_forms.keep(draft.data, user=page.user, now=page.now, is_asked=draft.verb == "keep", pause=pause)
    return render(request, template, page.context(held=_hold(page), saved_at=saved_at) | {"is_answer": True})


# Only takes back what a form of this user holds: another site that makes a browser send this needs the form's number.
@csrf_exempt
@require_POST
def booking_release(request: HttpRequest) -> HttpResponse:
    """Give up what an open form holds, as it is closed."""
    assert isinstance(request.user, User)
    submission = read_submission(request.POST.get("submission", ""), user_id=request.user.pk)
    if submission is not None:
        services.release_draft(submission, request.user)
    return HttpResponse(status=204)


@require_safe
def people_search(request: HttpRequest) -> HttpResponse:
    """Suggest people, groups and institutions for what is typed, as options of the list box."""
    found = [suggestion(item) for item in find_people(request.GET.get("q", ""))]
    return render(request, "bookings/_people.html", {"suggestions": found})


def _answer(request: HttpRequest, user: User, details: BookingDetails | None) -> HttpResponseBase:
    """Show the form, do what its button says, or save it."""
    if request.method != "POST":
        return _open(request, user, details)
    if not kept_typing.has_csrf_token(request):
        return _reopen(request, user, details)
    booking = details.booking if details else None
    draft = booking_draft.pressed(request.POST, booking=booking)
    page = _page(user, draft, details, scope=_scope_asked(request) or Scope.ALL, saved=draft.verb in _SAVING)
    if draft.verb == "template" and details is None:
        return _save_template(request, page)
    if draft.verb not in _SAVING:
        return _render(request, page, held=_hold(page))
    if page.request is None or page.form.errors or not draft.is_complete:
        return _render(request, page, status=_REFUSED)
    if draft.verb == "waitlist":
        return _wait(request, page, page.request)
    return _change(request, page, page.request) if details else _book(request, page, page.request)


def _open(request: HttpRequest, user: User, details: BookingDetails | None) -> HttpResponseBase:
    scope = _scope_asked(request) or Scope.ALL
    data = kept_typing.take_back(request)
    if data is not None:
        opened = Opened(data, (_("What you typed is back. Nothing was sent yet: check it and send it."),))
    elif details:
        usual = with_usual_rooms(details, user, scope, now=timezone.now())
        opened = Opened(booking_draft.of_booking(usual, user_id=user.pk, scope=scope))
    else:
        opened = opened_for(request.GET, user=user, now=timezone.now())
    page = _page(user, Draft(opened.data, "open"), details, scope=scope, notices=opened.notices)
    return _render(request, page, saved_at=opened.saved_at)


def _reopen(request: HttpRequest, user: User, details: BookingDetails | None) -> HttpResponseBase:
    """Answer a form with a stale token with itself: nothing is written, nothing typed is lost."""
    if submission_owner(request.POST.get("submission", "")) != user.pk:
        raise PermissionDenied
    notice = _("You signed in again since this page was opened. Nothing was sent yet: check it and send it once more.")
    scope = _scope_asked(request) or Scope.ALL
    page = _page(user, Draft(request.POST.copy(), "open"), details, scope=scope, notices=(notice,))
    return _render(request, page, status=403)


def _save_template(request: HttpRequest, page: Page) -> HttpResponseBase:
    """Save the form as a template and show it as it stands: nothing is booked by that."""
    name, site = page.draft.data.get("template_name", ""), page.draft.data.get("template_site", "")
    error = form_templates.save_from(page.draft.data, name, site, user=page.user)
    if error:
        return _render(request, page, status=_REFUSED, template_error=error, held=_hold(page))
    messages.success(request, form_templates.saved_words(name))
    page.draft.data["template_name"] = ""
    return _render(request, page, held=_hold(page))


def _book(request: HttpRequest, page: Page, wanted: BookingRequest) -> HttpResponseBase:
    submission = read_submission(page.draft.data.get("submission", ""), user_id=page.user.pk)
    try:
        booking = services.book(wanted, by=page.user, now=page.now, submission=submission)
    except services.AlreadyBooked as again:
        return _booked_before(request, page, again.booking)
    except services.Refused as refused:
        return _refused(request, page, refused)
    except services.NotAllowed:
        raise PermissionDenied from None
    messages.success(request, _booked_words(booking))
    _wait_for_dates(request, page, wanted, booking)
    return redirect("booking_show", booking.number)


def _wait(request: HttpRequest, page: Page, wanted: BookingRequest) -> HttpResponseBase:
    """Put the user on the waiting list for the session as a whole."""
    if wanted.series is not None:
        return _render(request, page, status=_REFUSED)
    try:
        services.join_waitlist(wanted, by=page.user, now=page.now)
    except services.Refused as refused:
        return _refused(request, page, refused)
    except services.NotAllowed:
        raise PermissionDenied from None
    messages.success(request, _("You are on the waiting list. A message comes as soon as everything is free."))
    return redirect("waiting_list")


def _wait_for_dates(request: HttpRequest, page: Page, wanted: BookingRequest, booking: Booking) -> None:
    """Wait for the dates that the series was booked without, where that was chosen; say which can't be waited for."""
    for on in sorted(page.form.awaited(wanted)):
        try:
            services.join_waitlist(without_decision(wanted, on), by=page.user, now=page.now, booking=booking, on=on)
        except services.Refused as refused:
            messages.warning(request, booking_series.not_waiting_words(on, refused.refusals))


def _hold(page: Page) -> services.DraftState | None:
    """Hold for ten minutes what a form for a new session has chosen; one without rooms or a time holds nothing.

    Before the judge is asked, since what another form of the same user holds goes over to this one. What is proposed
    for dates of a series is known only then, and is held as well.
    """
    wanted, submission = page.request, page.submission
    if page.details is not None or submission is None or wanted is None or not wanted.room_ids:
        return None
    if wanted.series is not None:
        # Another form of the same user may be all that was in the way of the dates that a choice was made for.
        wanted = booking_series.without_choices(page, wanted)
    state = services.hold_draft(wanted, submission=submission, user=page.user, now=page.now)
    if page.outcome is None or page.outcome.request == wanted:
        return state
    return services.hold_draft(page.outcome.request, submission=submission, user=page.user, now=page.now)


def _change(request: HttpRequest, page: Page, wanted: BookingRequest) -> HttpResponseBase:
    assert page.details is not None
    booking = page.details.booking
    # Without the version that the user saw there is nothing to compare with: the judge of that is `change`.
    version = page.form.cleaned_data.get("version") or 0
    try:
        changed = services.change(
            booking,
            wanted,
            by=page.user,
            now=page.now,
            version=version,
            scope=page.scope,
            occurrence=None if page.scope == Scope.ALL else page.details.occurrence,
        )
    except services.Refused as refused:
        return _refused(request, page, refused)
    except services.AlreadyOver:
        return _say_over(request, booking)
    except services.NotAllowed:
        raise PermissionDenied from None
    if changed.pk == booking.pk and changed.version == booking.version:
        messages.info(request, _("Nothing was changed, so nobody gets a message."))
    else:
        messages.success(request, _("The change is saved. Messages to the participants are on their way."))
    return redirect(reverse("booking_show", args=[changed.number]) + _of_meeting(page))


def _of_meeting(page: Page) -> str:
    """Return what the address of the page says of the one meeting that was changed."""
    if page.details is None or page.scope != Scope.ONE:
        return ""
    return f"?spotkanie={page.details.on(page.details.occurrence)}"


def _booked_before(request: HttpRequest, page: Page, booking: Booking) -> HttpResponseBase:
    """Lead a form that was sent twice to its session; one that asks for something else by now is offered afresh."""
    details = details_for(page.user, booking.number, now=page.now)
    wanted = page.request
    assert wanted is not None
    starts = booking.local_start or details.occurrence.local_start
    same_time = starts == wanted.local_start.strftime("%Y-%m-%dT%H:%M") and booking.rrule == _rrule(wanted)
    same_rooms = booking.is_series or {room.pk for room in details.rooms} == set(wanted.room_ids)
    if same_time and same_rooms and booking.title == wanted.title:
        messages.info(request, _("This session is booked already; nothing was booked twice."))
        return redirect("booking_show", booking.number)
    data = page.draft.data.copy()
    data["submission"] = new_submission(page.user.pk)
    notice = _("This form has booked %(number)s “%(title)s” before. Send it once more to book another session.")
    words = notice % {"number": booking.number, "title": booking.title}
    return _render(request, _page(page.user, Draft(data, "open"), None, notices=(words,)), status=_REFUSED)


def _refused(request: HttpRequest, page: Page, refused: services.Refused) -> HttpResponseBase:
    page = _page(page.user, page.draft, page.details, scope=page.scope, saved=True, save_refusals=refused.refusals)
    return _render(request, page, status=_REFUSED)


def _page(user: User, draft: Draft, details: BookingDetails | None, **more: Any) -> Page:
    now = timezone.now()
    time_zone = details.booking.time_zone if details else settings.TIME_ZONE
    today = timezone.localtime(now, details.booking.zone if details else timezone.get_default_timezone()).date()
    return Page(draft, BookingForm(draft.data, today=today), user, now, time_zone, details, **more)


def _render(
    request: HttpRequest,
    page: Page,
    *,
    status: int = 200,
    held: services.DraftState | None = None,
    saved_at: datetime | None = None,
    template_error: str = "",
) -> HttpResponse:
    """Answer with the whole page. What was sent for a new session is kept, whatever else came of it."""
    template = "bookings/booking_edit.html" if page.details else "bookings/booking_new.html"
    codes = {refusal.code for refusal in page.save_refusals or ()}
    if request.method == "POST":
        is_asked = page.draft.verb == "keep"
        saved_at = kept_forms.keep(page.draft.data, user=page.user, now=page.now, is_asked=is_asked)
    context = page.context(held=held, saved_at=saved_at, template_error=template_error)
    context |= {"is_changed_meanwhile": Code.CHANGED_MEANWHILE in codes}
    if page.details is None:
        context |= kept_forms.beginnings(page.user, page.submission)
    return render(request, template, context, status=status)


def _scope_asked(request: HttpRequest) -> Scope | None:
    """Return what of a series is to be changed, from the form or the address."""
    with suppress(ValueError):
        return Scope(request.POST.get("scope") or request.GET.get("scope", ""))
    return None


def _day_asked(request: HttpRequest) -> date | None:
    """Return which meeting is meant, by its date in the rule. Raises: Http404 for what is no date."""
    text = request.POST.get("spotkanie") or request.GET.get("spotkanie")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Http404 from None


def _rrule(request: BookingRequest) -> str:
    """Return the rule as the booking of the request would have it."""
    if request.series is None:
        return ""
    start, zone = request.local_start, ZoneInfo(request.time_zone)
    with suppress(recurrence.PatternRefused):
        return recurrence.rrule(request.series.pattern, first=start.date(), local_start=start, zone=zone)
    return ""


def _changeable(user: User, number: str, *, on: date | None = None) -> BookingDetails:
    """Return the booking for somebody who may change it; 404 where they may not even know of it."""
    try:
        # PostgreSQL's text has no zero byte, and no number has one.
        details = details_for(user, number.replace("\0", "?"), now=timezone.now(), on=on)
    except Booking.DoesNotExist:
        raise Http404 from None
    if not details.may_change:
        raise PermissionDenied
    return details


def _is_over(details: BookingDetails) -> bool:
    return details.booking.is_cancelled or details.occurrence.ends_at <= timezone.now()


def _say_over(request: HttpRequest, booking: Booking) -> HttpResponseBase:
    messages.warning(request, _("This session is over or cancelled, so there is nothing left to change."))
    return redirect("booking_show", booking.number)


def _booked_words(booking: Booking) -> str:
    if booking.is_requested:
        return _("The request is sent. Rooms and licences are held for you until it is answered.")
    people = invited_count(booking)
    words = ngettext("%(count)d invitation is on its way.", "%(count)d invitations are on their way.", people)
    booked = _("The series is booked.") if booking.is_series else _("The session is booked.")
    return f"{booked} {words % {'count': people}}"
