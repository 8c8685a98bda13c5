"""Writes tables as CSV and XLSX files that spreadsheets open as they are.

CSV is in UTF-8 with a mark at its beginning, and its cells are separated by semicolons: Excel takes the separator from
the system, which in Poland is the semicolon, and would put lines with commas into one column. LibreOffice asks.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

Cell = str | int | float | date | datetime | None
Row = tuple[Cell, ...]

#: What spreadsheets take for the beginning of a formula (OWASP, CSV Injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
#: XML has no such characters, and openpyxl refuses them.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_DAY_FORMAT, _MOMENT_FORMAT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm"
_WIDEST = 60


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table. `key`: its name in addresses; `title`: its name in a workbook, at most 31 characters.

    Datetimes in `rows` are naive, in the zone that a column's name tells.
    """

    key: str
    title: str
    header: tuple[str, ...]
    rows: Sequence[Row]


def safe_text(text: str) -> str:
    """Return the text so that no spreadsheet runs it: what looks like a formula gets an apostrophe before it."""
    clean = _CONTROLS.sub("", text)
    return f"'{clean}" if clean.startswith(_FORMULA) else clean


def write_csv(sheet: Sheet) -> bytes:
    target = io.StringIO(newline="")
    writer = csv.writer(target, delimiter=";", lineterminator="\r\n")
    writer.writerow(safe_text(name) for name in sheet.header)
    for row in sheet.rows:
        writer.writerow(_as_text(value) for value in row)
    return b"\xef\xbb\xbf" + target.getvalue().encode()


def write_xlsx(sheets: Iterable[Sheet]) -> bytes:
    """Return a workbook in which days and times are real ones, with the names of columns in a row that stays."""
    book = Workbook(write_only=True)
    for sheet in sheets:
        page = book.create_sheet(sheet.title)
        page.freeze_panes = "A2"
        for number, width in enumerate(_widths(sheet), 1):
            page.column_dimensions[get_column_letter(number)].width = width
        page.append([_header_cell(page, name) for name in sheet.header])
        for row in sheet.rows:
            page.append([_as_cell(page, value) for value in row])
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _as_text(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    return safe_text(value) if isinstance(value, str) else str(value)


def _as_cell(page: object, value: Cell) -> object:
    if isinstance(value, str):
        return safe_text(value)
    if not isinstance(value, date):
        return value
    cell = WriteOnlyCell(page, value=value)
    cell.number_format = _MOMENT_FORMAT if isinstance(value, datetime) else _DAY_FORMAT
    return cell


def _header_cell(page: object, name: str) -> object:
    cell = WriteOnlyCell(page, value=safe_text(name))
    cell.font = Font(bold=True)
    return cell


def _widths(sheet: Sheet) -> list[int]:
    longest = [len(name) for name in sheet.header]
    for row in sheet.rows:
        longest = [max(width, len(_as_text(value))) for width, value in zip(longest, row, strict=True)]
    return [min(width, _WIDEST) + 2 for width in longest]
