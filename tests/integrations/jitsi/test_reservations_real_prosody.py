"""A real Prosody asks us with its own HTTP client: what arrives, and what it makes of our answers.

Needs Debian's package prosody, which CI installs; elsewhere it is skipped. The module in `prosody/` is ours.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from integrations.jitsi.callers import Purpose, key_for
from integrations.jitsi.models import Conference, ConferenceServer
from integrations.jitsi.servers import follow_settings
from tests.factories import make_pool
from tests.integrations.jitsi.sessions import SERVER
from tests.servers import free_port

_PROSODY = shutil.which("prosody")
_MODULE = Path(__file__).parent / "prosody" / "mod_narada_asks.lua"
_WAIT_SECONDS = 30
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        _PROSODY is None and not os.environ.get("CI"), reason="prosody is not installed: apt install prosody"
    ),
]
OWNER = "693314c8-21ea-4ce6-bc16-2247729973b8@meet.lab"


class Relay:
    """Passes calls on to the server byte for byte, and keeps them. `fails`: so many connections are dropped first."""

    def __init__(self, url: str) -> None:
        self.arrived: list[bytes] = []
        self.fails = 0
        self._target = urlsplit(url)
        self._socket = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def stop(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _address = self._socket.accept()
                with connection:
                    self._pass_on(connection)

    def _pass_on(self, connection: socket.socket) -> None:
        raw = b""
        while not _is_whole(raw):
            raw += connection.recv(65536)
        self.arrived.append(raw)
        if self.fails:
            self.fails -= 1
            return
        with socket.create_connection((self._target.hostname, self._target.port), 10) as server:
            server.sendall(raw.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
            while piece := server.recv(65536):
                connection.sendall(piece)


def _is_whole(raw: bytes) -> bool:
    head, gap, body = raw.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
    return bool(gap) and len(body) >= (int(length[1]) if length else 0)


@pytest.fixture
def server(transactional_db: None, settings: Any) -> ConferenceServer:
    for name, value in {**SERVER, "JITSI_UNPLANNED": "admit", "LANGUAGE_CODE": "en"}.items():
        setattr(settings, name, value)
    make_pool(3)
    server = follow_settings()
    assert server is not None
    return server


@pytest.fixture
def relay(live_server: Any) -> Iterator[Relay]:
    relay = Relay(live_server.url)
    yield relay
    relay.stop()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that Prosody's own account reads and writes; pytest's are closed to all others."""
    with tempfile.TemporaryDirectory(prefix="narada-prosody-") as name:
        yield Path(name)


def run(folder: Path, server: ConferenceServer, relay: Relay, *steps: dict[str, str], delay: float = 0.1) -> list[Any]:
    """Have a Prosody take the steps; return what it heard."""
    heard = folder / "heard.jsonl"
    (folder / "steps.json").write_text(json.dumps(steps))
    shutil.copy(_MODULE, folder)
    (folder / "prosody.cfg.lua").write_text(_config(folder, key_for(server, Purpose.RESERVATIONS), relay, delay=delay))
    account = _own_to_prosody(folder)
    assert _PROSODY, "CI installs prosody (.ci/run)"
    command = [_PROSODY, "-F", "--config", str(folder / "prosody.cfg.lua")]
    with (folder / "out.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            cwd=folder,
            user=account,
            group=account,
            extra_groups=[] if account else None,
        )
    try:
        until = time.monotonic() + _WAIT_SECONDS
        while not (heard.exists() and heard.read_text().endswith("done\n")):
            is_late = process.poll() is not None or time.monotonic() > until
            assert not is_late, (folder / "out.log").read_text()
            time.sleep(0.05)
    finally:
        process.terminate()
        process.wait(10)
    return [json.loads(line) for line in heard.read_text().splitlines()[:-1]]


def _own_to_prosody(folder: Path) -> str | None:
    """Give the folder to Debian's account for Prosody, where we may: it is never run as root."""
    if os.geteuid() != 0:
        return None
    for path in (folder, *folder.iterdir()):
        shutil.chown(path, "prosody", "prosody")
    return "prosody"


def _config(folder: Path, key: str, relay: Relay, *, delay: float) -> str:
    return f"""
plugin_paths = {{ "{folder}" }}
data_path = "{folder}"
pidfile = "{folder}/prosody.pid"
log = {{ {{ levels = {{ min = "info" }}, to = "console" }} }}
modules_disabled = {{ "c2s", "s2s", "tls", "offline" }}
c2s_ports = {{}}
s2s_ports = {{}}
http_ports = {{ {free_port()} }}
https_ports = {{}}
narada_prefix = "http://127.0.0.1:{relay.port}/jitsi"
narada_key = "{key}"
narada_delay = {delay}
narada_steps = "{folder}/steps.json"
narada_heard = "{folder}/heard.jsonl"
VirtualHost "meet.lab"
    modules_enabled = {{ "narada_asks" }}
"""


def create(name: str, owner: str = OWNER) -> dict[str, str]:
    return {"do": "create", "name": name, "owner": owner}


def test_conference_is_created_and_removed(server: ConferenceServer, relay: Relay, folder: Path) -> None:
    created, removed = run(folder, server, relay, create("ok-alpha"), {"do": "remove"})
    conference = Conference.objects.get()
    assert created["code"] == 200
    assert created["kinds"] == {
        "id": "string",
        "name": "string",
        "mail_owner": "string",
        "start_time": "string",
        "duration": "integer",
    }
    assert (created["id"], created["name"]) == (conference.key, "ok-alpha")
    assert conference.promised_until is not None
    assert created["expires_at"] == int(conference.promised_until.timestamp()) > created["now"] + 60
    assert removed == {"code": 204, "body": ""}
    assert conference.closed_by == "left"


def test_calls_arrive_as_recorded(server: ConferenceServer, relay: Relay, folder: Path) -> None:
    run(folder, server, relay, create("ok-zaseda%c4%8dka"), {"do": "remove"})
    post, delete = relay.arrived
    head, body = post.split(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    key = key_for(server, Purpose.RESERVATIONS)
    assert first == "POST /jitsi/conference HTTP/1.1"
    assert headers.pop("Content-Length") == str(len(body))
    assert re.fullmatch(r"Prosody \([0-9.]+; posix\)", headers.pop("User-Agent"))
    assert headers.pop("Connection", "close") == "close"
    assert headers == {
        "Content-Type": "application/x-www-form-urlencoded",
        "Host": f"127.0.0.1:{relay.port}",
        "Authorization": f"Bearer {key}",
    }
    fields = dict(part.split("=") for part in body.decode().split("&"))
    assert set(fields) == {"name", "mail_owner", "start_time"}
    assert fields["name"] == "ok-zaseda%25c4%258dka"
    assert fields["mail_owner"] == OWNER.replace("@", "%40")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d%3a\d\d%3a\d\d\.000Z", fields["start_time"])
    assert unquote(fields["name"]) == Conference.objects.get().name
    gone, nothing = delete.split(b"\r\n\r\n")
    assert gone.startswith(f"DELETE /jitsi/conference/{Conference.objects.get().key} HTTP/1.1\r\n".encode())
    assert b"content-" not in gone.lower()
    assert nothing == b""


def test_conflict_leads_to_what_is_open(server: ConferenceServer, relay: Relay, folder: Path) -> None:
    first, second = run(folder, server, relay, create("ok-alpha"), create("ok-alpha", "other@meet.lab"))
    assert [raw.split(b" ")[0] for raw in relay.arrived] == [b"POST", b"POST", b"GET"]
    assert (second["code"], second["id"], second["expires_at"]) == (200, first["id"], first["expires_at"])


def test_dropped_connections_are_tried_four_times(server: ConferenceServer, relay: Relay, folder: Path) -> None:
    relay.fails = 3
    [created] = run(folder, server, relay, create("ok-alpha"))
    assert created["code"] == 200
    assert len(relay.arrived) == 4
    assert len({raw.split(b"\r\n\r\n")[1] for raw in relay.arrived}) == 1
    assert Conference.objects.count() == 1


def test_refusals_are_read_as_texts(server: ConferenceServer, relay: Relay, folder: Path, settings: Any) -> None:
    settings.JITSI_UNPLANNED = "refuse"
    numbers = [{"do": "call", "method": "DELETE", "path": f"/conference/{key}"} for key in ("364758328.0", "9e+15")]
    asked = {"do": "call", "method": "GET", "path": "/conference/77.0"}
    refused, *deleted, unknown = run(folder, server, relay, create("ok-alpha"), *numbers, asked)
    assert (refused["code"], refused["kinds"]) == (403, {"message": "string"})
    assert refused["message"].startswith("Nobody has booked this conference.")
    assert [answer["code"] for answer in deleted] == [204, 204]
    assert (unknown["code"], unknown["kinds"]) == (404, {"message": "string"})
