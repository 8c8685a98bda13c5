"""What one piece of periodic work is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Work:
    """One piece of periodic work. `do` finds by query what there is to do, so that twice is once."""

    name: str
    every: timedelta
    do: Callable[[datetime], object]
    #: So many workers may do it at once.
    slots: int = 1
    #: Work of one lane takes one thread of a process at most, however long a server at the other end hangs.
    lane: str = ""
    #: When it is called late; None: three intervals, and half a minute.
    late_after: timedelta | None = None
    #: When there will be something to do before beat comes again, if that is known: the run waits for it.
    next_at: Callable[[datetime], datetime | None] | None = None

    @property
    def lag_allowed(self) -> timedelta:
        return self.late_after or 3 * self.every + timedelta(seconds=30)
