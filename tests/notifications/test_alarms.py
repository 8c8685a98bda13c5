"""What becomes an alarm, when it is over, and what is only something that heals by itself."""

from __future__ import annotations

import shutil
from collections import namedtuple
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import translation

from integrations.jitsi.models import ConferenceServer, ServerHealth
from integrations.mailbox import troubles
from integrations.mailbox.models import InboundMail
from notifications.alarms import finding, watch, web_life
from notifications.alarms.findings import here
from notifications.alarms.keeping import WELL_FOR
from notifications.compose import alarm as alarm_words
from notifications.models import Alarm, Job, MailDomain, Message
from tests.factories import Office
from tests.notifications.alarms import (
    AFTER,
    MINUTE,
    NOW,
    alive,
    down,
    look,
    open_kinds,
    up,
    well_again,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_remembered(settings: Any) -> None:
    cache.clear()
    settings.EMAIL_URL = "smtp://127.0.0.1:1"
    settings.EMAIL_FALLBACK = {"EMAIL_BACKEND": "django.core.mail.backends.locmem.EmailBackend"} | {
        f"EMAIL_{name}": "" for name in ("HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_TLS", "USE_SSL")
    }


def mail(recipient: str = "ktos@migri.example", **values: Any) -> Message:
    defaults: dict[str, Any] = {"kind": "account", "raw": b"x", "due_at": NOW, "created_at": NOW}
    if values.get("state") in {"sent", "failed"}:
        defaults |= {"raw": None, "last_error": "550 nie"}
    if values.get("state") == "sent":
        defaults |= {"sent_at": NOW, "may_have_arrived": True, "last_error": ""}
    return Message.objects.create(recipient=recipient, **{**defaults, "give_up_at": NOW + timedelta(days=2), **values})


def test_nothing_is_ill_where_all_is_well() -> None:
    look(NOW + 30 * MINUTE)
    assert not Alarm.objects.exists()


# --- Mail servers --------------------------------------------------------------------------------------------------
def test_server_that_is_down_for_long_is_an_alarm_until_it_has_been_well_for_a_while() -> None:
    down("first", NOW)
    look(NOW + AFTER - MINUTE)
    assert open_kinds() == []
    look(NOW + AFTER)
    assert open_kinds() == ["mail_server:first"]
    up("first")
    look(NOW + AFTER + MINUTE)
    assert open_kinds() == ["mail_server:first"]
    well_again(NOW + AFTER + MINUTE)
    alarm = Alarm.objects.get()
    assert (alarm.opened_at, alarm.closed_at) == (NOW + AFTER, NOW + AFTER + WELL_FOR)


def test_server_that_comes_and_goes_is_one_alarm() -> None:
    down("first", NOW)
    look(NOW + AFTER)
    for minutes in range(11, 40, 2):
        up("first")
        look(NOW + minutes * MINUTE)
        down("first", NOW + (minutes + 1) * MINUTE)
        look(NOW + (minutes + 1) * MINUTE)
    alarm = Alarm.objects.get()
    assert (alarm.closed_at, alarm.facts["since"]) == (None, NOW.isoformat())


def test_server_that_blinks_is_no_alarm() -> None:
    for minutes in range(0, 60, 8):
        down("first", NOW + minutes * MINUTE)
        look(NOW + (minutes + 6) * MINUTE)
        up("first")
        look(NOW + (minutes + 7) * MINUTE)
    assert not Alarm.objects.exists()


def test_servers_are_alarms_of_their_own_and_their_words_name_no_guest() -> None:
    down("first", NOW, "550 5.1.0 <gosc@migri.example> sender of gosc@migri.example rejected")
    down("second", NOW)
    look(NOW + AFTER)
    assert open_kinds() == ["mail_server:first", "mail_server:second"]
    words = Alarm.objects.get(kind="mail_server:first").facts["words"]
    assert "migri" not in words
    assert "550 5.1.0" in words


def test_second_server_that_is_set_no_more_is_no_alarm(settings: Any) -> None:
    settings.EMAIL_FALLBACK = None
    down("second", NOW)
    look(NOW + AFTER)
    assert open_kinds() == []


# --- Mail that is late or fails ------------------------------------------------------------------------------------
def test_mail_that_nobody_sends_is_an_alarm() -> None:
    waiting = mail(due_at=NOW)
    look(NOW + AFTER - MINUTE)
    assert open_kinds() == []
    look(NOW + AFTER)
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.facts["waiting"], alarm.facts["since"]) == ("mail_waits", 1, NOW.isoformat())
    Message.objects.filter(pk=waiting.pk).update(state="superseded", raw=None)
    well_again(NOW + AFTER + MINUTE)
    assert open_kinds() == []


@pytest.mark.parametrize(
    "values",
    [
        {"due_at": NOW + 3 * AFTER},
        {"priority": 2},
        {"state": "sending", "lease_until": NOW + 4 * AFTER},
        {"recipient": "ktos@powolny.example"},
    ],
    ids=["put off", "can wait", "being sent", "domain is left alone"],
)
def test_mail_that_waits_rightly_is_none(values: dict[str, Any]) -> None:
    MailDomain.objects.create(name="powolny.example", next_at=NOW, paused_until=NOW + 4 * AFTER)
    mail(**values)
    look(NOW + 2 * AFTER)
    assert open_kinds() == []
    mail(due_at=NOW)
    look(NOW + 2 * AFTER + MINUTE)
    assert open_kinds() == ["mail_waits"]


def test_overviews_are_late_after_an_hour() -> None:
    mail(priority=2)
    look(NOW + timedelta(minutes=59))
    assert open_kinds() == []
    look(NOW + timedelta(minutes=60))
    assert open_kinds() == ["mail_waits"]


@pytest.mark.parametrize(
    ("failed", "sent", "is_alarm"), [(4, 0, False), (5, 0, True), (5, 20, False), (6, 20, True), (0, 50, False)]
)
def test_many_mails_given_up_are_an_alarm(failed: int, sent: int, is_alarm: bool) -> None:
    for _number in range(failed):
        mail(state="failed")
    for _number in range(sent):
        mail(state="sent")
    look(NOW + MINUTE)
    assert open_kinds() == (["mail_fails"] if is_alarm else [])
    if is_alarm:
        facts = Alarm.objects.get().facts
        assert (facts["failed"], facts["total"]) == (failed, failed + sent)
        well_again(NOW + timedelta(hours=1))
        assert open_kinds() == []


# --- Incoming mail -------------------------------------------------------------------------------------------------
def test_incoming_mail_that_is_not_fetched_or_not_handled_is_an_alarm() -> None:
    troubles.note_failure("LOGIN failed for sesje@urzad.example", NOW)
    InboundMail.objects.create(digest=b"1" * 32, raw=b"x", received_at=NOW + MINUTE, size=1)
    look(NOW + AFTER)
    assert open_kinds() == ["mail_fetch"]
    assert Alarm.objects.get().facts["words"] == "LOGIN failed for …"
    look(NOW + AFTER + MINUTE)
    assert open_kinds() == ["mail_fetch", "mail_inbox"]
    troubles.note_success()
    InboundMail.objects.all().delete()
    well_again(NOW + AFTER + 2 * MINUTE)
    assert open_kinds() == []


# --- Life ----------------------------------------------------------------------------------------------------------
def test_worker_that_is_silent_is_one_alarm_with_all_that_follows() -> None:
    alive(NOW)
    mail(due_at=NOW)
    Job.objects.create(name="queue_reminders", due_at=NOW)
    look(NOW + AFTER - MINUTE, is_alive=False)
    assert open_kinds() == []
    # The sign of life was a moment after NOW.
    look(NOW + AFTER + MINUTE, is_alive=False)
    assert open_kinds() == ["worker"]
    assert Alarm.objects.get().facts["waiting"] == 1
    # It lives again, and the rest turns out to be ill on its own.
    well_again(NOW + AFTER + 2 * MINUTE)
    assert open_kinds() == ["job:queue_reminders", "mail_waits"]


def test_worker_that_was_never_seen_is_an_alarm_too() -> None:
    look(NOW, is_alive=False)
    look(NOW + AFTER - MINUTE, is_alive=False)
    assert open_kinds() == []
    look(NOW + AFTER, is_alive=False)
    assert open_kinds() == ["worker"]


def test_sign_of_life_of_a_clock_that_was_set_back_is_none() -> None:
    alive(NOW + timedelta(hours=1))
    look(NOW, is_alive=False)
    look(NOW + AFTER, is_alive=False)
    assert open_kinds() == ["worker"]


def test_all_that_was_stopped_for_a_night_is_late_for_a_moment_and_no_alarm() -> None:
    web_life.leave_sign(NOW)
    look(NOW)
    mail(due_at=NOW)
    Job.objects.create(name="queue_reminders", due_at=NOW)
    down("first", NOW)
    morning = NOW + timedelta(hours=10)
    for minutes in range(10):
        watch.watch(morning + minutes * MINUTE)
    assert open_kinds() == []
    watch.watch(morning + AFTER)
    assert open_kinds() == ["mail_server:first", "web", "worker"]


def test_pages_that_are_silent_are_an_alarm_where_there_were_any() -> None:
    look(NOW)
    web_life.leave_sign(NOW)
    look(NOW + AFTER - MINUTE)
    assert open_kinds() == []
    look(NOW + AFTER)
    assert open_kinds() == ["web"]
    for minutes in range(5):
        web_life.leave_sign(NOW + AFTER + minutes * MINUTE)
        look(NOW + AFTER + minutes * MINUTE)
    assert open_kinds() == []


# --- Jobs ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("state", "values"),
    [
        ("late", {"due_at": NOW}),
        ("late", {"due_at": NOW, "lease_until": NOW + MINUTE}),
        (
            "fails",
            {
                "due_at": NOW + 2 * AFTER,
                "failures": 3,
                "last_error": "ValueError: gosc@migri.example",
                "succeeded_at": NOW,
                "finished_at": NOW + AFTER,
            },
        ),
        (
            "endless",
            {
                "due_at": NOW - timedelta(hours=1),
                "started_at": NOW - timedelta(hours=1),
                "lease_until": NOW + 2 * AFTER,
            },
        ),
    ],
    ids=["late", "its worker died", "fails", "endless"],
)
def test_job_that_is_ill_is_an_alarm(state: str, values: dict[str, Any]) -> None:
    job = Job.objects.create(name="queue_reminders", **values)
    look(NOW + AFTER)
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.facts["state"]) == ("job:queue_reminders", state)
    assert "migri" not in str(alarm.facts)
    later = NOW + timedelta(hours=2)
    Job.objects.filter(pk=job.pk).update(due_at=later, lease_until=None, failures=0)
    well_again(NOW + AFTER + MINUTE)
    assert open_kinds() == []


def test_job_that_one_of_several_does_in_time_is_well() -> None:
    Job.objects.create(name="deliver_mail", slot=0, due_at=NOW)
    Job.objects.create(name="deliver_mail", slot=1, due_at=NOW + AFTER)
    Job.objects.create(name="free_seats", due_at=NOW, started_at=NOW, lease_until=NOW + 2 * AFTER)
    Job.objects.create(name="a job of an older version", due_at=NOW - timedelta(days=1))
    look(NOW + AFTER)
    assert open_kinds() == []


# --- This machine --------------------------------------------------------------------------------------------------
def test_disk_that_is_nearly_full_is_an_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    free = [1024**3 - 1]
    # The disk of who runs the tests is not ours to fill.
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(100 * 1024**3, 0, free[0]))
    look(NOW)
    look(NOW + AFTER)
    assert open_kinds() == [f"disk:{here()}"]
    free[0] = 2 * 1024**3
    well_again(NOW + AFTER + MINUTE)
    assert open_kinds() == []


@pytest.mark.parametrize(("hours", "is_open"), [(23, True), (25, False)])
def test_what_another_machine_found_out_of_itself_is_left_to_it(hours: int, is_open: bool) -> None:
    seen_at = NOW - timedelta(hours=hours)
    Alarm.objects.create(kind="disk:beta", opened_at=seen_at, seen_at=seen_at, told_at=NOW)
    look(NOW + WELL_FOR)
    assert open_kinds() == (["disk:beta"] if is_open else [])


def test_clock_that_differs_from_the_databases_is_an_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    real = finding.time.time
    monkeypatch.setattr(finding.time, "time", lambda: real() - 90)
    look(NOW)
    look(NOW + AFTER)
    assert open_kinds() == [f"clock:{here()}"]
    assert Alarm.objects.get().facts["seconds"] == 90


# --- Conferences ---------------------------------------------------------------------------------------------------
def test_conference_server_in_use_that_does_not_answer_is_an_alarm() -> None:
    one, other, unused = (
        ConferenceServer.objects.create(name=name, url=f"https://{name}.example", is_enabled=name != "meet3")
        for name in ("meet1", "meet2", "meet3")
    )
    for server in (one, unused):
        ServerHealth.objects.create(server=server, state="down", since=NOW)
    ServerHealth.objects.create(server=other, state="ill", since=NOW)
    look(NOW + AFTER - MINUTE)
    assert open_kinds() == []
    look(NOW + AFTER)
    assert open_kinds() == [f"conferences:{one.pk}"]
    with translation.override("en"):
        words = alarm_words.words_of(Alarm.objects.get())
    assert words.title == "A conference server does not answer: meet1"
    assert words.means == "meetings that have not begun go to another conference server meanwhile."
    ServerHealth.objects.filter(server=other).update(state="down")
    look(NOW + AFTER + MINUTE)
    with translation.override("en"):
        assert (
            "no other conference server answers"
            in alarm_words.words_of(Alarm.objects.get(kind=f"conferences:{one.pk}")).means
        )
    ServerHealth.objects.update(state="up")
    well_again(NOW + AFTER + 2 * MINUTE)
    assert open_kinds() == []


# --- Cost ----------------------------------------------------------------------------------------------------------
def test_a_look_costs_the_same_whatever_there_is(office: Office) -> None:
    alive(NOW)
    count = _queries(NOW)
    for number in range(30):
        mail(f"ktos{number}@migri.example", due_at=NOW)
        Job.objects.create(name="deliver_mail", slot=number, due_at=NOW)
    assert _queries(NOW + MINUTE) == count
    assert count <= 12


def _queries(now: datetime) -> int:
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        finding.find(now)
    return len(captured)
