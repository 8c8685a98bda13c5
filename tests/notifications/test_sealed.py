"""Mails as stored: packed, sealed, and for Python the bytes that they were."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from notifications.models import Message
from notifications.models.sealed import opened, sealed
from tests.bookings.requests import NOW
from tests.factories import Office
from tests.notifications.outbox_rows import MIGRI, book

MAIL = b"Subject: Zaproszenie\r\n\r\n" + b"https://narada.example/d/abc " * 200


def stored(pk: int) -> bytes | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT raw FROM notifications_message WHERE id = %s", [pk])
        (content,) = cursor.fetchone()
    return None if content is None else bytes(content)


@pytest.mark.parametrize("content", [b"x", MAIL, bytes(range(256))])
def test_what_is_sealed_can_be_opened(content: bytes) -> None:
    assert opened(sealed(content)) == content
    assert sealed(content) != sealed(content)
    # One byte may well be among random ones.
    assert len(content) == 1 or content not in sealed(content)


def test_no_bytes_stay_none_and_rows_from_before_are_read() -> None:
    assert sealed(b"") == b""
    assert opened(b"") == b""
    assert opened(MAIL) == MAIL
    assert opened(b'{"id": 1}') == b'{"id": 1}'


def test_another_key_opens_nothing_but_one_that_was_replaced_does(settings: Any) -> None:
    kept, old = sealed(MAIL), settings.SECRET_KEY
    settings.SECRET_KEY = "another-secret-key-that-is-as-long-as-the-one-before-it-was"
    assert opened(kept) is None
    settings.SECRET_KEY_FALLBACKS = [old]
    assert opened(kept) == MAIL


def test_what_was_changed_is_not_opened() -> None:
    kept = bytearray(sealed(MAIL))
    kept[-1] ^= 1
    assert opened(bytes(kept)) is None


@pytest.mark.django_db
def test_the_database_holds_no_words_of_a_mail(office: Office) -> None:
    booking = book(office, MIGRI)
    message = Message.objects.filter(booking=booking).latest("pk")
    Message.objects.filter(pk=message.pk).update(
        state="sent", sent_at=NOW, raw=MAIL, may_have_arrived=True, lease_until=None
    )
    kept = stored(message.pk)
    assert kept is not None
    assert b"narada.example" not in kept
    # Packed first: it takes no more room than before.
    assert len(kept) < len(MAIL) // 3
    message.refresh_from_db()
    assert bytes(message.raw or b"") == MAIL
    message.save()
    message.refresh_from_db()
    assert message.raw == MAIL
