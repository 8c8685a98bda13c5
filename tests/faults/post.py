"""A mail server to be broken at any moment of a conversation, which keeps all that it took, in its order.

Each connection has a thread of its own, so a script may wait: the others go on being served.
"""

from __future__ import annotations

import itertools
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import BinaryIO

#: What a script may answer beside the words of a server: end the connection with a reset; never say a word more.
DROP, HANG = "drop", "hang"

#: Asked at every stage with the recipient ("" before it is known). None: go on as a healthy server does.
#:
#: connect, mail, rcpt, data: before that command is answered. half: some of the text is here. text: all of it is, and
#: nothing is kept yet. kept: the mail is kept, and the client does not know. after: the client was told so.
Script = Callable[[str, str], str | None]
STAGES = ("connect", "mail", "rcpt", "data", "half", "text", "kept", "after")

_HALF_BYTES = 2048


@dataclass(frozen=True)
class Taken:
    """A mail that the server took. `began_at`, `taken_at`: of its MAIL command and of its end, Unix time."""

    number: int
    recipient: str
    raw: bytes
    began_at: float
    taken_at: float


class _HungUp(Exception):
    """This conversation is over."""


class Post:
    """An SMTP server on 127.0.0.1 that can go away and come back under the same port."""

    def __init__(self, *, beside: Post | None = None) -> None:
        """`beside`: another server; mails of both are kept in one list, in the order in which they came."""
        self.script: Script = lambda _stage, _recipient: None
        self.taken: list[Taken] = beside.taken if beside else []
        self.connections = 0
        self.refused = 0
        self._numbers: itertools.count[int] = beside._numbers if beside else itertools.count(1)
        self._lock: threading.Lock = beside._lock if beside else threading.Lock()
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def start(self) -> Post:
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
        return self

    def die(self) -> None:
        """Be gone at once, as after kill -9: every connection is reset, and none is accepted any more."""
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for connection in list(self._open):
            _reset(connection)

    def to(self, recipient: str) -> list[Taken]:
        return [mail for mail in self.taken if mail.recipient == recipient]

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection = listener.accept()[0]
                self.connections += 1
                self._open.add(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection.makefile("rb") as lines:
                _Conversation(self, connection, lines).hold()
        except (OSError, ValueError, _HungUp):
            pass
        finally:
            self._open.discard(connection)
            with suppress(OSError):
                connection.close()

    def keep(self, recipients: list[str], raw: bytes, began_at: float) -> None:
        with self._lock:
            for recipient in recipients:
                self.taken.append(Taken(next(self._numbers), recipient, raw, began_at, time.time()))


class _Conversation:
    """One connection from its greeting to its end."""

    def __init__(self, post: Post, connection: socket.socket, lines: BinaryIO) -> None:
        self._post, self._connection, self._lines = post, connection, lines
        self._recipients: list[str] = []
        self._began_at = 0.0

    def hold(self) -> None:
        self._answer("connect", "220 post.example ESMTP")
        while line := self._lines.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                self._say("250-post.example\r\n250-8BITMIME\r\n250 SMTPUTF8")
            elif verb == b"MAIL":
                self._recipients, self._began_at = [], time.time()
                self._answer("mail", "250 2.1.0 OK")
            elif verb == b"RCPT":
                address = line.partition(b"<")[2].partition(b">")[0].decode()
                if self._answer("rcpt", "250 2.1.5 OK", address):
                    self._recipients.append(address)
            elif verb == b"DATA":
                if self._answer("data", "354 Go on", self._recipient):
                    self._take()
            elif verb == b"QUIT":
                self._say("221 Bye")
                return
            else:
                self._say("250 OK")

    @property
    def _recipient(self) -> str:
        return self._recipients[0] if self._recipients else ""

    def _take(self) -> None:
        raw, seen, is_half = [], 0, False
        while (line := self._lines.readline()) != b".\r\n":
            if not line:
                raise _HungUp  # in the middle of the text: not a mail
            raw.append(line[1:] if line.startswith(b"..") else line)
            seen += len(line)
            if not is_half and seen >= _HALF_BYTES:
                is_half = True
                self._ask("half")
        answer = self._ask("text")
        if answer is None:
            self._post.keep(self._recipients, b"".join(raw), self._began_at)
            answer = self._ask("kept")
        else:
            self._post.refused += 1
        self._say(answer or "250 2.0.0 Taken")
        self._ask("after")

    def _answer(self, stage: str, usual: str, recipient: str = "") -> bool:
        """Say what the script wants, or what is usual; return whether it was the latter."""
        answer = self._ask(stage, recipient)
        self._say(answer or usual)
        if answer is not None:
            self._post.refused += 1
            if answer.startswith("421"):
                raise _HungUp
        return answer is None

    def _ask(self, stage: str, recipient: str = "") -> str | None:
        answer = self._post.script(stage, recipient or self._recipient)
        if answer == HANG:
            while self._connection.recv(65536):  # until the client has had enough
                pass
            raise _HungUp
        if answer == DROP:
            _reset(self._connection)
            raise _HungUp
        return answer

    def _say(self, words: str) -> None:
        self._connection.sendall(words.encode() + b"\r\n")


@contextmanager
def running_post(*, beside: Post | None = None) -> Iterator[Post]:
    post = Post(beside=beside).start()
    try:
        yield post
    finally:
        post.die()


def _reset(connection: socket.socket) -> None:
    """End a connection without a farewell; what is on its way is thrown away."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # A thread that reads from it would keep it open.
        connection.shutdown(socket.SHUT_RD)
    with suppress(OSError):
        connection.close()
