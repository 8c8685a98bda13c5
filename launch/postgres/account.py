"""Which system user the server runs as: PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from launch.console import say
from launch.errors import LaunchError
from launch.processes import Account

_NAME = "narada-db"
_NO_LOGIN = ("--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin")
_FALLBACKS = ("postgres", "nobody")


def server_account(data: Path) -> Account | None:
    """Return who must run the server over `data`, None for the launcher's own user.

    As root: the user whose data it already is, else a system user of Narada's own, made at need.
    """
    if os.geteuid() != 0:
        return None
    if data.exists():
        owner = data.stat().st_uid
        if owner != 0:
            return _by_uid(owner)
    return _own_account()


def _own_account() -> Account:
    try:
        return _by_name(_NAME)
    except KeyError:
        pass
    if shutil.which("useradd"):
        made = subprocess.run(
            ["useradd", "--system", "--user-group", "--no-create-home", *_NO_LOGIN, _NAME],
            capture_output=True,
            check=False,
        )
        if made.returncode in {0, 9}:  # 9: two launchers made it at the same moment
            return _by_name(_NAME)
    for name in _FALLBACKS:
        try:
            found = _by_name(name)
        except KeyError:
            continue
        say(f"  The system user {_NAME} can't be made here: the database runs as {name}.")
        return found
    raise LaunchError(
        f"PostgreSQL does not run as root and the system user {_NAME} can't be made: run Narada as an ordinary user."
    )


def _by_name(name: str) -> Account:
    entry = pwd.getpwnam(name)
    return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)


def _by_uid(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return Account(name=str(uid), uid=uid, gid=uid)
    return Account(name=entry.pw_name, uid=uid, gid=entry.pw_gid)


def may_use(account: Account | None, *, run: Sequence[Path] = (), read: Sequence[Path] = ()) -> bool:
    """Tell whether the account may run the programs (or enter the folders) and read the files.

    Asked of the system itself, since access lists and mounts decide as well as the mode bits.
    """
    if account is None:
        return True
    tests = [("-x", path) for path in run] + [("-r", path) for path in read]
    script = " && ".join(f'test {flag} "${number}"' for number, (flag, _) in enumerate(tests, start=1))
    asked = subprocess.run(
        ["/bin/sh", "-c", script, "sh", *(str(path) for _, path in tests)],
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        check=False,
    )
    return asked.returncode == 0
