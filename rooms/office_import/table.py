"""Turns one CSV file into rows of text, or says in words why it can't be read."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation import gettext as _

from rooms.office_import.problems import Problem, shown

MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS = 20_000

_BOM_16 = (b"\xff\xfe", b"\xfe\xff")
# Letters that the two old Polish code pages spell differently: ą ś ź Ą Ś Ź.
_ONLY_1250 = b"\xb9\x9c\x9f\xa5\x8c\x8f"
_ONLY_8859_2 = b"\xb1\xb6\xbc\xa1\xa6\xac"


@dataclass(frozen=True, slots=True)
class Sheet:
    """Which columns a file has. A file that `is_required` has to be in the folder."""

    file: str
    columns: tuple[str, ...]
    optional: tuple[str, ...] = ()
    is_required: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """`line` is where the row begins in the file, counted from 1; a cell of an optional column may be absent."""

    file: str
    line: int
    cells: dict[str, str]


@dataclass(slots=True)
class Table:
    """The rows of a file. `is_readable` is False where the file is missing or no table could be made of it.

    `broken`: rows with too many or too few cells. They are reported, and still stand for the codes they begin with.
    """

    sheet: Sheet
    rows: list[Row] = field(default_factory=list)
    broken: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    is_readable: bool = True

    @property
    def is_absent(self) -> bool:
        """Say whether there is no such file, and none is required."""
        return not self.is_readable and not self.problems

    def column(self, name: str) -> set[str]:
        """Return all values of a column, to know what is spoken of even where the rest of a row is wrong."""
        return {row.cells[name] for row in (*self.rows, *self.broken) if name in row.cells}

    def refuse(self, message: str, *, line: int = 0, column: str = "") -> None:
        self.problems.append(Problem(self.sheet.file, message, line, column))


def read_table(folder: Path, sheet: Sheet) -> Table:
    """Read one file of the folder: UTF-8, commas, a heading. Blank lines are skipped; cells are stripped."""
    table = Table(sheet)
    content = _read_bytes(folder / sheet.file, table)
    text = _decode(content, table) if content is not None else None
    if text is not None:
        _fill(table, text)
    if table.problems and not table.rows:
        table.is_readable = False
    return table


def _read_bytes(path: Path, table: Table) -> bytes | None:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        table.is_readable = False
        if table.sheet.is_required:
            table.refuse(
                _("the file is missing. Put it into the folder; its heading is: %(heading)s")
                % {"heading": ",".join(table.sheet.columns)}
            )
        return None
    except OSError as error:
        table.refuse(
            _("the file can't be read (%(reason)s). Check what it is and who may read it.")
            % {"reason": error.strerror or type(error).__name__}
        )
        return None
    if len(content) > MAX_BYTES:
        table.refuse(
            _("the file is larger than %(limit)d MB. Split it and import the parts one after another.")
            % {"limit": MAX_BYTES // 1024 // 1024}
        )
        return None
    return content


def _decode(content: bytes, table: Table) -> str | None:
    if content.startswith(_BOM_16):
        table.refuse(_("the file is in UTF-16. Save it as “CSV UTF-8”."))
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        table.refuse(
            _("the file is not in UTF-8; it looks like %(encoding)s. Save it as “CSV UTF-8”.")
            % {"encoding": _guess_encoding(content)},
            line=line,
        )
        return None
    if "\0" in text:
        table.refuse(
            _("there is a zero byte, which no CSV file has. Save the table as “CSV UTF-8” again."),
            line=text.count("\n", 0, text.index("\0")) + 1,
        )
        return None
    if not text.strip():
        table.refuse(_("the file is empty. Its heading is: %(heading)s") % {"heading": ",".join(table.sheet.columns)})
        return None
    return unicodedata.normalize("NFC", text)


def _guess_encoding(content: bytes) -> str:
    as_1250 = sum(content.count(letter) for letter in _ONLY_1250)
    as_8859_2 = sum(content.count(letter) for letter in _ONLY_8859_2)
    if as_1250 == as_8859_2:
        return _("Windows-1250 or ISO-8859-2")
    return "Windows-1250" if as_1250 > as_8859_2 else "ISO-8859-2"


def _fill(table: Table, text: str) -> None:
    lines = _lines(table, text)
    heading_line, heading = next(lines, (1, []))
    names = [name.casefold() for name in heading]
    if not _check_heading(table, names, heading_line):
        return
    for line, values in lines:
        if len(table.rows) == MAX_ROWS:
            table.refuse(
                _("there are more than %(limit)d rows. Split the file and import the parts one after another.")
                % {"limit": MAX_ROWS},
                line=line,
            )
            return
        row = Row(table.sheet.file, line, dict(zip(names, values, strict=False)))
        if len(values) == len(names):
            table.rows.append(row)
            continue
        table.broken.append(row)
        table.refuse(
            _(
                "the line has %(found)d cells, the heading has %(wanted)d. "
                'Put a cell that contains a comma into quotation marks: "…"'
            )
            % {"found": len(values), "wanted": len(names)},
            line=line,
        )
    if not table.rows and not table.problems:
        table.refuse(_("there is a heading and nothing under it. Add a line for each item."))


def _lines(table: Table, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines that are not blank, each with the number of the line it begins on."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
    while True:
        line = reader.line_num + 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error:
            table.refuse(
                _(
                    "the quotation marks don't match, or a cell is far too long. A cell that begins with a quotation "
                    "mark ends with one, and one inside is doubled."
                ),
                line=line,
            )
            return
        values = [value.strip() for value in values]
        if any(values):
            yield line, values


def _check_heading(table: Table, names: list[str], line: int) -> bool:
    sheet = table.sheet
    heading = ",".join(sheet.columns)
    if len(names) == 1 and (delimiter := next((sign for sign in ";\t|" if sign in names[0]), None)):
        table.refuse(
            _("cells are separated by %(found)s instead of commas. Save the table as CSV with commas.")
            % {"found": {";": _("semicolons"), "\t": _("tabs"), "|": "|"}[delimiter]},
            line=line,
        )
        return False
    for name in sheet.columns:
        if name not in names:
            table.refuse(
                _("the column is missing. The heading is: %(heading)s") % {"heading": heading}, line=line, column=name
            )
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            table.refuse(_("the column is there twice. Remove one."), line=line, column=shown(name))
        if name not in sheet.columns and name not in sheet.optional:
            table.refuse(
                _("the column is not known. Remove it; known columns are: %(known)s")
                % {"known": ", ".join([*sheet.columns, *sheet.optional])},
                line=line,
                column=shown(name) or _("without a name"),
            )
    return not table.problems
