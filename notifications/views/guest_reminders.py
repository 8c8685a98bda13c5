"""Invited people choose their reminders by their personal address, or switch them off from their mail program."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from bookings.models import Attendee
from bookings.wording import zone_label
from integrations.guest_page import keep_to_itself, language, page
from integrations.guests.pacing import turned_away
from integrations.pace import Pace
from notifications import reminder_choices, reminder_links, reminder_terms
from notifications.reminder_choices import NotAChoice
from notifications.reminder_forms import ChoiceForm
from notifications.reminder_words import effect_for_guests, effects

#: What one person changes, in one process. Nobody changes their mind more often; a program with the address might.
PACE = Pace(most=30, per=timedelta(hours=1))
_OVER, _REFUSED, _TOO_OFTEN = 410, 422, 429


# Nothing here is done in the name of a cookie: who has the address may choose, and mail programs post to it from
# anywhere, without having seen the page (RFC 8058 3.1).
@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def guest_reminders(request: HttpRequest, token: str) -> HttpResponse:
    """Show what counts for the person; a button keeps another choice, and a mail program's post switches all off.

    Reading it changes nothing: programs that check links may.
    """
    attendee, now = reminder_links.attendee_for(token), timezone.now()
    if (away := turned_away(request, attendee, now=now)) is not None:
        return keep_to_itself(away)
    if attendee is None:
        return keep_to_itself(_no_page(request, translation.get_language() or "", status=404))
    if reminder_links.is_over(attendee, now=now):
        return keep_to_itself(_no_page(request, attendee.language, status=_OVER))
    with translation.override(language(request, attendee.language)):
        return keep_to_itself(_page(request, attendee, now=now))


def _page(request: HttpRequest, attendee: Attendee, *, now: datetime) -> HttpResponse:
    if request.method != "POST":
        return _show(request, attendee, saved=request.GET.get("zapisano", ""))
    if seconds := PACE.seconds_to_wait(attendee.pk, now=now):
        form = _form(request, attendee, is_filled="how" in request.POST)
        form.add_error(None, _("You have changed this very often within an hour. Please try again later."))
        response = _show(request, attendee, form=form, status=_TOO_OFTEN)
        response.headers["Retry-After"] = str(seconds)
        return response
    if request.POST.get("List-Unsubscribe") == "One-Click":
        reminder_choices.switch_off(attendee, now)
        # Programs follow no redirect here (RFC 8058 3.1).
        return _show(request, attendee, saved="nic")
    if request.POST.get("do") == "off":
        reminder_choices.switch_off(attendee, now)
        return _back(request, saved="nic")
    return _choose(request, attendee, now=now)


def _choose(request: HttpRequest, attendee: Attendee, *, now: datetime) -> HttpResponse:
    form = _form(request, attendee)
    if form.is_valid():
        address = None if attendee.user_id else attendee.email
        try:
            reminder_choices.choose(user=attendee.user, address=address, **form.wishes(), now=now)
        except NotAChoice as error:
            form.refused(error)
        else:
            return _back(request, saved="tak")
    return _show(request, attendee, form=form, status=_REFUSED)


def _form(request: HttpRequest, attendee: Attendee, *, is_filled: bool = True) -> ChoiceForm:
    at_site = reminder_terms.terms_of_session(attendee)
    return ChoiceForm(
        request.POST if is_filled else None,
        row=reminder_terms.choice_for(attendee),
        sites=[at_site] if at_site else [],
        clock_of=zone_label(timezone.now(), ZoneInfo(attendee.time_zone)),
    )


def _show(
    request: HttpRequest, attendee: Attendee, *, form: ChoiceForm | None = None, saved: str = "", status: int = 200
) -> HttpResponse:
    shown = form or _form(request, attendee, is_filled=False)
    context = {
        "attendee": attendee,
        "booking": attendee.booking,
        "organizer": attendee.booking.organizer,
        "form": shown,
        "effects": effects(shown.row, shown.sites, effect_for_guests),
        "has_reminders": shown.row is None or shown.row.leads != [] or shown.row.wants_nudge,
        "saved": saved,
    }
    wanted = language(request, attendee.language)
    return page(request, "notifications/reminder_guest.html", context, language=wanted, status=status)


def _back(request: HttpRequest, *, saved: str) -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{request.path}?zapisano={saved}&lang={translation.get_language()}")


def _no_page(request: HttpRequest, otherwise: str, *, status: int) -> HttpResponse:
    wanted = language(request, otherwise)
    return page(
        request, "notifications/reminder_link.html", {"is_over": status == _OVER}, language=wanted, status=status
    )
