"""Where the server's Unix socket lies: private, and short enough for the kernel."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

# sun_path holds 108 bytes, the last of which is the closing zero.
LONGEST_SOCKET_BYTES = 107
_FILE_NAME = ".s.PGSQL.5432"


def fits(folder: Path) -> bool:
    """Tell whether a socket in the folder can be made and named in a connection address.

    libpq reads a comma in the host as a list of hosts and has no way to escape it.
    """
    text = str(folder)
    too_long = len(os.fsencode(folder / _FILE_NAME)) > LONGEST_SOCKET_BYTES
    return not too_long and "," not in text and text.isprintable()


def private_folder(inside: Path, *, identity: str, environ: Mapping[str, str]) -> Path:
    """Return a 0700 folder of this user's for the socket: in `inside` when it fits, else a short runtime folder."""
    if fits(inside):
        inside.mkdir(mode=0o700, exist_ok=True)
        inside.chmod(0o700)
        return inside
    for folder in runtime_folders(identity, environ):
        if fits(folder) and _make_private(folder):
            return folder
    # Somebody else sits on the agreed names: a name that nobody can guess.
    return Path(tempfile.mkdtemp(prefix="narada-", dir="/tmp"))


def runtime_folders(identity: str, environ: Mapping[str, str]) -> list[Path]:
    """Return the short folders agreed on for a socket whose own place is too long, best first."""
    folders = [Path("/tmp") / f"narada-{os.geteuid()}-{identity}"]  # noqa: S108  checked by _make_private
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    if runtime.startswith("/") and is_private(Path(runtime)):
        folders.insert(0, Path(runtime) / f"narada-{identity}")
    return folders


def _make_private(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError:
        return False
    return is_private(folder)


def is_private(folder: Path) -> bool:
    """Tell whether it is a real folder, no link, of this user's, that nobody else may enter."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & 0o077 == 0
