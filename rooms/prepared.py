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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any
from weakref import WeakKeyDictionary

from django.db import connection

_PLACE = re.compile(r"%(?:%|s|\((?P<name>\w+)\)s)")
_TOO_MUCH = 2**63
# By session; a session that is opened anew knows none.
_known: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()
Values = Sequence[Any] | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Statement:
    """`names`: of the values in the order of their numbers; none where they have numbers only."""

    name: str
    prepare: str
    execute: str
    names: tuple[str, ...]


def fetch(sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
    """Return the rows of a statement with places for values, `%s` or `%(name)s`, as a cursor of Django takes it.

    Places whose type PostgreSQL can't tell need a cast. The texts must be few: each is kept by every session.
    """
    with connection.cursor() as cursor:
        _send(cursor, sql, values)
        return cursor.fetchall()


def run(sql: str, values: Values = ()) -> None:
    """Run a statement that returns nothing."""
    with connection.cursor() as cursor:
        _send(cursor, sql, values)


def fetch_each(*statements: tuple[str, Values]) -> list[list[tuple[Any, ...]]]:
    """Run statements in their order in one round trip; return the rows of each, none for one that returns nothing.

    Each begins when the one before is done, and sees what others have committed until then: locks come first, what is
    read under them next. Inside a transaction; after one that fails none is run.
    """
    with connection.cursor() as cursor:
        sent = [_known_to_session(sql, values) for sql, values in statements]
        if None in sent:
            return [_rows_of(cursor, sql, values) for sql, values in statements]
        texts = [execute for execute, _numbered in filter(None, sent)]
        cursor.execute("; ".join(texts), [value for _execute, numbered in filter(None, sent) for value in numbered])
        found = [_rows(cursor)]
        while cursor.nextset():
            found.append(_rows(cursor))
        return found


def _rows_of(cursor: Any, sql: str, values: Values) -> list[tuple[Any, ...]]:
    _send(cursor, sql, values)
    return _rows(cursor)


def _rows(cursor: Any) -> list[tuple[Any, ...]]:
    return cursor.fetchall() if cursor.description else []


def _send(cursor: Any, sql: str, values: Values) -> None:
    execute, numbered = _known_to_session(sql, values) or (sql, values)
    cursor.execute(execute, numbered)


def _known_to_session(sql: str, values: Values) -> tuple[str, Sequence[Any]] | None:
    """Return how the session is asked for a statement that it has prepared; None where that has to be sent whole."""
    statement = _numbered(sql)
    numbered = [values[name] for name in statement.names] if isinstance(values, Mapping) else values
    if connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS") or not all(map(_fits, numbered)):
        return None
    session = connection.connection
    known = _known.setdefault(session, set())
    if statement.name not in known:
        # Past Django, since it is no query of the caller's: once for a session.
        with connection.wrap_database_errors:
            session.execute(statement.prepare)
        known.add(statement.name)
    return statement.execute, numbered


def _fits(value: Any) -> bool:
    """Say whether the value can be a bigint, if it is a number: a key that somebody made up is merely not found."""
    if isinstance(value, list) and value and isinstance(value[0], int):
        return max(value) < _TOO_MUCH
    return not isinstance(value, int) or value < _TOO_MUCH


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
    return _Statement(name, f"PREPARE {name} AS {text}", f"EXECUTE {name}{arguments}", tuple(names))
