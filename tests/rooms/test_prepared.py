"""Statements that a session keeps: what is sent comes back as Django's own cursor would have it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from rooms import prepared
from rooms.models import Site
from tests.factories import make_site

pytestmark = pytest.mark.django_db

_KEPT = "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'narada%%' AND statement LIKE %s"


def _kept(text: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_KEPT, [f"%{text}%"])
        (count,) = cursor.fetchone()
    return int(count)


def test_a_statement_is_prepared_once() -> None:
    sql = "SELECT %s::int + 1 AS prepared_once"
    assert [prepared.fetch(sql, [number]) for number in (1, 2, 3)] == [[(2,)], [(3,)], [(4,)]]
    assert _kept("prepared_once") == 1


def test_a_name_may_come_twice() -> None:
    sql = "SELECT %(b)s::text, %(a)s::int, %(b)s || '%%'"
    assert prepared.fetch(sql, {"a": 1, "b": "x", "unused": 2}) == [("x", 1, "x%")]


def test_without_values() -> None:
    assert prepared.fetch("SELECT 1") == [(1,)]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", "it's %s; $1 \\ ąę"),
        ("timestamptz", datetime(2027, 3, 28, 1, 30, tzinfo=UTC)),
        ("bigint[]", []),
        ("bigint[]", [1, 2**40]),
        ("bigint", None),
    ],
)
def test_values_come_back_as_they_were(kind: str, value: Any) -> None:
    assert prepared.fetch(f"SELECT %s::{kind}", [value]) == [(value,)]


def test_a_key_that_nothing_can_have_is_not_found() -> None:
    site = make_site()
    sql = "SELECT id FROM rooms_site WHERE id = ANY (%s)"
    assert prepared.fetch(sql, [[site.pk, 10**20]]) == [(site.pk,)]
    assert prepared.fetch(sql, [[10**20]]) == []


def test_it_outlives_a_rollback() -> None:
    sql = "SELECT %s::int AS outlives"
    taken = make_site().pk

    def fail() -> None:
        prepared.fetch(sql, [1])
        Site.objects.create(pk=taken)

    with pytest.raises(IntegrityError), transaction.atomic():
        fail()
    assert prepared.fetch(sql, [2]) == [(2,)]


def test_it_counts_as_one_query() -> None:
    with CaptureQueriesContext(connection) as queries:
        prepared.fetch("SELECT %s::int AS counted", [1])
    assert len(queries) == 1


def test_behind_a_pooler_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
    assert prepared.fetch("SELECT %s::int AS pooled", [1]) == [(1,)]
    assert _kept("AS pooled") == 0


def test_several_statements_are_one_round_trip_and_answer_in_their_order() -> None:
    make_site("KOS")
    asked: list[tuple[str, prepared.Values]] = [
        ("SELECT %s::int, code FROM rooms_site", [7]),
        ("UPDATE rooms_site SET code = %(code)s", {"code": "it's; %s"}),
        ("SELECT code FROM rooms_site WHERE code = ANY (%s::text[])", [["it's; %s"]]),
    ]
    assert prepared.fetch_each(*asked) == [[(7, "KOS")], [], [("it's; %s",)]]
    with CaptureQueriesContext(connection) as sent:
        assert prepared.fetch_each(*asked) == [[(7, "it's; %s")], [], [("it's; %s",)]]
    assert len(sent) == 1


def test_of_several_statements_none_is_run_after_one_that_fails() -> None:
    make_site("KOS")
    with pytest.raises(IntegrityError), transaction.atomic():
        prepared.fetch_each(
            ("SELECT 1", []),
            ("UPDATE rooms_site SET name = NULL", []),
            ("UPDATE rooms_site SET code = 'NEW'", []),
        )
    assert Site.objects.get().code == "KOS"


def test_several_statements_are_sent_whole_where_names_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
    assert prepared.fetch_each(("SELECT %s::int + 1 AS sent_whole", [1]), ("SELECT 2", [])) == [[(2,)], [(2,)]]
    assert _kept("sent_whole") == 0
