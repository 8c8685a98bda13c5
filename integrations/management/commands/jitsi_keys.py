"""`manage.py jitsi_keys`: lists our key pairs, has new ones made, withdraws one that leaked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from integrations.jitsi import keys


class Command(BaseCommand):
    help = "Lists the keys with which tokens of conferences are signed. Changes nothing without an option."

    def add_arguments(self, parser: CommandParser) -> None:
        chosen = parser.add_mutually_exclusive_group()
        chosen.add_argument("--rotate", action="store_true", help="publish a successor of each; it signs in an hour")
        chosen.add_argument("--withdraw", metavar="KID", help="publish this key no more: what it signed is refused")

    def handle(self, *_: Any, **options: Any) -> None:
        now = timezone.now()
        if options["rotate"]:
            for purpose in keys.Purpose:
                keys.rotate(purpose, now=now)
        elif options["withdraw"]:
            self._withdraw(options["withdraw"], now=now)
        for row, state in keys.states(now=now):
            self.stdout.write(f"{row.purpose:8} {row.kid}  {_since(row.created_at, now=now):>9}  {_words(state)}")

    def _withdraw(self, kid: str, *, now: datetime) -> None:
        try:
            keys.withdraw(kid, now=now)
        except keys.UnknownKey:
            raise CommandError(f"There is no key {kid}; without options this command lists them.")
        self.stdout.write("Restart Prosody now: it keeps a key that it has read for as long as it runs.")


def _since(at: datetime, *, now: datetime) -> str:
    return f"{(now - at).days} days"


def _words(state: keys.State) -> str:
    return {
        keys.State.COMING: "coming: published, signs within the hour",
        keys.State.SIGNING: "signs",
        keys.State.PUBLISHED: "published still, signs no more",
        keys.State.WITHDRAWN: "withdrawn",
    }[state]
