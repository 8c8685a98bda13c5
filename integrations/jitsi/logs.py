"""Keeps personal addresses out of the log: who can read it could join or answer in somebody's name."""

from __future__ import annotations

import logging
import re


class HideJoinTokens(logging.Filter):
    """Write `/d/…` or `/o/…` for every personal address, wherever it stands in a message."""

    #: The part that stays, then what is hidden.
    secret = re.compile(r"(/[do]/)[^\s/?#\"']+")

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, changed where needed; pages that were not found are logged with their address."""
        message = record.getMessage()
        hidden = self.secret.sub(r"\1…", message)
        if hidden != message:
            record.msg, record.args = hidden, None
        return True
