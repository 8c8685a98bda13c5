"""Who comes from a conference server without a token: known by their account, or since our door let them in before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.models import User
from bookings.models import Attendee, Booking
from bookings.permissions import visible_to
from integrations.jitsi import links
from integrations.jitsi.entry import Entry, State, find_entry
from rooms.permissions import SiteRoles

# As in the constraint `booking_conference_name`.
_NAME = re.compile(r"[a-z0-9-]{16,64}")
_COOKIE = "door-"
#: Somebody invited to single meetings of a series stands in as many rows; these are looked at, the nearest first.
_MEETINGS_AT_MOST = 5
_LONGEST_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Known:
    """What somebody who is not invited may know of a session. `booking` None: nothing, or there is none.

    `may_open`: the page of the session is open to them.
    """

    is_booked: bool
    booking: Booking | None = None
    may_open: bool = False


def conference_name(room: str) -> str:
    """Return the name of a conference as we give them out, empty for what is none. Asks nobody."""
    name = room.lower()
    return name if _NAME.fullmatch(name) else ""


def remember(response: HttpResponse, attendee: Attendee, *, until: datetime, now: datetime) -> None:
    """Have the browser bring the person's join token when a conference server sends it here without one.

    A cookie for each conference, for no other page of ours and no longer than the session; nothing else is in it.
    """
    response.set_cookie(
        _COOKIE + attendee.booking.conference_name,
        links.token_for(attendee),
        max_age=max(timedelta(seconds=1), until - now),
        path=_path(),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def recognise(request: HttpRequest, name: str, *, now: datetime) -> Attendee | None:
    """Return who of this conference's people the visitor is; None where nothing says so.

    Strangers cost no query, whether there is such a conference or not: how long it takes tells them nothing.
    """
    found = _by_account(request.user, name, now=now) if request.user.is_authenticated else None
    return found or _by_cookie(request, name)


def known_to(user: User, name: str) -> Known:
    """Return what a user who is not invited may know of the session: of a closed one nothing."""
    booking = (
        Booking.objects.exclude(status=Booking.Status.CANCELLED)
        .select_related("organizer")
        .filter(conference_name=name)
        .first()
    )
    if booking is None:
        return Known(is_booked=False)
    roles = SiteRoles.of(user)
    if visible_to(user, roles).filter(pk=booking.pk).exists():
        return Known(is_booked=True, booking=booking, may_open=True)
    # As on the board: staff see who holds a room, unless the session is closed.
    may_know = roles.may_book_anything and not booking.is_private
    return Known(is_booked=True, booking=booking if may_know else None)


def _path() -> str:
    return reverse("jitsi_arrival", kwargs={"room": "x"})[:-1]


def _by_cookie(request: HttpRequest, name: str) -> Attendee | None:
    token = request.COOKIES.get(_COOKIE + name, "")
    attendee = links.attendee_for(token) if token else None
    return attendee if attendee is not None and attendee.booking.conference_name == name else None


def _by_account(user: Any, name: str, *, now: datetime) -> Attendee | None:
    """Return the user's invitation; of several to single meetings, the one by which they may enter now, or next."""
    mine = Attendee.objects.filter(user=user, removed_at=None, booking__conference_name=name)
    mine = mine.select_related("booking__organizer", "occurrence").order_by("occurrence__starts_at", "pk")
    lately = mine.exclude(occurrence__ends_at__lt=now - _LONGEST_AFTER)[:_MEETINGS_AT_MOST]
    rows = list(lately) or list(mine.reverse()[:1])
    if len(rows) < 2:
        return rows[0] if rows else None
    return min(rows, key=lambda row: _order(find_entry(row, now=now)))


def _order(entry: Entry) -> tuple[bool, bool, datetime]:
    return entry.state is not State.OPEN, entry.state is not State.EARLY, entry.opens_at
