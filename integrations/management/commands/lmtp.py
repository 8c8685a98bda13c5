"""`manage.py lmtp`: takes mail from the office's mail server until it is asked to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import close_old_connections
from django.utils import timezone

from integrations.mailbox import store
from integrations.mailbox.lmtp import Server, parse_address


class Command(BaseCommand):
    help = "Takes mail over LMTP and keeps it; the worker reads it. SIGTERM ends it when what is under way is kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--listen", default="unix:/run/narada/lmtp", help="unix:/path or host:port")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            address = parse_address(options["listen"])
        except ImproperlyConfigured as error:
            raise CommandError(str(error))
        try:
            asyncio.run(_serve(Server(address, _keep), self._say))
        except OSError as error:
            raise CommandError(f"Can't listen at {options['listen']}: {error.strerror or error}")

    def _say(self, words: str) -> None:
        self.stdout.write(words)
        self.stdout.flush()


async def _serve(server: Server, say: Callable[[str], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await server.start()
    say("Narada takes mail.")
    await stop.wait()
    await server.stop()
    say("Narada takes no more mail.")


def _keep(raw: bytes, recipients: list[str]) -> None:
    close_old_connections()
    try:
        store.store(raw, source="lmtp", envelope_to=recipients, now=timezone.now())
    finally:
        close_old_connections()
