"""Makes the databases to measure on: one template for each scale, kept for the day, and a fresh copy for each run."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
from django.utils import timezone
from psycopg.sql import SQL, Identifier

_ROOT = Path(__file__).resolve().parent.parent
# What the content of a template follows from, besides the day it is made on.
_SOURCES = ("benchmarks/history.sql", "benchmarks/office.py", "*/migrations/*.py", "*/models.py", "*/models/*.py")


@contextmanager
def database_with(holds: int, *, server_url: str, prefix: str) -> Iterator[str]:
    """Give the address of a database with so many holds, made from its template; it is dropped afterwards.

    `server_url`: a database whose role may create others. `prefix`: what the names of ours begin with; whatever else
    begins with it is an older template and is dropped.
    """
    template = f"{prefix}_{holds}_{_digest()}"
    copy = f"{prefix}_{holds}"
    with psycopg.connect(server_url, autocommit=True) as server:
        _drop_outdated(server, prefix)
        if not _exists(server, template):
            _build(server, template, holds=holds, server_url=server_url)
        _drop(server, copy)
        server.execute(
            SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(Identifier(copy), Identifier(template))
        )
        # A parallel worker is gone before its CPU can be read; the plan's work is done, and counted, in the backend.
        server.execute(SQL("ALTER DATABASE {} SET max_parallel_workers_per_gather = 0").format(Identifier(copy)))
        try:
            yield address(server_url, copy)
        finally:
            _drop(server, copy)


def drop_all(*, server_url: str, prefix: str) -> None:
    """Drop every database whose name begins with the prefix."""
    with psycopg.connect(server_url, autocommit=True) as server:
        for name in _names(server, prefix):
            _drop(server, name)


def address(server_url: str, database: str) -> str:
    """Return the address of another database of the same server."""
    return urlsplit(server_url)._replace(path="/" + quote(database)).geturl()


def _build(server: psycopg.Connection, template: str, *, holds: int, server_url: str) -> None:
    """Fill a draft in a process of its own, whose settings name it; only what is complete gets the final name."""
    draft = f"{template}_draft"
    _drop(server, draft)
    server.execute(SQL("CREATE DATABASE {}").format(Identifier(draft)))
    argv = [sys.executable, "-m", "benchmarks.build", "--holds", str(holds)]
    subprocess.run(argv, env=os.environ | {"DATABASE_URL": address(server_url, draft)}, cwd=_ROOT, check=True)
    server.execute(SQL("ALTER DATABASE {} RENAME TO {}").format(Identifier(draft), Identifier(template)))


def _digest() -> str:
    """Return what changes every day and with the code that makes a template, as 10 hex digits."""
    digest = hashlib.sha256(timezone.localdate().isoformat().encode())
    for pattern in _SOURCES:
        for path in sorted(_ROOT.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:10]


def _drop_outdated(server: psycopg.Connection, prefix: str) -> None:
    for name in _names(server, prefix):
        if not name.endswith(f"_{_digest()}"):
            _drop(server, name)


def _names(server: psycopg.Connection, prefix: str) -> list[str]:
    rows = server.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [f"{prefix}_"])
    return [name for (name,) in rows.fetchall()]


def _exists(server: psycopg.Connection, name: str) -> bool:
    return server.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def _drop(server: psycopg.Connection, name: str) -> None:
    server.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))
