"""Several workers on one inbox, and workers that are killed: each mail is handled once, and none is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connection

from bookings.models import Answer, Attendee
from integrations.mailbox import claims, inbox, store
from integrations.mailbox.models import InboundMail
from notifications import tasks
from notifications.models import Message
from tests.bookings.requests import NOW
from tests.factories import Office
from tests.integrations.mailbox.mails import letter, reply, vouched
from tests.notifications.conftest import open_office  # noqa: F401  a fixture
from tests.notifications.outbox_rows import MIGRI, book, pretend
from tests.servers import ROOT, database_url_of_tests, environment, wait_until, worker
from tests.servers_imap import PASSWORD, USER, imap_server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]

AUTH_SERVER = "mx.urzad.example"
SENT_ID = "<uid.0.abcdef01.1-1@urzad.example>"

_RUN = """
import django; django.setup()
from datetime import datetime
from integrations.mailbox.inbox import handle_waiting
handle_waiting(datetime.fromisoformat("{now}"))
"""


@pytest.fixture
def guest(open_office: Office) -> Iterator[Attendee]:  # noqa: F811  the fixture
    django_settings.MAIL_AUTH_SERVER, before = AUTH_SERVER, django_settings.MAIL_AUTH_SERVER
    booking = book(open_office, MIGRI)
    pretend(MIGRI, state="sent", message_id=SENT_ID)
    yield booking.attendees.get(email=MIGRI)
    django_settings.MAIL_AUTH_SERVER = before


def handled() -> list[tuple[str, str, int]]:
    return list(InboundMail.objects.order_by("pk").values_list("state", "outcome", "attempts"))


def test_many_workers_handle_each_mail_once(guest: Attendee) -> None:
    for number in range(9):
        store.store(
            letter(f"gosc{number}@obcy.example", "List", answers=SENT_ID, number=number), source="lmtp", now=NOW
        )
    barrier, counts = threading.Barrier(4), []

    def work() -> None:
        barrier.wait()
        try:
            counts.append(inbox.handle_waiting(NOW))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 9
    assert handled() == [("done", "forwarded", 1)] * 9
    assert Message.objects.filter(topic="mail_written").count() == 9


def test_a_worker_that_is_slower_than_its_lease_does_nothing_twice(guest: Attendee) -> None:
    store.store(letter("a@obcy.example", "List", answers=SENT_ID), source="lmtp", now=NOW)
    slow = claims.claim(NOW)
    assert slow is not None
    assert inbox.handle_waiting(NOW + claims.LEASE) == 1
    inbox._handle(slow, [], NOW + claims.LEASE)
    assert handled() == [("done", "forwarded", 2)]
    assert Message.objects.filter(topic="mail_written").count() == 1


@pytest.mark.parametrize("table", ["bookings_booking", "integrations_inboundmail"])
def test_killed_in_the_middle_it_is_handled_by_the_next_one(guest: Attendee, tmp_path: Path, table: str) -> None:
    """Held at the booking's lock, with the mail read and nothing recorded; or before it can take the mail at all."""
    store.store(reply(guest, headers=vouched(MIGRI)), source="lmtp", now=NOW)
    env = environment(tmp_path, MAIL_AUTH_SERVER=AUTH_SERVER)
    with psycopg.connect(database_url_of_tests()) as holding:
        if table == "bookings_booking":
            holding.execute("SELECT id FROM bookings_booking FOR UPDATE")
        else:
            holding.execute("LOCK TABLE integrations_inboundmail IN EXCLUSIVE MODE")
        process = subprocess.Popen([sys.executable, "-c", _RUN.format(now=NOW.isoformat())], cwd=ROOT, env=env)
        wait_until(lambda: _ask("SELECT count(*)"))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        _ask("SELECT count(pg_terminate_backend(pid))")
        wait_until(lambda: not _ask("SELECT count(*)"))
    assert not Answer.objects.exists()
    if table == "bookings_booking":
        assert handled() == [("reading", "", 1)]
        assert inbox.handle_waiting(NOW) == 0
    assert inbox.handle_waiting(NOW + claims.LEASE) == 1
    assert [(state, outcome) for state, outcome, _ in handled()] == [("done", "answer_counted")]
    guest.refresh_from_db()
    assert (guest.partstat, Answer.objects.count()) == ("ACCEPTED", 1)


@pytest.mark.long
def test_the_worker_does_it_by_the_clock(guest: Attendee, tmp_path: Path) -> None:
    store.store(reply(guest, headers=vouched(MIGRI)), source="lmtp", now=NOW)
    env = environment(tmp_path, MAIL_AUTH_SERVER=AUTH_SERVER)
    with worker(env) as running:
        wait_until(lambda: handled()[0][0] == "done", timeout_seconds=30)
        assert MIGRI not in running.log
    guest.refresh_from_db()
    assert guest.partstat == "ACCEPTED"


@pytest.mark.long
def test_an_answer_in_a_mailbox_over_there_is_on_the_session(guest: Attendee, tmp_path: Path) -> None:
    """All of it as an office sets it up, by an address in the environment; the task that beat sends, in its process."""
    with imap_server() as server:
        server.deliver(reply(guest, "DECLINED", headers=vouched(MIGRI)))
        url = f"imap://{quote(USER, safe='')}:{PASSWORD}@127.0.0.1:{server.port}/INBOX"
        # The settings of tests keep the cache in memory; the database of tests has no table for it.
        named = {"DJANGO_SETTINGS_MODULE": "config.settings_test", "MAIL_AUTH_SERVER": AUTH_SERVER, "IMAP_URL": url}
        env = environment(tmp_path, **named)
        task = "import django; django.setup(); from notifications import tasks; tasks.run_job('fetch_mail')"
        done = subprocess.run([sys.executable, "-c", task], cwd=ROOT, env=env, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        assert b"1 fetched" in done.stderr
        assert PASSWORD.encode() not in done.stderr
        assert server.holds("INBOX") == []
    guest.refresh_from_db()
    assert guest.partstat == "DECLINED"


def test_what_runs_by_the_clock_reads_mail_and_forgets_it(guest: Attendee) -> None:
    store.store(reply(guest, headers=vouched(MIGRI)), source="lmtp", now=NOW)
    tasks.run_job("handle_mail", woken=True)
    tasks.run_job("forget_mail", woken=True)
    assert handled()[0][0] == "done"


def _ask(select: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            f"{select} FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return int(cursor.fetchone()[0])
