"""Statements that a session keeps: what is sent comes back as Django's own cursor would have it."""

from __future__ import annotations

import signal
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Timer
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest
from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from psycopg.pq import TransactionStatus

from rooms import prepared
from rooms.models import Site
from tests.factories import make_room, make_site

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
        ("bytea", bytes(range(256))),
        ("boolean[]", [True, False]),
        ("text[]", ["", "{,}", 'a"b', "\\"]),
        ("timestamptz[]", [datetime(2027, 3, 28, 1, 30, tzinfo=UTC)]),
        ("boolean", True),
        ("boolean", False),
        ("uuid", UUID("0123abcd-0000-4000-8000-00000000ffff")),
        ("date", date(2027, 3, 28)),
        ("timestamp", datetime(2027, 3, 28, 1, 30, 0, 7)),
        ("numeric", Decimal("0.10")),
        ("bigint", -(2**63)),
        ("interval", timedelta(days=1, microseconds=1)),
        ("bigint[]", []),
        ("bigint[]", [1, 2**40]),
        ("bigint", None),
    ],
)
def test_values_come_back_as_they_were(kind: str, value: Any) -> None:
    assert prepared.fetch(f"SELECT %s::{kind}", [value]) == [(value,)]


@pytest.mark.parametrize("fold", [0, 1])
def test_an_hour_that_comes_twice_is_the_one_that_was_meant(fold: int) -> None:
    at = datetime(2027, 10, 31, 2, 30, tzinfo=ZoneInfo("Europe/Warsaw"), fold=fold)
    assert prepared.fetch("SELECT %s::timestamptz", [at]) == [(at.astimezone(UTC),)]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Warsaw", "Asia/Kathmandu"])
def test_instants_come_in_utc_whatever_zone_the_session_writes_them_in(zone: str) -> None:
    at = datetime(2027, 7, 1, 23, 59, 59, 120, tzinfo=UTC)
    with transaction.atomic():
        connection.cursor().execute("SELECT set_config('TimeZone', %s, true)", [zone])
        ((found, many),) = prepared.fetch("SELECT %s::timestamptz, ARRAY[%s::timestamptz]", [at, at])
    assert (found, many) == (at, [at])
    assert found.tzinfo is many[0].tzinfo is UTC


def test_an_instant_that_python_has_no_word_for_is_refused_and_the_session_goes_on() -> None:
    with pytest.raises(DataError, match="infinity"):
        prepared.fetch("SELECT 'infinity'::timestamptz")
    assert prepared.fetch("SELECT %s::text", ["a"]) == [("a",)]


def test_a_text_that_the_database_cannot_keep_is_refused() -> None:
    with pytest.raises(DataError):
        prepared.fetch("SELECT %s::text", ["a\0b"])
    assert prepared.fetch("SELECT %s::text", ["a"]) == [("a",)]


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
        prepared.fetch("SELECT %s::int, %s::text AS counted", [1, "it's"])
    assert len(queries) == 1
    with connection.cursor() as cursor:
        cursor.execute(queries[0]["sql"])
        assert cursor.fetchall() == [(1, "it's")]


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


@pytest.mark.django_db(transaction=True)
class TestInterruptions:
    """Nobody goes on with a session of which it is not known what it has still to say."""

    def test_a_statement_that_is_cancelled_leaves_the_session(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 50")
        session = connection.connection
        with pytest.raises(OperationalError, match="timeout"):
            prepared.fetch_each(("SELECT 1", []), ("SELECT pg_sleep(9)", []), ("SELECT 2", []))
        assert prepared.fetch("SELECT 3") == [(3,)]
        assert connection.connection is session
        connection.close()

    def test_a_session_that_the_server_ends_is_an_error_of_the_database(self) -> None:
        [(pid,)] = prepared.fetch("SELECT pg_backend_pid()")
        with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}) as other:
            timer = Timer(0.3, lambda: other.execute("SELECT pg_terminate_backend(%s)", [pid]))
            timer.start()
            with pytest.raises(OperationalError):
                prepared.fetch_each(("SELECT 1", []), ("SELECT pg_sleep(9)", []))
            timer.join()
        connection.close_if_unusable_or_obsolete()
        assert prepared.fetch("SELECT 3") == [(3,)]

    def test_a_session_that_the_server_has_ended_before_is_one_too(self) -> None:
        [(pid,)] = prepared.fetch("SELECT pg_backend_pid()")
        with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        with pytest.raises(OperationalError):
            prepared.fetch("SELECT 1")
        connection.close_if_unusable_or_obsolete()
        assert prepared.fetch("SELECT 3") == [(3,)]

    def test_whatever_interrupts_it_costs_the_session(self) -> None:
        def interrupt(*_: object) -> None:
            raise LookupError

        prepared.fetch("SELECT pg_sleep(%s::float)", [0.0])
        before = signal.signal(signal.SIGALRM, interrupt)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        try:
            with pytest.raises(LookupError):
                prepared.fetch("SELECT pg_sleep(%s::float)", [9.0])
        finally:
            signal.signal(signal.SIGALRM, before)
        assert connection.connection.closed
        connection.close_if_unusable_or_obsolete()
        connection.close()
        assert prepared.fetch("SELECT 3") == [(3,)]


class TestGathering:
    """What nobody waits for goes with the next statement, in its order."""

    SET = "UPDATE rooms_site SET code = %s::text"
    READ = "SELECT code FROM rooms_site"

    def sent(self, queries: CaptureQueriesContext) -> list[str]:
        return [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]

    def queue_and_fail(self) -> None:
        prepared.run(self.SET, ["X"])
        raise LookupError

    def test_goes_with_the_next_of_ours(self) -> None:
        make_site("KOS")
        with CaptureQueriesContext(connection) as queries, transaction.atomic(), prepared.gathering():
            prepared.run(self.SET, ["A"])
            prepared.run(self.SET, ["B"])
            assert not self.sent(queries)
            assert prepared.fetch(self.READ) == [("B",)]
        assert len(self.sent(queries)) == 1

    def test_goes_before_any_other(self) -> None:
        make_site("KOS")
        with transaction.atomic(), prepared.gathering():
            prepared.run(self.SET, ["A"])
            assert Site.objects.get().code == "A"

    def test_what_is_left_goes_at_the_end_in_one_round_trip(self) -> None:
        make_site("KOS")
        with CaptureQueriesContext(connection) as queries, transaction.atomic(), prepared.gathering():
            prepared.run(self.SET, ["A"])
            prepared.run("UPDATE rooms_site SET code = code || %s::text", ["B"])
        assert len(self.sent(queries)) == 1
        assert Site.objects.get().code == "AB"

    def test_gathering_inside_gathering_is_one(self) -> None:
        make_site("KOS")
        with CaptureQueriesContext(connection) as queries, transaction.atomic(), prepared.gathering():
            with prepared.gathering():
                prepared.run(self.SET, ["A"])
            assert not self.sent(queries)
        assert Site.objects.get().code == "A"

    def test_afterwards_everything_is_sent_at_once(self) -> None:
        make_site("KOS")
        with transaction.atomic():
            with prepared.gathering():
                pass
            prepared.run(self.SET, ["A"])
            with connection.cursor() as cursor:
                cursor.execute(self.READ)
                assert cursor.fetchone() == ("A",)

    def test_what_fails_undoes_the_transaction(self) -> None:
        make_site("KOS")

        def fail() -> None:
            prepared.run(self.SET, ["A"])
            prepared.run("UPDATE rooms_site SET name = NULL")

        with pytest.raises(IntegrityError), transaction.atomic(), prepared.gathering():
            fail()
        assert Site.objects.get().code == "KOS"

    def test_of_an_exception_nothing_is_left(self) -> None:
        make_site("KOS")
        with pytest.raises(LookupError), transaction.atomic(), prepared.gathering():
            self.queue_and_fail()
        assert prepared.fetch(self.READ) == [("KOS",)]

    def test_what_a_savepoint_undoes_is_not_sent_later(self) -> None:
        make_site("KOS")
        with transaction.atomic(), prepared.gathering():
            prepared.run(self.SET, ["A"])
            with pytest.raises(LookupError), transaction.atomic():
                self.queue_and_fail()
            prepared.run("UPDATE rooms_site SET name = %s::text", ["C"])
        assert (Site.objects.get().code, Site.objects.get().name) == ("A", "C")

    def test_of_a_savepoint_that_failed_nothing_is_sent(self) -> None:
        make_site("KOS")

        def fail() -> None:
            try:
                Site.objects.update(name=None)
            finally:
                prepared.run(self.SET, ["B"])

        with transaction.atomic(), prepared.gathering():
            with pytest.raises(IntegrityError), transaction.atomic():
                fail()
            prepared.run("UPDATE rooms_site SET name = %s::text", ["C"])
        assert (Site.objects.get().code, Site.objects.get().name) == ("KOS", "C")

    @pytest.mark.django_db(transaction=True)
    def test_outside_of_a_transaction_nothing_waits(self) -> None:
        make_site("KOS")
        with CaptureQueriesContext(connection) as queries, prepared.gathering():
            prepared.run(self.SET, ["A"])
            assert len(self.sent(queries)) == 1
        assert Site.objects.get().code == "A"

    @pytest.mark.django_db(transaction=True)
    def test_what_waits_goes_with_the_commit(self) -> None:
        make_site("KOS")
        with prepared.gathering(), transaction.atomic():
            prepared.run(self.SET, ["A"])
            assert connection.connection.info.transaction_status == TransactionStatus.IDLE
        assert connection.connection.info.transaction_status == TransactionStatus.IDLE
        assert Site.objects.get().code == "A"

    @pytest.mark.django_db(transaction=True)
    def test_what_fails_with_the_commit_undoes_the_transaction(self) -> None:
        make_site("KOS")

        def fail() -> None:
            prepared.fetch(self.SET, ["A"])
            prepared.run("UPDATE rooms_site SET name = NULL")

        with pytest.raises(IntegrityError), prepared.gathering(), transaction.atomic():
            fail()
        assert Site.objects.get().code == "KOS"
        assert connection.get_autocommit()

    @pytest.mark.django_db(transaction=True)
    def test_what_the_commit_itself_refuses_undoes_the_transaction(self) -> None:
        """Foreign keys are looked at last."""
        site = make_site("KOS")

        def fail() -> None:
            prepared.run(self.SET, ["A"])
            prepared.run("UPDATE rooms_room SET site_id = site_id + 1 WHERE site_id = %s::bigint", [site.pk])

        make_room(site)
        with pytest.raises(IntegrityError), prepared.gathering(), transaction.atomic():
            fail()
        assert Site.objects.get().code == "KOS"

    @pytest.mark.django_db(transaction=True)
    def test_of_a_transaction_that_was_rolled_back_nothing_is_sent(self) -> None:
        make_site("KOS")
        with prepared.gathering():
            with transaction.atomic():
                prepared.run(self.SET, ["A"])
                transaction.set_rollback(True)
            prepared.run("UPDATE rooms_site SET name = %s::text", ["C"])
        assert (Site.objects.get().code, Site.objects.get().name) == ("KOS", "C")

    @pytest.mark.django_db(transaction=True)
    def test_what_waits_is_lost_with_its_session(self) -> None:
        make_site("KOS")
        with prepared.gathering():
            with transaction.atomic():
                prepared.run(self.SET, ["A"])
                connection.close()
            assert prepared.fetch(self.READ) == [("KOS",)]

    @pytest.mark.django_db(transaction=True)
    def test_behind_a_pooler_the_commit_comes_last(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
        make_site("KOS")
        with prepared.gathering(), transaction.atomic():
            prepared.run(self.SET, ["A"])
        assert Site.objects.get().code == "A"

    def test_behind_a_pooler_the_order_stays(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
        make_site("KOS")
        with transaction.atomic(), prepared.gathering():
            prepared.run(self.SET, ["A"])
            prepared.run("UPDATE rooms_site SET code = code || %s::text", ["B"])
        assert Site.objects.get().code == "AB"
