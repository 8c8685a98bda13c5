"""Gives the example office a past, once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from bookings.example_history import make_history
from rooms.example_office import is_example_office


class Command(BaseCommand):
    help = (
        "Write four months of past sessions into the example office, with what was refused for lack of a licence, so "
        "that reports have something to say. Does nothing where there is a past, and refuses where somebody has a real "
        "address."
    )

    def handle(self, **_options: Any) -> None:
        if not is_example_office():
            raise CommandError(_("This office has people with real addresses. Its past is its own."))
        made = make_history(now=timezone.now())
        self.stdout.write(_("Past sessions written: %(count)d.") % {"count": made})
