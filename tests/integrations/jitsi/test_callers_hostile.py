"""Whatever bytes arrive where servers call us: never a failure, never a null, never a cookie (P3)."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client

from integrations.jitsi import servers
from integrations.jitsi.callers import Purpose, key_for
from integrations.jitsi.models import ConferenceServer
from tests.integrations.jitsi.sessions import Session
from tests.integrations.jitsi.telephones import make_numbers

pytestmark = pytest.mark.django_db

_VALUES: list[Any] = [
    *("", " ", "\0", "a\0b", "\ud800", "x\udfffy", "a" * 5000, "[a]b", "%00", "\u202e", "https://[", "٣"),
    *(None, True, 0, -1, 1.5, 1e308, 2**63, 10**30, float("inf"), float("nan"), 253_402_300_800, [], {}, ["a"]),
]
_BODIES = [
    *(
        b"",
        b"null",
        b"[]",
        b"1",
        b'"x"',
        b"{",
        b"{}",
        b"\xff",
        b"\0",
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b'{"a":' * 900,
    ),
    *(b'{"a":' + b"9" * 5000 + b"}", "{}".encode("utf-16"), b"x" * 600_000),
]
_AT = 1_795_514_460


@pytest.fixture
def server(session: Session) -> ConferenceServer:
    make_numbers()
    return servers.all_servers()[0]


def bodies_for(server: ConferenceServer, name: str) -> dict[str, tuple[Purpose, dict[str, Any]]]:
    """Return what is right, by address."""
    occupant = {"id": "x", "name": "x", "occupant_jid": "a@b/c", "joined_at": _AT, "left_at": _AT + 5}
    room = {"room_name": name, "is_breakout": False}
    there = f"/jitsi/recorders/{key_for(server, Purpose.RECORDINGS)}/v1"
    recording = {"session_id": "s", "file_name": "f", "sha256": "a" * 64, "size_bytes": 1, "seconds": 9}
    metadata = {"meeting_url": f"https://meet/{name}", "initiator": {"id": "x"}}
    return {
        "/jitsi/events/room/created": (Purpose.EVENTS, {**room, "created_at": _AT}),
        "/jitsi/events/occupant/joined": (Purpose.EVENTS, {**room, "occupant": occupant}),
        "/jitsi/events/occupant/left": (Purpose.EVENTS, {**room, "occupant": occupant}),
        "/jitsi/events/room/destroyed": (
            Purpose.EVENTS,
            {**room, "created_at": _AT, "destroyed_at": _AT + 9, "all_occupants": [occupant]},
        ),
        "/jitsi/recordings": (Purpose.RECORDINGS, {**recording, "metadata": metadata}),
        f"{there}/status": (
            Purpose.RECORDINGS,
            {"jibriId": "j", "status": {"busyStatus": "IDLE", "health": {"healthStatus": "HEALTHY"}}},
        ),
        f"{there}/session/status": (
            Purpose.RECORDINGS,
            {"jibriId": "j", "session": {"sessionId": "s", "status": "ON"}},
        ),
        "/jitsi/dial-in/conference": (Purpose.DIAL_IN, {"id": "123456789", "caller": "+48", "conference": name}),
    }


def spoilt(good: Any) -> Iterator[Any]:
    """Yield it with each value replaced by each of the wrong ones, and without each."""
    keys = list(good) if isinstance(good, dict) else range(len(good)) if isinstance(good, list) else ()
    for key in keys:
        for value in [*_VALUES, *spoilt(good[key])]:
            yield {**good, key: value} if isinstance(good, dict) else [value]
        if isinstance(good, dict):
            yield {name: value for name, value in good.items() if name != key}


def is_well_said(response: Any) -> bool:
    """Say whether a server can make something of the answer."""
    if response.status_code >= 500 or response.cookies:
        return False
    if not response.content:
        return True
    if response.headers["Content-Type"] != "application/json":
        return bool(response.status_code == 400)
    said = response.json()
    return None not in said.values() and isinstance(said.get("message", ""), str)


@pytest.mark.long
@pytest.mark.parametrize("number", range(8))
def test_nothing_that_is_sent_breaks_us(session: Session, server: ConferenceServer, number: int) -> None:
    path, (purpose, good) = list(bodies_for(server, session.booking.conference_name).items())[number]
    headers = {"Authorization": f"Bearer {key_for(server, purpose)}"}
    client = Client(raise_request_exception=False)
    bodies = [*_BODIES, json.dumps(good).encode(), *(json.dumps(one).encode() for one in spoilt(copy.deepcopy(good)))]
    with time_machine.travel(session.at(minutes=1), tick=False):
        bad = []
        for body in bodies:
            response = client.post(path, body, content_type="application/json", headers=headers)
            if not is_well_said(response):
                bad.append((body[:300], response.status_code))
    assert bad == []


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "99999999", "9" * 5000, "²", "+5", "5 5"])
@pytest.mark.parametrize("path", ["/jitsi/conference", "/jitsi/dial-in/conference?id=1"])
def test_no_length_breaks_us(server: ConferenceServer, path: str, length: str) -> None:
    purpose = Purpose.DIAL_IN if "dial-in" in path else Purpose.RESERVATIONS
    headers = {"Authorization": f"Bearer {key_for(server, purpose)}"}
    kind = "application/x-www-form-urlencoded"
    response = Client().generic("POST", path, b"name=a", content_type=kind, headers=headers, CONTENT_LENGTH=length)
    assert response.status_code == 413
    assert is_well_said(response)
