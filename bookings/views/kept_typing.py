"""Keeps a form that arrives without a session, so that signing in again costs nobody what they typed.

The typed fields wait in the visitor's anonymous session, which Django carries over the sign-in, and come back only to
the person the form was opened for: its signed number says who that was.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.translation import gettext as _

from accounts.models import User
from bookings.forms import submission_owner

_KEY = "kept_form"
_MOST_CHARACTERS = 300_000


class _CsrfCheck(CsrfViewMiddleware):
    """Says why a request is refused rather than answering it."""

    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


def has_csrf_token(request: HttpRequest) -> bool:
    """Say whether the request carries this visitor's token: the form was not sent by another site.

    For views that answer a stale token with the form itself, filled in again, instead of the error page. Signing in
    again in another tab makes the token of every open form stale.
    """
    return not _CsrfCheck(lambda request: None).process_view(request, None, (), {})  # type: ignore[arg-type]  # never called


def ask_to_sign_in(request: HttpRequest) -> HttpResponseBase:
    """Lead to the sign-in and back; what was typed waits there."""
    if request.method != "POST":
        return redirect_to_login(request.get_full_path())
    body = request.POST.urlencode()
    owner = submission_owner(request.POST.get("submission", ""))
    if owner is not None and len(body) <= _MOST_CHARACTERS:
        request.session[_KEY] = {"path": request.path, "owner": owner, "body": body}
        messages.warning(
            request,
            _("You were signed out after a long pause. Sign in: what you typed is kept, and nothing was sent yet."),
        )
    return redirect_to_login(request.path)


def take_back(request: HttpRequest) -> QueryDict | None:
    """Return what the user typed on this page before they were signed out, once; never somebody else's."""
    kept = request.session.pop(_KEY, None)
    if not kept or not isinstance(request.user, User):
        return None
    if kept["path"] != request.path or kept["owner"] != request.user.pk:
        return None
    return QueryDict(kept["body"], mutable=True)
