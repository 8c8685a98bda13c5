"""A broker that is never there, goes, comes back, forgets everything or says everything several times; two beats."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import timedelta

import pytest

from notifications.models import Message
from tests.faults.invariants import check
from tests.faults.lab import Lab
from tests.servers import ROOT, wait_until

pytestmark = pytest.mark.faults

_GUESTS = ("ala@a.example", "bob@b.example", "cyd@c.example")

#: Says each message of the beat's schedule several times over, and that of a booking.
_SAY_AGAIN = """
import django; django.setup()
from config.celery import app
from notifications import wake
app.loader.import_default_modules()
said = 0
with app.connection_for_write() as connection:
    wake._publish()
    for entry in sorted(app.conf.beat_schedule.values(), key=lambda entry: entry["args"]) * 4:
        app.send_task(entry["task"], args=entry["args"], connection=connection, expires=60, ignore_result=True)
        said += 1
print(said)
"""


def test_the_broker_is_never_there_then_comes_and_goes_and_forgets(lab: Lab) -> None:
    """Through all of it people book and change; nobody waits for the broker, and no mail is lost with it."""
    broker = lab.broker
    broker.stop()
    lab.worker(), lab.worker(), lab.beat()
    sessions = [lab.book(*_GUESTS) for _ in range(2)]
    time.sleep(3)
    print(f"{broker.name}: never there yet, {len(lab.post.taken)} mails taken")
    broker.start()
    lab.wait_for_mails(8)
    for _ in range(2):
        broker.stop()
        lab.move(sessions[0])
        sessions.append(lab.book(*_GUESTS))
        time.sleep(1.5)
        broker.start()
        already = len(lab.post.taken)
        lab.move(sessions[-1])
        lab.wait_for_mails(already + 2)
    forgotten = 0
    lab.cancel(sessions[1])
    for session in (*sessions[2:], sessions[0]) * 3:
        lab.move(session)
        forgotten += broker.empty()
        time.sleep(0.3)
    lab.settle()
    count = check(lab.sessions, lab.post.taken)
    print(f"{broker.name} came and went, {forgotten} messages forgotten, revived: {lab.revived}: {count}")
    assert (count.extra, count.failed) == (0, 0)


def test_two_beats_and_every_message_several_times(lab: Lab) -> None:
    """Each reminder goes out once for each start; none of a meeting that is off, or of a start that is not so."""
    lab.worker(), lab.worker(), lab.beat(), lab.beat()
    soon = [lab.book(*_GUESTS, starts_in=timedelta(minutes=minutes)) for minutes in (10, 12, 60, 90, 300)]
    lab.wait_until_ready()
    said = sum(_say_again(lab) for _ in range(2))
    wait_until(lambda: Message.objects.filter(kind="reminder", state="sent").count() >= 12, timeout_seconds=90)
    lab.cancel(soon[0])
    lab.cancel(soon[2])
    lab.move(soon[3], by=timedelta(minutes=40))
    lab.move(soon[4], guests=_GUESTS[1:])
    said += _say_again(lab)
    reminded_again = Message.objects.filter(kind="reminder", booking=soon[3].booking, state="sent")
    wait_until(lambda: reminded_again.count() >= 8, timeout_seconds=90)
    said += _say_again(lab)
    lab.settle()
    count = check(lab.sessions, lab.post.taken)
    reminders = Message.objects.filter(kind="reminder", state="sent").count()
    print(f"{lab.broker.name}, two beats and {said} messages more: {reminders} reminders; {count}")
    assert (count.extra, count.doubts, count.failed) == (0, 0, 0)


def _say_again(lab: Lab) -> int:
    argv = [sys.executable, "-c", _SAY_AGAIN]
    said = subprocess.run(argv, cwd=ROOT, env=lab.env(), capture_output=True, text=True, check=True, timeout=60)
    return int(said.stdout.split()[-1])
