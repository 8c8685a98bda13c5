"""Pages about oneself: the account, how pages look, and the errors that everybody may meet."""

import logging
import secrets

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import services
from accounts.forms import PreferencesForm, ProfileForm
from accounts.models import User
from accounts.preferences import Appearance, keep_language, office

logger = logging.getLogger(__name__)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest) -> HttpResponseBase:
    """Keep language, theme and contrast, then go back to where the visitor was; GET is the page without script."""
    next_url = _safe_next(request)
    if request.method != "POST":
        return render(request, "accounts/preferences.html", {"next": next_url})
    form = PreferencesForm(request.POST)
    if not form.is_valid():
        return render(request, "accounts/preferences.html", {"next": next_url}, status=400)
    response = HttpResponseRedirect(next_url)
    if language := form.cleaned_data["language"]:
        keep_language(response, language)
        if isinstance(request.user, User):
            services.set_language(request.user, language)
    if "theme" in request.POST or "contrast" in request.POST:
        Appearance(form.cleaned_data["theme"], form.cleaned_data["contrast"]).keep(response)
    # The dialog shows at once what was chosen, and sends each choice by itself.
    if "say" in request.POST:
        messages.success(request, _("The look was saved."))
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def account_show(request: HttpRequest) -> HttpResponseBase:
    assert isinstance(request.user, User)
    # The form writes into its instance while it validates, and the bar of the page shows the user.
    form = ProfileForm(request.POST or None, instance=User.objects.get(pk=request.user.pk))
    if request.method == "POST" and form.is_valid():
        services.update_profile(request.user, **form.cleaned_data)
        response = redirect("account_show")
        keep_language(response, request.user.language)
        with translation.override(request.user.language):
            messages.success(request, _("Your account was saved."))
        return response
    return render(request, "accounts/account_show.html", {"form": form}, status=400 if form.errors else 200)


def _safe_next(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
        return wanted
    return reverse("board")


def server_error(request: HttpRequest) -> HttpResponse:
    """The last page that must work: no session, no user, no database, no context processors.

    The number that it shows stands in the log beside the error, so that whoever reports it can be helped.
    """
    report = f"{secrets.randbelow(0x10000):04X}-{secrets.randbelow(0x100):02X}"
    logger.error("Report %s: the error that follows, at %s %s", report, request.method, request.path)
    again = request.get_full_path() if request.method == "GET" else ""
    return render(None, "500.html", {"again": again, "office": office(), "report": report}, status=500)
