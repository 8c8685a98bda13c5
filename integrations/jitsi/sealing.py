"""Encrypts the private halves of our keys, so that a copy of the database alone signs nothing."""

from __future__ import annotations

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_PURPOSE = b"integrations.jitsi.sealing"


class Unreadable(Exception):
    """What was sealed with a SECRET_KEY that is gone, and not one of SECRET_KEY_FALLBACKS either."""


def seal(secret: bytes) -> bytes:
    return _current().encrypt(secret)


def unseal(sealed: bytes) -> bytes:
    """Return what was sealed with the current SECRET_KEY or one of SECRET_KEY_FALLBACKS. Raises: Unreadable."""
    try:
        return _any().decrypt(sealed)
    except InvalidToken as error:
        raise Unreadable from error


def sealed_anew(sealed: bytes) -> bytes | None:
    """Return it sealed with the current SECRET_KEY, None where it is already. Raises: Unreadable."""
    try:
        _current().decrypt(sealed)
    except InvalidToken:
        return seal(unseal(sealed))
    return None


def _current() -> Fernet:
    return _fernet(settings.SECRET_KEY)


def _any() -> MultiFernet:
    return MultiFernet([_fernet(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


@lru_cache(maxsize=8)
def _fernet(secret_key: str) -> Fernet:
    derived = HKDF(SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret_key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
