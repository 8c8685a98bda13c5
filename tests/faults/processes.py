"""Processes of the product as a service has them, each in a group of its own, to be killed at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from tests.servers import ROOT, wait_until

_QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")

#: Delivers as the worker's task does, again and again, without a broker: for faults of which no broker knows.
_COURIER = """
import django; django.setup()
import logging, time
from django.db import connection
from django.utils import timezone
from notifications.delivery import deliver_due
print("ready.", flush=True)
while True:
    try:
        deliver_due(timezone.now())
    except Exception:
        logging.getLogger("courier").exception("This run of delivery ended.")
        time.sleep(0.3)
    finally:
        connection.close()
    time.sleep(0.1)
"""


class Process:
    """One process with its log."""

    def __init__(self, name: str, argv: list[str], env: dict[str, str], *, ready: str = "ready.") -> None:
        self._log = Path(env["VAR_DIR"]) / f"{name}-{time.monotonic_ns()}.log"
        self.name, self._ready = name, ready
        self._argv, self._env = argv, env
        #: Ended on purpose.
        self.is_killed = False
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                argv, cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    @property
    def is_ready(self) -> bool:
        return self.is_alive and self._ready in self.log

    def wait_until_ready(self) -> None:
        wait_until(lambda: self.is_ready or not self.is_alive, timeout_seconds=90)
        assert self.is_alive, self.log

    def kill(self) -> None:
        """End it and whatever it started at once, as `kill -9` and a power cut do."""
        self.is_killed = True
        self._signal(signal.SIGKILL)
        self._process.wait()

    def again(self) -> Process:
        """Start the same once more."""
        return Process(self.name, self._argv, self._env, ready=self._ready)

    def end_and_tell_where(self) -> None:
        """End it with the place of each of its threads in its log."""
        self.is_killed = True
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGABRT)
        wait_until(lambda: not self.is_alive)

    def freeze(self) -> None:
        """Let it stand still, as a machine does that is moved to another host."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def courier(env: dict[str, str]) -> Process:
    return Process("courier", [sys.executable, "-c", _COURIER], env)


def celery_worker(env: dict[str, str]) -> Process:
    """Return a worker with the options of `make run`, and a name of its own."""
    name = f"fault-{time.monotonic_ns()}@%h"
    options = ["-P", "threads", "-c", "2", *_QUIET, "-l", "INFO", "-n", name]
    return Process("worker", [sys.executable, "-m", "celery", "-A", "config", "worker", *options], env, ready=" ready.")


def celery_beat(env: dict[str, str]) -> Process:
    argv = [sys.executable, "-m", "celery", "-A", "config", "beat", "--pidfile=", "-l", "INFO"]
    return Process("beat", argv, env, ready="is starting")
