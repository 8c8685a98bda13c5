"""Compiles translation catalogues that are newer than their compiled form."""

from __future__ import annotations

from pathlib import Path

from launch.errors import LaunchError
from launch.places import Places
from launch.processes import Command, run_to_end

_COMPILE = """
import os, sys, polib
for path in sys.argv[1:]:
    target = path[:-2] + "mo"
    polib.pofile(path, encoding="utf-8").save_as_mofile(target + ".new")
    os.replace(target + ".new", target)
"""


def stale(root: Path) -> list[Path]:
    """Return the .po files whose .mo is missing or older."""
    found = []
    for source in sorted(root.glob("locale/*/LC_MESSAGES/*.po")):
        compiled = source.with_suffix(".mo")
        if not compiled.is_file() or compiled.stat().st_mtime_ns <= source.stat().st_mtime_ns:
            found.append(source)
    return found


def compile_stale(places: Places, *, env: dict[str, str], log: Path) -> None:
    """Compile what is stale with polib from the virtual environment, so that no msgfmt is needed."""
    sources = stale(places.root)
    if not sources:
        return
    argv = [str(places.python), "-c", _COMPILE, *map(str, sources)]
    code, _ = run_to_end(Command(argv, env, places.root, umask=0o022), log=log)
    if code != 0:
        raise LaunchError(f"The translations can't be compiled: see {log}.", lines=log.read_text().splitlines()[-5:])
