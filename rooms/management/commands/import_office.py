"""Brings sites, rooms, licences and people into line with a folder of CSV files."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from accounts.upsert import Tally
from rooms.office_import.problems import ImportRefused
from rooms.office_import.store import Summary, import_office

_KINDS = {
    "equipment": gettext_lazy("equipment"),
    "sites": gettext_lazy("sites"),
    "rooms": gettext_lazy("rooms"),
    "pools": gettext_lazy("licence pools"),
    "institutions": gettext_lazy("institutions"),
    "contacts": gettext_lazy("contacts"),
    "groups": gettext_lazy("contact groups"),
    "people": gettext_lazy("people"),
}


class Command(BaseCommand):
    help = (
        "Import an office from a folder with sites.csv, rooms.csv, licences.csv, institutions.csv and, if they are "
        "there, equipment.csv and people.csv. A second run changes nothing; rows that are not in the files stay."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", metavar="DIR", type=Path, help="the folder with the CSV files")
        parser.add_argument("--dry-run", action="store_true", help="show what would change, and write nothing")

    def handle(self, *, folder: Path, dry_run: bool, **_options: Any) -> None:
        try:
            summary = import_office(folder, dry_run=dry_run)
        except ImportRefused as refused:
            count = len(refused.problems)
            heading = ngettext(
                "Nothing was imported: there is %(count)d thing to put right.",
                "Nothing was imported: there are %(count)d things to put right.",
                count,
            )
            lines = [heading % {"count": count}, *(f"  {problem}" for problem in refused.problems)]
            raise CommandError("\n".join(lines)) from refused
        self._print(summary)
        if dry_run:
            self.stdout.write(_("This was a dry run: nothing was written."))
        self.stdout.write(_("What is not in the files was left as it is."))

    def _print(self, summary: Summary) -> None:
        widest = max(len(str(kind)) for kind in _KINDS.values())
        headings = [
            pgettext("imported rows", "created"),
            pgettext("imported rows", "changed"),
            pgettext("imported rows", "unchanged"),
        ]
        self.stdout.write("  ".join([" " * widest, *headings]))
        for kind in fields(summary):
            tally: Tally = getattr(summary, kind.name)
            figures = [tally.created, tally.changed, tally.unchanged]
            cells = [f"{figure:>{len(heading)}}" for figure, heading in zip(figures, headings, strict=True)]
            self.stdout.write("  ".join([f"{_KINDS[kind.name]!s:<{widest}}", *cells]))
