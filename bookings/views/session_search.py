"""The search for sessions: a page of what was found, and the ways on where nothing was."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from accounts.models import User
from bookings.search_queries import find_sessions
from bookings.search_terms import room_codes
from bookings.views import session_search_page
from bookings.views.session_search_form import SearchForm, read_place, write_place
from rooms.queries import active_rooms

_PER_PAGE = 20
_REFUSED = 422


@require_safe
@cache_control(private=True, no_store=True)
def session_search(request: HttpRequest) -> HttpResponse:
    """Find sessions; what the user may not know of is not there. `?after` is where another page ended."""
    assert isinstance(request.user, User)
    now, zone = timezone.now(), ZoneInfo(request.user.time_zone)
    form = SearchForm(request.GET, rooms=active_rooms(), codes=room_codes(), now=now, zone=zone)
    wanted = form.wanted()
    context = {"form": form, "values": form.data, "places": form.places(), "asked": wanted is not None}
    if wanted is not None:
        after = read_place(request.GET.get("after", ""))
        found = find_sessions(request.user, wanted, now=now, size=_PER_PAGE, after=after)
        context |= {
            "parts": session_search_page.parts(found.meetings, words=wanted.words, zone=zone, now=now),
            "understood": session_search_page.understood(form.text),
            "looked_to": found.looked_to.astimezone(zone).date() if found.looked_to else None,
            "then": write_place(found.then) if found.then else "",
            "is_later_page": after is not None,
            "ways_on": () if found.meetings else session_search_page.ways_on(form, request.user),
        }
    return render(request, "bookings/session_search.html", context, status=_REFUSED if form.errors else 200)
