"""The engine: Django's own but for the check that every request makes first, and for what is sent with COMMIT.

Django has the pool send an empty query, a round trip of a few that a page makes. A server that ends, restarts or loses
its session closes the socket, and that can be seen without asking. What a socket doesn't show, such as a machine that
was cut off, is asked for where a connection has not been heard of for some seconds.
"""

from __future__ import annotations

import time
from typing import Any
from weakref import WeakKeyDictionary

from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from psycopg import Connection
from psycopg_pool import ConnectionPool

from config.readable import has_something_to_read
from rooms import prepared

#: A machine that is gone is not back sooner.
_SURE_SECONDS = 5.0
# When the server was last asked, by `time.monotonic`.
_asked: WeakKeyDictionary[Connection[Any], float] = WeakKeyDictionary()


def check(connection: Connection[Any]) -> None:
    """Return quietly if the connection works. Raises: psycopg.OperationalError."""
    now = time.monotonic()
    # What is there to read is that the server has closed the connection, or something that nobody asked for.
    if now - _asked.get(connection, -_SURE_SECONDS) < _SURE_SECONDS and not has_something_to_read(connection):
        return
    ConnectionPool.check_connection(connection)
    _asked[connection] = now


class DatabaseWrapper(base.DatabaseWrapper):
    def _commit(self) -> None:
        prepared.send_before_commit(self)
        # Sends nothing where that is done by now.
        super()._commit()  # type: ignore[misc]  # unknown to the stubs

    def _rollback(self) -> None:
        prepared.drop_before_rollback(self)
        super()._rollback()  # type: ignore[misc]  # unknown to the stubs

    @property
    def pool(self) -> ConnectionPool | None:
        """The pool as Django makes it, with this check."""
        options = self.settings_dict["OPTIONS"].get("pool")
        if self.alias == NO_DB_ALIAS or not options:
            return None
        pools = self._connection_pools  # type: ignore[attr-defined]  # unknown to the stubs
        if self.alias not in pools:
            made = ConnectionPool(
                kwargs={**self.get_connection_params(), "autocommit": True},
                open=False,
                configure=self._configure_connection,  # type: ignore[attr-defined]  # unknown to the stubs
                check=check,
                **options,
            )
            # Threads that begin at once may make one each; the first that is put down counts, the others never open.
            pools.setdefault(self.alias, made)
        found: ConnectionPool = pools[self.alias]
        return found
