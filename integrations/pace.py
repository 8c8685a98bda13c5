"""Keeps programs that ask far too often from taking the server's time."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from threading import Lock

_KEPT = 10_000


@dataclass
class Pace:
    """Lets each key pass `most` times in `per`, counted in this process: no request writes a row for it.

    Several processes count each for itself, so a program may pass as many times more. What this is for, a program
    that asks every second, it stops all the same.
    """

    most: int
    per: timedelta
    _seen: dict[Hashable, tuple[datetime, int]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def seconds_to_wait(self, key: Hashable, *, now: datetime) -> int:
        """Count one request; return 0 where it may pass, else in how many whole seconds the next one may."""
        with self._lock:
            since, count = self._seen.get(key, (now, 0))
            if now - since >= self.per:
                since, count = now, 0
            if count >= self.most:
                return max(1, ceil((since + self.per - now) / timedelta(seconds=1)))
            if len(self._seen) >= _KEPT:
                recent = {other: seen for other, seen in self._seen.items() if now - seen[0] < self.per}
                # Keys that anybody can make up must not fill the memory.
                self._seen = recent if len(recent) < _KEPT else {}
            self._seen[key] = (since, count + 1)
            return 0
