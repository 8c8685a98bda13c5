"""The rules of the office in plain sentences: those that bind the reader, or all of them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.models import User
from bookings.views.rules_page import all_rules, my_rules


@require_safe
def rules_show(request: HttpRequest) -> HttpResponse:
    """With `?all` every rule of the office, otherwise those that bind whoever reads it."""
    assert isinstance(request.user, User)
    is_all = "all" in request.GET
    page = all_rules() if is_all else my_rules(request.user, today=timezone.localdate())
    return render(request, "bookings/rules_show.html", {"page": page, "is_all": is_all})
