"""Words of servers as they may stand in alarms."""

from __future__ import annotations

import re

MAX_WORDS = 500
_ADDRESS = re.compile(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;:]+")


def without_addresses(words: str) -> str:
    """Return a server's words without the mail addresses in them: those of guests go to nobody."""
    return _ADDRESS.sub("…", words)[:MAX_WORDS]
