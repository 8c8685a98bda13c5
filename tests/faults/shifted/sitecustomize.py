"""Read by Python at its start, where PYTHONPATH leads here: moves this process's wall clock by what a file says.

The file of NARADA_TEST_CLOCK holds seconds, and may be written anew at any moment. The monotonic clock goes on, as it
does when somebody sets a machine's clock.
"""

import os
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import time_machine

_FILE = Path(os.environ["NARADA_TEST_CLOCK"])


class _Clock:
    """The wall clock as it is set now."""

    def __init__(self) -> None:
        self._set: time_machine.travel | None = None
        self._seconds = 0.0

    def follow(self) -> None:
        text = _FILE.read_text().strip()
        seconds = float(text) if text else self._seconds  # being written just now
        if seconds == self._seconds:
            return
        if self._set is not None:
            self._set.stop()
            self._set = None
        if seconds:
            self._set = time_machine.travel(datetime.fromtimestamp(time.time() + seconds, UTC), tick=True)
            self._set.start()
        self._seconds = seconds

    def go_on_following(self) -> None:
        pause = threading.Event()
        while not pause.wait(0.05):
            self.follow()


_clock = _Clock()
_clock.follow()
threading.Thread(target=_clock.go_on_following, daemon=True).start()
