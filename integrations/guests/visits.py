"""A visit by a personal address: whose it is, what they meet there, and what no page of theirs may lack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache

from bookings.models import Attendee
from integrations import personal
from integrations.guest_page import keep_to_itself, language, session_page, unknown_link
from integrations.guests.link_uses import note_use
from integrations.guests.pacing import turned_away
from integrations.jitsi import links
from integrations.jitsi.entry import Entry, State, find_entry

OVER = frozenset({State.REMOVED, State.CANCELLED, State.ENDED})
STATUS_WHEN_OVER = 410


@dataclass(frozen=True, slots=True)
class Visit:
    """`token`: of the personal address; `now`: when, aware."""

    token: str
    attendee: Attendee
    entry: Entry
    now: datetime

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.attendee.time_zone)

    @property
    def is_over(self) -> bool:
        """Say whether nothing is to come for this person: ended, cancelled, or no longer invited."""
        return self.entry.state in OVER

    def address(self, name: str = "guest_page", *, query: str = "", fragment: str = "", **kwargs: object) -> str:
        """Return the path of a page of this person; the language that the reader chose goes along."""
        return (
            reverse(name, kwargs={"token": self.token, **kwargs})
            + f"?{query + '&' if query else ''}lang={translation.get_language()}"
            + (f"#{fragment}" if fragment else "")
        )


GuestView = Callable[..., HttpResponse]


def guest_view(*, when_over: bool = False) -> Callable[[GuestView], Callable[..., HttpResponse]]:
    """Make a view `(request, visit, **kwargs)` into one of a personal address, `(request, token, **kwargs)`.

    Whoever has the address may; nobody signs in. An address that is none of ours answers 404. `when_over`: the view
    also answers when nothing is to come; otherwise a page says kindly that it is over, 410. Words are in the reader's
    language. Neither caches nor search engines nor other sites get to know the address.
    """

    def decorate(view: GuestView) -> Callable[..., HttpResponse]:
        @wraps(view)
        @login_not_required
        @never_cache
        def wrapped(request: HttpRequest, token: str, **kwargs: Any) -> HttpResponse:
            attendee, now = links.attendee_for(token), timezone.now()
            away = turned_away(request, attendee, now=now)
            if away is not None or attendee is None:
                return keep_to_itself(away or unknown_link(request))
            visit = visit_of(attendee, token=personal.cleaned(token), now=now)
            with translation.override(language(request, attendee.language)):
                is_shown = when_over or not visit.is_over
                response = view(request, visit, **kwargs) if is_shown else over(request, visit)
                note_sending(request, visit, response)
                return keep_to_itself(response, has_form=True)

        return login_not_required(wrapped)

    return decorate


def visit_of(attendee: Attendee, *, token: str = "", now: datetime) -> Visit:
    return Visit(token or links.token_for(attendee), attendee, find_entry(attendee, now=now), now)


def note_sending(request: HttpRequest, visit: Visit, response: HttpResponse) -> None:
    """Note from where something was sent by the link, if it was taken."""
    if request.method == "POST" and response.status_code < HTTPStatus.BAD_REQUEST:
        note_use(request, visit.attendee, now=visit.now)


def over(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Say that the session has ended, is cancelled, or that the person is not invited any more."""
    return session_page(request, "join/session_over.html", visit.attendee, visit.entry, status=STATUS_WHEN_OVER)


def back_to_page(visit: Visit, *, saved: str, fragment: str = "") -> HttpResponse:
    """Lead back to the page after something was kept; `saved`: the word by which the page says what."""
    return HttpResponseRedirect(visit.address(query=f"zapisano={saved}", fragment=fragment))
