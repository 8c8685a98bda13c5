"""The version of a board's page: the same for the same page, and another one for any other.

What is booked is known by its marks (`bookings.board_marks`), the rest of the page by the values it is made of, so an
unchanged page is recognised without reading what it shows.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path

from django.conf import settings
from django.contrib.messages import get_messages
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponseBase
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language

from accounts.models import User
from accounts.preferences import Appearance, office
from bookings.board_marks import BoardMarks
from bookings.nav_counts import NavCounts
from rooms.permissions import SiteRoles

#: What the pages are made of beside the data: a new release makes all kept pages old.
_SOURCES = ("templates/**/*.html", "accounts/**/*.py", "bookings/**/*.py", "rooms/**/*.py", "locale/**/*.mo")


def page_version(
    request: HttpRequest, user: User, marks: BoardMarks, counts: NavCounts, *, now: datetime, today: date, is_now: bool
) -> str:
    """Return the page's entity tag, messages apart. `is_now`: it shows what time it is, and changes every minute."""
    if "CSRF_COOKIE" not in request.META:
        get_token(request)
    roles = SiteRoles.of(user)
    parts = (
        _release(),
        request.get_full_path(),
        request.META["CSRF_COOKIE"],  # Forms carry it: the page of before signing in would post in vain.
        (user.pk, user.name, user.email, user.is_active),
        (user.is_it_admin, sorted(roles.staff_sites), sorted(roles.managed_sites)),
        (get_language(), Appearance.of(request), office()),
        (marks, counts),
        (today, now.replace(second=0, microsecond=0) if is_now else None),
        # What is ill is said on the pages of IT admins, in words of a layer above.
        render_to_string("components/_alarm_banner.html", request=request) if user.is_staff else "",
    )
    return f'W/"{sha256(repr(parts).encode()).hexdigest()[:40]}"'


@cache
def _release() -> str:
    """Return what changes with the release: templates, code, words and the names of static files."""
    digest = sha256(str(getattr(staticfiles_storage, "manifest_hash", "")).encode())
    root = Path(settings.ROOT)
    for pattern in _SOURCES:
        for path in sorted(root.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def shows_messages(request: HttpRequest) -> bool:
    """Say whether the page will carry a message: shown once, it makes the page none to come back to."""
    return not is_look(request) and len(get_messages(request)) > 0


def is_look(request: HttpRequest) -> bool:
    """Say whether an open board looks for what is new (board-refresh.js). Messages wait for a page that shows them."""
    return request.headers.get("X-Requested-With") == "fetch"


def keep_with_version(response: HttpResponseBase, version: str) -> None:
    """Let a browser keep the page, and ask each time whether it is still so; nobody in between keeps it."""
    response.headers["Cache-Control"] = "private, no-cache"
    if version:
        response.headers["ETag"] = version
    patch_vary_headers(response, ("Accept-Encoding", "Accept-Language", "Cookie"))
