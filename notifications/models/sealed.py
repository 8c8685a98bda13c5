"""A column of bytes that says nothing to whoever has the database without SECRET_KEY."""

from __future__ import annotations

import secrets
import zlib
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import models

_PURPOSE = b"notifications.models.sealed"
# What no mail and no JSON begins with: rows from before are read as they stand.
_MARK = b"\x01sealed\x01"
_NONCE_LENGTH = 12
# Packed before it is sealed, since it can't be afterwards; a mail becomes a third of what it was in half a millisecond.
_LEVEL = 1


def sealed(content: bytes) -> bytes:
    """Return the bytes as they are stored, sealed with SECRET_KEY. No bytes stay none: the database asks for that."""
    if not content:
        return content
    nonce = secrets.token_bytes(_NONCE_LENGTH)
    packed = zlib.compress(content, _LEVEL)
    return _MARK + nonce + _key(settings.SECRET_KEY).encrypt(nonce, packed, _MARK)


def opened(stored: bytes) -> bytes | None:
    """Return what was sealed with SECRET_KEY or one of SECRET_KEY_FALLBACKS; None where it was with none of them."""
    if not stored.startswith(_MARK):
        return stored
    nonce, packed = stored[len(_MARK) :][:_NONCE_LENGTH], stored[len(_MARK) + _NONCE_LENGTH :]
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            return zlib.decompress(_key(key).decrypt(nonce, packed, _MARK))
        except InvalidTag:
            continue
    return None


class SealedBytes(models.BinaryField):
    """Bytes for Python, sealed ones for the database. Statements of our own write `sealed(…)`.

    What can't be opened any more reads as None: as what was never written.
    """

    def deconstruct(self) -> Any:
        # To the database it is a column of bytes: migrations import no code of ours.
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.BinaryField", args, kwargs

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return sealed(bytes(value)) if isinstance(value, bytes | bytearray | memoryview) else value

    def from_db_value(self, value: Any, _expression: object, _connection: object) -> bytes | None:
        return None if value is None else opened(bytes(value))


@lru_cache(maxsize=8)
def _key(secret_key: str) -> AESGCM:
    return AESGCM(HKDF(SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret_key.encode()))
