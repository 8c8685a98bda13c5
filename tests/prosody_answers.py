"""What Jitsi's module for reservations makes of an answer, and what it breaks on (`shared/reference/jitsi.md`, 1)."""

from __future__ import annotations

import json
from typing import Any

#: What is no JSON at all.
NOT_JSON = object()


class Wedged(AssertionError):
    """Jitsi's module would have raised in its callback, and the conference would hang until Prosody restarts (P3)."""


def decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return NOT_JSON


def message_in(body: bytes) -> str:
    """Return what people are shown of a refusal. Raises: Wedged where `message` is there and no text."""
    found = decoded(body)
    if found is None:
        raise Wedged(body)
    if not isinstance(found, dict) or "message" not in found:
        return "Rejected by reservation server"
    if not isinstance(found["message"], str):
        raise Wedged(body)
    return found["message"]


def problem_in(found: Any, name: str) -> str:
    """Return why an acceptance would be no good, empty where it is. Raises: Wedged for one that breaks the module."""
    if found is NOT_JSON:
        return "not JSON"
    if not isinstance(found, dict) or not isinstance(found.get("name", ""), str):
        raise Wedged(found)
    if "start_time" in found and not isinstance(found["start_time"], str):
        raise Wedged(found)
    if not isinstance(found.get("id", ""), str):
        raise Wedged("Numbers come back changed, and null is never deleted (P4)")
    missing = {"id", "name", "mail_owner", "start_time", "duration"} - set(found)
    if missing or found["name"].lower() != name:
        return f"{sorted(missing)} missing, or another name"
    if found.get("max_occupants", 1) is None or found.get("password", "") is None:
        return "null"
    return ""
