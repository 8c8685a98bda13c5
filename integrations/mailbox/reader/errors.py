"""What goes wrong with a mail as a whole."""

from __future__ import annotations


class Unreadable(Exception):
    """This mail can't be read, now or later. `reason`: what is wrong with it, in plain English, for IT admins."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
