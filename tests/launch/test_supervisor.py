"""The supervisor takes over signals, so each test gives it a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from launch.places import ROOT
from launch.processes import wait_until

_SCRIPT = """
import sys
from pathlib import Path
from launch.child import Program
from launch.errors import LaunchError
from launch.processes import Command
from launch.signals import Signals
from launch.supervisor import Supervisor

logs = Path(sys.argv[1])
supervisor = Supervisor(Signals(), logs)
env = {"PATH": "/usr/bin:/bin"}
try:
    for number, line in enumerate(sys.argv[2:]):
        supervisor.start(Program(f"child{number}", Command(["/bin/sh", "-c", line], env, Path("/"))))
    print("started", flush=True)
    supervisor.watch()
    print("asked to stop", flush=True)
except LaunchError as error:
    print("gave up:", error.sentence, error.lines, flush=True)
finally:
    supervisor.stop()
"""


def _supervise(logs: Path, *lines: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _SCRIPT, str(logs), *lines], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    return process


def _rest_of(process: subprocess.Popen[str]) -> str:
    """Wait for the end and return what was printed since; communicate() would lose what readline() read ahead."""
    assert process.stdout is not None
    output = process.stdout.read()
    process.wait(10)
    return output


def _pid_in(path: Path) -> int:
    assert wait_until(lambda: path.is_file() and path.read_text().strip() != "", seconds=5)
    return int(path.read_text())


def _is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.long
def test_watch_gives_up_on_a_child_that_keeps_dying_and_stops_the_others(tmp_path: Path) -> None:
    sleeper = tmp_path / "sleeper"
    process = _supervise(tmp_path, "echo the disk is on fire; exit 3", f"echo $$ > {sleeper}; exec sleep 100")
    output = _rest_of(process)
    assert output.count("child0 ended (exit code 3); it starts again in") == 4
    assert "gave up: child0 keeps ending (exit code 3), so Narada stops" in output
    assert "('the disk is on fire',)" in output
    assert wait_until(lambda: _is_gone(_pid_in(sleeper)), seconds=5)


def test_watch_starts_a_killed_child_again(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    process = _supervise(tmp_path, f"echo $$ > {pid_file}; exec sleep 100")
    first = _pid_in(pid_file)
    os.kill(first, signal.SIGKILL)
    assert wait_until(lambda: _pid_in(pid_file) != first, seconds=5)
    second = _pid_in(pid_file)
    process.send_signal(signal.SIGINT)
    output = _rest_of(process)
    assert output == "  child0 ended (signal 9); it starts again in 0.5 s.\nasked to stop\n"
    assert wait_until(lambda: _is_gone(second), seconds=5)


def test_stop_leaves_no_grandchild(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    process = _supervise(tmp_path, f"sleep 100 & echo $! > {pid_file}; wait")
    grandchild = _pid_in(pid_file)
    process.terminate()
    _rest_of(process)
    assert wait_until(lambda: _is_gone(grandchild), seconds=5)


def test_children_end_when_the_launcher_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    process = _supervise(tmp_path, f"echo $$ > {pid_file}; exec sleep 100")
    child = _pid_in(pid_file)
    process.kill()
    _rest_of(process)
    assert wait_until(lambda: _is_gone(child), seconds=5)


def test_asked_once_more_stop_waits_no_longer(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    process = _supervise(tmp_path, f"trap '' TERM; echo $$ > {pid_file}; while true; do sleep 1; done")
    child = _pid_in(pid_file)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _rest_of(process)
    assert time.monotonic() - began < 8
    assert wait_until(lambda: _is_gone(child), seconds=5)
