"""Fetching from a real IMAP server: nothing is lost, nothing comes twice, whatever breaks in between."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client

from integrations.mailbox import fetch, store, troubles
from integrations.mailbox.models import InboundMail
from tests.bookings.requests import NOW
from tests.integrations.mailbox.mails import letter
from tests.servers import SilentServer, free_port
from tests.servers_imap import ImapServer, imap_server

pytestmark = pytest.mark.django_db

FIRST, SECOND = letter("a@obcy.example", "Pierwszy"), letter("b@obcy.example", "Drugi \0", number=2)


@pytest.fixture(autouse=True)
def no_troubles_before() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def server(settings: Any) -> Iterator[ImapServer]:
    with imap_server() as started:
        settings.IMAP = started.settings()
        yield started


def kept() -> list[bytes]:
    return [bytes(mail.raw) for mail in InboundMail.objects.order_by("pk")]


def test_mails_are_kept_byte_for_byte_and_moved_as_read(server: ImapServer) -> None:
    server.deliver(FIRST, SECOND.replace(b"\0", b"0"))
    assert fetch.fetch_new(NOW) == 2
    assert kept() == [FIRST, SECOND.replace(b"\0", b"0")]
    assert server.holds("INBOX") == []
    assert server.holds("Narada.done") == [(FIRST, True), (SECOND.replace(b"\0", b"0"), True)]
    assert fetch.fetch_new(NOW) == 0


def test_what_somebody_has_read_already_is_fetched_all_the_same(server: ImapServer) -> None:
    server.deliver(FIRST)
    with server.connected() as client:
        client.select("INBOX")
        client.store("1", "+FLAGS", "\\Seen")
    assert fetch.fetch_new(NOW) == 1


def test_killed_after_keeping_and_before_moving_it_is_one_mail(server: ImapServer) -> None:
    server.deliver(FIRST)
    store.store(FIRST, source="imap", now=NOW)
    assert fetch.fetch_new(NOW + timedelta(minutes=1)) == 1
    assert (kept(), server.holds("INBOX")) == ([FIRST], [])


@pytest.mark.django_db(transaction=True)
def test_with_the_database_away_everything_stays_where_it_is(server: ImapServer) -> None:
    server.deliver(FIRST)
    connection.close()
    port, connection.settings_dict["PORT"] = connection.settings_dict["PORT"], str(free_port())
    try:
        with pytest.raises(fetch.OperationalError):
            fetch.fetch_new(NOW)
    finally:
        connection.close()
        connection.settings_dict["PORT"] = port
    assert server.holds("INBOX") == [(FIRST, False)]
    assert fetch.fetch_new(NOW) == 1


def test_of_a_mail_that_is_too_big_the_headers_are_kept(server: ImapServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_SIZE", 2_000)
    server.deliver(letter("a@obcy.example", "x" * 3_000), SECOND.replace(b"\0", b"0"))
    assert fetch.fetch_new(NOW) == 2
    big = InboundMail.objects.earliest("pk")
    assert (big.state, big.outcome) == ("parked", "too_big")
    assert bytes(big.raw).startswith(b"From: Jan Nowak <a@obcy.example>")
    assert b"xxx" not in bytes(big.raw)
    assert server.holds("INBOX") == []


def test_a_mail_that_can_not_be_kept_holds_up_no_other(server: ImapServer) -> None:
    server.deliver(FIRST, SECOND.replace(b"\0", b"0"))
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF NEW.raw LIKE '%Pierwszy%'::bytea THEN RAISE EXCEPTION 'no' USING ERRCODE = 'check_violation'; END IF;"
            " RETURN NEW; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON integrations_inboundmail FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
    # Each in a transaction of its own, as in a worker; the test is one transaction around all.
    from django.db import transaction

    keep = store.store

    def in_savepoint(*args: Any, **values: Any) -> InboundMail:
        with transaction.atomic():
            return keep(*args, **values)

    store.store = in_savepoint
    try:
        assert fetch.fetch_new(NOW) == 1
    finally:
        store.store = keep
    assert kept() == [SECOND.replace(b"\0", b"0")]
    assert server.holds("INBOX") == [(FIRST, False)]
    assert troubles.find_troubles().fetch_fails_since == NOW


@pytest.mark.parametrize("layout", ["", ":LAYOUT=fs"])
def test_folders_are_named_as_the_server_does(settings: Any, layout: str) -> None:
    with imap_server(layout=layout) as server:
        settings.IMAP = server.settings()
        server.deliver(FIRST)
        assert fetch.fetch_new(NOW) == 1
        assert server.holds("Narada/done" if layout else "Narada.done") == [(FIRST, True)]


@pytest.mark.long
@pytest.mark.parametrize("security", ["imaps", "imap+starttls"])
def test_tls_is_checked(settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, security: str) -> None:
    certificate = _certificate(tmp_path)
    with imap_server(certificate=certificate) as server:
        server.deliver(FIRST)
        settings.IMAP = server.settings(security=security)
        assert fetch.fetch_new(NOW) == 0
        assert "certificate" in troubles.find_troubles().words.lower()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert fetch.fetch_new(NOW) == 1
        assert troubles.find_troubles().fetch_fails_since is None


@pytest.mark.long
def test_a_wrong_password_is_told_without_it(server: ImapServer, settings: Any, caplog: Any) -> None:
    settings.IMAP = server.settings(password="calkiem-inne")
    assert fetch.fetch_new(NOW) == 0
    found = troubles.find_troubles()
    assert found.fetch_fails_since == NOW
    assert "calkiem-inne" not in found.words + caplog.text


def test_a_server_that_is_away_or_says_nothing_is_noted_since_when(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "TIMEOUT_SECONDS", 0.3)
    silent = SilentServer()
    try:
        at = {"host": "127.0.0.1", "port": free_port(), "security": "imap", "user": "u", "password": "p"}
        settings.IMAP = {**at, "folder": "INBOX"}
        assert fetch.fetch_new(NOW) == 0
        settings.IMAP["port"] = silent.port
        assert fetch.fetch_new(NOW + timedelta(minutes=15)) == 0
    finally:
        silent.stop()
    found = troubles.find_troubles()
    assert (found.fetch_fails_since, found.names(NOW)) == (NOW, ())
    assert found.names(NOW + troubles.LONG) == ("mail_fetch",)
    assert Client().get("/readyz").json()["troubles"] == ["mail_fetch"]


def _certificate(folder: Path) -> Path:
    path = folder / "imap.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run(
        [*command, "-addext", "subjectAltName=DNS:localhost", "-keyout", str(path), "-out", str(folder / "c.pem")],
        check=True,
        capture_output=True,
    )
    path.write_bytes(path.read_bytes() + (folder / "c.pem").read_bytes())
    return path
