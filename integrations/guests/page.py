"""The page of an invited person: who invites, when, the way in, and all that they can say (screen-04 of the design)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from integrations.guest_page import session_page
from integrations.guests.visits import Visit, guest_view, over


@guest_view(when_over=True)
@require_safe
def guest_page(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show the page. Reading it changes nothing: programs that check links in mails may."""
    return over(request, visit) if visit.is_over else show(request, visit)


def show(request: HttpRequest, visit: Visit, *, extra: dict[str, Any] | None = None, status: int = 200) -> HttpResponse:
    """Return the page; `extra`: forms that come back with what is wrong in them, as the template calls them."""
    context = {"visit": visit, "saved": request.GET.get("zapisano", ""), **(extra or {})}
    return session_page(
        request, "guests/page.html", visit.attendee, visit.entry, now=visit.now, extra=context, status=status
    )
