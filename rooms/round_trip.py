"""One round trip to the database, for statements that its session has prepared.

psycopg's cursors make anew, for every statement, what turns values into text and rows into values, and write values
into the text, which PostgreSQL has to read again. Here a session keeps both, the usual values are written at once, and
only names and values are sent, by libpq's pipeline (its protocol of Parse, Bind and Execute; one Sync at the end).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from psycopg import Connection, errors, generators
from psycopg.abc import Buffer, PQGen
from psycopg.adapt import AdaptersMap, Loader, PyFormat, Transformer
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
        adapters = AdaptersMap(session.adapters)
        adapters.register_loader("timestamptz", _Instant)
        self._texts = Transformer(adapters)

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

    def _bound(self, values: Sequence[Any]) -> list[bytes | None]:
        return [
            _TEXTS[kind](value) if (kind := type(value)) in _TEXTS else None if value is None else self._other(value)
            for value in values
        ]

    def _other(self, value: Any) -> Any:
        """Write texts and lists of whole numbers; have psycopg write all else, and refuse what it refuses."""
        if type(value) is str and "\0" not in value:
            return value.encode()
        if type(value) is list and value and all(type(item) is int for item in value):
            return f"{{{','.join(map(str, value))}}}".encode()
        (text,) = self._texts.dump_sequence([value], [PyFormat.TEXT])
        return text

    def _rows(self, result: PGresult) -> Rows:
        if result.status != ExecStatus.TUPLES_OK:
            return []
        self._texts.set_pgresult(result)
        return self._texts.load_rows(0, result.ntuples, tuple)


class _Instant(Loader):
    """Reads an instant as Django does, in UTC, by what Python reads ISO 8601 with: psycopg's own takes it apart by a
    pattern, ten times as long. Raises: psycopg.DataError for what Python has no word for, such as infinity.
    """

    def load(self, data: Buffer) -> datetime:
        text = str(data, "ascii")
        try:
            return datetime.fromisoformat(text).astimezone(UTC)
        except ValueError as error:
            raise errors.DataError(f"{text} is no instant that can be read") from error


#: Texts of values as PostgreSQL reads them; bytes as a value, where psycopg's are meant to stand inside a literal.
_TEXTS: dict[type, Callable[[Any], bytes]] = {
    int: lambda value: b"%d" % value,
    bool: lambda value: b"t" if value else b"f",
    bytes: lambda value: f"\\x{value.hex()}".encode(),
    datetime: lambda value: str(value).encode(),
    date: lambda value: str(value).encode(),
    UUID: lambda value: value.hex.encode(),
}


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
