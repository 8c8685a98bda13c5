"""How late a reminder leaves: with the broker that is inside, a worker and a beat, while a few fall due each second."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import connection
from django.utils import timezone

from benchmarks.bench import Bench
from benchmarks.figures import Figure, benchmark
from benchmarks.sink import running_sink

_LEAD = timedelta(minutes=15)
_MEETINGS, _MEETINGS_QUICK = 120, 4
_APART = timedelta(milliseconds=500)
#: Worker and beat have begun, and the first look ahead is over.
_SETTLE, _SETTLE_QUICK = timedelta(seconds=30), timedelta(seconds=2)

# Meetings of one date that lie far ahead, as if they began a lead after each of the moments.
_MOVE = """
UPDATE bookings_occurrence meeting
SET starts_at = due.at + %(lead)s, ends_at = due.at + %(lead)s + interval '1 hour'
FROM (
    SELECT occurrence.id, %(first)s + (row_number() OVER (ORDER BY occurrence.starts_at DESC) - 1) * %(apart)s AS at
    FROM bookings_occurrence occurrence
    JOIN bookings_booking booking ON booking.id = occurrence.booking_id
    WHERE occurrence.status = 'confirmed' AND booking.status = 'confirmed' AND booking.rrule = ''
    ORDER BY occurrence.starts_at DESC LIMIT %(meetings)s
) due
WHERE meeting.id = due.id
RETURNING meeting.id
"""
_LATE = """
SELECT extract(epoch FROM sent_at - (starts_at - lead)) FROM notifications_message
WHERE kind = 'reminder' AND lead = %(lead)s AND occurrence_id = ANY(%(meetings)s) AND state = 'sent'
"""
_EXPECTED = """
SELECT count(*) FROM bookings_attendee attendee JOIN bookings_occurrence meeting USING (booking_id)
WHERE meeting.id = ANY(%(meetings)s) AND attendee.removed_at IS NULL AND attendee.partstat <> 'DECLINED'
"""


@benchmark("reminder.lag", "worker.idle", once=True)
def lag(bench: Bench) -> Iterator[Figure]:
    """A minute of two meetings a second that fall due: from the moment of a reminder until the server has it."""
    settle = _SETTLE_QUICK if bench.quick else _SETTLE
    first = timezone.now() + settle
    meetings = _move(first, _MEETINGS_QUICK if bench.quick else _MEETINGS)
    expected = _ask(_EXPECTED, meetings)[0]
    last = first + _APART * len(meetings)
    with ExitStack() as stack:
        port = stack.enter_context(running_sink())
        processes = stack.enter_context(_service(bench, port))
        used = _cpu_seconds(processes)
        while timezone.now() < first:
            time.sleep(0.1)
        idle = (_cpu_seconds(processes) - used) / settle.total_seconds()
        deadline = last + timedelta(seconds=60)
        while len(late := _ask(_LATE, meetings)) < expected or timezone.now() < last:
            if timezone.now() > deadline:
                break
            time.sleep(0.25)
    assert late, f"none of {expected:.0f} reminders left within a minute"
    late.sort()
    yield Figure("reminder.lag.sent", bench.scale, len(late), f"mails of {expected}")
    yield Figure("reminder.lag.p50_s", bench.scale, late[len(late) // 2], "s")
    yield Figure("reminder.lag.p99_s", bench.scale, late[int(len(late) * 0.99)], "s")
    yield Figure("reminder.lag.max_s", bench.scale, late[-1], "s")
    yield Figure("worker.idle.percent", bench.scale, 100 * idle, "% of one processor, starting included")


def _move(first: datetime, number: int) -> list[int]:
    values: dict[str, Any] = {"first": first, "lead": _LEAD, "apart": _APART, "meetings": number}
    with connection.cursor() as cursor:
        cursor.execute(_MOVE, values)
        return [pk for (pk,) in cursor.fetchall()]


def _ask(sql: str, meetings: Sequence[int]) -> list[float]:
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"meetings": list(meetings), "lead": _LEAD}
        cursor.execute(sql, values)
        return [float(value) for (value,) in cursor.fetchall()]


@contextmanager
def _service(bench: Bench, port: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run worker and beat as `make run` does, with a broker of their own."""
    celery = [sys.executable, "-m", "celery", "-A", "config", "--quiet"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    commands = [
        [*celery, "worker", "-P", "threads", "-c", "2", *quiet, "-l", "WARNING"],
        [*celery, "beat", "--pidfile=", "-l", "WARNING"],
    ]
    with tempfile.TemporaryDirectory(prefix="narada-lag-") as folder, ExitStack() as stack:
        for name in ("queue", "control"):
            (Path(folder) / "broker" / name).mkdir(parents=True)
        env = {
            **os.environ,
            "VAR_DIR": folder,
            "DATABASE_URL": bench.database_url,
            "EMAIL_URL": f"smtp://127.0.0.1:{port}",
            "CELERY_BROKER_URL": "",
            "MAIL_DOMAIN_LIMITS": "",
            "REMINDER_LEADS": "15m",
            "REMINDER_QUIET": "",
            "RSVP_NUDGE_LEAD": "",
            "SUMMARY_AT": "",
            "DIGEST_AT": "",
        }
        processes = [stack.enter_context(_process(command, env)) for command in commands]
        yield processes


@contextmanager
def _process(command: Sequence[str], env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, env=env, start_new_session=True) as process:
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def _cpu_seconds(processes: Sequence[subprocess.Popen[bytes]]) -> float:
    ticks = 0
    for process in processes:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
