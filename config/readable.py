"""Says whether a socket has something for us, without waiting for it."""

from __future__ import annotations

import select
from typing import Protocol


class _HasFileno(Protocol):
    def fileno(self) -> int: ...


def has_something_to_read(wire: _HasFileno) -> bool:
    """Say whether bytes, a connection to accept, or the end of the connection waits there."""
    poll = select.poll()
    poll.register(wire.fileno(), select.POLLIN)
    return bool(poll.poll(0))
