"""What a real Prosody sent arrives over a socket byte for byte, and nothing that we answer wedges a conference."""

from __future__ import annotations

import json
import re
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client

from integrations.jitsi.callers import Purpose, key_for
from integrations.jitsi.models import Conference, ConferenceServer
from integrations.jitsi.servers import follow_settings
from tests.factories import make_pool
from tests.integrations.jitsi import captures
from tests.integrations.jitsi.asking import FORM
from tests.integrations.jitsi.sessions import SERVER
from tests.prosody_answers import message_in, problem_in

pytestmark = pytest.mark.django_db(transaction=True)
OWNER = "693314c8-21ea-4ce6-bc16-2247729973b8@meet.lab"
#: Of the success, its only fields.
TYPES = {"id": str, "name": str, "mail_owner": str, "start_time": str, "duration": int, "max_occupants": int}


@dataclass(frozen=True)
class Heard:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@pytest.fixture
def server(transactional_db: None, settings: Any) -> ConferenceServer:
    for name, value in {**SERVER, "JITSI_UNPLANNED": "admit", "LANGUAGE_CODE": "en"}.items():
        setattr(settings, name, value)
    make_pool(3)
    server = follow_settings()
    assert server is not None
    return server


def exchange(url: str, raw: bytes) -> Heard:
    """Send these bytes and read until the other end closes."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), 10) as wire:
        wire.sendall(raw)
        wire.settimeout(10)
        heard = b""
        while not is_whole(heard):
            piece = wire.recv(65536)
            if not piece:
                break
            heard += piece
    head, _gap, body = heard.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _colon, value in (line.partition(": ") for line in lines)}
    return Heard(int(first.split()[1]), headers, body)


def is_whole(heard: bytes) -> bool:
    head, gap, body = heard.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return bool(gap) and bool(lengths) and len(body) >= int(lengths[0])


def as_ours(raw: bytes, server: ConferenceServer, *, key: str = "") -> bytes:
    """Return the recording with our key, and our path before it."""
    ours = raw.replace(captures.KEY, key_for(server, Purpose.RESERVATIONS).encode())
    return ours.replace(b" " + captures.PATH, b" /jitsi/").replace(b"bk-ok-alpha", key.encode() or b"bk-ok-alpha")


def assert_understood(heard: Heard, name: str) -> dict[str, Any]:
    """Check the success as the module reads it, field by field (P3, P4)."""
    assert heard.status == 200, heard
    told = heard.json
    assert problem_in(told, name) == ""
    assert {field: type(value) for field, value in told.items()} == {field: TYPES[field] for field in told}
    assert told["duration"] > 60
    assert told["mail_owner"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z", told["start_time"])
    return dict(told)


@pytest.mark.parametrize("recorded", [captures.POST_0_12, captures.POST_13])
def test_recorded_post_is_answered(server: ConferenceServer, live_server: Any, recorded: bytes) -> None:
    heard = exchange(live_server.url, as_ours(recorded, server))
    told = assert_understood(heard, "ok-alpha")
    assert (told["name"], told["mail_owner"]) == ("ok-alpha", OWNER)
    assert heard.headers["content-type"] == "application/json"
    assert not {"set-cookie", "location"} & set(heard.headers)
    assert exchange(live_server.url, as_ours(recorded, server)).json == told


def test_recorded_delete_closes_and_succeeds_when_repeated(server: ConferenceServer, live_server: Any) -> None:
    key = exchange(live_server.url, as_ours(captures.POST_0_12, server)).json["id"]
    for _ in range(2):
        heard = exchange(live_server.url, as_ours(captures.DELETE, server, key=key))
        assert (heard.status, heard.body) == (204, b"")
    assert Conference.objects.get().closed_by == "left"
    assert exchange(live_server.url, as_ours(captures.DELETE, server)).status == 204


@pytest.mark.parametrize("line", captures.NUMBERS)
def test_numbers_that_came_back_changed_are_unknown(server: ConferenceServer, live_server: Any, line: bytes) -> None:
    raw = line + captures.DELETE.partition(b"\r\n")[2]
    heard = exchange(live_server.url, as_ours(raw, server))
    assert heard.status == (404 if line.startswith(b"GET") else 204)
    assert message_in(heard.body or b"{}")


@pytest.mark.parametrize(
    ("sent", "name"),
    [(captures.NAME_ESCAPED_TWICE, captures.NAME_ESCAPED), (captures.NAME_WITH_TENANT, "[odbor]ok-t")],
)
def test_names_come_back_as_the_server_has_them(
    server: ConferenceServer, live_server: Any, sent: bytes, name: str
) -> None:
    raw = captures.POST_0_12.replace(b"name=" + captures.NAME, b"name=" + sent)
    longer = 112 + len(sent) - len(captures.NAME)
    raw = raw.replace(b"Content-Length: 112", f"Content-Length: {longer}".encode())
    told = assert_understood(exchange(live_server.url, as_ours(raw, server)), name)
    assert told["name"] == name
    assert Conference.objects.get().name == name


def test_conflict_leads_to_the_same_answer(server: ConferenceServer, live_server: Any) -> None:
    first = exchange(live_server.url, as_ours(captures.POST_0_12, server)).json
    other = captures.POST_13.replace(b"693314c8", b"00000000")
    conflict = exchange(live_server.url, as_ours(other, server))
    assert (conflict.status, conflict.json) == (409, {"conflict_id": first["id"]})
    asked = captures.DELETE.replace(b"DELETE", b"GET", 1)
    heard = exchange(live_server.url, as_ours(asked, server, key=conflict.json["conflict_id"]))
    assert assert_understood(heard, "ok-alpha") == first


def test_wrong_key_is_refused_in_words(server: ConferenceServer, live_server: Any) -> None:
    for raw in (captures.POST_0_12, captures.DELETE):
        heard = exchange(live_server.url, raw.replace(captures.PATH, b"/jitsi/"))
        assert heard.status == 401
        assert message_in(heard.body).startswith("Narada does not know this key.")
    for purpose in set(Purpose) - {Purpose.RESERVATIONS}:
        raw = captures.POST_0_12.replace(captures.KEY, key_for(server, purpose).encode())
        assert exchange(live_server.url, raw.replace(captures.PATH, b"/jitsi/")).status == 401
    assert not Conference.objects.exists()


def test_without_the_database_it_is_asked_again(server: ConferenceServer) -> None:
    """Decision 0016: 503, which Prosody repeats; nobody new gets in, and nothing is wedged."""
    headers = {"Authorization": f"Bearer {key_for(server, Purpose.RESERVATIONS)}"}
    port = connection.settings_dict["PORT"]
    connection.close()
    connection.settings_dict["PORT"] = "1"
    try:
        body = b"name=ok-alpha&mail_owner=x%40meet.lab"
        posted = Client().post("/jitsi/conference", body, content_type=FORM, headers=headers)
        deleted = Client().delete("/jitsi/conference/c1", headers=headers)
    finally:
        connection.settings_dict["PORT"] = port
    assert (posted.status_code, deleted.status_code) == (503, 503)
    assert message_in(posted.content) == "Narada can't look into its plans just now. Try again in a minute."
