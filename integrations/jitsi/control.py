"""Speaks to a server's Prosody: who is in its conferences; a word into them, a person out of them, their end.

Addresses are as they are: Prosody does not decode them everywhere. Where a name is written in percent, both ways of
writing it are tried.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from django.conf import settings

from integrations.jitsi import tokens
from integrations.jitsi.models import ConferenceServer
from integrations.jitsi.probing import Answer, NoAnswer, Why, ask, json_of
from integrations.jitsi.window import tenant_and_room

#: What stands over our words in the conference.
SPEAKER = "Narada"


@dataclass(frozen=True)
class Unreachable(Exception):
    """Prosody did not answer as it should; later it may. `why`: of `probing.Why`."""

    why: str
    detail: str = ""


@dataclass(frozen=True)
class NotControlled(Exception):
    """This server can't be controlled, now or later, until IT changes that. `status`: what it answered, 0: not asked.

    There is no address of its Prosody, tokens are signed with HS256 (P2), a module is missing there, or it does not
    know our keys.
    """

    status: int = 0


@dataclass(frozen=True, slots=True)
class Room:
    """A conference as the census has it. `name`: its node. `created_at`: None while only Jicofo is inside."""

    name: str
    people: int
    created_at: datetime | None
    is_leaked: bool


@dataclass(frozen=True, slots=True)
class Occupant:
    """A connection that is in a conference. `display_name` is what the person typed."""

    nick: str
    display_name: str


class Control:
    """The HTTP side of one server's Prosody. Everything raises Unreachable or NotControlled.

    What only reads asks for no token; what acts takes `now`, the time for which its token is good.
    """

    def __init__(self, server: ConferenceServer) -> None:
        self._server = server

    def census(self) -> list[Room]:
        """Return every conference that there is. Knows nothing of breakout rooms."""
        found = self._json(self._ask("GET", "/room-census"))
        rows = found.get("room_census") if isinstance(found, dict) else None
        # Lua writes an empty table as {} where it should be [].
        if rows == {}:
            rows = []
        if not isinstance(rows, list):
            raise Unreachable(Why.UNREADABLE)
        rooms = [_room(row) for row in rows if isinstance(row, dict)]
        # What can't be printed is no name of a conference, and PostgreSQL may refuse it.
        return [room for room in rooms if room.name and room.name.isprintable()]

    def size(self, name: str) -> int | None:
        """Return how many are in the conference, None where there is none. One that Jicofo is alone in counts as 1."""
        answer = self._first_found("GET", self._queries("/room-size?room={room}&domain={domain}", name))
        found = None if answer is None else self._json(answer)
        return None if found is None else _whole(found.get("participants") if isinstance(found, dict) else None)

    def rooms_people(self, name: str) -> list[Occupant]:
        """Return the connections in the conference, those of telephones and recorders too; none where there is none."""
        answer = self._first_found("GET", self._queries("/room?room={room}&domain={domain}", name))
        found = [] if answer is None else self._json(answer)
        if found == {}:
            found = []
        if not isinstance(found, list):
            raise Unreachable(Why.UNREADABLE)
        people = [_occupant(row) for row in found if isinstance(row, dict)]
        return [person for person in people if person.nick and person.nick != "focus"]

    def say(self, name: str, jids: Collection[str], message: str, *, now: datetime) -> bool:
        """Write a line that only these connections see. False where there is no such conference any more."""
        body = {
            "room": self._jid(name),
            "connectionJIDs": list(jids),
            "message": message,
            "displayName": SPEAKER,
        }
        answer = self._ask("POST", "/send-system-chat-message", bearer=self._token(name, now=now), body=body)
        return self._is_done(answer)

    def end(self, name: str, *, now: datetime) -> bool:
        """End the conference for everybody. False where there is none any more: then it is just as well."""
        token = self._token(name, now=now)
        spellings = [f"/end-meeting?conference={jid}" for jid in _spellings(self._jid(name))]
        return self._first_found("POST", spellings, bearer=token) is not None

    def kick(self, name: str, nick: str, *, now: datetime) -> bool:
        """Put the connection with this nick out. False where it is not there.

        The answer is not trusted: Prosody also says 200 to a token that it does not take. So the list is read again.
        """
        tenant, room = tenant_and_room(name)
        query = f"?room={next(_spellings(room))}" + (f"&prefix={next(_spellings(tenant))}" if tenant else "")
        token = self._token(name, now=now)
        answer = self._ask("PUT", f"/kick-participant{query}", bearer=token, body={"participantId": nick})
        if not self._is_done(answer):
            return False
        if any(person.nick == nick for person in self.rooms_people(name)):
            raise NotControlled(answer.status)
        return True

    def _token(self, name: str, *, now: datetime) -> str:
        if not self._server.can_be_controlled:
            raise NotControlled
        try:
            return tokens.mint_control(self._server, room=tenant_and_room(name)[1], now=now)
        except tokens.NotConfigured as error:
            raise NotControlled from error

    def _jid(self, name: str) -> str:
        """Return the conference's address as servers have it inside: `[tenant]room@conference.meet.example`."""
        return f"{name}@{self._server.conferences_domain}"

    def _queries(self, pattern: str, name: str) -> list[str]:
        tenant, room = tenant_and_room(name)
        found = [pattern.format(room=spelling, domain=self._server.xmpp_domain) for spelling in _spellings(room)]
        return [query + (f"&subdomain={next(_spellings(tenant))}" if tenant else "") for query in found]

    def _first_found(self, method: str, paths: list[str], *, bearer: str = "") -> Answer | None:
        for path in paths:
            answer = self._ask(method, path, bearer=bearer)
            if self._is_done(answer):
                return answer
        return None

    def _ask(self, method: str, path: str, *, bearer: str = "", body: dict[str, Any] | None = None) -> Answer:
        if not self._server.control_url:
            raise NotControlled
        address = self._server.control_url.rstrip("/") + path
        seconds = settings.JITSI_TIMEOUT_SECONDS
        try:
            # Prosody finds the host that is meant by this name, not by the one that the address has inside.
            return ask(method, address, seconds=seconds, host=self._server.xmpp_domain, bearer=bearer, body=body)
        except NoAnswer as error:
            raise Unreachable(error.why, error.detail) from error

    def _is_done(self, answer: Answer) -> bool:
        """Say whether the module did it; False where it found no such conference or person. Raises: as the class."""
        if answer.status < 300:
            return True
        # A module says so without a word, Prosody itself with a page that there is no such address.
        if answer.status == 404 and not answer.body.strip():
            return False
        if answer.status >= 500:
            raise Unreachable(Why.STATUS, str(answer.status))
        raise NotControlled(answer.status)

    def _json(self, answer: Answer) -> Any:
        if answer.status in {400, 401, 403, 404}:
            raise NotControlled(answer.status)
        try:
            return json_of(answer)
        except NoAnswer as error:
            raise Unreachable(error.why, error.detail) from error


def _spellings(name: str) -> Iterator[str]:
    """Yield the name as it is, and as a server needs it that decodes its query. Neither says more than one name."""
    as_it_is = quote(name, safe="@[]%")
    yield as_it_is
    if (encoded := quote(name, safe="@[]")) != as_it_is:
        yield encoded


def _room(row: dict[str, Any]) -> Room:
    jid = row.get("room_name")
    name = jid.rpartition("@")[0] if isinstance(jid, str) else ""
    created = row.get("created_time")
    return Room(name[:1000], _whole(row.get("participants")), _time(created), row.get("leaked") is True)


def _occupant(row: dict[str, Any]) -> Occupant:
    jid, name = row.get("jid"), row.get("display_name")
    nick = jid.rpartition("/")[2] if isinstance(jid, str) else ""
    return Occupant(nick, name if isinstance(name, str) else "")


def _time(milliseconds: Any) -> datetime | None:
    """Read `created_time`: text of milliseconds, or missing."""
    try:
        return datetime.fromtimestamp(int(milliseconds) // 1000, tz=UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _whole(number: Any) -> int:
    """Return a count as the tables take it; Jicofo subtracted from an empty room leaves −1."""
    is_number = isinstance(number, int | float) and not isinstance(number, bool) and 0 <= number < 2**31
    return int(number) if is_number else 0
