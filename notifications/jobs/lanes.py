"""Work that may wait for servers takes one thread of a process, and may stay in it until there is more to do."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class Turn:
    """The thread that is in a lane. `rung`: what its work was asked for meanwhile, and whether woken."""

    name: str
    lingers: bool = False
    rung: list[bool] = field(default_factory=list)


class Lane:
    """One thread at a time. Who comes while the one inside only waits takes its place; else it is rung for."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._turn: Turn | None = None
        self._is_closing = False

    def enter(self, name: str, *, woken: bool) -> Turn | None:
        """Return the turn, or None when somebody works in here; who does the same is told to do it once more."""
        with self._changed:
            if self._turn is None or self._turn.lingers:
                self._turn = Turn(name)
                self._changed.notify_all()
                return self._turn
            if self._turn.name == name:
                self._turn.rung.append(woken)
            return None

    def go_on(self, turn: Turn, *, seconds: float | None) -> bool | None:
        """Return how to do it once more, whether `woken`; None: leave.

        seconds: stay for so long, to do it then, unless it was asked for already; None: don't.
        """
        with self._changed:
            if turn.rung:
                woken = any(turn.rung)
                turn.rung.clear()
                return woken
            if seconds is None or self._is_closing:
                self._turn = None
                return None
            turn.lingers = True
            self._changed.wait_for(lambda: self._turn is not turn or self._is_closing, timeout=seconds)
            turn.lingers = False
            if self._turn is turn and self._is_closing:
                self._turn = None
            return True if self._turn is turn else None

    def leave(self, turn: Turn) -> None:
        """Leave it, whatever happened."""
        with self._changed:
            if self._turn is turn:
                self._turn = None

    def close(self) -> None:
        """Let nobody stay here for what is still to come."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()


_lanes: dict[str, Lane] = {}
_making = threading.Lock()


def lane(name: str) -> Lane:
    """Return the lane of this name in this process."""
    with _making:
        return _lanes.setdefault(name, Lane())


def close_all() -> None:
    """Let a worker that is asked to stop do so."""
    with _making:
        for each in _lanes.values():
            each.close()


def _forget_parent() -> None:
    """Nobody of the parent is in the lanes of a process that was forked."""
    global _lanes, _making
    _lanes, _making = {}, threading.Lock()


os.register_at_fork(after_in_child=_forget_parent)
