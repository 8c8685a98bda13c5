"""Real servers for tests: an SMTP server that does what a test asks of it, and a Celery worker in its own process."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from django.conf import settings
from django.db import connection

logging.getLogger("mail.log").setLevel(logging.ERROR)

ROOT = Path(__file__).resolve().parent.parent

#: Asked at every stage ("connect", "mail", "rcpt", "data", "text") with the recipient if known. Returns the server's
#: answer, or None to go on as usual. At "text" the whole mail has arrived and is not yet accepted.
Script = Callable[[str, str], str | None]


@dataclass(frozen=True)
class Received:
    """A mail that the server accepted."""

    sender: str
    recipient: str
    raw: bytes
    #: Counts the connections of the server from 1: mails with the same number came over the same one.
    connection: int
    encrypted: bool
    user: str | None

    @property
    def mail(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=policy.default)

    @property
    def message_id(self) -> str:
        return str(self.mail["Message-ID"])


class MailServer:
    """An SMTP server on 127.0.0.1. Set `script` to make it refuse, hang or drop; see `Script`."""

    def __init__(self, *, tls_context: Any = None, implicit_tls: bool = False, password: str | None = None) -> None:
        self.received: list[Received] = []
        self.script: Script = lambda _stage, _recipient: None
        self.connections = 0
        self._password = password
        server = self

        class Protocol(SMTP):
            def connection_made(self, transport: Any) -> None:
                if not getattr(self, "_counted", False):  # called again after STARTTLS
                    self._counted = True
                    server.connections += 1
                    self.number = server.connections
                    if server.script("connect", "") == DROP:
                        transport.abort()
                        return
                super().connection_made(transport)

            async def smtp_DATA(self, arg: str) -> None:  # noqa: N802  the name that aiosmtpd calls
                recipient = self.envelope.rcpt_tos[0] if self.envelope.rcpt_tos else ""
                if (answer := server.script("data", recipient)) is not None:
                    await server._answer(self, answer)
                    return
                await super().smtp_DATA(arg)

        class Port(Controller):
            def factory(self) -> SMTP:
                return Protocol(
                    server,
                    hostname="test.example",
                    tls_context=None if implicit_tls else tls_context,
                    require_starttls=bool(tls_context) and not implicit_tls,
                    auth_required=password is not None,
                    auth_require_tls=False,
                    authenticator=server._authenticate if password else None,
                )

        self._controller = Port(
            self, hostname="127.0.0.1", port=free_port(), ssl_context=tls_context if implicit_tls else None
        )

    @property
    def port(self) -> int:
        return int(self._controller.port)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def start(self) -> MailServer:
        self._controller.start()
        # The controller tries its own port once.
        self.connections = 0
        return self

    def stop(self) -> None:
        self._controller.stop(no_assert=True)

    def wait_for(self, count: int, *, timeout_seconds: float = 20) -> list[Received]:
        """Return the mails once there are so many. Raises: AssertionError when they don't come."""
        wait_until(lambda: len(self.received) >= count, timeout_seconds=timeout_seconds)
        return self.received

    def to(self, recipient: str) -> list[Received]:
        return [mail for mail in self.received if mail.recipient == recipient]

    # Called by aiosmtpd.
    async def handle_MAIL(  # noqa: N802  the name that aiosmtpd calls
        self, server: Any, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if (answer := self.script("mail", "")) is not None:
            return await self._answer(server, answer, push=False)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802  the name that aiosmtpd calls
        self, server: Any, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if (answer := self.script("rcpt", address)) is not None:
            return await self._answer(server, answer, push=False)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802  the name that aiosmtpd calls
        recipient = envelope.rcpt_tos[0]
        answer = self.script("text", recipient)
        if answer is not None and not answer.startswith("250"):
            return await self._answer(server, answer, push=False)
        login = getattr(session.auth_data, "login", None)
        self.received.append(
            Received(
                sender=envelope.mail_from or "",
                recipient=recipient,
                raw=bytes(envelope.original_content or b""),
                connection=server.number,
                encrypted=session.ssl is not None or self._controller.ssl_context is not None,
                user=login.decode() if login else None,
            )
        )
        return answer or "250 OK"

    async def _answer(self, server: Any, answer: str, *, push: bool = True) -> str:
        if answer == DROP:
            server.transport.abort()
            await asyncio.sleep(3600)
        if answer == HANG:
            await asyncio.sleep(3600)
        if push:
            await server.push(answer)
        return answer

    def _authenticate(self, _server: Any, _session: Any, _envelope: Any, mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and data.password.decode() == self._password
        return AuthResult(success=good, handled=mechanism not in {"LOGIN", "PLAIN"}, auth_data=data)


#: Answers of a script that are none: end the connection without a word; never answer.
DROP, HANG = "drop", "hang"


class SilentServer:
    """Accepts connections and never says a word, as a broken balancer or a firewall does."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._accepted: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def connections(self) -> int:
        return len(self._accepted)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                self._accepted.append(self._listener.accept()[0])

    def stop(self) -> None:
        self._listener.close()
        for accepted in self._accepted:
            accepted.close()


class Relay:
    """Passes connections on to another server until it is cut, and again when it is mended: a broker that goes away."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self.port = free_port()
        self._listener: socket.socket | None = None
        self._open: list[socket.socket] = []

    def mend(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """Refuse new connections and end those that there are."""
        for held in (self._listener, *self._open):
            if held is not None:
                with suppress(OSError):
                    held.shutdown(socket.SHUT_RDWR)
                held.close()
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near = listener.accept()[0]
                far = socket.create_connection(self._target)
                self._open += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pass_on(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while chunk := source.recv(65536):
                sink.sendall(chunk)
            sink.shutdown(socket.SHUT_RDWR)


@contextmanager
def mail_server(**options: Any) -> Iterator[MailServer]:
    server = MailServer(**options).start()
    try:
        yield server
    finally:
        server.stop()


def free_port() -> int:
    """Return a port on which nobody listens just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def database_url_of_tests() -> str:
    """Return the address of this run's test database, for processes of their own."""
    values = connection.settings_dict
    user = quote(values["USER"], safe="")
    secret = f":{quote(values['PASSWORD'], safe='')}" if values["PASSWORD"] else ""
    address = quote(values["HOST"], safe="") + (f":{values['PORT']}" if values["PORT"] else "")
    return f"postgresql://{user}{secret}@{address}/{quote(values['NAME'], safe='')}"


def environment(var_dir: Path, **values: str) -> dict[str, str]:
    """Return the environment of a process of the product that works on this run's database."""
    for folder in ("queue", "control"):
        (var_dir / "broker" / folder).mkdir(parents=True, exist_ok=True)
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {
        **keep,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": database_url_of_tests(),
        "SECRET_KEY": settings.SECRET_KEY,
        "BASE_URL": settings.BASE_URL,
        "MAIL_FROM": settings.MAIL_FROM,
        "VAR_DIR": str(var_dir),
        "EMAIL_TIMEOUT_SECONDS": "2",
        "MAIL_COALESCE_SECONDS": "0",
        **values,
    }


class Worker:
    """A Celery worker, by default with its beat inside: one process, two threads."""

    def __init__(self, env: dict[str, str], *, beat: bool = True) -> None:
        self._log = Path(env["VAR_DIR"]) / f"worker-{time.monotonic_ns()}.log"
        command = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "config",
            "worker",
            "-B",
            "-P",
            "threads",
            "-c",
            "2",
            "-l",
            "info",
            "--without-gossip",
            "--without-mingle",
            "-n",
            f"test-{os.getpid()}-{time.monotonic_ns()}@%h",
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def wait_until_ready(self) -> Worker:
        wait_until(lambda: " ready." in self.log or self._process.poll() is not None, timeout_seconds=30)
        assert self._process.poll() is None, self.log
        return self

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """End it and whatever it started at once, as `kill -9` and a power cut do."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@contextmanager
def worker(env: dict[str, str], *, beat: bool = True) -> Iterator[Worker]:
    started = Worker(env, beat=beat)
    try:
        yield started.wait_until_ready()
    except AssertionError:
        print(started.log)  # pytest shows it with the failure
        raise
    finally:
        # A friendly end takes seconds, and what it would finish is in the database.
        started.kill()


def wait_until(condition: Callable[[], object], *, timeout_seconds: float = 20) -> None:
    """Wait until the condition holds. Raises: AssertionError when it doesn't in time."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
