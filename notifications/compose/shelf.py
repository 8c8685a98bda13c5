"""Keeps what the mails of one batch have in common, so that it is read and written once for all recipients."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Shelf:
    """Values by key, for as long as one batch of mails lasts.

    The key has to name the version of the booking: a mail is sent only if the booking still has the version that it
    had when the mail was taken (`claims.begin`), so what was read for that version is still true then.
    """

    def __init__(self) -> None:
        self._values: dict[Hashable, Any] = {}

    def put(self, key: Hashable, value: object) -> None:
        """Put something there before it is asked for."""
        self._values[key] = value

    def keep(self, key: Hashable, make: Callable[[], T]) -> T:
        if key not in self._values:
            self._values[key] = make()
        value: T = self._values[key]
        return value
