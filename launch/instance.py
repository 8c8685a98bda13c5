"""One instance per var folder: a lock that the kernel lets go when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from launch.errors import LaunchError
from launch.places import Places
from launch.processes import end_all, marked, wait_until


@dataclass
class Lock:
    """The held lock; what is written into it is shown to whoever comes second."""

    file: TextIO

    def describe(self, text: str) -> None:
        self.file.seek(0)
        self.file.truncate()
        self.file.write(f"{os.getpid()} {text}\n")
        self.file.flush()


@contextmanager
def only_instance(places: Places) -> Iterator[Lock]:
    """Hold the var folder; what a killed launcher left running for it is ended first.

    Raises: LaunchError when another launcher holds it.
    """
    with places.lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid, what = holder(places.lock)
            raise LaunchError(
                f"Narada already uses {places.var} (process {pid or 'unknown'}{f', {what}' if what else ''}): "
                "stop it with Ctrl-C or `make stop`, or choose another folder with VAR=."
            )
        lock = Lock(file)
        lock.describe("starting")
        end_all(lambda: marked(places.identity), signals=((signal.SIGTERM, 5), (signal.SIGKILL, 5)))
        yield lock
        file.truncate(0)


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Wait for and hold a folder itself, without a file that would have to be kept out of the way."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def holder(lock: Path) -> tuple[int | None, str]:
    """Return who wrote itself into the lock file, and what it said it does."""
    pid, _, what = lock.read_text().strip().partition(" ") if lock.is_file() else ("", "", "")
    return (int(pid) if pid.isdigit() else None), what


def is_held(lock: Path) -> bool:
    """Tell whether a launcher holds the lock now."""
    if not lock.is_file():
        return False
    with lock.open("r") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def stop(places: Places) -> bool:
    """Ask the instance to stop and wait for it; returns whether there was one.

    Raises: LaunchError when it still runs after a minute, or belongs to another user.
    """
    if not is_held(places.lock):
        return False
    pid, _ = holder(places.lock)
    if pid is None:
        raise LaunchError(f"Narada runs from {places.var}, but the lock file does not say as which process.")
    try:
        os.kill(pid, signal.SIGTERM)
    except PermissionError:
        raise LaunchError(f"Narada runs from {places.var} as another user's process {pid}: it has to be stopped there.")
    if not wait_until(lambda: not is_held(places.lock), seconds=60):
        raise LaunchError(f"Process {pid} was asked to stop and still runs after a minute.")
    return True
