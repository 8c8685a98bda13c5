"""Tells what event_sync tells, event by event, at a time of the test's choosing."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import time_machine
from django.test import Client

from bookings.models import Attendee
from integrations.jitsi import people
from integrations.jitsi.callers import Purpose, key_for
from integrations.jitsi.models import Conference, ConferenceServer, Presence

PATHS = {
    "muc-room-created": "/jitsi/events/room/created",
    "muc-occupant-joined": "/jitsi/events/occupant/joined",
    "muc-occupant-left": "/jitsi/events/occupant/left",
    "muc-room-destroyed": "/jitsi/events/room/destroyed",
}


def seconds(at: datetime) -> int:
    return int(at.timestamp())


def jid_of(who: str) -> str:
    return f"{who}-4ea5-ce6b@meet.urzad.example/DOcKT6AD"


@dataclass
class Teller:
    """One conference on one server. Everything is told when it happens, unless `told_at` says when it arrives."""

    server: ConferenceServer
    name: str
    #: As the summary of the main room has them, and by their latest stay, in breakout rooms too.
    everybody: dict[str, dict[str, Any]] = field(default_factory=dict)
    came: dict[str, dict[str, Any]] = field(default_factory=dict)

    def tell(self, event: dict[str, Any], *, told_at: datetime) -> int:
        common = {"room_name": self.name, "room_jid": f"{self.name}@conference.meet.urzad.example"}
        return self.post(event["event_name"], json.dumps({**common, "is_breakout": False, **event}), told_at=told_at)

    def post(self, kind: str, body: str | bytes, *, told_at: datetime, key: str = "") -> int:
        headers = {"Authorization": f"Bearer {key or key_for(self.server, Purpose.EVENTS)}"}
        with time_machine.travel(told_at, tick=False):
            response = Client().post(PATHS[kind], body, content_type="application/json", headers=headers)
        return response.status_code

    def created(self, at: datetime, *, told_at: datetime | None = None, **fields: Any) -> int:
        event = {"event_name": "muc-room-created", "created_at": seconds(at), **fields}
        return self.tell(event, told_at=told_at or at)

    def joined(
        self, who: str, at: datetime, *, as_: Attendee | None = None, told_at: datetime | None = None, **fields: Any
    ) -> int:
        occupant: dict[str, Any] = {"occupant_jid": jid_of(who), "joined_at": seconds(at)}
        if as_ is not None:
            occupant |= {"id": people.user_id(as_), "name": as_.name, "email": as_.email}
        if not fields.get("is_breakout"):
            self.everybody[jid_of(who)] = occupant
        self.came[jid_of(who)] = occupant
        event = {"event_name": "muc-occupant-joined", "occupant": occupant, "active_occupants_count": 1, **fields}
        return self.tell(event, told_at=told_at or at)

    def left(self, who: str, at: datetime, *, told_at: datetime | None = None, **fields: Any) -> int:
        occupant = self.came.get(jid_of(who)) or self.everybody[jid_of(who)]
        occupant["left_at"] = seconds(at)
        event = {"event_name": "muc-occupant-left", "occupant": occupant, "active_occupants_count": 0, **fields}
        return self.tell(event, told_at=told_at or at)

    def destroyed(self, created_at: datetime, at: datetime, *, told_at: datetime | None = None, **fields: Any) -> int:
        event = {
            "event_name": "muc-room-destroyed",
            "created_at": seconds(created_at),
            "destroyed_at": seconds(at),
            "all_occupants": list(self.everybody.values()) or {},
            **fields,
        }
        return self.tell(event, told_at=told_at or at)


def stays(conference: Conference) -> list[tuple[str, bool, datetime, datetime | None]]:
    """Return who was in it, by name of connection."""
    found = Presence.objects.filter(conference=conference).order_by("joined_at", "pk")
    return [(one.occupant_jid.partition("-")[0], one.is_breakout, one.joined_at, one.left_at) for one in found]
