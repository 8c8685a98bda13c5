"""Runs a tool in front of the person: its output is theirs, Ctrl-C reaches it directly."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

from launch.processes import end_with_parent


def in_foreground(argv: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> int:
    """Run to the end and return the exit code; a request to stop is passed on and waited for."""
    tie = partial(end_with_parent, signal.SIGTERM, parent=os.getpid())
    process = subprocess.Popen(list(argv), env=dict(env), cwd=cwd, preexec_fn=tie)  # noqa: PLW1509  one thread here
    with _passed_on(process):
        code = process.wait()
    return code if code >= 0 else 128 - code


@contextmanager
def _passed_on(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """The terminal sends Ctrl-C to the tool as well, so that is only waited out; other requests are handed over."""

    def heard(number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGINT:
            process.send_signal(number)

    before = {number: signal.signal(number, heard) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
