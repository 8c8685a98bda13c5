"""Reads JSON of others within bounds: size, depth, and what kind of value stands where."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from integrations.jitsi.callers import MAX_BODY

#: Deeper than anything that Jitsi sends, and far from where Python gives up.
MAX_DEPTH = 20


@dataclass(frozen=True)
class BadBody(Exception):
    """It can't be read. `reason`: in plain English, for whoever set the caller up."""

    reason: str


def read_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object. Raises: BadBody for anything else."""
    if len(body) > MAX_BODY:
        raise BadBody(f"more than {MAX_BODY} bytes")
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH and _depth(body) > MAX_DEPTH:
        raise BadBody(f"nested more than {MAX_DEPTH} deep")
    try:
        found = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadBody("not JSON in UTF-8") from None
    if not isinstance(found, dict):
        raise BadBody("not a JSON object")
    return found


def text_of(found: dict[str, Any], name: str, *, most: int) -> str:
    """Return a text that has to be there, without the characters that PostgreSQL refuses. Raises: BadBody."""
    value = found.get(name)
    if not isinstance(value, str) or not value.strip():
        raise BadBody(f"{name} is missing or no text")
    if len(value) > most:
        raise BadBody(f"{name} is longer than {most} characters")
    return value.replace("\0", "").strip()


def number_of(found: dict[str, Any], name: str, *, most: int) -> int | None:
    """Return a whole number from 0 to `most`, None where there is none. Raises: BadBody for anything else."""
    value = found.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or not 0 <= value <= most:
        raise BadBody(f"{name} is no whole number from 0 to {most}")
    return int(value)


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _depth(body: bytes) -> int:
    """Return how deep brackets are nested at most; those inside of texts count, which no honest caller notices."""
    depth = deepest = 0
    for byte in body:
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest
