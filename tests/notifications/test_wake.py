"""A booking never waits for the broker, whatever state that is in; a worker hears of it at once when all is well."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from notifications.models import Message
from tests.factories import Office
from tests.notifications.outbox_rows import ANNA, MIGRI, book
from tests.servers import ROOT, MailServer, Relay, SilentServer, environment, free_port, wait_until, worker

pytestmark = [pytest.mark.django_db(transaction=True)]

# What a web process does, without HTTP: books, commits, and books again while the broker is still being tried.
_BOOK = """
import django; django.setup()
import sys, time
from datetime import datetime
from accounts.models import User
from bookings import services
from bookings.rules import BookingRequest
anna = User.objects.get(email="anna.wrzesinska@urzad.example")
for hour in range(8, 13):
    start = datetime(2026, 11, 24, hour)
    request = BookingRequest(
        title="Narada", local_start=start, local_end=start.replace(minute=30), time_zone="Europe/Warsaw",
        organizer_id=anna.pk, room_ids=(),
    )
    before = time.perf_counter()
    services.book(request, by=anna, now=datetime.fromisoformat("2026-11-09T07:00+00:00"))
    print(time.perf_counter() - before, flush=True)
    time.sleep(0.3)
"""


@contextmanager
def _refusing() -> Iterator[int]:
    yield free_port()


@contextmanager
def _silent() -> Iterator[int]:
    """Takes connections, never says a word."""
    server = SilentServer()
    yield server.port
    server.stop()


@contextmanager
def _black_hole() -> Iterator[int]:
    """Answers no SYN, as an address behind a firewall does: the backlog is full and nobody accepts."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            fillers.append(filler)
        yield listener.getsockname()[1]
        for filler in fillers:
            filler.close()


def _seconds_to_book(env: dict[str, str]) -> list[float]:
    """Book five sessions in a process of their own and return how long each took."""
    command = [sys.executable, "-c", _BOOK]
    run = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, timeout=30, check=True)
    seconds = [float(line) for line in run.stdout.split()]
    assert len(seconds) == 5
    return seconds


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["redis", "amqp"])
@pytest.mark.parametrize("broken", [_refusing, _silent, _black_hole])
def test_booking_does_not_wait_for_a_broker_that_is_gone(
    open_office: Office, tmp_path: Path, scheme: str, broken: object
) -> None:
    with broken() as port:
        env = environment(tmp_path, CELERY_BROKER_URL=f"{scheme}://127.0.0.1:{port}//")
        seconds = _seconds_to_book(env)
    # The first one also imports and compiles; without any broker trouble it takes as long.
    assert max(seconds) < 1
    assert sorted(seconds)[2] < 0.3
    assert Message.objects.filter(state="queued").count() == 5


def _a_booking_is_sent_at_once(office: Office, smtp: MailServer, var_dir: Path, **values: str) -> None:
    """Book in one process; a worker without a beat can only learn of it from the broker."""
    env = environment(var_dir, EMAIL_URL=smtp.url, EMAIL_TIMEOUT_SECONDS="15", **values)
    with worker(env, beat=False):
        _seconds_to_book(env)
        smtp.wait_for(5)
        wait_until(lambda: Message.objects.filter(state="sent").count() == 5)


@pytest.mark.long
def test_a_booking_wakes_the_worker_through_files(open_office: Office, smtp: MailServer, tmp_path: Path) -> None:
    _a_booking_is_sent_at_once(open_office, smtp, tmp_path)


@pytest.mark.services
@pytest.mark.skipif("CELERY_BROKER_URL" not in os.environ, reason="no CELERY_BROKER_URL")
def test_a_booking_wakes_the_worker_through_a_broker(open_office: Office, smtp: MailServer, tmp_path: Path) -> None:
    _a_booking_is_sent_at_once(open_office, smtp, tmp_path, CELERY_BROKER_URL=os.environ["CELERY_BROKER_URL"])


@pytest.mark.services
@pytest.mark.skipif("CELERY_BROKER_URL" not in os.environ, reason="no CELERY_BROKER_URL")
def test_mail_booked_while_the_broker_was_gone_leaves_when_it_is_back(
    open_office: Office, smtp: MailServer, tmp_path: Path
) -> None:
    url = urlsplit(os.environ["CELERY_BROKER_URL"])
    assert url.hostname is not None
    assert url.port is not None
    relay = Relay(url.hostname, url.port)
    relay.mend()
    login, _, _address = url.netloc.rpartition("@")
    through = url._replace(netloc=f"{login}@127.0.0.1:{relay.port}").geturl()
    env = environment(tmp_path, EMAIL_URL=smtp.url, CELERY_BROKER_URL=through)
    with worker(env):
        relay.cut()
        assert max(_seconds_to_book(env)) < 1
        assert smtp.received == []
        relay.mend()
        smtp.wait_for(5, timeout_seconds=40)
    relay.cut()


@pytest.mark.long
def test_mail_leaves_once_there_is_a_worker(open_office: Office, smtp: MailServer, tmp_path: Path) -> None:
    """Booked while there was no worker and nothing to wake it with: the beat finds the row."""
    book(open_office)
    # Patient with a busy machine: a mail server that seems to be gone is left alone for half a minute.
    with worker(environment(tmp_path, EMAIL_URL=smtp.url, EMAIL_TIMEOUT_SECONDS="15")):
        smtp.wait_for(1, timeout_seconds=60)
    assert [mail.recipient for mail in smtp.received] == [ANNA]


@pytest.mark.long
def test_a_worker_that_is_killed_is_replaced_by_the_next(open_office: Office, smtp: MailServer, tmp_path: Path) -> None:
    env = environment(tmp_path, EMAIL_URL=smtp.url, EMAIL_TIMEOUT_SECONDS="1")
    book(open_office, MIGRI)
    with worker(env) as first:

        def script(stage: str, recipient: str) -> None:
            if stage == "data" and recipient == MIGRI and first.is_alive:
                first.kill()

        smtp.script = script
        wait_until(lambda: not first.is_alive)
    assert [mail.recipient for mail in smtp.received] == [ANNA]
    with worker(env):
        smtp.wait_for(2)
        wait_until(lambda: Message.objects.filter(state="sent").count() == 2)
    assert [mail.recipient for mail in smtp.received] == [ANNA, MIGRI]


@pytest.mark.faults
def test_mail_leaves_at_its_moment(open_office: Office, smtp: MailServer, tmp_path: Path) -> None:
    """Written ahead of time, as reminders are: the worker knows when it is due, and asks no clock every second."""
    guests = [f"guest{number}@gmina.example" for number in range(8)]
    with worker(environment(tmp_path, EMAIL_URL=smtp.url, EMAIL_TIMEOUT_SECONDS="15")):
        book(open_office, *guests)
        start = timezone.now() + timedelta(seconds=8)
        for number, guest in enumerate(guests):
            due_at = start + timedelta(seconds=1.7 * number)
            Message.objects.filter(recipient=guest).update(state="queued", due_at=due_at)
        Message.objects.filter(recipient=ANNA).update(due_at=start)
        wait_until(lambda: Message.objects.filter(state="sent").count() == 9, timeout_seconds=60)
    late_by = [row.sent_at - row.due_at for row in Message.objects.exclude(sent_at=None)]
    assert timedelta(0) <= min(late_by)
    assert max(late_by) <= timedelta(seconds=2)
