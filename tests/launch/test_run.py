"""`make run` as a whole: a first start, everything killed, a later start with the data whole, a clean stop."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from launch.places import ROOT, Places
from launch.postgres import placement
from launch.processes import marked, running_in, wait_until

pytestmark = pytest.mark.skipif(
    Path(sys.prefix) != ROOT / ".venv",
    reason="the launcher makes and uses .venv: these tests run from there (make test)",
)
_PASSED_ON = ("PATH", "HOME", "LANG", "PIP_CERT")


@pytest.fixture
def places(open_folder: Path) -> Iterator[Places]:
    """An instance of its own, ended and removed whatever the test did to it."""
    own = Places(root=ROOT, var=open_folder / "var")
    yield own
    _kill(_all_of(own))
    placement.remove(own.var / "postgres")


def _all_of(places: Places) -> list[int]:
    return marked(places.identity) + running_in(places.var / "postgres" / "data", program="postgres")


def _kill(pids: list[int]) -> None:
    """Some end by themselves while the others are being killed."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _start(places: Places, port: int) -> subprocess.Popen[str]:
    """Start and wait for the line that says it runs."""
    env = {name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith("PIP_")}
    env |= {"VAR": str(places.var), "PORT": str(port)}
    argv = [sys.executable, "-m", "launch", "--end-with-parent", "run"]
    process = subprocess.Popen(argv, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = []
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line)
        if line.startswith("Logs are in"):
            return process
    raise AssertionError("".join(said))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _get(port: int, path: str) -> tuple[int, str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return answer.status, answer.read().decode()


@pytest.mark.long
def test_run_survives_whatever_is_killed_and_stops_without_leaving_anything(places: Places) -> None:
    """One instance through all of it: making one takes longer than all of these tests."""
    port = _free_port()
    process = _start(places, port)
    assert _get(port, "/healthz")[0] == 200
    assert isinstance(json.loads(_get(port, "/readyz")[1]), dict)
    with psycopg.connect(places.database_url.read_text().strip()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS number")
    _worker_that_was_killed_comes_back(places, process)
    assert _get(port, "/healthz")[0] == 200

    _kill([process.pid, *_all_of(places)])
    process.wait()

    process = _start(places, port)
    assert _get(port, "/readyz")[0] == 200
    with psycopg.connect(places.database_url.read_text().strip()) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)

    # The launcher alone: nothing goes on without it.
    process.kill()
    process.wait()
    assert wait_until(lambda: _all_of(places) == [], seconds=20)

    process = _start(places, port)
    assert _get(port, "/healthz")[0] == 200
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert _all_of(places) == []
    assert not (places.var / "postgres" / "data" / "postmaster.pid").exists()


def _worker_that_was_killed_comes_back(places: Places, process: subprocess.Popen[str]) -> None:
    worker = _worker_of(places)
    assert worker is not None
    _kill([worker])
    assert process.stdout is not None
    assert process.stdout.readline() == "  worker ended (signal 9); it starts again in 0.5 s.\n"
    assert wait_until(lambda: _worker_of(places) not in {None, worker}, seconds=10)


def _worker_of(places: Places) -> int | None:
    for pid in marked(places.identity):
        with suppress(FileNotFoundError):  # ended since it was found
            if b"\0worker\0" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
    return None
