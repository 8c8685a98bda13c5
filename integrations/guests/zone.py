"""A guest chooses the time zone of their pages and mails."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.forms import ZoneInput
from accounts.zones import validate_time_zone
from bookings import services
from integrations.guest_page import session_page
from integrations.guests.visits import Visit, back_to_page, guest_view

_REFUSED = 422


class ZoneForm(forms.Form):
    time_zone = forms.CharField(
        label=gettext_lazy("Time zone"),
        max_length=64,
        widget=ZoneInput(attrs={"autocomplete": "off", "class": "input"}),
        validators=[validate_time_zone],
        help_text=gettext_lazy("The name of a big city of your country after its continent, such as Europe/Helsinki."),
        error_messages={"required": gettext_lazy("Choose a zone.")},
    )


@guest_view()
@require_http_methods(["GET", "HEAD", "POST"])
def guest_zone(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Ask for the zone, and keep it. People with an account choose it there."""
    if visit.attendee.user_id is not None:
        raise Http404
    if request.method != "POST":
        return _show(request, visit, ZoneForm(initial={"time_zone": visit.attendee.time_zone}))
    form = ZoneForm(request.POST)
    if form.is_valid():
        try:
            services.choose_zone(visit.attendee, form.cleaned_data["time_zone"], now=visit.now)
        except ValidationError as error:
            form.add_error("time_zone", error)
        else:
            return back_to_page(visit, saved="strefa")
    return _show(request, visit, form, status=_REFUSED)


def _show(request: HttpRequest, visit: Visit, form: ZoneForm, *, status: int = 200) -> HttpResponse:
    extra = {"visit": visit, "form": form}
    return session_page(request, "guests/zone.html", visit.attendee, visit.entry, extra=extra, status=status)
