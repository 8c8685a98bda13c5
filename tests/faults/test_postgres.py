"""The database goes away in the middle of the work, politely and by kill -9, and comes back."""

from __future__ import annotations

import random
import time
from functools import partial
from pathlib import Path

import pytest

from tests.factories import make_office
from tests.faults.brokers import broker_of_this_run
from tests.faults.clusters import FAST, KILLED, own_cluster
from tests.faults.invariants import check
from tests.faults.lab import Lab, patiently
from tests.faults.post import Post
from tests.servers import wait_until

pytestmark = pytest.mark.faults

_GUESTS = tuple(f"gosc{number}@office{number % 4}.example" for number in range(8))


def test_the_database_restarts_under_load(transactional_db: None, post: Post, tmp_path: Path) -> None:
    """Workers and beat live through it; what was under way is taken up again."""
    dice = random.Random(5)
    post.script = lambda _stage, _recipient: time.sleep(dice.uniform(0, 0.02))
    broker = broker_of_this_run(tmp_path)
    with own_cluster() as cluster:
        lab = Lab(make_office(), post, broker, tmp_path)
        try:
            lab.worker(), lab.worker(), lab.beat()
            lab.wait_until_ready()
            for how in (FAST, KILLED, KILLED):
                already = len(post.taken)
                sessions = [lab.book(*_GUESTS) for _ in range(4)]
                lab.move(sessions[0])
                wait_until(partial(_some, lab, already + 5), timeout_seconds=90)
                cluster.end(how)
                time.sleep(1)
                cluster.start()
                patiently(lambda: lab.office.staff.refresh_from_db())
                lab.move(sessions[1])
                lab.cancel(sessions[2])
            lab.settle()
            count = check(lab.sessions, post.taken)
            print(f"{cluster.name}, {broker.name}: restarted once and killed twice, revived: {lab.revived}: {count}")
            assert count.failed == 0
        finally:
            lab.close()
            broker.close()


def _some(lab: Lab, count: int) -> bool:
    lab.revive()
    return len(lab.post.taken) >= count
