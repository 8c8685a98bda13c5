"""Invited people say who will take part: how many they are, who comes instead, who else comes, that they don't."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from accounts.models import ContactGroup
from bookings import services
from bookings.models import Attendee
from bookings.party_queries import MAX_REGISTERED, party_of
from bookings.services import NamingRefused, Reason
from integrations.guest_page import session_page
from integrations.guests import page
from integrations.guests.people_forms import DelegateForm, LeaveForm, PeopleForm, SideForm
from integrations.guests.people_words import problem_words, refused_words
from integrations.guests.visits import Visit, back_to_page, guest_view, over, visit_of

_TOO_OFTEN, _REFUSED = 429, 422
_METHODS = ["GET", "HEAD", "POST"]
#: Where the panel about people stands on the page.
PANEL = "people"


@guest_view()
@require_http_methods(_METHODS)
def guest_side(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Note room and number of people; it is the page itself that asks for them."""
    _refuse_organizer(visit)
    if request.method != "POST":
        return page.show(request, visit)
    form = SideForm(request.POST)

    def note() -> None:
        data = form.cleaned_data
        services.describe_party(visit.attendee, own_room=data["own_room"], headcount=data["headcount"], now=visit.now)

    if form.is_valid() and (answer := _done(request, visit, form, note, saved="sala")):
        return answer
    return page.show(request, visit, extra={"side_form": form}, status=_status(form))


@guest_view()
@require_http_methods(_METHODS)
def guest_delegate(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Ask who comes instead, and invite them; or take it back."""
    _refuse_organizer(visit)
    if "back" in request.POST:
        return _take_back(request, visit)
    form = DelegateForm(request.POST if request.method == "POST" else None)

    def send() -> None:
        data = form.cleaned_data
        services.delegate(
            visit.attendee, name=data["name"], email=data["email"], comment=data["comment"], now=visit.now
        )

    if form.is_valid() and (answer := _done(request, visit, form, send, saved="zastepstwo")):
        return answer
    party = party_of(visit.attendee)
    is_used = party.delegate is not None and services.is_used(party.delegate)
    return _show(request, visit, "guests/delegate.html", form, extra={"party": party, "is_used": is_used})


@guest_view()
@require_http_methods(_METHODS)
def guest_register(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Ask who else comes from their office, and invite them; or take somebody out again."""
    _refuse_organizer(visit)
    if "back" in request.POST:
        return _take_back(request, visit)
    lines = min(MAX_REGISTERED, max(1, party_of(visit.attendee).places_left))
    form = PeopleForm(request.POST if request.method == "POST" else None, lines=lines)

    def register() -> None:
        services.register(visit.attendee, form.people, now=visit.now)

    if form.is_valid() and (answer := _done(request, visit, form, register, saved="osoby")):
        return answer
    return _show(request, visit, "guests/register.html", form, extra={"most": MAX_REGISTERED})


@guest_view()
@require_http_methods(_METHODS)
def guest_leave(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Ask whether they really want to leave the session, and groups that are invited together."""
    _refuse_organizer(visit)
    groups = _groups_of(visit.attendee)
    form = LeaveForm(request.POST if request.method == "POST" else None, groups=groups, initial={"session": not groups})
    if not form.is_valid():
        return _show(request, visit, "guests/leave.html", form)
    left = services.leave_groups(visit.attendee, group_ids=form.group_ids, now=visit.now)
    if not form.cleaned_data["session"]:
        return back_to_page(visit, saved="grupy", fragment=PANEL)
    try:
        services.leave_session(visit.attendee, comment=form.cleaned_data["comment"], now=visit.now)
    except services.AlreadyOver:
        return _over_by_now(request, visit)
    return session_page(request, "guests/left.html", visit.attendee, visit.entry, extra={"groups": left})


def _take_back(request: HttpRequest, visit: Visit) -> HttpResponse:
    key = request.POST["back"]
    named = visit.attendee.named.filter(pk=int(key)).first() if key.isdecimal() and len(key) <= 18 else None
    if named is None:
        raise Http404
    try:
        services.take_back(visit.attendee, named=named, now=visit.now)
    except services.AlreadyOver:
        return _over_by_now(request, visit)
    return back_to_page(visit, saved="cofniete", fragment=PANEL)


def _done(
    request: HttpRequest, visit: Visit, form: forms.Form, act: Callable[[], None], *, saved: str
) -> HttpResponse | None:
    """Do it and lead back to the page; None where the form has to be shown again, with the reason in it."""
    try:
        act()
    except NamingRefused as refused:
        _explain(form, refused)
        return None
    except services.AlreadyOver:
        return _over_by_now(request, visit)
    return back_to_page(visit, saved=saved, fragment=PANEL)


def _explain(form: forms.Form, refused: NamingRefused) -> None:
    if not refused.problems:
        form.add_error(None, forms.ValidationError(refused_words(refused), code=refused.reason))
    # Read first: a field with an error has no value any more.
    fields = [f"email_{line}" for line in form.filled] if isinstance(form, PeopleForm) else ["email"]
    for problem in refused.problems:
        form.add_error(fields[problem.place], problem_words(problem))


def _over_by_now(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Say what the session, or their place in it, has become while they were writing."""
    attendee = Attendee.objects.select_related("booking__organizer", "occurrence").get(pk=visit.attendee.pk)
    return over(request, visit_of(attendee, token=visit.token, now=visit.now))


def _refuse_organizer(visit: Visit) -> None:
    """Who organizes changes the list on the page of the session."""
    if visit.attendee.is_organizer:
        raise Http404


def _groups_of(attendee: Attendee) -> list[ContactGroup]:
    return list(attendee.contact.groups.order_by("name")) if attendee.contact else []


def _show(
    request: HttpRequest, visit: Visit, template: str, form: forms.Form, *, extra: dict[str, Any] | None = None
) -> HttpResponse:
    context = {"visit": visit, "form": form, "party": party_of(visit.attendee), **(extra or {})}
    return session_page(request, template, visit.attendee, visit.entry, extra=context, status=_status(form))


def _status(form: forms.Form) -> int:
    if form.is_bound and form.has_error(NON_FIELD_ERRORS, Reason.TOO_OFTEN):
        return _TOO_OFTEN
    return _REFUSED if form.is_bound else 200
