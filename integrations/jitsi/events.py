"""Reads what Prosody's event_sync tells of conferences: when they were made and gone, who came and went.

Only what is kept is taken out of it. Names, addresses and all else that is said of people stays unread (P17).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from integrations.jitsi import people
from integrations.jitsi.json_body import BadBody, read_object
from integrations.jitsi.ledger import Stay

#: People and their reloads in one conference.
MOST_OCCUPANTS = 4000
_NAME, _JID, _ID = 1000, 400, 100
#: 2000 to 2100: no clock is further off.
_EARLIEST, _LATEST = 946_684_800, 4_102_444_800


class Kind(StrEnum):
    CREATED = "created"
    JOINED = "joined"
    LEFT = "left"
    DESTROYED = "destroyed"


@dataclass(frozen=True, slots=True)
class News:
    """One call. `name`: of the main room, also where it is about a breakout room. Times by the server's clock."""

    kind: Kind
    name: str
    is_breakout: bool = False
    created_at: datetime | None = None
    destroyed_at: datetime | None = None
    stays: tuple[Stay, ...] = ()

    @property
    def earliest_at(self) -> datetime | None:
        joined = [stay.joined_at for stay in self.stays]
        return min(filter(None, [self.created_at, *joined]), default=None)


def read(kind: Kind, body: bytes) -> News:
    """Return what the call says. What it says besides is ignored. Raises: BadBody."""
    found = read_object(body)
    name = _text(found, "room_name", most=_NAME)
    is_breakout = found.get("is_breakout") is True
    if kind in {Kind.JOINED, Kind.LEFT}:
        occupant = found.get("occupant")
        if not isinstance(occupant, dict):
            raise BadBody("occupant is missing")
        stay = _stay(occupant, is_breakout=is_breakout)
        if kind is Kind.LEFT and stay.left_at is None:
            raise BadBody("left_at is missing")
        return News(kind, name, is_breakout, stays=(stay,))
    created_at = _moment(found, "created_at")
    if kind is Kind.CREATED:
        return News(kind, name, is_breakout, created_at=created_at)
    destroyed_at = max(created_at, _moment(found, "destroyed_at"))
    return News(kind, name, is_breakout, created_at, destroyed_at, _everybody(found, is_breakout=is_breakout))


def _everybody(found: dict[str, Any], *, is_breakout: bool) -> tuple[Stay, ...]:
    occupants = found.get("all_occupants")
    # Lua writes an empty list as {}.
    if occupants is None or occupants == {}:
        return ()
    if not isinstance(occupants, list):
        raise BadBody("all_occupants is no list")
    if len(occupants) > MOST_OCCUPANTS:
        raise BadBody(f"more than {MOST_OCCUPANTS} occupants")
    stays = []
    for occupant in occupants:
        try:
            stays.append(_stay(occupant, is_breakout=is_breakout))
        except BadBody:
            # One that can't be read says nothing against the others, and nobody tells of them again.
            continue
    return tuple(stays)


def _stay(occupant: object, *, is_breakout: bool) -> Stay:
    if not isinstance(occupant, dict):
        raise BadBody("an occupant is no object")
    joined_at = _moment(occupant, "joined_at")
    left_at = None if occupant.get("left_at") is None else max(joined_at, _moment(occupant, "left_at"))
    user_id = occupant.get("id")
    is_ours = isinstance(user_id, str) and len(user_id) <= _ID
    return Stay(
        jid=_text(occupant, "occupant_jid", most=_JID),
        joined_at=joined_at,
        left_at=left_at,
        is_breakout=is_breakout,
        person=people.attendee_key(str(user_id)) if is_ours else None,
    )


def _text(found: dict[str, Any], name: str, *, most: int) -> str:
    value = found.get(name)
    # What can't be printed, PostgreSQL may refuse: zero bytes, halves of characters.
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value.encode()) <= most:
        raise BadBody(f"{name} is no text of at most {most} bytes")
    return value


def _moment(found: dict[str, Any], name: str) -> datetime:
    """Return a Unix time as whole seconds."""
    value = found.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not _EARLIEST <= value <= _LATEST:
        raise BadBody(f"{name} is no Unix time in seconds")
    return datetime.fromtimestamp(int(value), tz=UTC)
