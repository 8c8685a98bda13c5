"""The commands behind the Makefile: `python3 -m launch <command>`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence

from launch.console import complain, say
from launch.errors import LaunchError
from launch.instance import stop
from launch.places import Places, places_from
from launch.processes import end_with_parent
from launch.reset import reset
from launch.run import run
from launch.tasks import bench, check, lock, manage, smoke, test


def _stop(places: Places) -> int:
    say("Narada has stopped." if stop(places) else "Narada does not run here.")
    return 0


_COMMANDS: dict[str, Callable[[Places, list[str]], int]] = {
    "run": lambda places, _: run(places),
    "stop": lambda places, _: _stop(places),
    "reset": lambda places, _: reset(places),
    "manage": manage,
    "test": test,
    "check": check,
    "bench": bench,
    "smoke": smoke,
    "lock": lock,
}


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code, 1 with one sentence on stderr for every expected failure."""
    rest = list(arguments)
    if rest[:1] == ["--end-with-parent"]:  # the Makefile asks for it: a killed make would leave the launcher behind
        end_with_parent(signal.SIGTERM, parent=os.getppid())
        rest.pop(0)
    if not rest or rest[0] not in _COMMANDS:
        complain(f"Usage: python3 -m launch {{{','.join(_COMMANDS)}}} [arguments]")
        return 2
    os.umask(0o077)  # what an instance writes is its owner's
    try:
        return _COMMANDS[rest[0]](places_from(os.environ), rest[1:])
    except LaunchError as error:
        for line in error.lines:
            complain(f"    {line}")
        complain(f"Narada: {error.sentence}")
        return 1
    except PermissionError as error:
        complain(f"Narada: cannot write to {error.filename}: it belongs to another user.")
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1
