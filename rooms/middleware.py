"""Takes the user of a request from what was read with the session."""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.middleware import AuthenticationMiddleware, get_user
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from accounts.models import User
from rooms.sessions import SessionStore

#: Where Django looks before it asks the database.
_KEPT = "_cached_user"


class ReadAlongMiddleware(AuthenticationMiddleware):
    """Django's own, which spares itself a query where the session has brought its user along.

    Every page asks who it is for, so nobody is served by waiting to be asked: Django's stand-in for the user would be
    gone through for whatever is read of them.
    """

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = cast("User", _user_of(request))


def _user_of(request: HttpRequest) -> User | AnonymousUser:
    user = _read_along(request.session)
    if user is not None:
        setattr(request, _KEPT, user)
    found: User | AnonymousUser = get_user(request)
    return found


def _read_along(session: SessionBase) -> User | None:
    """Return the user who was read with the session if Django would let them in (`django.contrib.auth.get_user`).

    Whatever is not as expected, Django decides: nobody signed in, another user, another way of signing in, an account
    that was shut, a password that was changed.
    """
    if SESSION_KEY not in session or not isinstance(session, SessionStore):
        return None
    user = session.reader
    if user is None or session[SESSION_KEY] != str(user.pk) or not user.is_active:
        return None
    if session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    known = session.get(HASH_SESSION_KEY)
    return user if known and constant_time_compare(known, user.get_session_auth_hash()) else None
