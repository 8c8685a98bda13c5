"""Who may see a page, where it depends on the account alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.cache import never_cache

from accounts.models import User


def for_it_admins(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Show the page to IT admins; for all others it isn't there."""

    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not isinstance(request.user, User) or not request.user.is_staff:
            raise Http404
        return view(request, *args, **kwargs)

    return guarded
