"""Starts processes that never outlive the launcher, and finds those that a killed launcher left behind.

Linux only where /proc or prctl is needed; elsewhere a process ends by its signals alone.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

_PR_SET_PDEATHSIG = 1
# Loaded here and not between fork and exec, where nothing may be loaded.
_prctl: Any = ctypes.CDLL(None).prctl if sys.platform.startswith("linux") else None
_PROC = Path("/proc")
MARK = "NARADA_INSTANCE"


@dataclass(frozen=True)
class Account:
    """A system user that a process runs as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Command:
    """What to execute and how; `account` None means the launcher's own user."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    account: Account | None = None
    # Sent by the kernel when the launcher dies without a word.
    death_signal: signal.Signals = signal.SIGTERM
    pass_fds: tuple[int, ...] = ()
    umask: int | None = None


def end_with_parent(death_signal: signal.Signals, *, parent: int) -> None:
    """Ask the kernel to send this process a signal when its parent dies.

    parent: process id the caller knows its parent by; if it is gone already, the signal would never come.
    """
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


def spawn(command: Command, *, output: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a process in its own session, so that Ctrl-C in the terminal reaches the launcher alone."""
    options = _options(command, command.death_signal)
    return subprocess.Popen(
        list(command.argv),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        pass_fds=command.pass_fds,
        **options,
    )


def run_to_end(command: Command, *, log: Path, stdin: str = "") -> tuple[int, str]:
    """Run a set-up step, stderr appended to `log`. Returns the exit code and what it printed to stdout."""
    with log.open("ab") as file:
        done = subprocess.run(
            list(command.argv),
            input=stdin.encode(),
            stdout=subprocess.PIPE,
            stderr=file,
            check=False,
            **_options(command, signal.SIGKILL),
        )
    return done.returncode, done.stdout.decode(errors="replace")


def _options(command: Command, death_signal: signal.Signals) -> dict[str, Any]:
    # preexec_fn is safe here: the launcher has one thread, and only the child itself can ask for its death signal.
    options: dict[str, Any] = {
        "env": dict(command.env),
        "cwd": command.cwd,
        "preexec_fn": partial(end_with_parent, death_signal, parent=os.getpid()),
    }
    if command.account is not None:
        options |= {"user": command.account.uid, "group": command.account.gid, "extra_groups": []}
    if command.umask is not None:
        options["umask"] = command.umask
    return options


def kill_group(pid: int, signal_number: signal.Signals) -> None:
    """Signal every process of the session that `pid` began, if any is left."""
    try:
        os.killpg(pid, signal_number)
    except (ProcessLookupError, PermissionError):
        return


def running_in(folder: Path, *, program: str) -> list[int]:
    """Return the ids of processes called `program` whose working folder is `folder`."""
    here = os.path.realpath(folder)
    return _search(
        lambda entry: (entry / "comm").read_text().strip() == program and str((entry / "cwd").readlink()) == here
    )


def marked(identity: str) -> list[int]:
    """Return the ids of processes that were started for the instance, this process apart."""
    wanted = f"{MARK}={identity}".encode()
    return _search(lambda entry: wanted in (entry / "environ").read_bytes().split(b"\0"))


def _search(matches: Callable[[Path], bool]) -> list[int]:
    found = []
    for entry in _PROC.glob("[0-9]*"):
        try:
            if int(entry.name) != os.getpid() and _is_alive(entry) and matches(entry):
                found.append(int(entry.name))
        except OSError:  # ended meanwhile, or another user's: not ours to see
            continue
    return found


def _is_alive(entry: Path) -> bool:
    """A zombie holds nothing any more; it only waits to be counted by its parent."""
    return (entry / "stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}


def end_all(find: Callable[[], list[int]], *, signals: Sequence[tuple[signal.Signals, float]]) -> None:
    """Send each signal in turn to what `find` finds, waiting up to its seconds for all of them to go."""
    for signal_number, seconds in signals:
        pids = find()
        if not pids:
            return
        for pid in pids:
            try:
                os.kill(pid, signal_number)
            except (ProcessLookupError, PermissionError):
                continue
        wait_until(lambda: not find(), seconds=seconds)


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Poll a condition; returns whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.05)
    return True
