"""The database of an instance: the server DATABASE_URL names, else an embedded one that runs while it is needed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launch.child import Child, Program
from launch.errors import LaunchError
from launch.places import Places
from launch.postgres.cluster import Cluster
from launch.postgres.placement import place
from launch.processes import wait_until
from launch.venv import postgres_wheel

_SECONDS_TO_START = 60.0


def cluster_of(places: Places, *, relaxed: bool = False) -> Cluster:
    """Return the embedded cluster of the instance, placed but not started."""
    folder = places.var / "postgres"
    placement = place(folder, wheel=postgres_wheel(places), environ=os.environ)
    return Cluster(
        placement, password=places.var / "database_password", log=places.logs / "postgres.log", relaxed=relaxed
    )


def server_program(cluster: Cluster) -> Program:
    """Return the server as a program: fast shutdown first, then without a last checkpoint."""
    stops = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0))
    return Program("postgres", cluster.command(), stops, prepare=cluster.make_ready, is_base=True)


def wait_for_server(cluster: Cluster, child: Child) -> None:
    """Wait until the server takes connections, also after it had to recover.

    Raises: LaunchError with the server's last lines when it ends or takes too long.
    """

    def settled() -> bool:
        return not child.is_running() or (child.process is not None and cluster.is_ready(child.process.pid))

    if not wait_until(settled, seconds=_SECONDS_TO_START) or not child.is_running():
        raise LaunchError(f"The embedded database does not start: see {child.log}.", lines=child.last_lines())


@contextmanager
def running_database(places: Places, *, relaxed: bool = False) -> Iterator[str]:
    """Run the embedded server for the length of the block and give its address; DATABASE_URL comes first."""
    if os.environ.get("DATABASE_URL"):
        yield os.environ["DATABASE_URL"]
        return
    cluster = cluster_of(places, relaxed=relaxed)
    program = server_program(cluster)
    child = Child(program, cluster.log)
    try:
        child.start()
        wait_for_server(cluster, child)
        yield cluster.url
    finally:
        for number, seconds in program.stop_signals:
            child.ask_to_stop(number)
            wait_until(lambda: not child.is_running(), seconds=seconds)
        child.finish()


def beside(places: Places, name: str) -> Places:
    """Return the places of a throw-away instance of the same checkout, such as the one for tests."""
    return Places(root=places.root, var=Path(places.var) / name)
