"""How Ctrl-C, `kill` and a closed terminal reach the launcher."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ASK_TO_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop(BaseException):
    """The launcher was asked to stop while it was setting things up."""


class Signals:
    """Raises Stop during set-up; under `kept` it only counts, and `pause` returns early."""

    def __init__(self) -> None:
        self.asked = 0
        self._raising = True
        self._reader, writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in _ASK_TO_STOP:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup wants it ignored
                signal.signal(number, self._heard)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # wakes `pause`

    def _heard(self, _number: int, _frame: FrameType | None) -> None:
        self.asked += 1
        if self._raising:
            raise Stop

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Count requests instead of raising in the middle of work on the children."""
        before, self._raising = self._raising, False
        try:
            yield
        finally:
            self._raising = before

    def raise_if_asked(self) -> None:
        """Stop now if it was asked for while it was kept."""
        if self.asked:
            raise Stop

    def pause(self, seconds: float) -> None:
        """Sleep until a signal or a child's end, at most `seconds`."""
        readable, _, _ = select.select([self._reader], [], [], seconds)
        if readable:
            os.read(self._reader, 512)


@contextmanager
def stop_raises_interrupt() -> Iterator[None]:
    """Treat `kill` and a closed terminal like Ctrl-C, so that every `finally` runs."""

    def heard(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, heard) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
