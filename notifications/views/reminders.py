"""What signed-in people and the managers of sites choose to be reminded of."""

from __future__ import annotations

from typing import cast
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.models import User
from bookings.wording import zone_label
from notifications import reminder_choices, reminder_terms
from notifications.reminder_choices import NotAChoice
from notifications.reminder_forms import ChoiceForm, SiteForm
from notifications.reminder_history import changes_of
from notifications.reminder_terms import SiteTerms
from notifications.reminder_words import effect, effect_at_site, effects, nudge_effect
from rooms.permissions import SiteRoles

_REFUSED = 422


@require_http_methods(["GET", "HEAD", "POST"])
def reminder_choice(request: HttpRequest) -> HttpResponseBase:
    """Show what the user is reminded of, and keep what they choose."""
    user = cast(User, request.user)
    roles, sites, choice = SiteRoles.of(user), reminder_terms.terms_of_sites_of(user), reminder_terms.choice_of(user)
    form = ChoiceForm(
        request.POST if request.method == "POST" else None,
        row=choice,
        sites=sites,
        clock_of=zone_label(timezone.now(), ZoneInfo(user.time_zone)),
        organizes=roles.may_book_anything,
        manages=bool(roles.managed_sites),
    )
    if form.is_bound and form.is_valid():
        try:
            reminder_choices.choose(user=user, **form.wishes(), now=timezone.now())
        except NotAChoice as error:
            form.refused(error)
        else:
            messages.success(request, _("Your reminders were saved."))
            return redirect("reminder_choice")
    context = {"form": form, "effects": effects(choice, sites, effect)}
    return render(request, "notifications/reminder_choice.html", context, status=_REFUSED if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def site_reminders(request: HttpRequest) -> HttpResponseBase:
    """Show what a site reminds of where people chose nothing, and keep what its manager sets. `?site=` is its code."""
    user = cast(User, request.user)
    sites = reminder_terms.terms_of_sites_managed_by(user)
    if not sites:
        raise PermissionDenied
    found = _chosen(request, sites)
    form = SiteForm(request.POST if request.method == "POST" else None, row=found.row)
    if form.is_bound and form.is_valid():
        try:
            reminder_choices.choose_for_site(found.site, form.wishes(), by=user, now=timezone.now())
        except reminder_choices.NotAllowed:
            raise PermissionDenied from None
        except NotAChoice as error:
            form.refused(error)
        else:
            messages.success(request, _("The reminders of %(site)s were saved.") % {"site": found.site.name})
            return redirect(f"{reverse('site_reminders')}?{urlencode({'site': found.site.code})}")
    context = {
        "form": form,
        "site": found.site,
        "sites": [one.site for one in sites],
        "effects": [effect_at_site(found.terms), nudge_effect(found.terms)],
        "changes": changes_of(found.site),
        "kept_in": settings.LANGUAGE_CODE,
        "zone": ZoneInfo(user.time_zone),
        "now": timezone.now(),
    }
    return render(request, "notifications/reminder_site.html", context, status=_REFUSED if form.errors else 200)


def _chosen(request: HttpRequest, sites: tuple[SiteTerms, ...]) -> SiteTerms:
    code = request.GET.get("site")
    if code is None:
        return sites[0]
    for one in sites:
        if one.site.code == code:
            return one
    raise Http404
