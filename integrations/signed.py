"""Tokens of secret addresses: the key of a row and a signature, for one purpose each."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

from django.core import signing
from django.utils.crypto import constant_time_compare
from django.utils.http import base36_to_int, int_to_base36

_SIGNATURE_LENGTH = 26
# Letters and digits only: mail programs cut punctuation off the end of an address, and people read it out by phone.
_TOKEN = re.compile(rf"([0-9a-z]{{1,12}})-([a-z2-7]{{{_SIGNATURE_LENGTH}}})")


def token(pk: int, value: str, *, salt: str) -> str:
    """Return the token of row `pk`. `value`: what is signed, dead as soon as it changes; `salt` names the purpose."""
    return f"{int_to_base36(pk)}-{next(_signatures(value, salt))}"


def pk_in(token: str) -> int | None:
    """Return which row the token names, None for what is no token. Says nothing about whether it is genuine."""
    match = _TOKEN.fullmatch(token.lower())
    return None if match is None else base36_to_int(match[1])


def is_genuine(token: str, value: str, *, salt: str) -> bool:
    """Say whether the token signs this value for this purpose, by the current key or by one of SECRET_KEY_FALLBACKS."""
    given = token.lower().rpartition("-")[2]
    # Every key is compared: how long it takes says nothing of which one fits.
    matches = [constant_time_compare(given, expected) for expected in _signatures(value, salt)]
    return any(matches)


def _signatures(value: str, salt: str) -> Iterator[str]:
    """Yield the 130-bit signature by the current key, then those by SECRET_KEY_FALLBACKS."""
    signer = signing.Signer(salt=salt)
    for key in (signer.key, *signer.fallback_keys):
        digest = signing.b64_decode(signer.signature(value, key).encode())
        yield base64.b32encode(digest).decode().lower()[:_SIGNATURE_LENGTH]
