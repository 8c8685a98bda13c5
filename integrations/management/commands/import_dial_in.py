"""`manage.py import_dial_in FILE`: takes the numbers under which people join by telephone from a CSV file."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from integrations.jitsi.models import DialInNumber
from rooms.models import Site

_COLUMNS = ("number", "shown", "country", "name", "name_en", "site", "free", "in_mails")
_YES, _NO = "yes", ""


class Command(BaseCommand):
    help = (
        "Takes numbers to call from a CSV file (see demo/dial_in.csv); numbers that are known are changed. All or none."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)

    def handle(self, *, file: Path, **_options: Any) -> None:
        try:
            with file.open(encoding="utf-8-sig", newline="") as opened:
                rows = list(csv.DictReader(opened))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise CommandError(f"{file} can't be read: {error}") from error
        if not rows or tuple(rows[0]) != _COLUMNS:
            raise CommandError(f"{file}: the first line has to be {','.join(_COLUMNS)}, and numbers have to follow.")
        with transaction.atomic():
            problems = [problem for line, row in enumerate(rows, start=2) if (problem := self._take(row, line=line))]
            if problems:
                raise CommandError("\n".join(problems))
        self.stdout.write(f"Numbers to call: {len(rows)}.")

    def _take(self, row: dict[str, Any], *, line: int) -> str:
        """Store one number; return what is wrong with it, empty where nothing is."""
        cells = {name: (row[name] or "").strip() for name in _COLUMNS}
        for name in ("free", "in_mails"):
            if cells[name] not in {_YES, _NO}:
                return f"Line {line}, {name}: write {_YES}, or nothing."
        site = Site.objects.filter(code=cells["site"]).first()
        if cells["site"] and site is None:
            return f"Line {line}, site: no site has the code {cells['site']}."
        number = DialInNumber.objects.filter(number=cells["number"]).first() or DialInNumber(number=cells["number"])
        number.formatted, number.country_code = cells["shown"], cells["country"] or "PL"
        number.label, number.label_en = cells["name"], cells["name_en"]
        number.site, number.position = site, line - 1
        number.is_toll_free, number.is_default = cells["free"] == _YES, cells["in_mails"] == _YES
        try:
            number.full_clean()
        except ValidationError as error:
            return f"Line {line}: {' '.join(error.messages)}"
        number.save()
        return ""
