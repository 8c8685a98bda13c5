"""`make run`: everything from an empty checkout to a served, healthy Narada, until it is asked to stop."""

from __future__ import annotations

import hashlib
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from launch.address import Address, address_from, listen
from launch.catalogues import compile_stale
from launch.child import Program
from launch.console import say, timed
from launch.database import cluster_of, server_program, wait_for_server
from launch.environment import serving_environment
from launch.errors import LaunchError
from launch.health import answers
from launch.instance import Lock, only_instance
from launch.places import Places, make_var, write_private
from launch.processes import Command, run_to_end
from launch.signals import Signals, Stop
from launch.supervisor import Supervisor
from launch.venv import RUN, ensure_venv
from launch.web import web_server

_SECONDS_TO_HEALTH = 120.0


def run(places: Places) -> int:
    """Run the instance; returns the exit code. Raises: LaunchError."""
    began = time.monotonic()
    signals = Signals()
    address = address_from(os.environ)
    make_var(places)
    try:
        with only_instance(places) as lock:
            return _run_alone(places, address, lock, signals, began)
    except Stop:
        say("Narada was stopped while it was starting.")
        return 130


def _run_alone(places: Places, address: Address, lock: Lock, signals: Signals, began: float) -> int:
    say(f"Narada starts from {places.root}")
    supervisor = Supervisor(signals, places.logs)
    with listen(address) as listener:
        try:
            with timed("environment is ready"):
                ensure_venv(places, lists=(RUN,), log=places.logs / "setup.log")
            env = serving_environment(places, address, database_url=_start_database(places, supervisor))
            with timed("database and pages are up to date"):
                compile_stale(places, env=env, log=places.logs / "setup.log")
                logins = _prepare(places, env)
            with timed("web, worker and beat are healthy"):
                _start_services(places, env, supervisor, listener)
                healthy = _wait_for_health(supervisor, address)
            if healthy:
                lock.describe(env["BASE_URL"])
                _welcome(places, env["BASE_URL"], logins, time.monotonic() - began)
                supervisor.watch()
            say("Narada is stopping …")
        finally:
            supervisor.stop()
    say("Narada has stopped.")
    return 0


def _start_database(places: Places, supervisor: Supervisor) -> str:
    """Return the address of the database, started here unless DATABASE_URL names one."""
    if os.environ.get("DATABASE_URL"):
        places.database_url.unlink(missing_ok=True)
        return os.environ["DATABASE_URL"]
    with timed("PostgreSQL is ready"):
        cluster = cluster_of(places)
        wait_for_server(cluster, supervisor.start(server_program(cluster)))
    write_private(places.database_url, cluster.url + "\n")
    return cluster.url


def _prepare(places: Places, env: Mapping[str, str]) -> str:
    """Run launch.prepare in the environment; returns the example logins it printed."""
    log = places.logs / "setup.log"
    stamp = _static_stamp(places.root)
    is_stale = not places.static_stamp.is_file() or places.static_stamp.read_text() != stamp
    argv = [str(places.python), "-m", "launch.prepare", "demo", str(places.demo_mark)]
    code, logins = run_to_end(Command([*argv, *["--collect-static"] * is_stale], env, places.root), log=log)
    if code != 0:
        lines = log.read_text(errors="replace").splitlines()[-15:]
        raise LaunchError(f"The database can't be brought up to date: see {log}.", lines=lines)
    places.static_stamp.write_text(stamp)
    return logins


def _static_stamp(root: Path) -> str:
    """Return what changes when a static file of ours or of a package does."""
    digest = hashlib.sha256((root / RUN).read_bytes())
    for path in sorted([*root.glob("static/**/*"), *root.glob("*/static/**/*"), root / "config" / "fonts.py"]):
        if path.is_file() and ".venv" not in path.parts:
            found = path.stat()
            digest.update(f"{path.relative_to(root)} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _start_services(places: Places, env: Mapping[str, str], supervisor: Supervisor, listener: socket.socket) -> None:
    python = str(places.python)
    web = web_server(python, bind=f"fd://{listener.fileno()}")
    celery = [python, "-m", "celery", "-A", "config", "--quiet"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    worker = [*celery, "worker", "-P", "threads", "-c", "4", *quiet, "-l", "INFO"]
    beat = [*celery, "beat", "-S", "config.beat:Scheduler", "--pidfile=", "-l", "WARNING"]
    programs = {"web": (web, (listener.fileno(),)), "worker": (worker, ()), "beat": (beat, ())}
    for name, (argv, fds) in programs.items():
        supervisor.start(Program(name, Command(argv, env, places.root, pass_fds=fds)))


def _wait_for_health(supervisor: Supervisor, address: Address) -> bool:
    """Return True when all is healthy, False when it was asked to stop meanwhile.

    Raises: LaunchError that says which part is not.
    """
    before = time.monotonic()

    def healthy() -> bool:
        return answers(address, "/healthz") and answers(address, "/readyz")

    if supervisor.watch(until=healthy, seconds=_SECONDS_TO_HEALTH):
        return True
    if time.monotonic() - before < _SECONDS_TO_HEALTH:
        return False
    part = "worker" if answers(address, "/healthz") else "web"
    raise LaunchError(
        f"{part} is not healthy after {_SECONDS_TO_HEALTH:.0f} s, so Narada stops.", lines=supervisor.logged_by(part)
    )


def _welcome(places: Places, url: str, logins: str, seconds: float) -> None:
    say()
    say(f"Narada runs at {url} (ready in {seconds:.1f} s)")
    if logins.strip():
        say("Example logins:")
        for line in logins.rstrip().splitlines():
            say(f"  {line}")
    say(f"Logs are in {places.logs}, mails in {places.var / 'mail'}. Ctrl-C stops everything.")
