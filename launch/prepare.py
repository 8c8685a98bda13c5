"""Brings database and static files up to date before the programs start; runs inside the virtual environment.

One process instead of five management commands: each would load Django again. Prints the example logins to stdout and
everything else to stderr.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import django
from django.apps import apps
from django.core.management import CommandError, call_command


def main(*, demo: Path, demo_mark: Path, collect_static: bool) -> None:
    """Migrate, make the cache table, fill an empty database with the example office, collect static files."""
    django.setup()
    from notifications import heartbeat  # noqa: PLC0415  app ready

    call_command("migrate", interactive=False, verbosity=1, stdout=sys.stderr)
    call_command("createcachetable", stdout=sys.stderr)
    heartbeat.forget()
    if not apps.get_model("rooms", "Site").objects.exists():
        call_command("import_office", str(demo), stdout=sys.stderr)
        demo_mark.touch()
        call_command("import_dial_in", str(demo / "dial_in.csv"), stdout=sys.stderr)
        call_command("demo_history", stdout=sys.stderr)
        with suppress(CommandError):  # where mail leaves the machine, the example board stays empty
            call_command("demo_sessions", stdout=sys.stderr)
    if demo_mark.exists():
        call_command("demo_logins", stdout=sys.stdout)
    if collect_static:
        call_command("collectstatic", interactive=False, verbosity=0, clear=True, stdout=sys.stderr)


if __name__ == "__main__":
    main(demo=Path(sys.argv[1]), demo_mark=Path(sys.argv[2]), collect_static="--collect-static" in sys.argv[3:])
