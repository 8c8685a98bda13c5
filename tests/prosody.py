"""A stand-in for Prosody as it behaves towards us: asks before a conference may begin, tells who came and went.

It repeats, gives up, remembers, follows no redirect and breaks on what breaks Jitsi's modules, by a clock that a test
moves on. Proved on the wire, and said in our own words in `shared/reference/jitsi.md`, sections 1 and 4.
"""

from __future__ import annotations

import heapq
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import uuid4

import time_machine
from django.test import Client

from integrations.jitsi.callers import Purpose, key_for
from integrations.jitsi.models import ConferenceServer
from tests.prosody_answers import decoded, message_in, problem_in

_KEPT = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.~_-"


class Fate(StrEnum):
    """What becomes of a call on its way."""

    ARRIVES = "arrives"
    #: Nobody listens: repeated like an error of ours.
    REFUSED = "refused"
    #: Neither comes back: given up after the timeout, never repeated. The first did arrive.
    ANSWER_LOST = "answer lost"
    LOST = "lost"


@dataclass(frozen=True)
class Call:
    """A request as Prosody writes it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def raw(self) -> bytes:
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in self.headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""


Send = Callable[[Call], Answer]


@dataclass
class Clock:
    """The time there and here. What is due runs when the clock is moved past it, in order."""

    now: datetime
    _due: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    _count: itertools.count[int] = field(default_factory=itertools.count)

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self.now + timedelta(seconds=seconds), next(self._count), call))

    def advance(self, **delta: float) -> None:
        self.move_to(self.now + timedelta(**delta))

    def move_to(self, until: datetime) -> None:
        while self._due and self._due[0][0] <= until:
            self.now, _order, call = heapq.heappop(self._due)
            call()
        self.now = until


@dataclass
class Knock:
    """Somebody who wants in. `error`: code and text that they are shown; None while waiting, and once they may."""

    is_answered: bool = False
    error: tuple[int, str] | None = None

    @property
    def is_in(self) -> bool:
        return self.is_answered and self.error is None


@dataclass
class Reserved:
    """What is remembered of one conference's reservation."""

    owner: str
    waiting: list[Knock] = field(default_factory=list)
    is_settled: bool = False
    error: tuple[int, str] | None = None
    expires_at: datetime | None = None
    key: str = ""
    answer: dict[str, Any] = field(default_factory=dict)


@dataclass
class Room:
    created_at: datetime
    #: Everybody who ever was inside, by the address of the connection.
    everybody: dict[str, dict[str, Any]] = field(default_factory=dict)
    inside: set[str] = field(default_factory=set)


def over_client(clock: Clock) -> Send:
    """Return what carries calls to the views in this process, with the clock of the test."""

    def send(call: Call) -> Answer:
        headers = {name: value for name, value in call.headers.items() if name not in {"Content-Length", "Host"}}
        kind = headers.pop("Content-Type", "")
        with time_machine.travel(clock.now, tick=False):
            response = Client(raise_request_exception=False).generic(
                call.method, call.path, call.body, content_type=kind, headers=headers
            )
        return Answer(response.status_code, response.content)

    return send


def form_encoded(fields: dict[str, str]) -> bytes:
    """Write a form as Prosody does: lower-case escapes of every byte but letters, digits and `.~_-`."""

    def part(text: str) -> str:
        escaped = "".join(chr(byte) if byte in _KEPT else f"%{byte:02x}" for byte in text.encode())
        return escaped.replace("%20", "+")

    return "&".join(f"{part(name)}={part(value)}" for name, value in fields.items()).encode()


class Prosody:
    """One Prosody with mod_reservations and mod_event_sync, one conference server of ours.

    `fate` decides what becomes of each call; `event_delays` after how many seconds an event goes out: `[0]` at once,
    `[]` never, `[0, 5]` twice.
    """

    timeout = 20.0
    sweep_seconds = 60.0

    def __init__(self, server: ConferenceServer, clock: Clock, *, send: Send | None = None, prefix: str = "/jitsi"):
        self.clock, self.send, self.prefix = clock, send or over_client(clock), prefix
        self.domain = server.xmpp_domain
        self.muc = server.conferences_domain
        self._keys = {purpose: key_for(server, purpose) for purpose in (Purpose.RESERVATIONS, Purpose.EVENTS)}
        self.fate: Callable[[Call], Fate] = lambda _call: Fate.ARRIVES
        self.event_delays: Callable[[str, dict[str, Any]], Sequence[float]] = lambda _path, _event: [0.0]
        #: Every call that left, with the status that came back, None without an answer.
        self.calls: list[tuple[Call, int | None]] = []
        self.reserved: dict[str, Reserved] = {}
        self.rooms: dict[str, Room] = {}
        #: What people inside were told when their conference was closed.
        self.farewells: list[tuple[str, str]] = []
        clock.after(self.sweep_seconds, self._sweep)

    # What people do.

    def knock(self, name: str, *, owner: str = "") -> Knock:
        """Ask for a conference, as the first who comes does. Others who come meanwhile wait for the same answer."""
        knock = Knock()
        if name in self.rooms:
            knock.is_answered = True
            return knock
        reserved = self.reserved.get(name)
        if reserved is None:
            reserved = self.reserved[name] = Reserved(owner or f"{uuid4()}@{self.domain}")
            reserved.waiting.append(knock)
            self._ask(name, reserved)
        elif reserved.is_settled:
            self._answer(reserved, knock)
        else:
            reserved.waiting.append(knock)
        return knock

    def join(self, name: str, *, person: str = "", jid: str = "", owner: str = "") -> str:
        """Enter; the conference is made where there is none. `person`: `context.user.id`. Return the connection."""
        knock = self.knock(name, owner=owner)
        assert knock.is_in, knock
        jid = jid or f"{uuid4()}@{self.domain}/{uuid4().hex[:12]}"
        if name not in self.rooms:
            self.rooms[name] = Room(self.clock.now)
            self._tell("room/created", name, {"event_name": "muc-room-created", "created_at": self._seconds()})
        room = self.rooms[name]
        occupant: dict[str, Any] = {"occupant_jid": jid, "joined_at": self._seconds()}
        room.everybody[jid] = {**occupant, "id": person, "name": "Jana Nováková"} if person else occupant
        room.inside.add(jid)
        self._tell_of("occupant/joined", "muc-occupant-joined", name, jid)
        return jid

    def leave(self, name: str, jid: str) -> None:
        """Leave; the last one closes the conference."""
        room = self.rooms[name]
        room.inside.discard(jid)
        room.everybody[jid].update(left_at=self._seconds(), total_dominant_speaker_time=0)
        self._tell_of("occupant/left", "muc-occupant-left", name, jid)
        if not room.inside:
            self.destroy(name)

    def destroy(self, name: str, farewell: str = "") -> None:
        """Close the conference, and say so: to those inside, to event_sync's listener, and by DELETE."""
        room = self.rooms.pop(name)
        for jid in sorted(room.inside):
            self.farewells.append((jid, farewell))
            room.everybody[jid].update(left_at=self._seconds(), total_dominant_speaker_time=0)
            room.inside.discard(jid)
            self._tell_of("occupant/left", "muc-occupant-left", name, jid, room=room)
        gone = {
            "event_name": "muc-room-destroyed",
            "created_at": int(room.created_at.timestamp()),
            "destroyed_at": self._seconds(),
            # Lua writes an empty list as an object.
            "all_occupants": list(room.everybody.values()) or {},
        }
        self._tell("room/destroyed", name, gone)
        reserved = self.reserved.pop(name, None)
        if reserved and reserved.key:
            call = Call("DELETE", f"{self.prefix}/conference/{reserved.key}", self._headers(Purpose.RESERVATIONS))
            self._send(call, lambda _answer: None, lambda: None, retries=3, delay=3)

    def crash(self) -> None:
        """Stop and start again: all is forgotten, and nobody is told (P7)."""
        self.reserved.clear()
        self.rooms.clear()

    def statuses(self, method: str) -> list[int | None]:
        return [status for call, status in self.calls if call.method == method]

    # mod_reservations

    def _ask(self, name: str, reserved: Reserved) -> None:
        start = self.clock.now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        body = form_encoded({"name": name, "mail_owner": reserved.owner, "start_time": start})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body))}
        call = Call("POST", f"{self.prefix}/conference", headers | self._headers(Purpose.RESERVATIONS), body)
        self._send(call, lambda answer: self._told(name, reserved, answer), lambda: self._timed_out(reserved), 3, 3)

    def _told(self, name: str, reserved: Reserved, answer: Answer) -> None:
        if answer.status in {200, 201}:
            self._take(name, reserved, answer)
        elif answer.status == 409:
            found = decoded(answer.body)
            if not isinstance(found, dict) or found.get("conflict_id") is None:
                self._refuse(reserved, 409, "Invalid response from reservation server")
                return
            path = f"{self.prefix}/conference/{found['conflict_id']}"
            call = Call("GET", path, self._headers(Purpose.RESERVATIONS))
            self._send(call, lambda other: self._looked_up(name, reserved, other), lambda: self._timed_out(reserved))
        else:
            self._refuse(reserved, answer.status, message_in(answer.body))

    def _looked_up(self, name: str, reserved: Reserved, answer: Answer) -> None:
        if answer.status == 200:
            self._take(name, reserved, answer)
        else:
            self._refuse(reserved, answer.status, message_in(answer.body))

    def _take(self, name: str, reserved: Reserved, answer: Answer) -> None:
        found = decoded(answer.body)
        problem = problem_in(found, name)
        if problem:
            self._refuse(reserved, 500, "Invalid response from reservation server")
            return
        begins = datetime.fromisoformat(found["start_time"]).replace(microsecond=0)
        begins = begins if begins.tzinfo else begins.replace(tzinfo=UTC)
        reserved.expires_at = begins + timedelta(seconds=float(found["duration"]))
        reserved.key, reserved.answer = found["id"], found
        self._settle(reserved)

    def _timed_out(self, reserved: Reserved) -> None:
        self._refuse(reserved, 500, "Reservation lookup timed out")

    def _refuse(self, reserved: Reserved, code: int, text: str) -> None:
        reserved.error = (code, text)
        reserved.expires_at = self.clock.now + timedelta(seconds=30)
        self._settle(reserved)

    def _settle(self, reserved: Reserved) -> None:
        reserved.is_settled = True
        while reserved.waiting:
            self._answer(reserved, reserved.waiting.pop())

    def _answer(self, reserved: Reserved, knock: Knock) -> None:
        knock.is_answered, knock.error = True, reserved.error
        if reserved.error is None and self._is_expired(reserved):
            knock.error = (419, "Reservation expired")

    def _is_expired(self, reserved: Reserved) -> bool:
        return reserved.expires_at is not None and self.clock.now > reserved.expires_at

    def _sweep(self) -> None:
        self.clock.after(self.sweep_seconds, self._sweep)
        for name in [name for name, reserved in self.reserved.items() if self._is_expired(reserved)]:
            if name in self.rooms:
                self.destroy(name, "Scheduled conference duration exceeded.")
            else:
                self.reserved.pop(name, None)

    # mod_event_sync

    def _tell_of(self, path: str, kind: str, name: str, jid: str, *, room: Room | None = None) -> None:
        room = room or self.rooms[name]
        event = {"event_name": kind, "occupant": dict(room.everybody[jid]), "active_occupants_count": len(room.inside)}
        self._tell(path, name, event)

    def _tell(self, path: str, name: str, event: dict[str, Any]) -> None:
        common = {"room_name": name, "room_jid": f"{name}@{self.muc}", "is_breakout": False}
        body = json.dumps({**event, **common}, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        call = Call("POST", f"{self.prefix}/events/{path}", headers | self._headers(Purpose.EVENTS), body)
        for seconds in self.event_delays(path, event):
            if seconds:
                self.clock.after(seconds, lambda: self._send(call, lambda _answer: None, lambda: None, 3, 1))
            else:
                self._send(call, lambda _answer: None, lambda: None, 3, 1)

    # net.http

    def _send(
        self,
        call: Call,
        told: Callable[[Answer], None],
        timed_out: Callable[[], None],
        retries: int = 3,
        delay: float = 3,
    ) -> None:
        """Send it, and again after `delay` seconds where nobody listens or the answer is 5xx; a timeout is the end."""
        fate = self.fate(call)
        if fate is Fate.LOST or fate is Fate.ANSWER_LOST:
            if fate is Fate.ANSWER_LOST:
                self.send(call)
            self.calls.append((call, None))
            self.clock.after(self.timeout, timed_out)
            return
        answer = Answer(0) if fate is Fate.REFUSED else self.send(call)
        self.calls.append((call, answer.status or None))
        if (answer.status == 0 or answer.status >= 500) and retries > 0:
            self.clock.after(delay, lambda: self._send(call, told, timed_out, retries - 1, delay))
            return
        told(answer)

    def _headers(self, purpose: Purpose) -> dict[str, str]:
        return {
            "User-Agent": "Prosody (0.12.3; posix)",
            "Host": "127.0.0.1:8000",
            "Authorization": f"Bearer {self._keys[purpose]}",
        }

    def _seconds(self) -> int:
        return int(self.clock.now.timestamp())
