"""Requests of one process take turns (docs/decisions/0031).

Threads of one Python process compute one after the other anyway, a few milliseconds each in no order that anybody
chose. So each request of four takes as long as all of them, and reads of the database again what another is reading.
One after the other, first come first served, all of them are answered sooner. Forms are read before the turn; files
are sent after it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from threading import Lock
from typing import Any

#: A request that takes longer, perhaps since it waits for the database, lets the next one begin beside it.
PATIENCE_SECONDS = 0.2
#: Bodies up to this size are read before the turn: all forms. What is larger is an upload and takes none.
BODY_BYTES = 256 * 1024

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]


class Turns:
    """Lets threads through one at a time, in the order in which they come."""

    def __init__(self, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._patience = patience_seconds
        self._lock = Lock()
        # One lock for each thread that waits, and that of the thread whose turn it is.
        self._waiting: deque[Lock] = deque()
        self._in_turn: Lock | None = None
        self._since = 0.0

    def begin(self) -> Callable[[], None]:
        """Wait for this thread's turn; call what is returned to end it."""
        mine = Lock()
        mine.acquire()
        with self._lock:
            must_wait = self._in_turn is not None
            if must_wait:
                self._waiting.append(mine)
            else:
                self._begin(mine)
        while must_wait and not mine.acquire(timeout=self._patience):
            must_wait = not self._overtakes(mine)

        def end() -> None:
            with self._lock:
                # Whoever was overtaken has no turn left to hand on.
                if self._in_turn is mine:
                    self._hand_on()

        return end

    def _begin(self, turn: Lock) -> None:
        self._in_turn, self._since = turn, time.monotonic()

    def _hand_on(self) -> None:
        self._in_turn = None
        if self._waiting:
            following = self._waiting.popleft()
            self._begin(following)
            following.release()

    def _overtakes(self, mine: Lock) -> bool:
        """Take the turn of one that lasts too long, if this thread is the next."""
        with self._lock:
            is_next = bool(self._waiting) and self._waiting[0] is mine
            if not is_next or time.monotonic() - self._since < self._patience:
                return False
            self._begin(self._waiting.popleft())
            return True


class InTurn:
    """A Django application whose requests take turns, each until the server has closed the answer.

    A page goes to the system in one piece. Whoever wrote it after the turn would do so against the next one's turn,
    and the thread that takes requests would wait for both.
    """

    def __init__(self, application: Application, *, turns: Turns | None = None) -> None:
        self._application, self._turns = application, turns or Turns()

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        length = _length(environ)
        if length is None or length > BODY_BYTES:
            return self._application(environ, start_response)
        if length:
            environ["wsgi.input"] = BytesIO(environ["wsgi.input"].read(length))
        end = self._turns.begin()
        try:
            answer = self._application(environ, start_response)
        except BaseException:
            end()
            raise
        # Files are handed over as something of the server's own.
        if getattr(answer, "streaming", True):
            end()
            return answer
        return _Answer(answer, end)


class _Answer:
    def __init__(self, parts: Iterable[bytes], end_turn: Callable[[], None]) -> None:
        self._parts, self._end_turn = parts, end_turn

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._parts)

    def close(self) -> None:
        try:
            self._parts.close()  # type: ignore[attr-defined]  # answers of Django have it, and servers have to call it
        finally:
            self._end_turn()


def _length(environ: Environ) -> int | None:
    """Return how many bytes the body has, or None where its end is told by itself (chunked) or by nothing sensible."""
    text = environ.get("CONTENT_LENGTH") or ""
    if not text:
        return None if environ.get("HTTP_TRANSFER_ENCODING") else 0
    return int(text) if text.isascii() and text.isdigit() else None
