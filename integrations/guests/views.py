"""Invited people answer by their personal address: yes, no, perhaps, or another time (calendar-mail.md G4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_not_required
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from bookings import services
from bookings.answer_queries import answers_at
from bookings.models import Absence, Answer, Attendee, Occurrence
from bookings.wording import interval_range, short_date
from integrations.guest_page import keep_to_itself, language, session_page, unknown_link
from integrations.guests import links
from integrations.guests.forms import CHOSEN_BY, PROPOSE, AnswerForm
from integrations.jitsi.entry import Entry, State, find_entry

#: More dates than that nobody looks through; they can still answer to the series.
MEETINGS_LISTED = 60
#: Nobody changes their mind more often; a program that has got the address might.
ANSWERS_AN_HOUR = 30
_CHANGED, _TOO_OFTEN, _OVER, _REFUSED = 409, 429, 410, 422
_FRESH = {Answer.Standing.COUNTED, Answer.Standing.CONFIRMED}


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """Show the question; a button sends the answer. Reading it answers nothing: programs that check links may."""
    attendee = links.attendee_for(token)
    if attendee is None or attendee.is_organizer:
        return keep_to_itself(unknown_link(request))
    now = timezone.now()
    entry = find_entry(attendee, now=now)
    if entry.state in {State.REMOVED, State.CANCELLED, State.ENDED}:
        return keep_to_itself(session_page(request, "join/session_over.html", attendee, entry, status=_OVER))
    with translation.override(language(request, attendee.language)):
        return keep_to_itself(_ask(request, attendee, entry, now=now), has_form=True)


def _ask(request: HttpRequest, attendee: Attendee, entry: Entry, *, now: datetime) -> HttpResponse:
    if request.method != "POST":
        initial = {"reply": CHOSEN_BY.get(request.GET.get("a", "")), "sequence": attendee.booking.sequence}
        return _show(request, attendee, entry, _form(attendee, entry, None, initial, now=now))
    form = _form(attendee, entry, request, {}, now=now)
    if not form.is_valid():
        return _show(request, attendee, entry, form, status=_REFUSED)
    if Answer.objects.filter(attendee=attendee, received_at__gt=now - timedelta(hours=1)).count() >= ANSWERS_AN_HOUR:
        form.add_error(None, _("You have answered very often within an hour. Please try again later, or call."))
        return _show(request, attendee, entry, form, status=_TOO_OFTEN)
    if _record(attendee, form, now=now):
        chosen = "inny" if form.cleaned_data["reply"] == PROPOSE else "tak"
        return HttpResponseRedirect(f"{request.path}?zapisano={chosen}&lang={translation.get_language()}")
    return _ask_again(request, attendee, form, now=now)


def _record(attendee: Attendee, form: AnswerForm, *, now: datetime) -> bool:
    """Keep what was answered. Return False when it was to a state of the session that is no more."""
    data, occurrence = form.cleaned_data, form.occurrence
    if data["reply"] == PROPOSE:
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
    entry = find_entry(found, now=now)
    if entry.state in {State.REMOVED, State.CANCELLED, State.ENDED}:
        return session_page(request, "join/session_over.html", found, entry, status=_OVER)
    typed = {name: form.cleaned_data.get(name) for name in ("reply", "comment", "day", "start", "meeting")}
    fresh = _form(found, entry, None, {**typed, "sequence": found.booking.sequence}, now=now)
    return _show(request, found, entry, fresh, is_changed=True, status=_CHANGED)


def _form(
    attendee: Attendee, entry: Entry, request: HttpRequest | None, initial: Mapping[str, object], *, now: datetime
) -> AnswerForm:
    zone = ZoneInfo(attendee.time_zone)
    meetings = []
    if attendee.booking.is_series and attendee.occurrence_id is None:
        meetings = [(item, _words(item, zone)) for item in _meetings(attendee, now=now)]
    data = request.POST if request else None
    return AnswerForm(data, initial=initial, meeting=entry.occurrence, meetings=meetings, zone=zone, now=now)


def _meetings(attendee: Attendee, *, now: datetime) -> list[Occurrence]:
    absences = Absence.objects.filter(attendee=attendee, occurrence=OuterRef("pk"))
    coming = attendee.booking.occurrences.filter(status=Occurrence.Status.CONFIRMED, ends_at__gt=now)
    return list(coming.exclude(Exists(absences)).order_by("starts_at")[:MEETINGS_LISTED])


def _words(meeting: Occurrence, zone: ZoneInfo) -> str:
    day = short_date(meeting.starts_at.astimezone(zone).date())
    return f"{day}, {interval_range(meeting.interval, zone)}"


def _show(
    request: HttpRequest,
    attendee: Attendee,
    entry: Entry,
    form: AnswerForm,
    *,
    is_changed: bool = False,
    status: int = 200,
) -> HttpResponse:
    given = answers_at(attendee.booking, entry.occurrence, [attendee])[attendee.pk].partstat
    extra = {
        "form": form,
        "given": given if given != Attendee.PartStat.NEEDS_ACTION else "",
        "saved": request.GET.get("zapisano", "") if request.method != "POST" else "",
        "is_changed": is_changed,
    }
    return session_page(request, "guests/answer.html", attendee, entry, extra=extra, status=status)
