"""The terminal: terse lines with the time they took."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def say(line: str = "") -> None:
    """Print one line at once, also into a pipe."""
    print(line, flush=True)


def complain(line: str) -> None:
    """Print one line on stderr at once."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print `what` with the seconds it took, when it succeeds."""
    began = time.monotonic()
    yield
    say(f"  {what} ({time.monotonic() - began:.1f} s)")
