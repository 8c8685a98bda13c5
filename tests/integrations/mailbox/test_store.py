"""Mails are kept once, whole, whatever is in them; and forgotten in time."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from integrations.mailbox import inbox, store
from integrations.mailbox.models import InboundMail
from tests.bookings.requests import NOW
from tests.factories import Office
from tests.integrations.mailbox.mails import letter

pytestmark = pytest.mark.django_db

RAW = letter("kto@obcy.example", "Dzień dobry")


@pytest.mark.parametrize("raw", [RAW, b"\0", b"", bytes(range(256)), b"x" * 100_000])
def test_any_bytes_are_kept_as_they_are(raw: bytes) -> None:
    mail = store.store(raw, source="lmtp", envelope_to=["A@urzad.example"], now=NOW)
    mail.refresh_from_db()
    assert (bytes(mail.raw), mail.size, mail.state) == (raw, len(raw), "waiting")
    assert (mail.envelope_to, mail.received_at) == (["a@urzad.example"], NOW)


def test_the_same_bytes_are_one_mail_for_all_to_whom_they_came() -> None:
    first = store.store(RAW, source="lmtp", envelope_to=["a@urzad.example"], now=NOW)
    again = store.store(RAW, source="imap", envelope_to=["b@urzad.example"], now=NOW + timedelta(days=1))
    again.refresh_from_db()
    assert (again.pk, again.source, again.received_at) == (first.pk, "lmtp", NOW)
    assert again.envelope_to == ["a@urzad.example", "b@urzad.example"]


def test_a_mail_that_is_too_big_is_not_kept() -> None:
    with pytest.raises(store.TooBig):
        store.store(b"x" * (store.MAX_SIZE + 1), source="lmtp", now=NOW)
    assert not InboundMail.objects.exists()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_the_same_mail_from_many_threads_is_one_row() -> None:
    barrier, found = threading.Barrier(8), []

    def put() -> None:
        barrier.wait()
        try:
            found.append(store.store(RAW, source="lmtp", now=NOW).pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=put) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == InboundMail.objects.count() == 1


def test_old_mails_are_emptied_and_still_known(office: Office, settings: Any) -> None:
    settings.MAIL_KEPT_DAYS = 30
    old = store.store(RAW, source="lmtp", envelope_to=["a@urzad.example"], now=NOW)
    inbox.handle_waiting(NOW)
    new = store.store(letter("b@obcy.example", "x"), source="lmtp", now=NOW + timedelta(days=2))
    inbox.handle_waiting(NOW + timedelta(days=2))
    waiting = store.store(b"never handled", source="lmtp", now=NOW)
    assert store.forget(NOW + timedelta(days=30)) == 0
    assert store.forget(NOW + timedelta(days=31)) == 1
    old.refresh_from_db()
    assert (bytes(old.raw), old.text, old.subject, old.sender, old.envelope_to) == (b"", "", "", "", [])
    assert (old.outcome, old.what) == ("unknown_session", "text")
    for kept in (new, waiting):
        kept.refresh_from_db()
        assert bytes(kept.raw)
    assert store.store(RAW, source="imap", now=NOW + timedelta(days=40)).pk == old.pk
    assert inbox.handle_waiting(NOW + timedelta(days=40)) == 1  # the one that waits
    assert not store.read_again(old, by=office.it_admin)
