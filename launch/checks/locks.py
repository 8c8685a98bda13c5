"""Lock files say what to install and by which hash, never from where, and still fit the wishes they were made from.

Runs inside the virtual environment: `python -m launch.checks.locks`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_WHERE = re.compile(r"https?:|file:|--(extra-)?index-url|--find-links|--trusted-host|(^|\s)-[if]\s")
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(\[[^]]*\])?==(?P<version>\S+)")


def problems(wishes: Path) -> list[str]:
    """Return what is wrong with the lock file beside a .in file, one sentence each."""
    lock = wishes.with_suffix(".txt")
    if not lock.is_file():
        return [f"{lock.name} is missing: run `make lock`."]
    text = lock.read_text()
    found = [
        f"{lock.name}:{number} names a place to download from: {line.strip()}"
        for number, line in enumerate(text.splitlines(), start=1)
        if _WHERE.search(line)
    ]
    pins = dict(_pins(text))
    found += [f"{lock.name}: {name} has no hash." for name, (_, hashes) in pins.items() if not hashes]
    for wish in _wishes(wishes):
        pin = pins.get(canonicalize_name(wish.name))
        if pin is None:
            found.append(f"{lock.name} lacks {wish}: run `make lock`.")
        elif pin[0] not in wish.specifier:
            found.append(
                f"{lock.name} has {wish.name} {pin[0]}, {wishes.name} wants {wish.specifier}: run `make lock`."
            )
    return found


def disagreements(locks: list[Path]) -> list[str]:
    """Return the packages that two lock files pin differently, since one environment holds them all."""
    seen: dict[str, tuple[str, str]] = {}
    found = []
    for lock in locks:
        for name, (version, _) in _pins(lock.read_text()):
            other = seen.setdefault(name, (version, lock.name))
            if other[0] != version:
                found.append(f"{lock.name} pins {name} {version}, {other[1]} pins {other[0]}: run `make lock`.")
    return found


def _pins(text: str) -> list[tuple[str, tuple[str, int]]]:
    """Return name, version and number of hashes of every pinned package."""
    found: list[tuple[str, tuple[str, int]]] = []
    for entry in text.replace("\\\n", " ").splitlines():
        match = _PIN.match(entry)
        if match:
            found.append((canonicalize_name(match["name"]), (match["version"], entry.count("--hash=sha256:"))))
    return found


def _wishes(path: Path) -> list[Requirement]:
    lines = [line.split("#")[0].strip() for line in path.read_text().splitlines()]
    found = [Requirement(line) for line in lines if line and not line.startswith("-")]
    for line in lines:
        if line.startswith("-r "):
            found += _wishes(path.parent / line[3:].strip())
    return found


def main(root: Path) -> int:
    """Print every problem; returns the exit code."""
    wishes = sorted(root.glob("requirements*.in"))
    found = [problem for path in wishes for problem in problems(path)]
    found += disagreements([path.with_suffix(".txt") for path in wishes if path.with_suffix(".txt").is_file()])
    for problem in found:
        print(problem)
    return 1 if found or not wishes else 0


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))
