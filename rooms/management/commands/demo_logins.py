"""Prints logins for three people of the example office, and makes them the first time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from rooms.example_office import Logins, ensure_logins, is_example_office
from rooms.office_import.office import read_people
from rooms.office_import.problems import ImportRefused


class Command(BaseCommand):
    help = (
        "Print the example logins: the people marked in the column example_login of people.csv. Their passwords are "
        "made once and kept in demo-logins.json under VAR_DIR. Does nothing to an office with real addresses."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        folder = settings.ROOT / "demo"
        parser.add_argument("folder", metavar="DIR", nargs="?", type=Path, default=folder, help="where people.csv is")

    def handle(self, *, folder: Path, **_options: Any) -> None:
        try:
            people = read_people(folder)
        except ImportRefused as refused:
            raise CommandError("\n".join(str(problem) for problem in refused.problems)) from refused
        self._print(ensure_logins(people, file=settings.VAR_DIR / "demo-logins.json"))

    def _print(self, logins: Logins) -> None:
        roles = {
            "staff": pgettext("role at a site", "staff"),
            "manager": pgettext("role at a site", "site manager"),
            "it_admin": _("IT admin"),
        }
        rows = [(roles[login.role], login.email, login.password) for login in logins.working]
        widths = [max(len(row[column]) for row in rows) for column in range(2)] if rows else []
        for role, email, password in rows:
            self.stdout.write(f"{role:<{widths[0]}}  {email:<{widths[1]}}  {password}")
        if not logins.left_alone:
            return
        if is_example_office():
            text = ngettext(
                "%(people)s has chosen a password and keeps it.",
                "%(people)s have chosen their passwords and keep them.",
                len(logins.left_alone),
            )
        else:
            text = _("No password was set for %(people)s: this office has people with real addresses.")
        self.stderr.write(text % {"people": ", ".join(logins.left_alone)})
