"""Sessions of the web, as Django keeps them in the database, read together with their user and that user's roles.

Every request asks who sends it: here that is one statement instead of three, which the database has planned already.
Whose session it is stands inside what is signed, which no statement can look into. So the process remembers whose it
was when it was written or read last, and asks for that user as well. That is a guess: what the session itself says
decides, and it is read anew with every request, so signing out and being shut out take effect at once, whatever is
remembered.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache
from threading import Lock
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.core import signing
from django.core.signing import BadSignature
from django.db import DEFAULT_DB_ALIAS
from django.utils import timezone

from accounts.models import User
from rooms import prepared
from rooms.permissions import SiteRoles

#: More people than sign in at one office.
_REMEMBERED = 10_000
_FIELDS = User._meta.concrete_fields  # noqa: SLF001  documented by Django, in spite of its name
_READ = " ".join(
    [
        "SELECT session.session_data,",
        "(SELECT array_agg(role.site_id ORDER BY role.id) FROM rooms_siterole role WHERE role.user_id = reader.id),",
        "(SELECT array_agg(role.role ORDER BY role.id) FROM rooms_siterole role WHERE role.user_id = reader.id),",
        ", ".join(f'reader."{field.column}"' for field in _FIELDS),
        "FROM django_session session LEFT JOIN accounts_user reader ON reader.id = %s::bigint",
        "WHERE session.session_key = %s::text AND session.expire_date > %s::timestamptz",
    ]
)


class SessionStore(db.SessionStore):
    """`reader`: the user that was read along, who is not yet known to be the one the session is for."""

    reader: User | None = None

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        stored = super().create_model_instance(data)
        _owners.remember(stored.session_key, data.get(SESSION_KEY))
        return stored

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        """Return what was signed. Whose signature was once found good is not reckoned out again, only read anew."""
        try:
            signed = _signed(str(session_data), self.key_salt)
        except BadSignature:
            return super().decode(session_data)
        session: dict[str, Any] = self.serializer().loads(signed)
        return session

    def load(self) -> dict[str, Any]:
        assert self.session_key is not None
        found = prepared.fetch(_READ, [_owners.of(self.session_key), self.session_key, timezone.now()])
        if not found:
            self._session_key = None
            return {}
        encoded, sites, roles, *values = found[0]
        session: dict[str, Any] = self.decode(encoded)
        _owners.remember(self.session_key, session.get(SESSION_KEY))
        if values[0] is not None:
            names = [field.attname for field in _FIELDS]
            self.reader = User.from_db(DEFAULT_DB_ALIAS, names, values)
            SiteRoles.keep(self.reader, list(zip(sites or (), roles or (), strict=True)))
        return session


class _AsSigned:
    """A serializer that leaves bytes as they are."""

    def dumps(self, data: bytes) -> bytes:
        return data

    def loads(self, data: bytes) -> bytes:
        return data


@lru_cache(maxsize=1_000)
def _signed(encoded: str, salt: str) -> bytes:
    signed: bytes = signing.loads(encoded, salt=salt, serializer=_AsSigned)
    return signed


class _Owners:
    """Whose sessions the process has seen, the latest of them."""

    def __init__(self) -> None:
        self._ids: OrderedDict[str, int] = OrderedDict()
        self._lock = Lock()

    def of(self, key: str) -> int:
        """Return the user's id, or 0, which nobody has."""
        return self._ids.get(key, 0)

    def remember(self, key: str, owner: str | None) -> None:
        if owner is None or self._ids.get(key) == int(owner):
            return
        with self._lock:
            self._ids[key] = int(owner)
            self._ids.move_to_end(key)
            while len(self._ids) > _REMEMBERED:
                self._ids.popitem(last=False)


_owners = _Owners()
