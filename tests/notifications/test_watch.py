"""The thread that watches in every process that serves pages, and the command: with real processes that really die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from notifications import heartbeat
from notifications.alarms.away import note_away, note_back
from notifications.alarms.people import Person, people_to_tell, remember, remembered
from notifications.alarms.watching import Watcher
from notifications.models import Alarm, Job, Message
from tests.factories import Office
from tests.notifications.alarms import MINUTE, NOW, hook
from tests.servers import (
    MailServer,
    Relay,
    database_url_of_tests,
    environment,
    free_port,
    wait_until,
    worker,
)

ROOT = Path(__file__).resolve().parents[2]
# What gunicorn does: import the application and serve. Nobody asks for a page: the thread has to work by itself.
_SERVE = """
import time
from notifications.alarms import watching
watching.EVERY_SECONDS = {every}
watching.start.__kwdefaults__["every_seconds"] = {every}
import config.wsgi
print("serves", flush=True)
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def nothing_remembered(settings: Any, tmp_path: Path) -> None:
    cache.clear()
    settings.VAR_DIR = tmp_path


@pytest.fixture
def shared_cache(transactional_db: None) -> None:
    """The cache of processes of their own; tests have theirs in memory."""
    shared = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"}}
    with override_settings(CACHES=shared):
        call_command("createcachetable")


@contextmanager
def pages(env: dict[str, str], *, every: float = 0.3) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that serves pages, and watches all the while."""
    log = (Path(env["VAR_DIR"]) / "pages.log").open("ab")
    code = "import django; django.setup()\n" + _SERVE.format(every=every)
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        yield process
    except AssertionError:
        print((Path(env["VAR_DIR"]) / "pages.log").read_text())  # pytest shows it with the failure
        raise
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        log.close()


def serving(tmp_path: Path, smtp: MailServer, **values: str) -> dict[str, str]:
    # Minutes are what is set; no test has them to wait.
    return environment(tmp_path, EMAIL_URL=smtp.url, ALARM_AFTER_MINUTES="0", **values)


@pytest.mark.faults
@pytest.mark.usefixtures("shared_cache")
def test_pages_tell_of_a_worker_that_was_killed(open_office: Office, smtp: MailServer, tmp_path: Path) -> None:
    env = serving(tmp_path, smtp)
    with worker(env) as working, pages(env):
        wait_until(lambda: heartbeat.last_beat() is not None)
        wait_until(lambda: Job.objects.filter(name="watch", runs__gt=0).exists())
        assert not Alarm.objects.exists()
        working.kill()
        # It has been silent for as long as it takes.
        Job.objects.filter(name=heartbeat.HEARTBEAT).update(succeeded_at=timezone.now() - timedelta(minutes=15))
        wait_until(lambda: Alarm.objects.filter(kind="worker", told_at__isnull=False).exists(), timeout_seconds=90)
    alarm = Alarm.objects.get(kind="worker")
    assert alarm.told_by == ["first"]
    told = [mail for mail in smtp.received if mail.recipient == open_office.it_admin.email]
    assert len([mail for mail in told if "Alarm: " in str(mail.mail["Subject"])]) >= 1
    assert not Message.objects.filter(kind="alarm", topic="alarm", data__alarm=alarm.pk).exists()


@pytest.mark.long
@pytest.mark.usefixtures("shared_cache")
def test_pages_tell_of_a_database_that_is_away_and_of_its_return(
    open_office: Office, smtp: MailServer, tmp_path: Path
) -> None:
    at = connection.settings_dict
    if not at["HOST"] or at["HOST"].startswith("/"):
        pytest.skip("needs a database server that is reached by TCP")
    relay = Relay(at["HOST"], int(at["PORT"] or 5432))
    relay.mend()
    url = database_url_of_tests().replace(f":{at['PORT'] or 5432}/", f":{relay.port}/")
    env = serving(tmp_path, smtp, DATABASE_URL=url)
    try:
        with pages(env), pages(env):
            wait_until(lambda: Job.objects.filter(name="watch", runs__gt=0).exists())
            # A run may be of a test before: whom to tell has been read once these processes have looked.
            wait_until(lambda: (tmp_path / "alarm-recipients.json").exists())
            seen = len(smtp.received)
            relay.cut()
            wait_until(lambda: len(smtp.received) > seen, timeout_seconds=60)
            assert "baz" in str(smtp.received[seen].mail["Subject"]) or "database" in str(
                smtp.received[seen].mail["Subject"]
            )
            time.sleep(2)
            # Of two processes one tells, and not at every look.
            assert len(smtp.received) == seen + 1
            relay.mend()
            wait_until(lambda: Alarm.objects.filter(kind="database").exists(), timeout_seconds=60)
    finally:
        relay.cut()
    alarm = Alarm.objects.get(kind="database")
    assert (alarm.told_by, alarm.times_told, alarm.closed_at is not None) == (["first"], 1, True)
    assert not (tmp_path / "database-away.json").exists()


def test_database_that_never_answers_is_as_good_as_away(
    open_office: Office, smtp: MailServer, settings: Any, tmp_path: Path
) -> None:
    watcher = Watcher()
    watcher.look(NOW)
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE accounts_user IN ACCESS EXCLUSIVE MODE")
        for minutes in (1, 2, 4, 10, 12, 13):
            watcher.look(NOW + minutes * MINUTE, seconds=0.1)
        cursor.execute("ROLLBACK")
    assert [mail.recipient for mail in smtp.received] == [open_office.it_admin.email]
    watcher.look(NOW + 14 * MINUTE)
    wait_until(lambda: Alarm.objects.filter(kind="database", closed_at__isnull=False).exists())


@pytest.mark.django_db
def test_absence_is_told_after_a_while_once_an_hour_and_by_the_hook(smtp: MailServer, settings: Any) -> None:
    remember([Person("it@urzad.example", "IT", "en", ZoneInfo("Europe/Warsaw"), 1)])
    settings.ALARM_RECIPIENTS = ["dyzur@partner.example", "IT@urzad.example"]
    with hook(settings) as chat:
        for minutes in range(75):
            note_away(NOW + minutes * MINUTE, NOW + minutes * MINUTE)
            expected = 0 if minutes < 10 else 2 if minutes < 70 else 4
            assert len(smtp.received) == expected, minutes
        assert len(chat.texts) == 2
    assert {mail.recipient for mail in smtp.received} == {"it@urzad.example", "dyzur@partner.example"}
    assert "Alarm: The database can't be reached" in [str(mail.mail["Subject"]) for mail in smtp.received]
    note_back(NOW + 80 * MINUTE)
    note_back(NOW + 80 * MINUTE)
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.opened_at, alarm.closed_at) == ("database", NOW, NOW + 80 * MINUTE)
    assert alarm.told_by == ["first", "hook"]


@pytest.mark.django_db
def test_whom_to_tell_is_known_without_the_database(office: Office, settings: Any, tmp_path: Path) -> None:
    settings.ALARM_RECIPIENTS = ["dyzur@partner.example"]
    assert [person.address for person in remembered()] == ["dyzur@partner.example"]
    remember(people_to_tell())
    assert [(person.address, person.language) for person in remembered()] == [
        (office.it_admin.email, "pl"),
        ("dyzur@partner.example", "pl"),
    ]
    [file] = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.django_db
def test_short_absence_leaves_nothing_behind(smtp: MailServer) -> None:
    note_away(NOW, NOW)
    note_back(NOW + 5 * MINUTE)
    assert (smtp.received, Alarm.objects.count()) == ([], 0)
    # Nor is an old file the beginning of another absence.
    note_away(NOW, NOW)
    remember([Person("it@urzad.example", "IT", "en", ZoneInfo("Europe/Warsaw"), 1)])
    note_away(NOW + 3 * 60 * MINUTE, NOW + 3 * 60 * MINUTE)
    assert smtp.received == []


@pytest.mark.django_db
def test_watching_never_raises(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path / "gone"
    Watcher().look(NOW)


# --- The command ---------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_command_says_ok_and_tells_of_what_is_ill(
    office: Office, smtp: MailServer, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.ALARM_AFTER_MINUTES = 0
    heartbeat.beat_heart(timezone.now())
    call_command("watch")
    assert capsys.readouterr().out.strip() == "ok"
    Job.objects.filter(name=heartbeat.HEARTBEAT).update(succeeded_at=timezone.now() - timedelta(hours=1))
    with pytest.raises(CommandError) as raised:
        call_command("watch")
    assert (raised.value.returncode, str(raised.value)) == (1, "worker")
    assert "Alarm: " in capsys.readouterr().out
    assert [mail.recipient for mail in smtp.received] == [office.it_admin.email]


@pytest.mark.long
def test_command_tells_of_a_database_that_is_away(smtp: MailServer, settings: Any, tmp_path: Path) -> None:
    env = serving(
        tmp_path,
        smtp,
        DATABASE_URL=f"postgresql://nobody@127.0.0.1:{free_port()}/none",
        ALARM_RECIPIENTS="it@urzad.example",
    )
    done = subprocess.run(
        [sys.executable, "manage.py", "watch"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "The database is away" in done.stderr
    assert [mail.recipient for mail in smtp.received] == ["it@urzad.example"]


@pytest.mark.long
@pytest.mark.django_db
def test_fork_leaves_watching_to_the_child_until_it_has_begun(tmp_path: Path) -> None:
    """As gunicorn does with `--preload`: the parent imports the application, the children serve."""
    code = """
import os, sys, threading, time
import django; django.setup()
from notifications.alarms import watching
watching.Watcher.look = lambda self, now: None
names = lambda: [t.name for t in threading.enumerate() if t.name == "watch"]
watching.start(every_seconds=0.4)
def fork():
    read, write = os.pipe()
    if os.fork() == 0:
        os.write(write, str(len(names())).encode()); os._exit(0)
    return int(os.read(read, 10))
early = fork()
time.sleep(1)
print(early, len(names()), fork())
watching._thread = None
watching.start(every_seconds=0.1)
time.sleep(0.5)
print(len(names()), fork(), len(names()))
"""
    env = environment(tmp_path)
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    # The parent of children that serve watches no more, its children do; one that serves itself goes on.
    assert out.stdout.split("\n")[:2] == ["1 0 1", "1 0 1"]
