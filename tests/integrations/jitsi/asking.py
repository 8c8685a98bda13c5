"""Asks like a conference server whether a conference may begin, at a time of the test's choice."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import time_machine
from django.test import Client

from integrations.jitsi.callers import Purpose, key_for
from integrations.jitsi.models import ConferenceServer
from tests.prosody import form_encoded

FORM = "application/x-www-form-urlencoded"
FIRST = "693314c8-21ea-4ce6-bc16-2247729973b8@meet.urzad.example"
SECOND = "0b1f5a52-1c52-4c4e-9c0e-7d2c0a5b7f11@meet.urzad.example"


def post(server: ConferenceServer, name: str, at: datetime, *, owner: str = FIRST) -> Any:
    start = at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    body = form_encoded({"name": name, "mail_owner": owner, "start_time": start})
    return call(server, "POST", "/jitsi/conference", at, body=body, kind=FORM)


def get(server: ConferenceServer, key: str, at: datetime) -> Any:
    return call(server, "GET", f"/jitsi/conference/{key}", at)


def delete(server: ConferenceServer, key: str, at: datetime) -> Any:
    return call(server, "DELETE", f"/jitsi/conference/{key}", at)


def call(server: ConferenceServer, method: str, path: str, at: datetime, *, body: bytes = b"", kind: str = "") -> Any:
    headers = {"Authorization": f"Bearer {key_for(server, Purpose.RESERVATIONS)}"}
    with time_machine.travel(at, tick=False):
        return Client().generic(method, path, body, content_type=kind, headers=headers)
