"""The databases of the tests: migrated once, and copied for every worker, which takes a twentieth of the time."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection
from psycopg import sql


@contextmanager
def own_copy(*, worker: str, folder: Path) -> Iterator[None]:
    """Let the connection lead to a copy of the migrated database that only this worker uses.

    `folder`: shared by the workers of this run. The first who needs it makes the original, the last one drops it.
    """
    name = connection.settings_dict["TEST"]["NAME"]
    original, mine = f"{name}_original", f"{name}_{worker}"
    made = folder / "original"
    using = folder / "using"
    with _alone(folder):
        using.mkdir(exist_ok=True)
        before = connection.settings_dict["NAME"]
        if not made.exists():
            connection.settings_dict["TEST"]["NAME"] = original
            connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
            connection.close()
            connection.settings_dict["NAME"] = before
            made.touch()
        (using / worker).touch()
        _drop(mine)
        _run("CREATE DATABASE {} TEMPLATE {}", mine, original)
        connection.close()
    connection.settings_dict["NAME"] = connection.settings_dict["TEST"]["NAME"] = mine
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before
        with _alone(folder):
            _drop(mine)
            (using / worker).unlink()
            if not any(using.iterdir()):
                _drop(original)
                made.unlink()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / "databases.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _drop(name: str) -> None:
    _run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _run(statement: str, *names: str) -> None:
    with connection._nodb_cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
