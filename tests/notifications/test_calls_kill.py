"""Kill -9 while calls are made: nothing is lost, and what is repeated has the same id and the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from notifications import claims
from notifications.calls import deliver_calls
from notifications.delivery import Tally
from notifications.models import Job, Message
from tests.bookings.requests import NOW, at
from tests.factories import Office
from tests.integrations.jitsi.inside import Asked, Inside, Reply, inside
from tests.integrations.webhooks.receivers import make_webhook
from tests.notifications.outbox_rows import book
from tests.outbox_lock import OutboxLock, outbox_lock
from tests.servers import ROOT, environment, wait_until
from tests.servers import worker as worker_of_product

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]

_RUN = """
import django; django.setup()
from datetime import datetime
from notifications.calls import deliver_calls
deliver_calls(datetime.fromisoformat("{now}"))
"""
#: By when the lease of a dead worker has run out.
LATER = NOW + timedelta(minutes=10)


@pytest.fixture
def receiver(settings: object) -> Iterator[Inside]:
    settings.WEBHOOK_TO_LOCALHOST = True  # type: ignore[attr-defined]  # a fixture without types
    with inside(lambda _asked: Reply()) as server:
        yield server


@pytest.fixture
def lock(open_office: Office) -> Iterator[OutboxLock]:
    with outbox_lock() as held:
        yield held


@pytest.fixture
def worker(open_office: Office, receiver: Inside, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that makes the calls of two sessions; the receiver holds it where the test says."""
    make_webhook(receiver.url)
    book(open_office)
    book(open_office, start=at(14))
    env = environment(tmp_path, WEBHOOK_TO_LOCALHOST="true", WEBHOOK_TIMEOUT_SECONDS="20")
    run = subprocess.Popen(
        [sys.executable, "-c", _RUN.format(now=NOW.isoformat())], cwd=ROOT, env=env, stderr=subprocess.DEVNULL
    )
    yield run
    run.kill()
    run.wait()


def kill(run: subprocess.Popen[bytes]) -> None:
    os.kill(run.pid, signal.SIGKILL)
    run.wait()


def finish_what_is_left() -> Tally:
    return deliver_calls(LATER)


@pytest.mark.long
def test_killed_while_the_receiver_handles_a_call(
    open_office: Office, receiver: Inside, request: pytest.FixtureRequest
) -> None:
    """The receiver may have taken it: it comes once more, with the same id and the same bytes, and is counted."""
    reached, let_go = threading.Event(), threading.Event()

    def hold(_asked: Asked) -> Reply:
        reached.set()
        let_go.wait(20)
        return Reply()

    receiver.script = hold
    run = request.getfixturevalue("worker")
    assert reached.wait(30)
    kill(run)
    let_go.set()
    receiver.script = lambda _asked: Reply()
    assert deliver_calls(NOW) == Tally()
    assert finish_what_is_left() == Tally(sent=2)
    first, again, other = receiver.asked
    assert (first.headers["webhook-id"], first.body) == (again.headers["webhook-id"], again.body)
    assert other.headers["webhook-id"] != first.headers["webhook-id"]
    assert sorted(Message.objects.filter(kind="webhook").values_list("doubts", flat=True)) == [0, 1]


@pytest.mark.long
def test_killed_between_the_answer_and_recording_it(
    receiver: Inside, lock: OutboxLock, request: pytest.FixtureRequest
) -> None:
    """The row is locked while the receiver answers, so the worker dies waiting to record what it was told."""
    once = threading.Event()

    def answer(_asked: Asked) -> Reply:
        if not once.is_set():
            once.set()
            lock.take_rows()
        return Reply()

    receiver.script = answer
    run = request.getfixturevalue("worker")
    wait_until(once.is_set, timeout_seconds=30)
    wait_until(lock.is_waited_for)
    kill(run)
    lock.cut()
    lock.release()
    assert finish_what_is_left() == Tally(sent=2)
    first, again, _other = receiver.asked
    assert (first.headers["webhook-id"], first.body) == (again.headers["webhook-id"], again.body)
    assert claims.lease() < LATER - NOW


@pytest.mark.faults
def test_a_real_worker_makes_calls_by_itself_within_seconds(
    open_office: Office, receiver: Inside, tmp_path: Path
) -> None:
    make_webhook(receiver.url)
    day = (timezone.localtime() + timedelta(days=7)).replace(tzinfo=None, hour=10, minute=0, second=0, microsecond=0)
    while day.weekday() > 4:
        day += timedelta(days=1)
    with worker_of_product(environment(tmp_path, WEBHOOK_TO_LOCALHOST="true")):
        # The first run of every job is over by then.
        wait_until(lambda: Job.objects.filter(name="deliver_calls", succeeded_at__isnull=False).exists())
        booked_at = time.monotonic()
        book(open_office, start=day, now=timezone.now())
        wait_until(lambda: receiver.asked, timeout_seconds=15)
        print(f"called after {time.monotonic() - booked_at:.2f} s")
    assert receiver.asked[0].json["type"] == "session.booked"
