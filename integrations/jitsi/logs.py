"""Keeps secrets out of the log: who can read it could join or answer in somebody's name, or call us as a server."""

from __future__ import annotations

import logging
import re


class HideJoinTokens(logging.Filter):
    """Write `…` for personal addresses, keys of servers and tokens of conferences, wherever they stand in a message."""

    #: The part that stays, then what is hidden.
    secret = re.compile(
        r"(/(?:[dog]|przypomnienia)/)[^\s/?#\"'&]+"
        # In addresses, with quotes as Jitsi has them behind the hash, and in headers (P10).
        r"|(\b(?:jwt|token)=(?:%22|%2522|\")?)[^\s/?#\"'&%]+"
        r"|(\bBearer\s+)[^\s\"',;]+"
        # Whatever we signed (`signed.token`), and any JWT, also where nothing says what it is.
        r"|()\b(?:[0-9a-z]{1,12}-[a-z2-7]{26}|eyJ[\w-]+\.[\w-]+\.[\w-]+)\b",
        re.IGNORECASE,
    )

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, changed where needed; pages that were not found are logged with their address."""
        message = record.getMessage()
        hidden = self.secret.sub(_without, message)
        if hidden != message:
            record.msg, record.args = hidden, None
        if record.exc_info:
            # What went wrong is told with its words: of a request, with the address.
            words = record.exc_text or logging.Formatter().formatException(record.exc_info)
            record.exc_text = self.secret.sub(_without, words)
        return True


def _without(found: re.Match[str]) -> str:
    return next(filter(None, found.groups()), "") + "…"
