"""How long a child that died waits before it is started again, and when it is given up."""

from __future__ import annotations

from dataclasses import dataclass, field

_FIRST_SECONDS = 0.5
_LONGEST_SECONDS = 30.0


@dataclass
class Backoff:
    """Counts deaths inside a sliding window. Moments are seconds of a monotonic clock, passed in."""

    limit: int = 5
    window_seconds: float = 60.0
    _deaths: list[float] = field(default_factory=list)

    def died(self, moment: float) -> float | None:
        """Record a death; returns the seconds to wait before the next start, None to give up."""
        self._deaths = [at for at in self._deaths if moment - at < self.window_seconds] + [moment]
        if len(self._deaths) >= self.limit:
            return None
        return min(_FIRST_SECONDS * 2 ** (len(self._deaths) - 1), _LONGEST_SECONDS)
