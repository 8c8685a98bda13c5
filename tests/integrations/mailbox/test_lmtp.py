"""The LMTP server, as a process of its own, asked by the standard library's client."""

from __future__ import annotations

import os
import smtplib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured

from integrations.mailbox import lmtp, store
from integrations.mailbox.models import InboundMail
from tests.integrations.mailbox.mails import letter
from tests.servers import ROOT, database_url_of_tests, environment, free_port, wait_until

pytestmark = [pytest.mark.django_db(transaction=True)]

RAW = letter("kto@obcy.example", "Dzień dobry")
TO = "narada@urzad.example"


class _Server:
    def __init__(self, var_dir: Path, **values: str) -> None:
        self.port = free_port()
        command = [sys.executable, "manage.py", "lmtp", "--listen", f"127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment(var_dir, **values), stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        assert b"takes mail" in self.process.stdout.readline()

    def client(self, timeout: float = 10) -> smtplib.LMTP:
        return smtplib.LMTP("127.0.0.1", self.port, timeout=timeout)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


Start = Callable[..., _Server]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[_Server] = []

    def begin(**values: str) -> _Server:
        started.append(_Server(tmp_path, **values))
        return started[-1]

    yield begin
    for server in started:
        server.process.kill()
        server.process.wait()


def data(client: smtplib.LMTP, raw: bytes, *recipients: str) -> list[tuple[int, bytes]]:
    """Send one mail by hand; return the answer for each recipient."""
    client.ehlo_or_helo_if_needed()
    client.mail("")
    for recipient in recipients:
        assert client.rcpt(recipient)[0] == 250
    answers = [client.data(raw)]
    return answers + [client.getreply() for _ in recipients[1:]]


@pytest.mark.long
def test_a_mail_is_kept_before_it_is_taken(start: Start) -> None:
    with start().client() as client:
        assert client.sendmail("kto@obcy.example", [TO], RAW) == {}
        mail = InboundMail.objects.get()
    assert bytes(mail.raw) == b"Return-Path: <kto@obcy.example>\r\n" + RAW
    assert (mail.source, mail.envelope_to) == ("lmtp", [TO])


@pytest.mark.long
def test_each_recipient_gets_an_answer(start: Start) -> None:
    with start().client() as client:
        assert [code for code, _words in data(client, RAW, TO, "b@urzad.example", "c@urzad.example")] == [250] * 3
        # The next mail over the same connection is not confused by answers that nobody fetched.
        assert [code for code, _words in data(client, RAW + b"2", TO)] == [250]
    assert InboundMail.objects.count() == 2


@pytest.mark.long
def test_what_is_too_big_is_refused_for_good_for_each(start: Start) -> None:
    line = b"x" * 998 + b"\r\n"
    big = RAW + line * (store.MAX_SIZE // len(line) + 1)
    with start().client(30) as client:
        assert [code for code, _words in data(client, big, TO, "b@urzad.example")] == [552, 552]
        assert data(client, RAW, TO)[0][0] == 250
    assert InboundMail.objects.count() == 1


@pytest.mark.long
@pytest.mark.parametrize(
    "raw", [RAW + b"\0\xff\r\n.\r\nnie koniec", RAW + b"y" * 200_000, b"x", RAW + b"bare\nlf\rcr\r\n"]
)
def test_any_bytes_are_taken(start: Start, raw: bytes) -> None:
    with start().client() as client:
        assert data(client, raw, TO)[0][0] == 250
    kept = bytes(InboundMail.objects.get().raw)
    assert kept.startswith(b"Return-Path: <>\r\n" + raw[:100])
    assert len(kept) >= len(raw)


@pytest.mark.long
def test_without_the_database_the_mail_server_keeps_it(start: Start, tmp_path: Path) -> None:
    server = start()
    # Every connection to the tables waits or fails from here on.
    with psycopg.connect(database_url_of_tests(), autocommit=True) as direct:
        direct.execute("ALTER TABLE integrations_inboundmail RENAME TO away")
        try:
            with server.client() as client:
                assert [code for code, _words in data(client, RAW, TO, "b@urzad.example")] == [451, 451]
        finally:
            direct.execute("ALTER TABLE away RENAME TO integrations_inboundmail")
    with server.client() as client:
        assert data(client, RAW, TO)[0][0] == 250


@pytest.mark.long
def test_with_a_database_that_is_not_there_at_all(start: Start) -> None:
    server = start(DATABASE_URL=f"postgresql://narada@127.0.0.1:{free_port()}/narada")
    with server.client(30) as client:
        assert data(client, RAW, TO)[0][0] == 451


@pytest.mark.long
def test_too_many_recipients_come_in_a_second_mail(start: Start) -> None:
    with start().client() as client:
        client.ehlo_or_helo_if_needed()
        client.mail("")
        codes = [client.rcpt(f"u{number}@urzad.example")[0] for number in range(lmtp.MAX_RECIPIENTS + 1)]
    assert codes == [250] * lmtp.MAX_RECIPIENTS + [452]


@pytest.mark.long
def test_too_many_connections_are_put_off(start: Start) -> None:
    server = start()
    held = [socket.create_connection(("127.0.0.1", server.port), 5) for _ in range(lmtp.MAX_CONNECTIONS)]
    assert all(connection.recv(3) == b"220" for connection in held)
    late = socket.create_connection(("127.0.0.1", server.port), 5)
    assert late.recv(3) == b"421"
    for connection in held:
        connection.close()
    wait_until(lambda: _greets(server.port))


def _greets(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        return connection.recv(3) == b"220"


@pytest.mark.long
def test_it_speaks_lmtp_alone(start: Start) -> None:
    with start().client() as client:
        assert client.docmd("EHLO", "x")[0] == 500
        assert client.docmd("LHLO", "x")[0] == 250


@pytest.mark.long
def test_asked_to_stop_it_finishes_the_mail_that_it_has(start: Start) -> None:
    server = start()
    with psycopg.connect(database_url_of_tests()) as blocking:
        blocking.execute("LOCK TABLE integrations_inboundmail IN EXCLUSIVE MODE")
        answers: list[tuple[int, bytes]] = []

        def send() -> None:
            answers.extend(data(server.client(20), RAW, TO, "b@urzad.example"))

        sending = threading.Thread(target=send)
        sending.start()
        with psycopg.connect(database_url_of_tests(), autocommit=True) as watching:
            waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database"
            wait_until(lambda: watching.execute(f"{waits} WHERE datname = current_database())").fetchone()[0])
        server.process.terminate()
        time.sleep(0.3)
        assert server.process.poll() is None
        blocking.commit()
        sending.join(20)
    assert [code for code, _words in answers] == [250, 250]
    assert server.process.wait(20) == 0
    assert InboundMail.objects.count() == 1


@pytest.mark.long
def test_a_unix_socket_is_made_for_the_group_and_taken_away(tmp_path: Path, start: Start) -> None:
    path = Path("/tmp") / f"narada-lmtp-{os.getpid()}"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))  # of one that was killed
    left.close()
    command = [sys.executable, "manage.py", "lmtp", "--listen", f"unix:{path}"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(tmp_path), stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert b"takes mail" in process.stdout.readline()
        assert path.stat().st_mode & 0o777 == 0o660
        with smtplib.LMTP(str(path)) as client:
            assert client.sendmail("", [TO], RAW) == {}
        second = subprocess.run(
            command, cwd=ROOT, env=environment(tmp_path), capture_output=True, timeout=30, check=False
        )
        assert second.returncode == 1
        assert b"Somebody listens" in second.stderr
        process.terminate()
        assert process.wait(20) == 0
        assert not path.exists()
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("text", ["", "unix:", "2003", "host:", "host:99999", ":2003"])
def test_where_to_listen_has_to_be_said(text: str) -> None:
    with pytest.raises(ImproperlyConfigured):
        lmtp.parse_address(text)
