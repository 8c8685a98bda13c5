"""Books the sessions of demo/sessions.csv in the example office."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from bookings.example_answers import answer_invitations
from bookings.example_sessions import book_plans, read_plans
from bookings.example_surroundings import set_up_surroundings
from rooms.example_office import ensure_rules, is_example_office
from rooms.office_import.problems import ImportRefused


class Command(BaseCommand):
    help = (
        "Book believable sessions for today and the next working day in the example office, with a series, a request, "
        "closures, a few rules and answers. A second run books nothing twice. Refuses where somebody has a real "
        "address, or where mail leaves the machine."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        folder = settings.ROOT / "demo"
        parser.add_argument("folder", metavar="DIR", nargs="?", type=Path, default=folder, help="where sessions.csv is")

    def handle(self, *, folder: Path, **_options: Any) -> None:
        if not is_example_office():
            raise CommandError(_("This office has people with real addresses. Book sessions on the pages."))
        if settings.EMAIL_URL:
            raise CommandError(_("Mail leaves this machine (EMAIL_URL is set), and example addresses do not exist."))
        try:
            plans = read_plans(folder)
        except ImportRefused as refused:
            raise CommandError("\n".join(str(problem) for problem in refused.problems)) from refused
        now = timezone.now()
        outcome = book_plans(plans, now=now)
        ensure_rules()
        set_up_surroundings(now=now)
        answer_invitations(now=now)
        self.stdout.write(
            _("Sessions booked: %(booked)d, there already: %(there)d, no room or licence left for: %(refused)d.")
            % {"booked": outcome.booked, "there": outcome.there, "refused": outcome.refused}
        )
