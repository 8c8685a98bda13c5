"""Periodic work with real threads and processes: once per moment, free again when its worker is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from notifications import jobs
from notifications.jobs import grid, leases, pulse, schedule
from notifications.jobs.work import Work
from notifications.models import Job
from tests.servers import ROOT, environment, wait_until, worker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]

MINUTE = timedelta(minutes=1)

# A worker in the middle of its work, to be killed.
_RUN = """
import django; django.setup()
import time
from datetime import timedelta
from django.utils import timezone
from notifications import jobs
from notifications.jobs import schedule
from notifications.jobs.work import Work
schedule.BY_NAME["count"] = Work("count", timedelta(seconds=5), lambda now: time.sleep(60))
jobs.run("count", timezone.now())
"""


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def add(do: Callable[[datetime], object], every: timedelta = MINUTE, **values: Any) -> None:
        monkeypatch.setitem(schedule.BY_NAME, "count", Work("count", every, do, **values))

    return add


def at_once(count: int, do: Callable[[], object]) -> list[object]:
    """Do the same in so many threads, begun at one moment; return what each returned."""
    gate, results = threading.Barrier(count), []

    def run() -> None:
        try:
            connection.ensure_connection()
            gate.wait()
            results.append(do())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.parametrize("slots", [1, 4])
def test_of_messages_at_one_moment_one_does_the_work(plan: Any, slots: int) -> None:
    done: list[datetime] = []
    plan(done.append, slots=slots)
    now = timezone.now()
    for round_number in range(4):
        moment = grid.next_due("count", MINUTE, now + round_number * MINUTE)
        results = at_once(8, lambda moment=moment: jobs.run("count", moment))
        assert sorted(results) == [False] * 7 + [True]
    assert len(done) == 4
    assert sum(Job.objects.filter(name="count").values_list("runs", flat=True)) == 4


def test_woken_at_once_as_many_work_as_there_are_slots(plan: Any) -> None:
    inside = threading.Semaphore(0)
    plan(lambda _now: (inside.release(), time.sleep(1)), slots=3)
    now = timezone.now()
    leases.make_rows([schedule.BY_NAME["count"]], now)
    assert sorted(at_once(6, lambda: jobs.run("count", now, woken=True))) == [False] * 3 + [True] * 3
    assert sorted(Job.objects.values_list("slot", "runs", "lost_runs")) == [(0, 1, 0), (1, 1, 0), (2, 1, 0)]


def test_killed_in_the_middle_its_work_is_free_in_half_a_minute(plan: Any, tmp_path: Path) -> None:
    done: list[datetime] = []
    plan(done.append, timedelta(seconds=5))
    process = subprocess.Popen([sys.executable, "-c", _RUN], cwd=ROOT, env=environment(tmp_path))
    try:
        wait_until(lambda: Job.objects.filter(lease_until__isnull=False).exists())
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    row = Job.objects.get()
    assert row.holder.split("/")[1] == str(process.pid)
    assert row.lease_until - timezone.now() <= leases.LEASE
    assert not jobs.run("count", row.lease_until - timedelta(milliseconds=1), woken=True)
    assert jobs.run("count", row.lease_until)
    row.refresh_from_db()
    assert (row.lost_runs, row.runs, row.lease_until, row.failures) == (1, 2, None, 0)
    assert len(done) == 1


def test_a_lease_is_renewed_as_long_as_the_work_goes_on(plan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "RENEW_SECONDS", 0.1)
    monkeypatch.setattr(pulse, "_pulse", pulse._Pulse())
    renewed: list[bool] = []

    def work(now: datetime) -> None:
        wait_until(lambda: Job.objects.get().heartbeat_at > now + timedelta(seconds=0.3), timeout_seconds=10)
        row = Job.objects.get()
        renewed.append(row.lease_until == row.heartbeat_at + leases.LEASE)

    plan(work)
    assert jobs.run("count", timezone.now())
    assert renewed == [True]
    row = Job.objects.get()
    time.sleep(0.3)
    assert Job.objects.values_list("heartbeat_at", "lease_until").get() == (row.heartbeat_at, None)


def test_a_connection_that_breaks_in_the_middle_is_a_failure_and_told_of_in_a_line(
    plan: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def work(_now: datetime) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    plan(work)
    assert jobs.run("count", timezone.now())
    row = Job.objects.get()
    assert row.last_error.startswith("OperationalError: ")
    assert (row.failures, row.lease_until) == (1, None)
    assert "Traceback" not in caplog.text


@pytest.mark.faults
def test_two_beats_and_two_workers_do_it_once_per_interval(tmp_path: Path) -> None:
    env = environment(tmp_path)
    names = ("beat_heart", "deliver_mail", "handle_mail")
    with worker(env), worker(env):
        wait_until(lambda: Job.objects.filter(name="beat_heart", runs__gte=2).exists(), timeout_seconds=60)
        # Each beat asks for a sign of life at its start, whatever the time.
        time.sleep(5)
        before, began = _runs(names), time.monotonic()
        time.sleep(15)
        intervals = (time.monotonic() - began) / 5
        after = _runs(names)
    for name in names:
        assert intervals - 1.5 <= after[name] - before[name] <= intervals + 1.5, name


def _runs(names: tuple[str, ...]) -> dict[str, int]:
    runs = dict.fromkeys(names, 0)
    for name, count in Job.objects.filter(name__in=names).values_list("name", "runs"):
        runs[name] += count
    return runs
