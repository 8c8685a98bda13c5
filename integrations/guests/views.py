"""Invited people answer by their personal address: yes, no, perhaps, or another time (calendar-mail.md G4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from bookings import services
from bookings.models import Answer, Attendee
from integrations.guest_page import keep_to_itself, language, unknown_link
from integrations.guests import links, page
from integrations.guests.answers import form_for
from integrations.guests.forms import CHOSEN_BY, PROPOSE, AnswerForm
from integrations.guests.pacing import turned_away
from integrations.guests.visits import Visit, note_sending, over, visit_of

#: Nobody changes their mind more often; a program that has got the address might.
ANSWERS_AN_HOUR = 30
_CHANGED, _TOO_OFTEN, _REFUSED = 409, 429, 422
_FRESH = {Answer.Standing.COUNTED, Answer.Standing.CONFIRMED}


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """Show the page with the question; a button sends the answer.

    Reading it answers nothing: programs that check links may.
    """
    attendee, now = links.attendee_for(token), timezone.now()
    away = turned_away(request, attendee, now=now)
    if away is not None or attendee is None or attendee.is_organizer:
        return keep_to_itself(away or unknown_link(request))
    visit = visit_of(attendee, now=now)
    with translation.override(language(request, attendee.language)):
        response = over(request, visit) if visit.is_over else _ask(request, visit)
        note_sending(request, visit, response)
        return keep_to_itself(response, has_form=True)


def _ask(request: HttpRequest, visit: Visit) -> HttpResponse:
    if request.method != "POST":
        chosen = CHOSEN_BY.get(request.GET.get("a", ""), "")
        first = {"reply": chosen, "meeting": request.GET.get("spotkanie", "")}
        return _show(request, visit, form_for(visit, first), chosen=chosen)
    attendee, now = visit.attendee, visit.now
    form = form_for(visit, {}, data=request.POST)
    if not form.is_valid():
        return _show(request, visit, form, status=_REFUSED)
    if Answer.objects.filter(attendee=attendee, received_at__gt=now - timedelta(hours=1)).count() >= ANSWERS_AN_HOUR:
        form.add_error(None, _("You have answered very often within an hour. Please try again later, or call."))
        return _show(request, visit, form, status=_TOO_OFTEN)
    if _record(attendee, form, now=now):
        chosen = "inny" if form.cleaned_data["reply"] == PROPOSE else "tak"
        return HttpResponseRedirect(f"{request.path}?zapisano={chosen}&lang={translation.get_language()}")
    return _ask_again(request, attendee, form, now=now)


def _record(attendee: Attendee, form: AnswerForm, *, now: datetime) -> bool:
    """Keep what was answered. Return False when it was to a state of the session that is no more."""
    data, occurrence = form.cleaned_data, form.occurrence
    if data["reply"] == PROPOSE:
        assert form.proposed
        proposal = services.record_proposal(
            attendee,
            form.proposed,
            occurrence=occurrence,
            comment=data["comment"],
            sequence=data["sequence"],
            stamped_at=now,
            is_whole_series=occurrence is None,
            now=now,
        )
        return proposal is not None
    given = services.GivenAnswer(
        partstat=data["reply"], comment=data["comment"], sequence=data["sequence"], via=Answer.Via.PAGE
    )
    return services.record_answer(attendee, given, occurrence=occurrence, now=now).standing in _FRESH


def _ask_again(request: HttpRequest, attendee: Attendee, form: AnswerForm, *, now: datetime) -> HttpResponse:
    """Show what the session has become since the page was opened; what was typed stays."""
    found = Attendee.objects.select_related("booking__organizer", "occurrence").get(pk=attendee.pk)
    visit = visit_of(found, now=now)
    if visit.is_over:
        return over(request, visit)
    typed: Mapping[str, object] = {
        name: form.cleaned_data.get(name) for name in ("reply", "comment", "day", "start", "meeting")
    }
    return _show(request, visit, form_for(visit, typed), is_changed=True, status=_CHANGED)


def _show(
    request: HttpRequest, visit: Visit, form: AnswerForm, *, status: int = HTTPStatus.OK, **more: object
) -> HttpResponse:
    return page.show(request, visit, extra={"form": form, "is_answer": True, **more}, status=status)
