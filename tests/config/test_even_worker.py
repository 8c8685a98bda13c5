"""The web server's processes share connections that are kept, whatever comes at once and whoever is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path

import pytest

from launch.web import THREADS, WORKERS, web_server

_PATIENCE_SECONDS = 60
_ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Run the server as the launcher does, with an application that says which process answers; give its port too."""
    log = tmp_path / "log"
    argv = web_server(sys.executable, bind="127.0.0.1:0")
    argv[argv.index("config.wsgi")] = "tests.config.pids"
    argv[argv.index("config.even_worker.EvenThreadWorker")] = "tests.config.pids.PatientWorker"
    with log.open("wb") as out:
        process = subprocess.Popen([*argv, "--keep-alive", "60"], cwd=_ROOT, stderr=out, stdout=out)
    try:
        yield _wait_for_port(log), process
    finally:
        process.terminate()
        process.wait(_PATIENCE_SECONDS)


@pytest.fixture
def port(server: tuple[int, subprocess.Popen[bytes]]) -> int:
    return server[0]


def _wait_for_port(log: Path) -> int:
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until:
        text = log.read_text()
        if "Listening at: http://127.0.0.1:" in text and text.count("Booting worker") == WORKERS:
            return int(text.partition("Listening at: http://127.0.0.1:")[2].split()[0])
        time.sleep(0.05)
    raise AssertionError(f"the web server does not start: {log.read_text()}")


def _open(port: int, count: int) -> list[HTTPConnection]:
    """Open so many connections at once."""
    wires = [HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_SECONDS) for _ in range(count)]
    for wire in wires:
        wire.connect()
    return wires


def _pids(wires: list[HTTPConnection]) -> Counter[int]:
    for wire in wires:
        wire.request("GET", "/")
    return Counter(int(wire.getresponse().read()) for wire in wires)


def test_kept_connections_are_shared_evenly(port: int) -> None:
    wires = _open(port, 16)
    shares = _pids(wires)
    assert len(shares) == WORKERS
    # Two that look at the same moment may both see the other ahead.
    assert max(shares.values()) - min(shares.values()) <= 4, shares
    assert _pids(wires) == shares, "they are kept"


def test_the_share_of_a_process_that_was_killed_goes_to_the_next(port: int) -> None:
    victim, _count = _pids(_open(port, 8)).most_common()[0]
    os.kill(victim, signal.SIGKILL)
    until = time.monotonic() + _PATIENCE_SECONDS
    while len(shares := _pids(_open(port, 16))) < WORKERS:
        assert time.monotonic() < until
    assert victim not in shares


def test_a_request_that_ends_its_thread_costs_nobody_else_theirs(port: int) -> None:
    kept = _open(port, 2)
    before = _pids(kept)
    for wire in _open(port, (THREADS + 1) * WORKERS):
        wire.request("GET", "/end")
        with pytest.raises(RemoteDisconnected):
            wire.getresponse()
    assert _pids(kept) == before
    assert set(_pids(_open(port, 8))) >= set(before)


def test_more_requests_than_threads_are_all_answered(port: int) -> None:
    wires = _open(port, 10 * THREADS * WORKERS)
    for _ in range(3):
        assert _pids(wires).total() == len(wires)


@pytest.mark.long
def test_what_runs_as_the_server_is_told_to_end_is_answered(server: tuple[int, subprocess.Popen[bytes]]) -> None:
    port, process = server
    wires = _open(port, THREADS * WORKERS)
    for wire in wires:
        wire.request("GET", "/slow")
    time.sleep(0.5)
    process.terminate()
    assert [wire.getresponse().status for wire in wires] == [200] * len(wires)
    assert process.wait(_PATIENCE_SECONDS) == 0
