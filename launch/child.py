"""One running program: started with its log, watched, stopped with everything it began."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from launch.processes import Command, kill_group, spawn

_LARGEST_LOG_BYTES = 10_000_000


@dataclass(frozen=True)
class Program:
    """What to run under which name.

    stop_signals: each with the seconds it is given to work. prepare: called before every start, also after a death.
    is_base: the others work on it, so it is stopped after them.
    """

    name: str
    command: Command
    stop_signals: tuple[tuple[signal.Signals, float], ...] = ((signal.SIGTERM, 15.0),)
    prepare: Callable[[], None] | None = None
    is_base: bool = False


@dataclass
class Child:
    """A program's current process and the part of the log that this process wrote."""

    program: Program
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0  # monotonic seconds
    _log_start: int = field(default=0)

    def start(self) -> None:
        if self.program.prepare is not None:
            self.program.prepare()
        self.trim_log()
        with self.log.open("ab") as file:
            self._log_start = file.tell()
            self.process = spawn(self.program.command, output=file)
        self.started_at = time.monotonic()

    def exit_code(self) -> int | None:
        """Return the exit code of a process that ended, None while it runs."""
        return self.process.poll() if self.process else None

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def ask_to_stop(self, number: signal.Signals) -> None:
        if self.process is not None and self.is_running():
            self.process.send_signal(number)

    def finish(self) -> None:
        """Kill whatever is left of the process and of those it started."""
        if self.process is None:
            return
        kill_group(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def last_lines(self, count: int = 15) -> list[str]:
        """Return the end of what the current process logged."""
        if not self.log.is_file():
            return []
        with self.log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(min(self._log_start, size), size - 20_000))
            return file.read().decode(errors="replace").splitlines()[-count:]

    def trim_log(self) -> None:
        """Move a log that grew too large aside, keeping one. Writers append, so they go on in the emptied file."""
        if not self.log.is_file() or self.log.stat().st_size < _LARGEST_LOG_BYTES:
            return
        kept = self.log.with_name(self.log.name + ".1")
        kept.write_bytes(self.log.read_bytes())
        kept.chmod(0o600)
        with self.log.open("r+b") as file:
            file.truncate(0)
        self._log_start = 0
