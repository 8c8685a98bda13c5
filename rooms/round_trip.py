"""One round trip to the database, for statements that its session has prepared.

psycopg's cursors make anew, for every statement, what turns values into text and rows into values, and write values
into the text, which PostgreSQL has to read again. Here a session keeps both, and only names and values are sent, by
libpq's pipeline (its protocol of Parse, Bind and Execute; one Sync at the end).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from psycopg import Connection, errors, generators
from psycopg.abc import PQGen
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus, PipelineStatus, TransactionStatus
from psycopg.pq.abc import PGresult

Rows = list[tuple[Any, ...]]
#: The name that a session knows a statement by, and its values in the order of their numbers.
Call = tuple[bytes, Sequence[Any]]


class RoundTrips:
    """Those of one session. `known`: names of the statements that it has prepared.

    Holds on to nothing of the session's but its adapters: it is kept beside the session, and ends with it.
    """

    __slots__ = ("_texts", "known")

    def __init__(self, session: Connection[Any]) -> None:
        self.known: set[str] = set()
        self._texts = Transformer(session.adapters)

    def make(self, session: Connection[Any], calls: Sequence[Call], *, commits: bool = False) -> list[Rows]:
        """Run the statements in their order; return the rows of each, none for one that returns nothing.

        A transaction that the session owes is begun on the way. After one that fails none is run. `commits`: ends the
        transaction with them.
        Raises: psycopg.Error of the one that failed. Whatever else interrupts it costs the session, since nobody could
        tell what it still has to say.
        """
        bound = [(name, self._bound(values)) for name, values in calls]
        try:
            with session.lock:
                found = session.wait(_talk(session, bound, commits=commits))
        except BaseException:
            if session.pgconn.pipeline_status != PipelineStatus.OFF:
                session.close()
            raise
        return [self._rows(result) for result in found]

    def _bound(self, values: Sequence[Any]) -> Sequence[Any]:
        texts = [_WRITTEN[kind](value) if (kind := type(value)) in _WRITTEN else value for value in values]
        return self._texts.dump_sequence(texts, [PyFormat.TEXT] * len(texts)) if texts else ()

    def _rows(self, result: PGresult) -> Rows:
        if result.status != ExecStatus.TUPLES_OK:
            return []
        self._texts.set_pgresult(result)
        return self._texts.load_rows(0, result.ntuples, tuple)


def _array(values: list[Any]) -> Any:
    """Return whole numbers as PostgreSQL writes an array: psycopg looks at each of them from Python."""
    are_whole = values and all(type(value) is int for value in values)
    return f"{{{','.join(map(str, values))}}}" if are_whole else values


def _hexadecimal(value: bytes) -> str:
    """Return bytes as PostgreSQL writes a value: psycopg's text of them is meant to stand inside a literal."""
    return f"\\x{value.hex()}"


_WRITTEN: dict[type, Callable[[Any], Any]] = {list: _array, bytes: _hexadecimal}


def _talk(
    session: Connection[Any], bound: Sequence[tuple[bytes, Sequence[Any]]], *, commits: bool
) -> PQGen[list[PGresult]]:
    wire = session.pgconn
    owes_begin = not session.autocommit and wire.transaction_status == TransactionStatus.IDLE
    wire.enter_pipeline_mode()
    if owes_begin:
        wire.send_query_params(session._get_tx_start_command(), None)  # noqa: SLF001  psycopg has no other word for it
    for name, values in bound:
        wire.send_query_prepared(name, values)
    if commits:
        wire.send_query_params(b"COMMIT", None)
    wire.pipeline_sync()
    yield from generators.send(wire)
    results: list[PGresult] = []
    while (found := (yield from generators.fetch_many(wire))) and found[0].status != ExecStatus.PIPELINE_SYNC:
        results += found
    for result in results:
        if result.status == ExecStatus.FATAL_ERROR:
            if found:
                wire.exit_pipeline_mode()
            raise errors.error_from_result(result, encoding=session.info.encoding)
    if not found:
        raise errors.OperationalError("the connection was lost")
    wire.exit_pipeline_mode()
    return results[owes_begin : owes_begin + len(bound)]
