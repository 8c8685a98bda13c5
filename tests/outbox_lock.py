"""Holds workers at a statement from outside, by locks that anybody may take: the product has no hook for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connection

from tests.servers import database_url_of_tests, wait_until


class OutboxLock:
    """A transaction of its own that holds the outbox."""

    def __init__(self) -> None:
        self._session = psycopg.connect(database_url_of_tests())

    def take_table(self) -> None:
        """Let nobody even look at the outbox."""
        self._session.execute("LOCK TABLE notifications_message IN ACCESS EXCLUSIVE MODE")

    def take_rows(self) -> None:
        """Let nobody change a row."""
        self._session.execute("SELECT id FROM notifications_message FOR UPDATE")

    def is_waited_for(self) -> bool:
        return self._ask("SELECT count(*)") > 0

    def cut(self) -> None:
        """Let the statements that wait never be done: the database would else finish them for a dead client."""
        self._ask("SELECT count(pg_terminate_backend(pid))")
        wait_until(lambda: not self.is_waited_for())

    def release(self) -> None:
        """Let go before it returns; closing alone lets go later, and who claims meanwhile passes the rows by."""
        if not self._session.closed:
            self._session.rollback()
            self._session.close()

    def _ask(self, select: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                f"{select} FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            return int(cursor.fetchone()[0])


@contextmanager
def outbox_lock() -> Iterator[OutboxLock]:
    held = OutboxLock()
    try:
        yield held
    finally:
        held.release()
