"""Invited people see what is kept of them, take it along, and have it erased, by their personal address."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from bookings.guest_queries import ToCome, is_account, sessions_to_come
from bookings.wording import interval_range, long_date
from integrations.guest_page import keep_to_itself, language, page, unknown_link
from integrations.guests.visits import Visit, guest_view
from integrations.pace import Pace
from notifications import erasing
from notifications.data_files import as_file
from notifications.data_forms import OwnEraseForm
from notifications.kept_data import kept_of

#: Files and requests of one person in one process: everything that is kept is read for each.
PACE = Pace(most=20, per=timedelta(hours=1))
#: A page lists no more of one kind; the files have all.
SHOWN_OF_A_KIND = 25
_REFUSED, _TOO_OFTEN, _BUSY = 422, 429, 503


@guest_view(when_over=True)
@require_safe
def guest_data(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show what is kept of the person, from every session. Reading it changes nothing."""
    if _is_account(visit):
        return unknown_link(request)
    kinds = kept_of(visit.attendee.email, now=visit.now)
    context = {"kinds": kinds, "most": SHOWN_OF_A_KIND, "days": settings.GUEST_DATA_DAYS}
    return _page(request, visit, "notifications/guest_data.html", **context)


@guest_view(when_over=True)
@require_safe
def guest_data_file(request: HttpRequest, visit: Visit, kind: str) -> HttpResponse:
    """Return all of it as a file: "json" for machines, "html" for people."""
    if _is_account(visit):
        return unknown_link(request)
    if wait := PACE.seconds_to_wait(visit.attendee.pk, now=visit.now):
        return _too_often(request, visit, wait)
    return as_file(visit.attendee.email, kind=kind, now=visit.now)


@guest_view(when_over=True)
@require_http_methods(["GET", "HEAD", "POST"])
def guest_data_erase(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Ask once more, then erase at once."""
    if _is_account(visit):
        return unknown_link(request)
    coming = sessions_to_come([visit.attendee.email.lower()], now=visit.now)
    form = OwnEraseForm(request.POST if request.method == "POST" else None, has_to_come=bool(coming))
    if request.method != "POST":
        return _ask(request, visit, form, coming)
    if wait := PACE.seconds_to_wait(visit.attendee.pk, now=visit.now):
        return _too_often(request, visit, wait)
    if not form.is_valid():
        return _ask(request, visit, form, coming, status=_REFUSED)
    try:
        erasing.ask_by_guest(visit.attendee, is_whole=form.is_whole, now=visit.now)
    except erasing.NotAGuest:
        return unknown_link(request)
    except erasing.ChangedMeanwhile:
        form.add_error(None, _("You are being invited to a session at this moment. Please try again in a minute."))
        return _ask(request, visit, form, coming, status=_BUSY)
    if not form.is_whole:
        return HttpResponseRedirect(visit.address("guest_data", query="zapisano=minione"))
    # The personal address is dead from here on.
    return HttpResponseRedirect(f"{reverse('guest_data_erased')}?lang={translation.get_language()}")


@login_not_required
@require_safe
def guest_data_erased(request: HttpRequest) -> HttpResponse:
    """Say that it is done, to somebody whom nobody knows any more."""
    wanted = language(request, translation.get_language() or settings.LANGUAGE_CODE)
    return keep_to_itself(page(request, "notifications/guest_data_erased.html", {}, language=wanted, status=200))


def _is_account(visit: Visit) -> bool:
    """Members of staff find their data in their account; they have no page of this kind."""
    person = visit.attendee
    return person.user_id is not None or person.is_organizer or is_account(person.email)


def _ask(
    request: HttpRequest, visit: Visit, form: OwnEraseForm, coming: list[ToCome], *, status: int = 200
) -> HttpResponse:
    sessions = [
        _("session %(number)s, %(day)s, %(hours)s")
        % {
            "number": item.attendee.booking.number,
            "day": long_date(item.meeting.starts_at.astimezone(visit.zone).date()),
            "hours": interval_range(item.meeting.interval, visit.zone),
        }
        for item in coming
    ]
    return _page(request, visit, "notifications/guest_data_erase.html", form=form, sessions=sessions, status=status)


def _too_often(request: HttpRequest, visit: Visit, wait: int) -> HttpResponse:
    response = _page(request, visit, "notifications/guest_data_wait.html", status=_TOO_OFTEN)
    response.headers["Retry-After"] = str(wait)
    return response


def _page(request: HttpRequest, visit: Visit, template: str, *, status: int = 200, **context: object) -> HttpResponse:
    shared = {
        "visit": visit,
        "attendee": visit.attendee,
        "zone": visit.zone,
        "back": visit.address(),
        "here": visit.address("guest_data"),
        "erase": visit.address("guest_data_erase"),
        "saved": request.GET.get("zapisano", ""),
        "now": timezone.now(),
    }
    wanted = translation.get_language() or settings.LANGUAGE_CODE
    return page(request, template, {**shared, **context}, language=wanted, status=status)
