"""The words of Jitsi's reservation API: the form in which a server asks, and the JSON that it understands.

What is not exactly right wedges a conference until the server is started again (P3): every text is a text, nothing is
ever null, and what need not be said is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC
from typing import Any
from urllib.parse import unquote_to_bytes

from integrations.jitsi.models import Conference

#: Bytes. A name is short; escaped twice it is six times as long.
MAX_FORM = 16 * 1024
_MOST_FIELDS = 20
_NAME, _OWNER = 1000, 300
_KIND = "application/x-www-form-urlencoded"
_UPPER = re.compile(r"[A-Z]+")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass
class BadForm(Exception):
    """It can't be read. `reason`: in plain English, for whoever set the server up."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Asked:
    """`name`: of the conference, in lower case, as the server escapes it. `mail_owner`: the connection that asked.

    The time that comes along is the server's clock, and no time for which anything is booked: it is not read.
    """

    name: str
    mail_owner: str


def read_form(body: bytes, *, kind: str) -> Asked:
    """Return what a server asks for. `kind`: the content type. Raises: BadForm."""
    if kind.partition(";")[0].strip().lower() != _KIND:
        raise BadForm(415, f"the content type is not {_KIND}")
    if len(body) > MAX_FORM:
        raise BadForm(413, f"more than {MAX_FORM} bytes")
    fields = _fields(body)
    # Letters of ASCII alone: the server compares byte by byte.
    name = _UPPER.sub(lambda found: found[0].lower(), _value(fields, "name", most=_NAME))
    return Asked(name, _value(fields, "mail_owner", most=_OWNER))


def answer(conference: Conference) -> dict[str, Any]:
    """Return what the server is told of a conference that it may have; the end that counts is start and duration.

    A `lobby` is never in it: it would keep its moderator out as well (P5).
    """
    assert conference.promised_until is not None, "it was never promised"
    starts_at = conference.opened_at.astimezone(UTC).replace(microsecond=0)
    told: dict[str, Any] = {
        "id": conference.key,
        "name": conference.name,
        "mail_owner": conference.asked_by,
        "start_time": starts_at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "duration": int((conference.promised_until - starts_at).total_seconds()),
    }
    if conference.max_occupants is not None:
        told["max_occupants"] = conference.max_occupants
    return told


def _fields(body: bytes) -> dict[str, str]:
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError:
        raise BadForm(400, "the form has bytes that are not escaped") from None
    parts = text.split("&")
    if len(parts) > _MOST_FIELDS:
        raise BadForm(400, f"more than {_MOST_FIELDS} fields")
    found: dict[str, str] = {}
    for part in parts:
        name, _equals, value = map(_unescaped, part.partition("="))
        if name in found:
            raise BadForm(400, f"{name[:40]!r} stands twice")
        found[name] = value
    return found


def _unescaped(text: str) -> str:
    if _BAD_ESCAPE.search(text):
        raise BadForm(400, "an escape is no byte")
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode()
    except UnicodeDecodeError:
        raise BadForm(400, "the form is not UTF-8") from None


def _value(fields: dict[str, str], name: str, *, most: int) -> str:
    value = fields.get(name, "")
    # What can't be printed, PostgreSQL may refuse.
    if not value or value != value.strip() or not value.isprintable():
        raise BadForm(400, f"{name} is missing or no text")
    # Bytes, as XMPP counts them (1023 at most); an index takes no more than 2704.
    if len(value.encode()) > most:
        raise BadForm(400, f"{name} is longer than {most} bytes")
    return value
