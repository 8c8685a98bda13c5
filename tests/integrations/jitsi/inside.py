"""What stands inside a conference server: a real HTTP server on localhost that answers, or fails, as a test wants."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt

from integrations.jitsi.models import SigningKey


@dataclass(frozen=True)
class Asked:
    """A request as it came in, byte for byte where it matters: `path` is not decoded."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


#: Instead of a reply: say nothing; end the connection without a word; send a byte now and then, for ever.
HANG, RESET, DRIP, DRIP_HEAD, CUT = "hang", "reset", "drip", "drip-head", "cut"

Script = Callable[[Asked], Reply | str]


class Inside:
    """Set `script` to make it answer otherwise."""

    def __init__(self, script: Script) -> None:
        self.asked: list[Asked] = []
        self.script = script
        self.ends = threading.Event()
        inside = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                asked = Asked(self.command, self.path, dict(self.headers), self.rfile.read(length))
                inside.asked.append(asked)
                inside.answer(self, inside.script(asked))

            do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815  the names that http.server calls

            def log_message(self, *_args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_args: object) -> None:
                """Say nothing of clients that went away: they were to."""

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=[0.01], daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self.ends.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler, reply: Reply | str) -> None:
        connection: socket.socket = handler.connection
        handler.close_connection = True
        if isinstance(reply, Reply):
            if "Date" in reply.headers:
                handler.send_response_only(reply.status)
            else:
                handler.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(reply.body)
        elif reply == HANG:
            self.ends.wait(20)
        elif reply == RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        elif reply == CUT:
            connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"room')
        elif reply in {DRIP, DRIP_HEAD}:
            head = (
                b"HTTP/1.1 200 OK\r\nX: " if reply == DRIP_HEAD else b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"
            )
            with suppress(OSError):
                connection.sendall(head)
                while not self.ends.wait(0.05):
                    connection.sendall(b"a")


@contextmanager
def inside(script: Script) -> Iterator[Inside]:
    server = Inside(script)
    try:
        yield server
    finally:
        server.stop()


def as_json(value: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(value).encode(), {"Content-Type": "application/json"})


@dataclass
class Prosody:
    """Prosody's HTTP side with Jitsi's modules, as far as we call it; rooms by node, with nicks and display names.

    `verifies`: takes only tokens of our control key, as with a key store of its own. What it answers to whom follows
    the modules' source: kick says 200 to a token that it does not take.
    """

    rooms: dict[str, dict[str, str]] = field(default_factory=dict)
    domain: str = "meet.urzad.example"
    #: Lines that arrived: (room, connection, text).
    lines: list[tuple[str, str, str]] = field(default_factory=list)
    verifies: bool = True
    has_modules: bool = True

    def __call__(self, asked: Asked) -> Reply | str:
        path, _mark, query = asked.path.partition("?")
        params = dict(pair.split("=", 1) for pair in query.split("&") if "=" in pair)
        if asked.headers.get("Host") != self.domain or not self.has_modules:
            return Reply(404, b"<!DOCTYPE html><title>404 Not Found</title>", {"Content-Type": "text/html"})
        act = getattr(self, "_" + path.strip("/").replace("-", "_"), None)
        assert act is not None, path
        reply = act(asked, params)
        assert isinstance(reply, Reply)
        return reply

    def _room_census(self, _asked: Asked, _params: dict[str, str]) -> Reply:
        rows = [
            {
                "room_name": f"{name}@conference.{self.domain}",
                "participants": len(people),
                "leaked": False,
                **({"created_time": "1795359291000"} if people else {}),
            }
            for name, people in self.rooms.items()
        ]
        return as_json({"room_census": rows or {}})

    def _room(self, _asked: Asked, params: dict[str, str]) -> Reply:
        found = self.rooms.get(params["room"])
        if found is None:
            return Reply(404)
        jid = f"{params['room']}@conference.{self.domain}"
        rows = [{"jid": f"{jid}/{nick}", "email": "", "display_name": name} for nick, name in found.items()]
        return as_json(rows)

    def _room_size(self, _asked: Asked, params: dict[str, str]) -> Reply:
        found = self.rooms.get(params["room"])
        return Reply(404) if found is None else as_json({"participants": max(1, len(found))})

    def _send_system_chat_message(self, asked: Asked, _params: dict[str, str]) -> Reply:
        said = asked.json
        name = said["room"].partition("@")[0]
        if name not in self.rooms:
            return Reply(404)
        if not self._takes(asked):
            return Reply(401)
        self.lines += [(name, jid, said["message"]) for jid in said["connectionJIDs"]]
        return Reply()

    def _end_meeting(self, asked: Asked, params: dict[str, str]) -> Reply:
        if not self._takes(asked):
            return Reply(401)
        name = params["conference"].partition("@")[0]
        return Reply(404) if self.rooms.pop(name, None) is None else Reply()

    def _kick_participant(self, asked: Asked, params: dict[str, str]) -> Reply:
        if not self._takes(asked):
            return Reply(200)
        found = self.rooms.get(params["room"], {})
        return Reply(404) if found.pop(asked.json["participantId"], None) is None else Reply()

    def _takes(self, asked: Asked) -> bool:
        """Verify as Prosody does: our key's name, signature, audience, issuer; times by the clock of the machine."""
        if not self.verifies:
            return True
        token = asked.headers.get("Authorization", "").removeprefix("Bearer ")
        return token_is_of_control_key(token, self.domain)


def token_is_of_control_key(token: str, domain: str) -> bool:
    """Say so by the public halves that a key server for the control endpoints would show."""
    try:
        kid = jwt.get_unverified_header(token)["kid"]
        key = _PUBLIC.get(kid, "")
        options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
        claims = jwt.decode(token, key, algorithms=["RS256"], audience="jitsi", options=options)
    except (jwt.PyJWTError, KeyError):
        return False
    return bool(claims["sub"] == domain and claims["room"])


#: Read by `remember_keys`: the stand-in answers in threads, which don't see a test's transaction.
_PUBLIC: dict[str, str] = {}


def remember_keys(purpose: str = SigningKey.Purpose.CONTROL) -> None:
    """Have the stand-in know our public keys of this purpose, as they are now."""
    _PUBLIC.clear()
    _PUBLIC.update(SigningKey.objects.filter(purpose=purpose).values_list("kid", "public_pem"))


def since(began: float) -> float:
    return time.monotonic() - began
