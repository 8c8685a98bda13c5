"""Reads JSON of others within bounds: size, depth, and what kind of value stands where."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from integrations.jitsi.callers import MAX_BODY

#: Deeper than anything that Jitsi sends, and far from where Python gives up.
MAX_DEPTH = 20
_HALVES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class BadBody(Exception):
    """It can't be read. `reason`: in plain English, for whoever set the caller up."""

    reason: str


def read_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object. Raises: BadBody for anything else.

    Halves of characters (`"\\ud800"`), which PostgreSQL refuses, are zero bytes in it: those nobody takes as they are.
    """
    if len(body) > MAX_BODY:
        raise BadBody(f"more than {MAX_BODY} bytes")
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH and _depth(body) > MAX_DEPTH:
        raise BadBody(f"nested more than {MAX_DEPTH} deep")
    try:
        found = json.loads(body.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadBody("not JSON in UTF-8") from None
    if not isinstance(found, dict):
        raise BadBody("not a JSON object")
    return _without_halves(found) if b"\\ud" in body.lower() else found


def text_of(found: dict[str, Any], name: str, *, most: int) -> str:
    """Return a text that has to be there, without the characters that PostgreSQL refuses. Raises: BadBody."""
    value = found.get(name)
    text = value.replace("\0", "").strip() if isinstance(value, str) else ""
    if not text:
        raise BadBody(f"{name} is missing or no text")
    if len(text) > most:
        raise BadBody(f"{name} is longer than {most} characters")
    return text


def number_of(found: dict[str, Any], name: str, *, most: int) -> int | None:
    """Return a whole number from 0 to `most`, None where there is none. Raises: BadBody for anything else."""
    value = found.get(name)
    if value is None:
        return None
    # In this order: `1e999` is endless, and no whole number is made of it.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= most or value != int(value):
        raise BadBody(f"{name} is no whole number from 0 to {most}")
    return int(value)


def _without_halves(found: dict[str, Any]) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(_HALVES.sub(r"\\u0000", json.dumps(found, ensure_ascii=False)))
    return whole


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
