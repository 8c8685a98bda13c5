"""Kill -9 between any two steps of sending: nothing is lost, and what is repeated is repeated word for word.

The worker is a process of its own. It is killed from outside, held at the step by the mail server or by a lock on its
row: there is no hook for tests in the product.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from notifications import claims
from notifications.delivery import Tally, deliver_due
from notifications.models import Message
from tests.bookings.requests import NOW
from tests.factories import Office
from tests.notifications.outbox_rows import ANNA, MIGRI, book
from tests.outbox_lock import OutboxLock, outbox_lock
from tests.servers import ROOT, MailServer, environment, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]

_RUN = """
import django; django.setup()
from datetime import datetime
from notifications.delivery import deliver_due
deliver_due(datetime.fromisoformat("{now}"))
"""


class _Delivery:
    """One run of delivery in a process of its own, to be killed."""

    def __init__(self, smtp: MailServer, var_dir: Path) -> None:
        env = environment(var_dir, EMAIL_URL=smtp.url)
        command = [sys.executable, "-c", _RUN.format(now=NOW.isoformat())]
        self._process = subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None


@pytest.fixture
def lock(open_office: Office) -> Iterator[OutboxLock]:
    with outbox_lock() as held:
        yield held


@pytest.fixture
def start(open_office: Office, smtp: MailServer, tmp_path: Path) -> Iterator[Callable[[], _Delivery]]:
    book(open_office, MIGRI)
    started: list[_Delivery] = []

    def begin() -> _Delivery:
        started.append(_Delivery(smtp, tmp_path))
        return started[-1]

    yield begin
    for run in started:
        if run.is_alive:
            run.kill()


class _Stop:
    """Holds the server when it first reaches a stage, after doing `then`, until it is let go."""

    def __init__(
        self, smtp: MailServer, stage: str, *, to: str = "", then: Callable[[], object] | None = None, hold: bool = True
    ) -> None:
        self._reached, self._let_go = threading.Event(), threading.Event()

        def script(at_stage: str, recipient: str) -> None:
            if at_stage == stage and to in {"", recipient} and not self._reached.is_set():
                if then:
                    then()
                self._reached.set()
                if hold:
                    self._let_go.wait(10)

        smtp.script = script

    def wait(self) -> None:
        assert self._reached.wait(20)

    def let_go(self) -> None:
        self._let_go.set()


def deliver_the_rest() -> Tally:
    """Do what another worker does once the lease of the dead one has run out."""
    assert deliver_due(NOW) == Tally()
    return deliver_due(NOW + claims.lease() + timedelta(minutes=1))


def raw_of(recipient: str) -> bytes | None:
    raw = Message.objects.get(recipient=recipient).raw
    return None if raw is None else bytes(raw)


@pytest.mark.long
@pytest.mark.parametrize(
    ("stage", "is_stored"),
    [
        ("connect", False),  # claimed, nothing composed
        ("mail", True),  # composed and stored, nothing said to the server yet
        ("rcpt", True),
        ("data", True),
    ],
)
def test_killed_before_the_server_has_the_text(
    start: Callable[[], _Delivery], smtp: MailServer, stage: str, is_stored: bool
) -> None:
    stop = _Stop(smtp, stage)
    run = start()
    stop.wait()
    run.kill()
    stop.let_go()
    stored = raw_of(ANNA)
    assert (stored is not None) == is_stored
    assert {row.state for row in Message.objects.all()} == {"sending"}

    assert deliver_the_rest() == Tally(sent=2)
    assert [mail.recipient for mail in smtp.received] == [ANNA, MIGRI]
    if is_stored:
        assert smtp.to(ANNA)[0].raw == stored


@pytest.mark.long
def test_killed_between_composing_and_storing(
    start: Callable[[], _Delivery], smtp: MailServer, lock: OutboxLock
) -> None:
    stop = _Stop(smtp, "connect", then=lock.take_rows, hold=False)
    run = start()
    stop.wait()
    wait_until(lock.is_waited_for)
    run.kill()
    lock.cut()
    lock.release()
    assert raw_of(ANNA) is None
    assert deliver_the_rest() == Tally(sent=2)
    assert [mail.recipient for mail in smtp.received] == [ANNA, MIGRI]


@pytest.mark.long
def test_killed_while_the_server_takes_the_text(start: Callable[[], _Delivery], smtp: MailServer) -> None:
    """The server has the whole text and says so to nobody: the documented window, one mail twice, word for word."""
    stop = _Stop(smtp, "text")
    run = start()
    stop.wait()
    run.kill()
    stop.let_go()
    smtp.wait_for(1)
    assert deliver_the_rest() == Tally(sent=2)
    first, again = smtp.to(ANNA)
    assert first.raw == again.raw == raw_of(ANNA)
    assert first.message_id == again.message_id
    assert len(smtp.to(MIGRI)) == 1


@pytest.mark.long
def test_killed_after_the_servers_word_and_before_recording_it(
    start: Callable[[], _Delivery], smtp: MailServer, lock: OutboxLock
) -> None:
    stop = _Stop(smtp, "text", then=lock.take_rows, hold=False)
    run = start()
    stop.wait()
    wait_until(lock.is_waited_for)
    run.kill()
    lock.cut()
    lock.release()
    assert deliver_the_rest() == Tally(sent=2)
    first, again = smtp.to(ANNA)
    assert first.raw == again.raw
    assert len(smtp.to(MIGRI)) == 1


@pytest.mark.long
def test_killed_between_two_mails(start: Callable[[], _Delivery], smtp: MailServer) -> None:
    """The first is recorded, the second never begun: each arrives once."""
    stop = _Stop(smtp, "rcpt", to=MIGRI)
    run = start()
    stop.wait()
    run.kill()
    stop.let_go()
    assert deliver_the_rest() == Tally(sent=1)
    assert [mail.recipient for mail in smtp.received] == [ANNA, MIGRI]
