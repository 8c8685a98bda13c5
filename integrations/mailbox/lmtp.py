"""Takes mail over LMTP (RFC 2033): each is kept in the database before the mail server hears that it was taken."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import Envelope, Session
from django.core.exceptions import ImproperlyConfigured

from integrations.mailbox import store

logger = logging.getLogger(__name__)

MAX_RECIPIENTS = 100
MAX_CONNECTIONS = 20
#: Without a word from the other side; and for one connection at all, whatever it says.
IDLE_SECONDS = 60
SESSION_SECONDS = 600
#: For what is being taken when the server is asked to stop.
GRACE_SECONDS = 10
#: Mails kept at once: each needs a connection to the database.
_KEEPERS = 4

#: Keeps a mail, for these recipients; called in a thread. Raises: store.TooBig, or anything when it was not kept.
Keep = Callable[[bytes, list[str]], object]

_TAKEN = "250 2.0.0 Kept"
_LATER = "451 4.3.0 Not kept, try again later"
_TOO_BIG = "552 5.3.4 Bigger than this service takes"


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen: the path of a Unix socket, or host and port."""

    path: str = ""
    host: str = ""
    port: int = 0


def parse_address(text: str) -> Address:
    """Return what `unix:/run/narada/lmtp` or `127.0.0.1:2003` says. Raises: ImproperlyConfigured."""
    if text.startswith("unix:") and len(text) > len("unix:"):
        return Address(path=text.removeprefix("unix:"))
    host, _, port = text.rpartition(":")
    if host and port.isdigit() and int(port) < 65536:
        return Address(host=host.strip("[]"), port=int(port))
    raise ImproperlyConfigured("Where to listen is unix:/path or host:port, such as unix:/run/narada/lmtp.")


class Server:
    """Listens until `stop`. `keep` is called in a thread, for a few mails at once."""

    def __init__(self, address: Address, keep: Keep) -> None:
        self._address, self._keep = address, keep
        self._pool = ThreadPoolExecutor(_KEEPERS, thread_name_prefix="keep")
        self._server: asyncio.Server | None = None
        self._open: set[_Session] = set()
        self._is_stopping = False

    async def start(self) -> None:
        """Begin to listen. Raises: OSError when the address can't be had."""
        loop = asyncio.get_running_loop()
        if self._address.path:
            # The socket of one who was killed is in the way; of one who lives it is not to be taken.
            _remove_dead_socket(self._address.path)
            self._server = await loop.create_unix_server(self._session, self._address.path)
            Path(self._address.path).chmod(0o660)
        else:
            self._server = await loop.create_server(self._session, self._address.host, self._address.port)

    async def stop(self) -> None:
        """Take no more connections, finish the mails that are being taken, end."""
        self._is_stopping = True
        assert self._server is not None
        self._server.close()
        deadline = asyncio.get_running_loop().time() + GRACE_SECONDS
        for session in list(self._open):
            session.end_when_idle()
        while self._open and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.02)
        for session in list(self._open):
            session.abort()
        self._pool.shutdown(wait=True)
        if self._address.path:
            Path(self._address.path).unlink(missing_ok=True)

    def _session(self) -> _Session:
        return _Session(self)

    def admit(self, session: _Session) -> bool:
        if self._is_stopping or len(self._open) >= MAX_CONNECTIONS:
            return False
        self._open.add(session)
        return True

    def leave(self, session: _Session) -> None:
        self._open.discard(session)

    async def keep(self, raw: bytes, recipients: list[str]) -> str:
        """Keep a mail; return the answer that each recipient gets."""
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._pool, partial(self._keep, raw, recipients))
        except store.TooBig:
            return _TOO_BIG
        except Exception as error:
            # The mail server keeps it, and tries again.
            logger.warning("A mail was not kept: %s", type(error).__name__)
            return _LATER
        return _TAKEN

    # Called by aiosmtpd.
    async def handle_RCPT(  # noqa: N802  the name that aiosmtpd calls
        self, _server: Any, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: _Session, _session: Session, envelope: Envelope) -> str:  # noqa: N802  likewise
        server.is_taking = True
        try:
            # Who delivers last adds the envelope's sender, which tells reports from letters (RFC 5321 4.4).
            # The library calls nobody `<>`.
            path = (envelope.mail_from or "").strip("<>").encode("utf-8", "surrogateescape")
            raw = b"Return-Path: <%s>\r\n%s" % (path, bytes(envelope.original_content or b""))
            return await self.keep(raw, list(envelope.rcpt_tos))
        finally:
            server.is_taking = False


class _Session(LMTP):
    """One connection. After DATA it answers once for each recipient (RFC 2033 4.2)."""

    # RFC 5322 says 998, and not every program keeps to it: a mail server would send the mail back for that.
    line_length_limit = 1_000_000

    def __init__(self, server: Server) -> None:
        self._taker = server
        self._ends: asyncio.TimerHandle | None = None
        self._answers = 0
        self._is_last = False
        self.is_taking = False
        super().__init__(
            server,
            data_size_limit=store.MAX_SIZE,
            enable_SMTPUTF8=True,
            hostname=socket.gethostname(),
            ident="Narada",
            timeout=IDLE_SECONDS,
        )

    def connection_made(self, transport: Any) -> None:
        if not self._taker.admit(self):
            transport.write(b"421 4.3.2 Too many connections, try again later\r\n")
            transport.close()
            return
        self._ends = asyncio.get_running_loop().call_later(SESSION_SECONDS, self.abort)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._ends is None:
            return
        self._ends.cancel()
        self._taker.leave(self)
        super().connection_lost(error)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802  the name that aiosmtpd calls
        assert self.envelope is not None
        self._answers = len(self.envelope.rcpt_tos)
        try:
            await super().smtp_DATA(arg)
        finally:
            self._answers = 0
        if self._is_last:
            await self.push("421 4.3.2 This service is stopping")
            self._quit()

    async def push(self, status: str | bytes) -> None:
        text = status.decode("ascii", "replace") if isinstance(status, bytes) else status
        # What begins with 354 asks for the text, 503 and 501 refuse the command; all else is the word on the mail.
        if self._answers and not text.startswith(("354", "503", "501")):
            text = "\r\n".join([text] * self._answers)
        await super().push(text)

    def end_when_idle(self) -> None:
        """End at once, or after the mail that is being taken."""
        self._is_last = True
        if not self._answers:
            self._quit()

    def abort(self) -> None:
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()

    def _quit(self) -> None:
        if self.transport is not None:
            with suppress(OSError):
                self.transport.close()


def _remove_dead_socket(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except FileNotFoundError:
            return
        except ConnectionRefusedError:
            Path(path).unlink(missing_ok=True)
            return
    raise OSError(f"Somebody listens at {path} already.")
