"""The web server, as `make run` starts it, for benchmarks that ask over HTTP."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from benchmarks import processes
from launch.web import WORKERS, web_server

_ROOT = Path(__file__).resolve().parent.parent
_STARTS_SECONDS = 30
#: So many requests, one after another, and each process has had its share.
_WARM = 20 * WORKERS


@dataclass(frozen=True, slots=True)
class WebServer:
    """It listens on 127.0.0.1. `pid`: of the process that looks after those that serve."""

    port: int
    pid: int

    def cpu_ns(self) -> int:
        """Return the processor time that all its processes have used so far."""
        return sum(processes.cpu_ns(pid) for pid in (self.pid, *processes.children(self.pid)))


@contextmanager
def running_web_server(
    database_url: str, *, application: str = "config.wsgi", warm: str = "/healthz"
) -> Iterator[WebServer]:
    """Run it on a database; give it once it listens and every process has answered for the address `warm`."""
    port = free_port()
    argv = [*web_server(sys.executable, bind=f"127.0.0.1:{port}", application=application), "--log-level", "critical"]
    env = os.environ | {"DATABASE_URL": database_url}
    process = subprocess.Popen(argv, cwd=_ROOT, env=env, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + _STARTS_SECONDS
        while not _listens(port):
            assert process.poll() is None, "the web server ended"
            assert time.monotonic() < until, "the web server does not start"
            time.sleep(0.05)
        for _ in range(_WARM):
            _ask(port, warm)
        yield WebServer(port, process.pid)
    finally:
        process.terminate()
        process.wait(20)


def free_port() -> int:
    with socket.socket() as wire:
        wire.bind(("127.0.0.1", 0))
        return int(wire.getsockname()[1])


def _ask(port: int, address: str) -> None:
    wire = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        wire.request("GET", address)
        wire.getresponse().read()
    finally:
        wire.close()


def _listens(port: int) -> bool:
    with socket.socket() as wire:
        return wire.connect_ex(("127.0.0.1", port)) == 0
