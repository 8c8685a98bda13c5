"""What every page owes whoever asks for it: their language, a way back after the sign-in, a page where none answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

_READING = {"GET", "HEAD"}
_LOST = "lost_by_sign_in"


def user_language(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Stands after AuthenticationMiddleware; LocaleMiddleware has chosen by cookie and browser before."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated:
            translation.activate(request.user.language)
            request.LANGUAGE_CODE = request.user.language
        return get_response(request)

    return middleware


class SignInMiddleware(LoginRequiredMiddleware):
    """Django's own, which leads whoever pressed a button back to the page with the button.

    The address a button sends to mostly answers no GET, and what was sent is lost: signing in would end on an empty
    page. Forms in which much is typed look after themselves (`bookings.views.kept_typing`).
    """

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> HttpResponseRedirect:
        if request.method in _READING:
            return super().handle_no_permission(request, view_func)
        if _shows_pages(request):
            request.session[_LOST] = True
            messages.warning(request, _("You were signed out, so nothing was done. Sign in to go back to the page."))
        return redirect_to_login(_page_before(request))


def say_what_was_lost(request: HttpRequest) -> None:
    """Tell whoever has just signed in that their button did nothing: the sign-in page was soon left."""
    if request.session.pop(_LOST, False):
        messages.warning(request, _("Nothing was done, because you were signed out. Press the button once more."))


def page_for_wrong_method(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Show a page to people who open an address that only a button sends to; programs get the bare status.

    Stands below everything that measures or compresses what is answered.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and request.method == "GET" and _shows_pages(request):
            response.content = render_to_string("405.html", request=request)
        return response

    return middleware


def _shows_pages(request: HttpRequest) -> bool:
    """Say whether a browser will show the answer as a page: scripts and programs ask for anything, or for JSON."""
    return "text/html" in request.headers.get("Accept", "") and "X-Requested-With" not in request.headers


def _page_before(request: HttpRequest) -> str:
    """Return the path of the page this request was sent from, or that of the board: browsers may keep it to themselves.

    Never another host's: whoever signs in must stay here.
    """
    before = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(before, {request.get_host()}, require_https=request.is_secure()):
        return reverse("board")
    return urlsplit(before)._replace(scheme="", netloc="").geturl()
