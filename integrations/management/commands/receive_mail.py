"""`manage.py receive_mail < mail`: keeps one mail; its exit code tells a mail server what became of it."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from integrations.mailbox import store


class Command(BaseCommand):
    help = "Keeps the mail that stands at standard input. Ends with 0, 65 (empty or too big) or 75 (try again later)."
    requires_system_checks: list[str] = []  # they may ask the database, which may be away

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", action="append", default=[], metavar="ADDRESS", help="to whom it was delivered")

    def handle(self, *_: Any, **options: Any) -> None:
        # One more than may be: enough to know that it is too big.
        raw = sys.stdin.buffer.read(store.MAX_SIZE + 1)
        if not raw.strip():
            self._end(os.EX_DATAERR, "There is no mail at standard input.")
        try:
            store.store(raw, source="command", envelope_to=options["to"], now=timezone.now())
        except store.TooBig:
            self._end(os.EX_DATAERR, f"The mail is bigger than {store.MAX_SIZE // 1_000_000} MB.")
        except (DatabaseError, InterfaceError, OSError) as error:
            self._end(os.EX_TEMPFAIL, f"The mail was not kept, try again later ({type(error).__name__}).")

    def _end(self, code: int, words: str) -> None:
        self.stderr.write(words)
        sys.exit(code)
