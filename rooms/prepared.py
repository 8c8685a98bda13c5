"""Statements that a session of the database parses and plans once, however often they are sent.

Django puts the values into the text, so PostgreSQL plans every statement anew; the wide ones of a booking take longer
to plan than to run. Here the session keeps the statement under a name (SQL's own PREPARE, which outlives a rollback),
and only name and values are sent. `plan_cache_mode` in the settings has plans kept that know no values: all of these go
from row to row by index, and changed statistics or tables have them made anew.

Behind a pooler that lends a session for one transaction, names are lost. The setting DATABASE_POOLER says so (to Django
as `DISABLE_SERVER_SIDE_CURSORS`), and statements are sent whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache, partial
from hashlib import sha256
from typing import Any
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.utils import CursorDebugWrapper
from psycopg.pq import ExecStatus, TransactionStatus

from rooms.round_trip import Call, RoundTrips, Rows

_PLACE = re.compile(r"%(?:%|s|\((?P<name>\w+)\)s)")
_TOO_MUCH = 2**63
# By session; a session that is opened anew knows none.
_sessions: WeakKeyDictionary[Any, RoundTrips] = WeakKeyDictionary()
_gathered: WeakKeyDictionary[Any, _Gathered] = WeakKeyDictionary()
Values = Sequence[Any] | Mapping[str, Any]
Statement = tuple[str, Values]


@dataclass(frozen=True, slots=True)
class _Statement:
    """`names`: of the values in the order of their numbers; none where they have numbers only."""

    name: str
    wire_name: bytes
    prepare: str
    execute: str
    names: tuple[str, ...]


def fetch(sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
    """Return the rows of a statement with places for values, `%s` or `%(name)s`, as a cursor of Django takes it.

    Places whose type PostgreSQL can't tell need a cast. The texts must be few: each is kept by every session.
    """
    return fetch_each((sql, values))[0]


def run(sql: str, values: Values = ()) -> None:
    """Run a statement that returns nothing; inside `gathering` with the next one that is sent."""
    connection = connections[DEFAULT_DB_ALIAS]
    gathered = _gathered.get(connection)
    if gathered is None or not connection.in_atomic_block:
        fetch_each((sql, values))
    else:
        gathered.waiting.append((sql, values))


def fetch_each(*statements: Statement) -> list[Rows]:
    """Run statements in their order in one round trip; return the rows of each, none for one that returns nothing.

    Each begins when the one before is done, and sees what others have committed until then: locks come first, what is
    read under them next. After one that fails none is run; without a transaction they are one of their own, unless they
    have to be sent whole.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    gathered = _gathered.get(connection)
    before = gathered.take() if gathered else []
    return _send(connection, [*before, *statements])[len(before) :]


@contextmanager
def gathering() -> Iterator[None]:
    """Have what `run` is given inside wait for the next statement, whoever sends it, and share its round trip.

    What waits belongs to the transaction around it, or to one that is begun inside, and goes with that one's COMMIT at
    the latest. The order stays; of an exception nothing is left to be sent.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    if connection in _gathered:
        yield
        return
    gathered = _gathered[connection] = _Gathered(connection)
    try:
        with connection.execute_wrapper(gathered):
            yield
            gathered.send()
    finally:
        del _gathered[connection]


def send_before_commit(connection: Any) -> None:
    """Send what waits together with COMMIT, if anything does: the engine is about to commit, and finds that done.

    Raises: as statements do, and as COMMIT does.
    """
    if (gathered := _gathered.get(connection)) and (waiting := gathered.take()):
        _send(connection, waiting, commits=True)


def drop_before_rollback(connection: Any) -> None:
    """Forget what waits: the engine is about to undo the transaction that it belongs to."""
    if gathered := _gathered.get(connection):
        gathered.waiting = []


@dataclass(eq=False, slots=True)
class _Gathered:
    """Statements that wait. Before any other one goes to the database, they go."""

    connection: Any
    waiting: list[Statement] = field(default_factory=list)

    def __call__(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        self.send()
        return execute(*arguments)

    def send(self) -> None:
        if waiting := self.take():
            _send(self.connection, waiting)

    def take(self) -> list[Statement]:
        waiting, self.waiting = self.waiting, []
        session = self.connection.connection
        # What failed is rolled back, what waits with it: nothing else can be sent then. So is what was cut off.
        if waiting and (session is None or session.info.transaction_status == TransactionStatus.INERROR):
            return []
        return waiting


def _send(connection: Any, statements: Sequence[Statement], *, commits: bool = False) -> list[Rows]:
    """Do with them what Django's cursor does with one: its log counts them as one, and whoever watches is asked.

    `commits`: with COMMIT, unless they have to be sent whole.
    """
    _be_connected(connection)
    calls = [_call(connection, sql, values) for sql, values in statements]
    if None in calls:
        with connection.cursor() as cursor:
            return [_rows_of(cursor, sql, values) for sql, values in statements]
    known = list(filter(None, calls))
    session = connection.connection

    def make(*_arguments: Any) -> list[Rows]:
        with connection.wrap_database_errors:
            return _sessions[session].make(session, known, commits=commits)

    if not connection.execute_wrappers and not connection.queries_logged:
        return make()
    execute: Callable[..., list[Rows]] = make
    for watch in reversed(connection.execute_wrappers):
        execute = partial(watch, execute)
    text = "; ".join(_numbered(sql).execute for sql, _values in statements)
    flat = [value for _name, values in known for value in values]
    with _logging(connection, text, flat):
        return execute(text, flat, False, {"connection": connection, "cursor": None})


def _logging(connection: Any, text: str, values: Sequence[Any]) -> AbstractContextManager[None]:
    """Have Django's log say what was asked in words that the session understands, values and all."""
    if not connection.queries_logged:
        return nullcontext()
    written = connection.ops.compose_sql(text, values)
    logging: AbstractContextManager[None] = CursorDebugWrapper(None, connection).debug_sql(written)
    return logging


def _be_connected(connection: Any) -> None:
    """Do what Django does before it gives a cursor and runs a statement."""
    connection.validate_thread_sharing()
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    connection.validate_no_broken_transaction()


def _rows_of(cursor: Any, sql: str, values: Values) -> Rows:
    cursor.execute(sql, values)
    # Not asked by `description`, which describes every column.
    return cursor.fetchall() if cursor.pgresult.status == ExecStatus.TUPLES_OK else []


def _call(connection: Any, sql: str, values: Values) -> Call | None:
    """Return how the session is asked for a statement that it has prepared; None where that has to be sent whole."""
    statement = _numbered(sql)
    numbered = [values[name] for name in statement.names] if isinstance(values, Mapping) else values
    if connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS") or not _fits(numbered):
        return None
    session = connection.connection
    trips = _sessions.get(session)
    if trips is None:
        trips = _sessions[session] = RoundTrips(session)
    if statement.name not in trips.known:
        # Past Django, since it is no query of the caller's: once for a session.
        with connection.wrap_database_errors:
            session.execute(statement.prepare)
        trips.known.add(statement.name)
    return statement.wire_name, numbered


def _fits(values: Sequence[Any]) -> bool:
    """Say whether what is a number can be a bigint: a key that somebody made up is merely not found."""
    for value in values:
        kind = type(value)
        if kind is int:
            if value >= _TOO_MUCH:
                return False
        elif kind is list and value and type(value[0]) is int and max(value) >= _TOO_MUCH:
            return False
    return True


@lru_cache(maxsize=256)
def _numbered(sql: str) -> _Statement:
    names: dict[str, int] = {}
    count = 0

    def number(place: re.Match[str]) -> str:
        nonlocal count
        if place[0] == "%%":
            return "%"
        if place["name"] in names:
            return f"${names[place['name']]}"
        count += 1
        if place["name"]:
            names[place["name"]] = count
        return f"${count}"

    text = _PLACE.sub(number, sql)
    name = f"narada_{sha256(sql.encode()).hexdigest()[:24]}"
    arguments = f" ({', '.join(['%s'] * count)})" if count else ""
    return _Statement(name, name.encode(), f"PREPARE {name} AS {text}", f"EXECUTE {name}{arguments}", tuple(names))
