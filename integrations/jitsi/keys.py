"""Our key pairs: which one signs now, which are published, and how one follows another.

One key for each purpose signs. Its successor is published an hour before it signs, so that who keeps our list of keys
knows it by then; the old one stays published until all that it signed has expired (docs/decisions/0018).
"""

from __future__ import annotations

import base64
import hashlib
import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_public_key,
)
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet

from integrations.jitsi.models import SigningKey
from integrations.jitsi.sealing import Unreadable, seal, sealed_anew, unseal

logger = logging.getLogger(__name__)

Purpose = SigningKey.Purpose

#: Longer than anybody keeps the list of keys (`views.keys`), with time to ask again after a failure.
PUBLISHED_BEFORE = timedelta(hours=1)
#: Longer than any token is good for: sessions last 36 hours at most.
PUBLISHED_AFTER = timedelta(days=2)
# Each is for a quarter of a year: NIST SP 800-57 has 2048 bits until 2030.
_BITS = 2048
_ALGORITHM = "RS256"
_PUBLIC_EXPONENT = 65537
# Beside the numbers of other advisory locks.
_LOCK = 7_306


@dataclass(frozen=True, slots=True)
class Key:
    """What signs, and what a token says of it."""

    kid: str
    private: RSAPrivateKey
    algorithm: str = _ALGORITHM


class UnknownKey(LookupError):
    """There never was a key of this name."""


class State(StrEnum):
    COMING = "coming"
    SIGNING = "signing"
    #: Signs no more; what it signed can be verified.
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


def signing_key(purpose: Purpose, *, now: datetime) -> Key:
    """Return what signs at `now`. One query; the first time it makes the key.

    It is asked for each time, and only the reading of it is remembered: what is withdrawn signs nothing any more, in
    no process.
    """
    row = _signing(purpose, now=now)
    if row is not None:
        try:
            return _as_key(row)
        except Unreadable:
            logger.error("The %s key %s was sealed with another SECRET_KEY: it is replaced", purpose, row.kid)
    return _as_key(_begin(purpose, now=now))


def published(purpose: Purpose, *, now: datetime) -> QuerySet[SigningKey]:
    """Return the keys by which tokens may be verified at `now`, the newest first."""
    return SigningKey.objects.filter(Q(withdrawn_at=None) | Q(withdrawn_at__gt=now), purpose=purpose).order_by(
        "-signs_from"
    )


def states(*, now: datetime) -> list[tuple[SigningKey, State]]:
    """Return every key there ever was with what it does at `now`, by purpose, the newest first."""
    signing = {row.pk for purpose in Purpose if (row := _signing(purpose, now=now)) is not None}
    rows = SigningKey.objects.order_by("purpose", "-signs_from")
    return [(row, _state(row, signing, now=now)) for row in rows]


def keep_fresh(now: datetime) -> None:
    """Make keys that are missing or can't be read, rotate those that are old, and forget private halves at the end.

    With JITSI_KEY_DAYS = 0 only `rotate` does that. What was sealed with an old SECRET_KEY is sealed with the new one.
    """
    for purpose in Purpose:
        signing_key(purpose, now=now)
        row = _signing(purpose, now=now)
        age = timedelta(days=settings.JITSI_KEY_DAYS)
        if age and row is not None and row.signs_from + age - PUBLISHED_BEFORE <= now:
            rotate(purpose, now=now)
        _seal_anew(purpose, now=now)
        _forget_private_halves(purpose, now=now)


def rotate(purpose: Purpose, *, now: datetime) -> SigningKey:
    """Publish a successor and return it, or the one that is coming already. It signs after `PUBLISHED_BEFORE`.

    Where nothing signs yet, it does at once.
    """
    with _one_at_a_time():
        rows = published(purpose, now=now)
        if (newest := rows.first()) is None:
            return _make(purpose, signs_from=now, now=now)
        if newest.signs_from > now:
            return newest
        return _make(purpose, signs_from=now + PUBLISHED_BEFORE, now=now)


def withdraw(kid: str, *, now: datetime) -> SigningKey:
    """Publish a key no more from `now` on, and sign nothing with it: for one that leaked. What it signed is refused.

    Where it signed, its successor does at once. Servers that have read it may accept it for longer (operations).
    Raises: UnknownKey.
    """
    with _one_at_a_time():
        row = SigningKey.objects.filter(kid=kid).first()
        if row is None:
            raise UnknownKey(kid)
        if row.withdrawn_at is not None and row.withdrawn_at <= now:
            return row
        signing = _signing(row.purpose, now=now)
        row.withdrawn_at, row.private = now, b""
        row.save(update_fields=["withdrawn_at", "private"])
        _let_another_sign(row, signing, now=now)
    return row


def as_jwk(row: SigningKey) -> dict[str, str]:
    """Return the public half as RFC 7517 and RFC 7518 6.3.1 have it."""
    modulus, exponent = _numbers(row.public_pem)
    return {"kty": "RSA", "use": "sig", "alg": _ALGORITHM, "kid": row.kid, "n": modulus, "e": exponent}


def digest(kid: str) -> str:
    """Return the name under which Prosody asks for a key."""
    return hashlib.sha256(kid.encode()).hexdigest()


def _let_another_sign(gone: SigningKey, signing: SigningKey | None, *, now: datetime) -> None:
    if gone == signing:
        newest = published(Purpose(gone.purpose), now=now).first()
        if newest is None or newest.signs_from <= gone.signs_from:
            _make(gone.purpose, signs_from=now, now=now)
        else:
            newest.signs_from = now
            newest.save(update_fields=["signs_from"])
    elif signing is not None and gone.signs_from > now:
        # The successor is gone: who signs now has none to make room for.
        SigningKey.objects.filter(pk=signing.pk).update(withdrawn_at=None)


def _signing(purpose: str, *, now: datetime) -> SigningKey | None:
    return published(Purpose(purpose), now=now).filter(signs_from__lte=now).first()


def _begin(purpose: Purpose, *, now: datetime) -> SigningKey:
    """Make a key that signs at once, unless somebody else was faster."""
    with _one_at_a_time():
        # Also one that signs from a moment on: somebody's clock is a little ahead.
        row = published(purpose, now=now).first()
        if row is not None and _is_readable(row):
            return row
        return _make(purpose, signs_from=now, now=now)


def _make(purpose: str, *, signs_from: datetime, now: datetime) -> SigningKey:
    """Make a key; those before it stay published until what they signed has expired."""
    earlier = SigningKey.objects.filter(purpose=purpose, withdrawn_at=None)
    earlier.update(withdrawn_at=signs_from + PUBLISHED_AFTER)
    private = generate_private_key(_PUBLIC_EXPONENT, _BITS)
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    kid = base64.b32encode(secrets.token_bytes(15)).decode().lower()
    return SigningKey.objects.create(
        purpose=purpose,
        kid=kid,
        kid_digest=digest(kid),
        public_pem=public.decode(),
        private=seal(private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())),
        created_at=now,
        signs_from=signs_from,
    )


def _as_key(row: SigningKey) -> Key:
    return Key(row.kid, _loaded(unseal(bytes(row.private))))


@lru_cache(maxsize=32)
def _numbers(public_pem: str) -> tuple[str, str]:
    public: Any = load_pem_public_key(public_pem.encode())
    numbers = public.public_numbers()
    return _base64url(numbers.n), _base64url(numbers.e)


def _base64url(number: int) -> str:
    octets = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


@lru_cache(maxsize=8)
def _loaded(der: bytes) -> RSAPrivateKey:
    """Reading a key takes longer than signing with it."""
    private: Any = load_der_private_key(der, None)
    return private


def _is_readable(row: SigningKey) -> bool:
    try:
        unseal(bytes(row.private))
    except Unreadable:
        return False
    return True


def _seal_anew(purpose: Purpose, *, now: datetime) -> None:
    for row in published(purpose, now=now).exclude(private=b""):
        try:
            sealed = sealed_anew(bytes(row.private))
        except Unreadable:
            continue
        if sealed is not None:
            SigningKey.objects.filter(pk=row.pk, private=row.private).update(private=sealed)


def _forget_private_halves(purpose: Purpose, *, now: datetime) -> None:
    """Forget those that signed until a while ago: a clock that is a little behind may still want the last one."""
    signing = _signing(purpose, now=now)
    if signing is not None and signing.signs_from + PUBLISHED_BEFORE <= now:
        past = SigningKey.objects.filter(purpose=purpose, signs_from__lt=signing.signs_from).exclude(private=b"")
        past.update(private=b"")


def _state(row: SigningKey, signing: set[int], *, now: datetime) -> State:
    if row.withdrawn_at is not None and row.withdrawn_at <= now:
        return State.WITHDRAWN
    if row.pk in signing:
        return State.SIGNING
    return State.COMING if row.signs_from > now else State.PUBLISHED


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Whoever makes or withdraws a key waits for the others, and looks again."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        yield
