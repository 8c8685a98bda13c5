"""The clock of the workers' machine is set back by an hour while mail is queued and leased."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest

from notifications.models import Message
from tests.faults.invariants import check
from tests.faults.lab import Lab
from tests.servers import wait_until

pytestmark = pytest.mark.faults

_GUESTS = ("ala@a.example", "bob@b.example", "cyd@c.example")


@pytest.fixture
def clock(lab: Lab, tmp_path: Path) -> Path:
    """A file that says by how many seconds the wall clock of the lab's processes is off (`shifted`)."""
    file = tmp_path / "clock"
    file.write_text("0")
    lab.settings = {"PYTHONPATH": str(Path(__file__).parent / "shifted"), "NARADA_TEST_CLOCK": str(file)}
    return file


def test_the_clock_is_set_back_while_mail_waits_and_is_leased(lab: Lab, clock: Path) -> None:
    lab.post.script = lambda _stage, _recipient: time.sleep(0.02)
    first, second = lab.worker(), lab.worker()
    lab.beat()
    lab.wait_until_ready()
    sessions = [lab.book(*_GUESTS, starts_in=timedelta(hours=hour)) for hour in range(2, 8)]
    wait_until(lambda: len(lab.post.taken) >= 6, timeout_seconds=60)
    # What this one holds is leased until a time that the clock of the others comes to in an hour.
    first.kill()
    lab.move(sessions[0])
    waiting = Message.objects.filter(state__in=Message.UNFINISHED).count()
    clock.write_text("-3600")
    lab.ahead = -timedelta(hours=1)
    set_back = time.monotonic()
    lab.move(sessions[1])
    lab.cancel(sessions[2])
    lab.book(*_GUESTS)
    # Nothing is hurried here: that waits end although the clock went back is what is tested.
    wait_until(lambda: not Message.objects.filter(state__in=Message.UNFINISHED).exists(), timeout_seconds=90)
    assert second.is_alive
    took = time.monotonic() - set_back
    count = check(lab.sessions, lab.post.taken)
    print(f"set back by an hour with {waiting} waiting: all out after {took:.0f} s; {count}")


def test_the_clock_comes_back_to_the_hour_that_was_seen_before(lab: Lab, clock: Path) -> None:
    """Reminders go out once, whichever way the clock is set."""
    lab.worker(), lab.worker(), lab.beat()
    sessions = [lab.book(*_GUESTS, starts_in=timedelta(minutes=minutes)) for minutes in (40, 90, 150)]
    reminders = Message.objects.filter(kind="reminder", state="sent")
    wait_until(lambda: reminders.count() >= 12, timeout_seconds=90)
    for hours in (-1, 0, -1, 0):
        clock.write_text(str(hours * 3600))
        lab.ahead = timedelta(hours=hours)
        lab.book(*_GUESTS)
        time.sleep(3)
    lab.move(sessions[0])
    lab.settle()
    print(f"set back and forth: {reminders.count()} reminders; {check(lab.sessions, lab.post.taken)}")
