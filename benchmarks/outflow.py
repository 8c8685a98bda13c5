"""Ten thousand mails that are due at once, by one worker and by four: how fast they leave, and what each costs.

To sessions of the sixteen voivodeship offices, who share what they are told; and to sessions as the office has them,
where four people on average share little. The workers are processes of their own, as under `make run`; the mail server
is another one, and is not counted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.test import override_settings

from benchmarks.bench import Bench
from benchmarks.figures import Figure, benchmark
from benchmarks.meter import Cpu
from benchmarks.sink import running_sink
from notifications import reminders
from notifications.models import Message

_MAILS, _MAILS_QUICK = 10_000, 40
_WORKERS = (1, 4)
#: After so many seconds it is noted how many mails wait.
_LOOKS = (1, 2, 5, 10, 20, 40)

# Invitations of the history as if nobody had been told: to the sessions that lie furthest ahead.
_UNTOLD = """
UPDATE notifications_message SET state = 'queued', raw = NULL, message_id = '', subject = '', sent_at = NULL,
    attempts = 0, may_have_arrived = false, due_at = %(now)s, give_up_at = %(now)s + interval '2 days'
WHERE id IN (
    SELECT message.id FROM notifications_message message
    JOIN bookings_attendee attendee ON attendee.id = message.attendee_id AND attendee.removed_at IS NULL
    JOIN bookings_booking booking ON booking.id = message.booking_id AND booking.status = 'confirmed'
    JOIN bookings_occurrence occurrence ON occurrence.booking_id = booking.id AND occurrence.starts_at > %(now)s
    WHERE message.kind = 'invitation' AND message.state = 'sent' AND message.version = booking.version
      AND (NOT %(large)s OR (
        SELECT count(*) FROM bookings_attendee person WHERE person.booking_id = booking.id
      ) > 10)
    ORDER BY occurrence.starts_at DESC, message.id LIMIT %(mails)s
)
"""
_OF_SMALL_SESSIONS = """
DELETE FROM notifications_message message WHERE kind = 'reminder' AND created_at = %(now)s
  AND (SELECT count(*) FROM bookings_attendee person WHERE person.booking_id = message.booking_id) <= 10
"""
_WAITING = "SELECT count(*) FROM notifications_message WHERE state IN ('queued', 'retrying', 'sending')"


@dataclass(frozen=True, slots=True)
class _Run:
    """`waiting`: how many mails waited after how many seconds."""

    sent: int
    seconds: float
    spent: Cpu
    waiting: Sequence[tuple[float, int]]


@benchmark("mail.flow_reminders")
def flow_of_reminders(bench: Bench) -> Iterator[Figure]:
    """Send ten thousand reminders to the people of large sessions: text and HTML."""
    for workers in _WORKERS:
        now = _queue_reminders(bench)
        yield from _figures(f"mail.flow_reminders.workers_{workers}", bench, _send(bench, workers, now=now))
        Message.objects.filter(kind=Message.Kind.REMINDER, created_at=now).delete()


@benchmark("mail.flow_invitations")
def flow_of_invitations(bench: Bench) -> Iterator[Figure]:
    """Send ten thousand invitations to large sessions: text, HTML, calendar part and attachment."""
    for workers in _WORKERS:
        _invite(bench, large=True)
        yield from _figures(f"mail.flow_invitations.workers_{workers}", bench, _send(bench, workers, now=bench.now))


@benchmark("mail.flow_small")
def flow_to_small_sessions(bench: Bench) -> Iterator[Figure]:
    """Send ten thousand invitations to sessions as they come: four people on average."""
    _invite(bench, large=False)
    yield from _figures("mail.flow_small.workers_1", bench, _send(bench, 1, now=bench.now))


def _invite(bench: Bench, *, large: bool) -> None:
    """Have invitations of the history wait as if nobody had been told, ten thousand where there are so many."""
    values: dict[str, Any] = {"now": bench.now, "mails": _MAILS_QUICK if bench.quick else _MAILS, "large": large}
    with connection.cursor() as cursor:
        cursor.execute(_UNTOLD, values)


def _figures(name: str, bench: Bench, run: _Run) -> Iterator[Figure]:
    yield Figure(f"{name}.mails", bench.scale, run.sent, "mails")
    yield Figure(f"{name}.per_s", bench.scale, run.sent / run.seconds, "mails/s")
    yield Figure(f"{name}.per_cpu_s", bench.scale, run.sent / (run.spent.total / 1e9), f"mails{run.spent.unit_suffix}")
    yield Figure(f"{name}.per_worker_cpu_s", bench.scale, run.sent / (run.spent.application / 1e9), "mails")
    for seconds, waiting in run.waiting:
        yield Figure(f"{name}.waiting_after_{seconds:.0f}_s", bench.scale, waiting, "mails")


def _queue_reminders(bench: Bench) -> datetime:
    """Have reminders of large sessions due at one moment, ten thousand where there are so many; return that moment.

    One session in fifty is large, and has about a fifth of all people.
    """
    people = _MAILS_QUICK if bench.quick else _MAILS
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT o.starts_at FROM bookings_occurrence o JOIN bookings_attendee a ON a.booking_id = o.booking_id"
            " WHERE o.status = 'confirmed' AND a.removed_at IS NULL AND o.starts_at > %(now)s AND"
            " (SELECT count(*) FROM bookings_attendee person WHERE person.booking_id = o.booking_id) > 10"
            " ORDER BY o.starts_at DESC OFFSET %(people)s LIMIT 1",
            {"now": bench.now, "people": people},
        )
        found = cursor.fetchone()
        cursor.execute("SELECT max(starts_at) FROM bookings_occurrence")
        (last,) = cursor.fetchone()
        now: datetime = found[0] if found else bench.now
        with override_settings(REMINDER_LEADS=(last - now,), REMINDER_QUIET=None):
            reminders.queue_due(now)
        cursor.execute(_OF_SMALL_SESSIONS, {"now": now})
    return now


def _send(bench: Bench, workers: int, *, now: datetime) -> _Run:
    """Let so many workers send what is due until nothing is left."""
    with ExitStack() as stack:
        port = stack.enter_context(running_sink())
        processes = [stack.enter_context(_worker(bench, port, now)) for _ in range(workers)]
        for process in processes:
            _expect(process, "ready")
        database, began = bench.meter.read().database, time.monotonic()
        for process in processes:
            _say(process, "go")
        waiting = list(_watch(processes, began))
        reports = [json.loads(_read(process)) for process in processes]
        seconds = time.monotonic() - began
        after = bench.meter.read().database
        for process in processes:
            _say(process, "end")
    known = database is not None and after is not None
    application = sum(report["cpu_ns"] for report in reports)
    spent = Cpu(application, (after or 0) - (database or 0) if known else None)
    return _Run(sum(report["sent"] for report in reports), seconds, spent, waiting)


def _watch(processes: Sequence[subprocess.Popen[str]], began: float) -> Iterator[tuple[float, int]]:
    """Yield how many mails wait at the moments to look, as long as some do."""
    for look in _LOOKS:
        while time.monotonic() - began < look:
            time.sleep(0.05)
        with connection.cursor() as cursor:
            cursor.execute(_WAITING)
            (waiting,) = cursor.fetchone()
        yield look, waiting
        if not waiting:
            return


@contextmanager
def _worker(bench: Bench, port: int, now: datetime) -> Iterator[subprocess.Popen[str]]:
    env = {**os.environ, "DATABASE_URL": bench.database_url, "EMAIL_URL": f"smtp://127.0.0.1:{port}"}
    argv = [sys.executable, "-m", "benchmarks.outflow_worker", (now + timedelta(seconds=1)).isoformat()]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(argv, env={**env, "MAIL_DOMAIN_LIMITS": ""}, **pipes) as process:  # type: ignore[call-overload]  # options by name
        try:
            yield process
        finally:
            process.kill()


def _say(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdin is not None
    process.stdin.write(word + "\n")
    process.stdin.flush()


def _read(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def _expect(process: subprocess.Popen[str], word: str) -> None:
    heard = _read(process).strip()
    assert heard == word, f"the worker said {heard!r}"
