"""The check of a pooled connection: seldom a round trip, and never a dead connection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import DEFAULT_DB_ALIAS, connection, connections

from config.pooled_postgresql import base


class Counting(psycopg.Connection[Any]):
    """Counts what it is asked."""

    asked = 0

    def execute(self, *arguments: Any, **named: Any) -> Any:
        self.asked += 1
        return super().execute(*arguments, **named)


@pytest.fixture
def pooled(db: None) -> Iterator[Counting]:
    given = connection.get_connection_params()
    wanted = {name: value for name, value in given.items() if name not in {"context", "cursor_factory"}}
    with Counting.connect(**wanted, autocommit=True) as wire:
        yield wire


def test_the_engine_is_this_one_and_the_pool_has_the_check() -> None:
    wrapper = base.DatabaseWrapper(
        {**connection.settings_dict, "OPTIONS": {"pool": {"min_size": 0, "max_size": 1}}}, "looked_at"
    )
    try:
        assert wrapper.pool is wrapper.pool
        assert wrapper.pool is not None
        assert wrapper.pool._check is base.check
    finally:
        wrapper._connection_pools.pop("looked_at", None)  # type: ignore[attr-defined]  # unknown to the stubs
    assert type(connections[DEFAULT_DB_ALIAS]) is base.DatabaseWrapper


def test_without_a_pool_there_is_none() -> None:
    assert base.DatabaseWrapper({**connection.settings_dict, "OPTIONS": {}}, "looked_at").pool is None


def test_one_that_was_heard_of_is_only_looked_at(pooled: Counting) -> None:
    for _ in range(3):
        base.check(pooled)
    assert pooled.asked == 1


def test_one_that_was_not_heard_of_for_a_while_is_asked(pooled: Counting) -> None:
    for seconds in (0.0, 4.0, 6.0):
        if pooled in base._asked:
            base._asked[pooled] -= seconds
        base.check(pooled)
    assert pooled.asked == 2


def test_one_whose_session_was_ended_is_found_out_at_once(pooled: Counting) -> None:
    base.check(pooled)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pooled.info.backend_pid])
    with pytest.raises(psycopg.OperationalError):
        base.check(pooled)
    assert pooled.closed
