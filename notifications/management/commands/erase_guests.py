"""`manage.py erase_guests`: erases data of guests as the worker does every hour; with --dry-run only counts."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone, translation

from notifications.erasing import erase_due
from notifications.kept_data import dry_run


class Command(BaseCommand):
    help = "Erases data of guests whose last session ended GUEST_DATA_DAYS ago. Changes nothing with --dry-run."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count people and rows, and change nothing")

    def handle(self, *_: Any, **options: Any) -> None:
        now = timezone.now()
        with translation.override(settings.LANGUAGE_CODE):
            if not settings.GUEST_DATA_DAYS:
                self.stdout.write("GUEST_DATA_DAYS is 0: nothing is erased by the clock.")
            elif options["dry_run"]:
                run = dry_run(now)
                self.stdout.write(f"People: {len(run.people)}")
                for name, count in run.rows:
                    self.stdout.write(f"  {count:>8}  {name}")
            else:
                self.stdout.write(f"People: {erase_due(now)}")
