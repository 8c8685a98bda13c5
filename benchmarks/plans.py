"""Writes down how PostgreSQL ran the statements of one call, those inside its functions included: `--plans`.

Needs the module auto_explain and a role that may load it; where that is missing the file says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import psycopg
from django.db import DatabaseError, connection, transaction

#: What grows with the years; a plan that touches none of these is of no interest.
_HISTORY = (
    "bookings_roomhold",
    "bookings_licencehold",
    "bookings_equipmenthold",
    "bookings_occurrence",
    "bookings_booking",
    "bookings_attendee",
    "notifications_message",
)
#: One look at a primary key for each row written: many, and all alike.
_FOREIGN_KEY = "Query Text: SELECT 1 FROM ONLY"
_SETTINGS = (
    "SET auto_explain.log_min_duration = 0; SET auto_explain.log_analyze = on; SET auto_explain.log_buffers = on;"
    " SET auto_explain.log_nested_statements = on; SET auto_explain.log_triggers = on; SET client_min_messages = log"
)
_OFF = "SET auto_explain.log_min_duration = -1; RESET client_min_messages"


class Plans:
    """The file that plans are written to."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Write the plans of whatever is asked inside the block."""
        connection.ensure_connection()
        raw = connection.connection
        assert raw is not None
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("LOAD 'auto_explain'")
        except DatabaseError as error:
            self._file.write(f"== {name}: no plans ({str(error).strip()})\n\n")
            yield
            return
        found: list[str] = []

        def note(notice: psycopg.errors.Diagnostic) -> None:
            found.append(notice.message_primary or "")

        raw.add_notice_handler(note)
        try:
            with connection.cursor() as cursor:
                cursor.execute(_SETTINGS)
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute(_OFF)
            raw.remove_notice_handler(note)
        self._write(name, found)

    def _write(self, name: str, plans: list[str]) -> None:
        checks = [plan for plan in plans if _FOREIGN_KEY in plan]
        touching = [plan for plan in plans if any(f" on {table}" in plan for table in _HISTORY) and plan not in checks]
        self._file.write(f"== {name}: {len(touching)} plans, and {len(checks)} checks of foreign keys\n\n")
        self._file.writelines(f"{plan}\n\n" for plan in touching)


@contextmanager
def plans_in(path: Path | None) -> Iterator[Plans | None]:
    """Open the file; None: nobody asked for plans."""
    if path is None:
        yield None
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        yield Plans(file)
