"""`manage.py jitsi_selftest`: proves that a conference server and we understand each other, or prints its settings."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone, translation

from integrations.jitsi.models import ConferenceServer
from integrations.jitsi.selftest import gather
from integrations.jitsi.selftest_checks import Result, judge
from integrations.jitsi.servers import all_servers
from integrations.jitsi.settings_text import Kind, NotPlain, SettingsFile, example_server, settings_for


class Command(BaseCommand):
    help = (
        "Tries everything between Narada and its conference servers; ends with 1 where something fails. "
        "With --paste it prints what to paste there instead, keys included."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--server", metavar="NAME", help="this one alone, by its name; without it all")
        parser.add_argument("--paste", dest="kind", choices=list(Kind), help="print the settings for such a server")
        parser.add_argument("--into", metavar="DIR", help="with --paste: write files there instead, 0600")
        parser.add_argument("--example", action="store_true", help="with --paste: of meet.example.org, without keys")

    def handle(self, *_: Any, **options: Any) -> None:
        with translation.override(settings.LANGUAGE_CODE):
            if options["kind"]:
                self._settings(Kind(options["kind"]), options)
            else:
                self._try(_servers(options["server"]))

    def _try(self, servers: list[ConferenceServer]) -> None:
        failed = 0
        for server in servers:
            self.stdout.write(f"{server.name}  {server.url}")
            for check in judge(gather(server, now=timezone.now())):
                self.stdout.write(f"  {check.result.label:<12} {check.name}: {check.tried}")
                for line in filter(None, (check.found, check.way_out)):
                    self.stdout.write(f"{'':15} {line}")
                failed += check.result is Result.FAILED
        if failed:
            raise CommandError(f"{failed} ×  {Result.FAILED.label}", returncode=1)

    def _settings(self, kind: Kind, options: dict[str, Any]) -> None:
        servers = [example_server(kind)] if options["example"] else _servers(options["server"])
        if options["into"] and len(servers) > 1:
            raise CommandError("Several servers: name one with --server.")
        for server in servers:
            try:
                files = settings_for(server, kind, with_keys=not options["example"])
            except NotPlain as error:
                raise CommandError(f"{error.name} can't stand in settings: {error.value!r}")
            if options["into"]:
                _write(files, Path(options["into"]), mode=0o644 if options["example"] else 0o600)
            else:
                self._print(server, files)

    def _print(self, server: ConferenceServer, files: Iterable[SettingsFile]) -> None:
        for file in files:
            self.stdout.write(f"===== {server.name}: {file.name} ({file.place})\n{file.text}")


def _servers(name: str | None) -> list[ConferenceServer]:
    found = all_servers()
    if not found:
        raise CommandError("There is no conference server: set JITSI_URL, or add one in the administration.")
    chosen = [server for server in found if name in (None, server.name)]
    if not chosen:
        raise CommandError(f"There is no server {name!r}, but: {', '.join(server.name for server in found)}.")
    return chosen


def _write(files: Iterable[SettingsFile], folder: Path, *, mode: int) -> None:
    """Write each file whole, readable for nobody else from its first byte on."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        path = folder / file.name
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as out:
            out.write(file.text)
