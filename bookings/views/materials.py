"""Files and notes for participants: added, changed, taken away and opened from the page of their session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from bookings import services
from bookings.downloads import download
from bookings.material_forms import ChangeNoteForm, FileForm, NoteForm
from bookings.material_queries import material_on_page
from bookings.models import Booking, Material
from bookings.permissions import may_change
from bookings.queries import BookingDetails
from bookings.views import scopes
from bookings.views.material_words import FIELDS, refusal_words, too_large_words
from bookings.views.sessions import found_or_404
from bookings.views.uploads import takes_file
from bookings.wording import long_date

_REFUSED, _TOO_LARGE = 422, 413
_METHODS = ["GET", "HEAD", "POST"]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where something is added: the session, at the meeting that is looked at. `day`: of it, where one may choose."""

    details: BookingDetails
    back: str
    day: str = ""


@require_safe
def material_file(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """Send a file to somebody who may open its session."""
    material = _found(request, number, pk)
    try:
        return download(request, material)
    except Material.DoesNotExist:
        raise Http404 from None


@require_http_methods(_METHODS)
@cache_control(private=True, no_store=True)
def note_new(request: HttpRequest, number: str) -> HttpResponseBase:
    """Ask for a note, then add it."""
    now = timezone.now()
    place = _place(request, number, now=now)
    form = NoteForm(request.POST or None, meeting=place.day)

    def add(data: dict[str, Any]) -> object:
        meeting = place.details.occurrence if form.is_for_meeting else None
        return services.add_note(
            place.details.booking, data["name"], data["text"], occurrence=meeting, by=_user(request), now=now
        )

    if form.is_valid() and (done := _do(request, form, add, place.back, _("The note is added."))):
        return done
    return _show(request, place, form, title=_("Add a note"), button=_("Add the note"))


@require_http_methods(_METHODS)
@cache_control(private=True, no_store=True)
@takes_file("file", limit_bytes=services.largest_file)
def file_new(request: HttpRequest, number: str, *, is_too_large: bool) -> HttpResponseBase:
    """Ask for a file, then add it."""
    now = timezone.now()
    place = _place(request, number, now=now)
    sent = (request.POST, request.FILES) if request.method == "POST" else ()
    form = FileForm(*sent, meeting=place.day)

    def add(data: dict[str, Any]) -> object:
        meeting, file = place.details.occurrence if form.is_for_meeting else None, data["file"]
        return services.add_file(
            place.details.booking, file.name, file.read(), occurrence=meeting, by=_user(request), now=now
        )

    if is_too_large:
        # Django knows only that no file has come.
        form.errors.pop("file", None)
        form.add_error("file", too_large_words())
    elif form.is_valid() and (done := _do(request, form, add, place.back, _("The file is added."))):
        return done
    status = _TOO_LARGE if is_too_large else None
    return _show(request, place, form, title=_("Add a file"), button=_("Add the file"), status=status)


@require_http_methods(_METHODS)
@cache_control(private=True, no_store=True)
def note_change(request: HttpRequest, number: str, pk: int) -> HttpResponseBase:
    """Show the words of a note, then change them."""
    note = _to_change(request, number, pk)
    if note.is_file:
        raise Http404
    back = _back(request, note.booking)
    seen = {"name": note.name, "text": note.text, "seen": services.note_changed_at(note).isoformat()}
    form = ChangeNoteForm(request.POST or None, initial=seen)

    def change(data: dict[str, Any]) -> object:
        return services.change_note(
            note, data["name"], data["text"], seen_at=data["seen"], by=_user(request), now=timezone.now()
        )

    if form.is_valid() and (done := _do(request, form, change, back, _("The note is changed."))):
        return done
    context: dict[str, Any] = {"title": _("Change the note"), "button": _("Save the note")}
    if form.is_bound and request.POST.get("seen") != seen["seen"]:
        # It reads otherwise by now, which the page shows: sending the form again changes these words.
        context["as_it_is"] = note
        form.data = {**request.POST.dict(), "seen": seen["seen"]}
    return _render(request, note.booking, back, form, context)


@require_http_methods(_METHODS)
@cache_control(private=True, no_store=True)
def material_remove(request: HttpRequest, number: str, pk: int) -> HttpResponseBase:
    """Ask before a file or note is taken away, since nobody can bring it back; then take it away."""
    material = _to_change(request, number, pk)
    back = _back(request, material.booking)
    if request.method == "POST":
        try:
            services.remove_material(material, by=_user(request), now=timezone.now())
        except services.NotAllowed:
            raise PermissionDenied from None
        messages.success(request, _("Removed: %(name)s.") % {"name": material.name})
        return redirect(back)
    context = {"booking": material.booking, "material": material, "back": back}
    return render(request, "bookings/material_remove.html", context)


def _do(
    request: HttpRequest, form: NoteForm | FileForm, act: Callable[[dict[str, Any]], object], back: str, said: str
) -> HttpResponse | None:
    """Do what the valid form asks for and lead back; None where the form is to be shown again, with the reason."""
    try:
        act(form.cleaned_data)
    except services.MaterialRefused as refused:
        field = "file" if isinstance(form, FileForm) else FIELDS.get(refused.why)
        form.add_error(None if refused.why == "too_many" else field, refusal_words(refused))
        return None
    except services.NotAllowed:
        raise PermissionDenied from None
    except services.MaterialGone:
        form.add_error(
            None, _("Somebody has removed this note meanwhile. Copy what you typed and add it as a new one.")
        )
        return None
    except services.AlreadyOver:
        form.add_error(None, _("The session is over or cancelled, so nothing is added or changed any more."))
        return None
    messages.success(request, said)
    return redirect(back)


def _show(
    request: HttpRequest,
    place: _Place,
    form: NoteForm | FileForm,
    *,
    title: str,
    button: str,
    status: int | None = None,
) -> HttpResponseBase:
    if not form.is_bound and not scopes.to_come(place.details.meetings, now=timezone.now()):
        messages.warning(request, _("This session is over or cancelled, so there is nothing left to change."))
        return redirect(place.back)
    context = {"title": title, "button": button}
    return _render(request, place.details.booking, place.back, form, context, status=status)


def _render(
    request: HttpRequest,
    booking: Booking,
    back: str,
    form: NoteForm | FileForm,
    context: dict[str, Any],
    *,
    status: int | None = None,
) -> HttpResponse:
    context = {**context, "booking": booking, "back": back, "form": form}
    status = status or (_REFUSED if form.is_bound else 200)
    return render(request, "bookings/material_form.html", context, status=status)


def _place(request: HttpRequest, number: str, *, now: datetime) -> _Place:
    """Return where something is to be added, for somebody who may. Raises: Http404, PermissionDenied."""
    details = found_or_404(request, number, now=now)
    booking = details.booking
    if not details.may_change:
        raise PermissionDenied
    if booking.is_outside:
        raise Http404
    day = ""
    if booking.is_series and details.occurrence in scopes.to_come(details.meetings, now=now):
        zone = ZoneInfo(_user(request).time_zone)
        day = long_date(details.occurrence.starts_at.astimezone(zone).date())
    return _Place(details, _back(request, booking), day)


def _found(request: HttpRequest, number: str, pk: int) -> Material:
    try:
        return material_on_page(_user(request), number, pk)
    except (Booking.DoesNotExist, Material.DoesNotExist):
        raise Http404 from None


def _to_change(request: HttpRequest, number: str, pk: int) -> Material:
    material = _found(request, number, pk)
    if not may_change(_user(request), material.booking):
        raise PermissionDenied
    return material


def _back(request: HttpRequest, booking: Booking) -> str:
    """Return the address of the session's page, of a series at the meeting from which the reader came."""
    day = request.GET.get("spotkanie")
    query = f"?{urlencode({'spotkanie': day})}" if day and booking.is_series else ""
    return f"{reverse('booking_show', args=[booking.number])}{query}#materials"


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
