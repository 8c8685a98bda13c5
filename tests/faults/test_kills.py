"""kill -9 of real workers: at each step of a batch, and at any moment while people go on booking and changing."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from notifications.models import Message
from tests.faults.invariants import check
from tests.faults.lab import Lab, end_leases, hurry, patiently
from tests.faults.post import DROP
from tests.faults.processes import Process
from tests.outbox_lock import OutboxLock, outbox_lock
from tests.servers import wait_until

_GUESTS = ("ala@a.example", "bob@b.example", "cyd@c.example")
#: Of the chaos, each for one run; a failure is repeated with its seed.
_SEEDS = (20261124, 7)
_KILLS = 6
_LONGEST_CHAOS_SECONDS = 120.0
#: For each stage of each mail.
_CHANCE_TO_STRIKE = 0.03


class _Held:
    """Lets a mail server wait at a stage, the first time that it gets there, until the worker is dead."""

    def __init__(self, lab: Lab, stage: str, *, then: Callable[[], None] | None = None) -> None:
        self._stage, self._then = stage, then
        self.reached, self.let_go = threading.Event(), threading.Event()
        lab.post.script = self

    def __call__(self, stage: str, _recipient: str) -> str | None:
        if stage != self._stage or self.reached.is_set():
            return None
        if self._then:
            self._then()
        self.reached.set()
        if self._then:
            return None
        self.let_go.wait(60)
        # What the dead client still had in its buffers is not taken, but for a server that had kept it already.
        return DROP


def _before_claim(lab: Lab, run: Process, held: OutboxLock) -> None:
    """The worker is about to look for mail."""
    held.take_table()
    run.wait_until_ready()
    wait_until(held.is_waited_for, timeout_seconds=60)
    run.kill()
    held.cut()


def _at(stage: str) -> Callable[[Lab, Process, OutboxLock], None]:
    def kill(lab: Lab, run: Process, _held: OutboxLock) -> None:
        stop = _Held(lab, stage)
        assert stop.reached.wait(60), run.log
        run.kill()
        stop.let_go.set()

    return kill


def _before_storing(lab: Lab, run: Process, held: OutboxLock) -> None:
    """The first mail is composed; the statement that stores it waits."""
    _locked_at("connect", lab, run, held)


def _after_the_word(lab: Lab, run: Process, held: OutboxLock) -> None:
    """The server has said 250; the statement that records it waits."""
    _locked_at("text", lab, run, held)


def _locked_at(stage: str, lab: Lab, run: Process, held: OutboxLock) -> None:
    stop = _Held(lab, stage, then=held.take_rows)
    assert stop.reached.wait(60), run.log
    wait_until(held.is_waited_for, timeout_seconds=60)
    run.kill()
    held.cut()


#: What is killed, and whether the recipient may have got the mail by then.
_STEPS: dict[str, tuple[Callable[[Lab, Process, OutboxLock], None], int]] = {
    "before the claim": (_before_claim, 0),
    "claimed, connecting": (_at("connect"), 0),
    "composed, not stored": (_before_storing, 0),
    "stored, MAIL said": (_at("mail"), 0),
    "RCPT said": (_at("rcpt"), 0),
    "DATA said": (_at("data"), 0),
    "half of the text sent": (_at("half"), 0),
    "all of the text sent, none kept": (_at("text"), 0),
    "text kept, 250 not said": (_at("kept"), 1),
    "250 said, not recorded": (_after_the_word, 1),
}


@pytest.mark.faults
def test_killed_at_each_step_of_a_batch(lab: Lab) -> None:
    """One worker after another dies at one step; the last one brings everything that they left."""
    lab.beat()
    copies = 0
    for name, (kill, may_be_there) in _STEPS.items():
        lab.book(*_GUESTS)
        with outbox_lock() as held:
            kill(lab, lab.worker(), held)
        lab.post.script = lambda _stage, _recipient: None
        copies += may_be_there
        print(f"{name}: {Message.objects.filter(state='sending').count()} rows left as being sent")
        end_leases()
        hurry()
    lab.worker()
    for session in lab.sessions[::2]:
        lab.move(session)
    lab.cancel(lab.sessions[1])
    lab.settle()
    count = check(lab.sessions, lab.post.taken)
    print(f"killed at {len(_STEPS)} steps: {count}")
    assert count.extra <= copies <= count.doubts


@pytest.mark.faults
@pytest.mark.parametrize("seed", _SEEDS)
def test_killed_again_and_again_at_any_moment(lab: Lab, seed: int) -> None:
    """Two workers, each of which is killed at random and started again, while people book, change and cancel."""
    print(f"seed {seed}")
    dice = random.Random(seed)
    lab.beat()
    with _chaos(lab, dice) as killed:
        deadline = time.monotonic() + _LONGEST_CHAOS_SECONDS
        while len(killed) < _KILLS and time.monotonic() < deadline:
            lab.change_something(dice)
            patiently(hurry)
            time.sleep(dice.uniform(0, 0.2))
    lab.settle()
    count = check(lab.sessions, lab.post.taken)
    print(f"{len(killed)} workers killed after {killed}, {len(lab.sessions)} sessions: {count}")
    assert len(killed) >= _KILLS


@contextmanager
def _chaos(lab: Lab, dice: random.Random) -> Iterator[list[str]]:
    """Kill one of two workers again and again, a moment after a mail was at some stage; give the stages."""
    stages: list[str] = []
    reached: list[str] = []
    strike, over = threading.Event(), threading.Event()
    chance = random.Random(dice.random())
    workers = [lab.worker(), lab.worker()]
    lab.wait_until_ready()

    def script(stage: str, _recipient: str) -> str | None:
        if not strike.is_set() and chance.random() < _CHANCE_TO_STRIKE:
            reached.append(stage)
            strike.set()
        time.sleep(chance.uniform(0, 0.01))
        return None

    def kill() -> None:
        while not over.is_set():
            if strike.wait(0.1):
                number = chance.choice([number for number in (0, 1) if workers[number].is_ready])
                workers[number].kill()
                stages.append(reached[-1])
                workers[number] = lab.worker()
                # The other one may be the next, before this one is there.
                wait_until(lambda: over.is_set() or any(one.is_ready for one in workers), timeout_seconds=90)
                strike.clear()

    lab.post.script = script
    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield stages
    finally:
        over.set()
        killer.join()
