"""What is wrong in the files: where it stands, the value, the reason and the way out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

_LONGEST_SHOWN = 60


class BadValue(Exception):
    """A cell can't be read; the text names the value, the reason and the way out."""


class ImportRefused(Exception):
    """Nothing was stored. `problems`: everything that has to be put right."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right. `line` counts from 1, the heading included; 0 is the file as a whole."""

    file: str
    message: str
    line: int = 0
    column: str = ""

    def __str__(self) -> str:
        place = [self.file]
        if self.line:
            place.append(_("line %(line)d") % {"line": self.line})
        if self.column:
            place.append(_("column %(column)s") % {"column": self.column})
        return f"{', '.join(place)}: {self.message}"


def shown(value: str, *, longest: int = _LONGEST_SHOWN) -> str:
    """Return a value as it can stand in a message and a terminal: short, and without control characters."""
    printable = "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in value)
    return printable if len(printable) <= longest else printable[: longest - 1] + "…"
