"""One database cluster: made once, configured at every start, its address and the command that serves it."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

from launch.errors import LaunchError
from launch.places import write_private
from launch.postgres.placement import Placement
from launch.processes import Command, end_all, run_to_end, running_in

ROLE = DATABASE = "narada"
# Nobody but the application's role gets in, and it only with its password; the superuser works in single-user mode.
_ACCESS = f"local all {ROLE} scram-sha-256\nlocal all all reject\n"
_SETTINGS = """\
# Written at every start of Narada. Put settings of your own into local.conf beside this file.
listen_addresses = ''
unix_socket_directories = {sockets}
unix_socket_permissions = 0700
password_encryption = 'scram-sha-256'
max_connections = 100
shared_buffers = '64MB'
max_wal_size = '256MB'
jit = off
log_timezone = 'UTC'
timezone = 'UTC'
log_line_prefix = '%m [%p] '
log_checkpoints = off
{safety}include_if_exists 'local.conf'
"""
# For data that is thrown away anyway (tests).
_RELAXED = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nautovacuum = off\n"


@dataclass(frozen=True)
class Cluster:
    """password: file with the role's password, 0600. relaxed: speed before safety."""

    placement: Placement
    password: Path
    log: Path
    relaxed: bool = False

    @property
    def url(self) -> str:
        """The address for DATABASE_URL, the socket's folder percent-encoded (libpq's own spelling)."""
        return database_url(self.placement.sockets, password=self.password.read_text().strip())

    def make_ready(self) -> None:
        """Do everything that comes before a start: end leftovers, make or check the data, write the settings.

        Raises: LaunchError when the data was made by another version, or can't be made.
        """
        data = self.placement.data
        self.clear_leftovers()
        if not (data / "PG_VERSION").is_file():
            self._create()
        self._check_version()
        if not self.password.is_file():
            self._set_password(data, "ALTER")
        self._configure(data)

    def command(self) -> Command:
        """The server in the foreground. SIGINT is its fast shutdown, also when the launcher is killed."""
        argv = [str(self._program("postgres")), "-D", str(self.placement.data)]
        return Command(argv, self._environment(), Path("/"), self.placement.account, signal.SIGINT)

    def is_ready(self, pid: int) -> bool:
        """Tell whether the server with this process id takes connections (what pg_ctl looks at, too)."""
        try:
            lines = (self.placement.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"

    def clear_leftovers(self) -> None:
        """End server processes of this data that a killed launcher left, then drop their lock files.

        The files name a process id that may be another program's by now, which PostgreSQL would take for a server.
        """
        data = self.placement.data
        if not data.is_dir():
            return
        find = partial(running_in, data, program="postgres")
        end_all(find, signals=((signal.SIGINT, 10), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)))
        if Path("/proc/self").exists() and not find():
            for stale in (data / "postmaster.pid", *self.placement.sockets.glob(".s.PGSQL.*")):
                stale.unlink(missing_ok=True)

    def _create(self) -> None:
        """Make the cluster beside its place and move it there when it is complete."""
        data = self.placement.data
        draft = data.with_name("data.new")
        shutil.rmtree(draft, ignore_errors=True)
        if data.is_dir():
            if any(data.iterdir()):
                raise LaunchError(f"{data} holds something that is no database: move it away and start again.")
            data.rmdir()
        draft.mkdir(mode=0o700)
        self._give(draft)
        # The builtin provider needs no locale of the machine's, and sorts and folds the same everywhere.
        provider = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--encoding=UTF8"]
        sync = ["--no-sync"] if self.relaxed else []
        argv = ["initdb", "-D", str(draft), "-U", "postgres", "-A", "reject", "--no-instructions", *provider, *sync]
        self._run(argv)
        self._set_password(draft, "CREATE")
        draft.rename(data)

    def _set_password(self, data: Path, verb: str) -> None:
        """Create or alter the role in single-user mode, where the password passes through a pipe and no server runs."""
        password = secrets.token_urlsafe(24)
        write_private(self.password, password + "\n")
        sql = f"{verb} ROLE {ROLE} LOGIN CREATEDB PASSWORD '{password}';\n"
        if verb == "CREATE":
            sql += f"CREATE DATABASE {DATABASE} OWNER {ROLE};\n"
        argv = ["postgres", "--single", "-D", str(data), "-c", "exit_on_error=on", "postgres"]
        try:
            self._run(argv, sql=sql)
        except LaunchError:
            self.password.unlink()
            raise

    def _configure(self, data: Path) -> None:
        settings = _SETTINGS.format(sockets=_quoted(self.placement.sockets), safety=_RELAXED if self.relaxed else "")
        for name, text in (("postgresql.conf", settings), ("pg_hba.conf", _ACCESS)):
            write_private(data / name, text)
            self._give(data / name)
        if not (data / "local.conf").exists():
            write_private(
                data / "local.conf", "# Settings of this office's own; they win over those of postgresql.conf.\n"
            )
            self._give(data / "local.conf")

    def _check_version(self) -> None:
        made_by = (self.placement.data / "PG_VERSION").read_text().strip()
        with (self.placement.home / "share" / "postgres.bki").open() as file:
            ours = file.readline().split()[-1]
        if made_by != ours:
            raise LaunchError(
                f"The database in {self.placement.data} was made by PostgreSQL {made_by}, and this version of Narada "
                f"brings PostgreSQL {ours}: docs/operations.md says how to carry the data over."
            )

    def _run(self, argv: list[str], *, sql: str = "") -> None:
        command = Command(
            [str(self._program(argv[0])), *argv[1:]], self._environment(), Path("/"), self.placement.account
        )
        start = self.log.stat().st_size if self.log.is_file() else 0
        code, _ = run_to_end(command, log=self.log, stdin=sql)
        if code != 0:
            with self.log.open(errors="replace") as file:
                file.seek(start)
                lines = file.read().splitlines()[-15:]
            raise LaunchError(f"The embedded database can't be made ({argv[0]} ended with {code}).", lines=lines)

    def _program(self, name: str) -> Path:
        return self.placement.home / "bin" / name

    def _environment(self) -> Mapping[str, str]:
        """Nothing of the person's own: their PG* variables and locale mean other servers."""
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}

    def _give(self, path: Path) -> None:
        if self.placement.account is not None:
            os.chown(path, self.placement.account.uid, self.placement.account.gid, follow_symlinks=False)


def database_url(sockets: Path, *, password: str) -> str:
    """Return the address of the role's database behind the socket in a folder of any name."""
    return f"postgresql://{ROLE}:{quote(password, safe='')}@{quote(os.fsencode(sockets), safe='')}/{DATABASE}"


def _quoted(folder: Path) -> str:
    """Quote a folder for unix_socket_directories: one element of a list inside a string of postgresql.conf."""
    element = str(folder).replace('"', '""')
    return "'\"" + element.replace("\\", "\\\\").replace("'", "''") + "\"'"
