"""Reads the cells of one row by column and notes what can't be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from rooms.office_import.problems import BadValue
from rooms.office_import.table import Row, Table

T = TypeVar("T")


class Cells:
    """One row being read. After every cell, `is_good` says whether facts made of it may be used.

    A cell that can't be read is noted in the table's problems and stands as None in facts that are thrown away, so
    that all problems of a row are found in one go.
    """

    def __init__(self, table: Table, row: Row) -> None:
        self._table = table
        self._row = row
        self.is_good = True

    @property
    def line(self) -> int:
        return self._row.line

    def has(self, column: str) -> bool:
        return bool(self._row.cells.get(column))

    def raw(self, column: str) -> str:
        return self._row.cells.get(column, "")

    def read(self, column: str, reader: Callable[[str], T]) -> T:
        try:
            return reader(self.raw(column))
        except BadValue as problem:
            self.refuse(column, str(problem))
            return cast(T, None)

    def refuse(self, column: str, message: str) -> None:
        self.is_good = False
        self._table.refuse(message, line=self.line, column=column)
