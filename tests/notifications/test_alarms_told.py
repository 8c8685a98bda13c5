"""Who is told of alarms, by which ways, how often, and in which words."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connections
from django.urls import reverse

from notifications.alarms import telling
from notifications.models import Alarm, MailRoute, Message
from tests.factories import Office, make_user
from tests.notifications.alarms import (
    AFTER,
    MINUTE,
    NOW,
    down,
    hook,
    look,
    two_servers,
    up,
    well_again,
)
from tests.notifications.calendars import Post
from tests.servers import DROP, HANG, MailServer, free_port, mail_server

pytestmark = pytest.mark.django_db
BACKUP = "dyzur@partner.example"


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    cache.clear()


@pytest.fixture
def second(settings: Any) -> Iterator[MailServer]:
    """Our second mail server; nobody listens at the first."""
    with mail_server() as server:
        two_servers(settings, free_port(), server.url)
        yield server


def queued() -> list[tuple[str, str, int]]:
    rows = Message.objects.filter(kind="alarm").order_by("pk")
    return [(row.recipient, row.state, row.priority) for row in rows]


def subjects(server: MailServer) -> list[str]:
    return [str(received.mail["Subject"]) for received in server.received]


def text_of(server: MailServer, number: int = -1) -> str:
    body = server.received[number].mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


# --- Past the ill way ----------------------------------------------------------------------------------------------
def test_mail_server_that_is_down_is_told_over_the_other_one(office: Office, second: MailServer) -> None:
    office.it_admin.language = "en"
    office.it_admin.save()
    down("first", NOW, "[Errno 111] Connection refused")
    look(NOW + AFTER)
    assert [mail.recipient for mail in second.received] == [office.it_admin.email]
    assert subjects(second) == ["Alarm: The first mail server takes no mail"]
    text = text_of(second)
    assert "Since Tue 24 Nov 2026, 10:00" in text
    assert "mail goes out over the other server meanwhile" in text
    assert "[Errno 111] Connection refused" in text
    assert "EMAIL_URL" in text
    assert reverse("service_state") in text
    assert second.received[0].mail["Auto-Submitted"] == "auto-generated"
    # Who was reached surely is not told a second time by the outbox.
    assert queued() == []
    alarm = Alarm.objects.get()
    assert (alarm.told_at, alarm.told_by, alarm.times_told) == (NOW + AFTER, ["second"], 1)


def test_server_that_takes_mail_again_is_no_alarm_though_nobody_had_mail_for_it(
    office: Office, smtp: MailServer, settings: Any
) -> None:
    two_servers(settings, smtp.port, f"smtp://127.0.0.1:{free_port()}")
    smtp.script = lambda stage, _recipient: "550 5.7.1 not you" if stage == "mail" else None
    down("first", NOW)
    look(NOW + AFTER - MINUTE)
    assert MailRoute.objects.get().down_since == NOW
    smtp.script = lambda _stage, _recipient: None
    look(NOW + AFTER)
    assert (MailRoute.objects.get().down_since, Alarm.objects.count(), smtp.received) == (None, 0, [])


def test_silent_worker_is_told_without_it(office: Office, smtp: MailServer) -> None:
    look(NOW)
    look(NOW + AFTER + MINUTE, is_alive=False)
    assert [mail.recipient for mail in smtp.received] == [office.it_admin.email]
    assert Alarm.objects.get().told_by == ["first"]


@pytest.mark.parametrize(
    ("stage", "answer"),
    [
        ("connect", DROP),
        *itertools.product(("mail", "rcpt", "data", "text"), (DROP, HANG, "451 4.7.1 later", "550 5.7.1 no")),
    ],
)
def test_server_that_fails_at_any_step_leaves_it_to_the_other(
    office: Office, second: MailServer, smtp: MailServer, settings: Any, stage: str, answer: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("notifications.alarms.ways.STEP_SECONDS", 0.3)
    two_servers(settings, smtp.port, second.url)
    smtp.script = lambda at, _recipient: answer if at == stage else None
    look(NOW)
    look(NOW + AFTER + MINUTE, is_alive=False)
    assert (len(smtp.received), len(second.received)) == (0, 1)
    assert queued() == []


def test_where_no_server_takes_mail_the_hook_is_told_and_the_outbox_keeps_it(office: Office, settings: Any) -> None:
    two_servers(settings, free_port(), f"smtp://127.0.0.1:{free_port()}")
    with hook(settings) as chat:
        down("first", NOW)
        down("second", NOW, "550 no <gosc@migri.example>")
        look(NOW + AFTER)
        look(NOW + AFTER + MINUTE)
    assert len(chat.texts) == 2
    first, other = chat.texts
    assert first.startswith("Alarm: ")
    assert reverse("service_state") in first
    assert "migri" not in first + other
    assert office.it_admin.email not in first + other
    urgent = Message.Priority.URGENT.value
    assert queued() == [(office.it_admin.email, "queued", urgent)] * 2
    alarms = Alarm.objects.order_by("kind")
    assert [(alarm.told_at, alarm.told_by) for alarm in alarms] == [(NOW + AFTER, ["hook", "queue"])] * 2


def test_who_is_reached_at_the_second_try_gets_it_once(office: Office, second: MailServer, settings: Any) -> None:
    reachable = settings.EMAIL_FALLBACK
    settings.EMAIL_FALLBACK = {**reachable, "EMAIL_PORT": free_port()}
    down("first", NOW)
    look(NOW + AFTER)
    alarm = Alarm.objects.get()
    assert (alarm.told_at, alarm.told_by) == (None, ["queue"])
    settings.EMAIL_FALLBACK = reachable
    look(NOW + AFTER + MINUTE)
    assert len(second.received) == 0
    look(NOW + AFTER + telling.TRY_AGAIN_AFTER)
    assert [mail.recipient for mail in second.received] == [office.it_admin.email]
    # What waited in the outbox leaves no more.
    assert [state for _recipient, state, _priority in queued()] == ["superseded"]
    alarm.refresh_from_db()
    assert (alarm.told_at, alarm.told_by) == (NOW + AFTER + telling.TRY_AGAIN_AFTER, ["queue", "second"])


def test_hook_that_fails_is_no_way(office: Office, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    two_servers(settings, free_port(), f"smtp://127.0.0.1:{free_port()}")
    with hook(settings) as chat:
        chat.status = 500
        down("first", NOW)
        look(NOW + AFTER)
        assert len(chat.heard) == 1
    assert Alarm.objects.get().told_at is None
    # A hook has its secret in its address; and nobody's address is in the log.
    assert "geheim" not in caplog.text
    assert office.it_admin.email not in caplog.text
    assert "mail_server:first is open: 0 told directly, 1 by the outbox, hook not called" in caplog.text


# --- By the outbox -------------------------------------------------------------------------------------------------
def test_job_that_is_ill_alone_is_told_by_the_outbox(office: Office, smtp: MailServer) -> None:
    _ill_job()
    look(NOW + AFTER)
    assert smtp.received == []
    assert queued() == [(office.it_admin.email, "queued", 0)]
    [mail] = Post().deliver(NOW + AFTER + MINUTE)
    assert mail.recipient == office.it_admin.email
    assert mail.subject.startswith("Alarm: ")
    assert "ValueError: zepsute" in mail.text
    alarm = Alarm.objects.get()
    assert (alarm.told_at, alarm.told_by, alarm.times_told) == (NOW + AFTER, ["queue"], 1)


def test_all_is_told_directly_while_the_outbox_is_ill(office: Office, second: MailServer) -> None:
    down("first", NOW)
    _ill_job()
    look(NOW + AFTER)
    assert len(second.received) == 2
    assert queued() == []


def test_addresses_of_the_settings_are_told_directly_and_nobody_twice(
    office: Office, smtp: MailServer, settings: Any
) -> None:
    settings.ALARM_RECIPIENTS = [BACKUP, office.it_admin.email.upper(), BACKUP]
    make_user("byly@urzad.example", is_it_admin=True, is_active=False)
    _ill_job()
    look(NOW + AFTER)
    assert [mail.recipient for mail in smtp.received] == [BACKUP]
    assert [recipient for recipient, _state, _priority in queued()] == [office.it_admin.email]


# --- How often -----------------------------------------------------------------------------------------------------
def test_it_is_told_once_then_every_six_hours_and_when_it_is_over(office: Office, second: MailServer) -> None:
    down("first", NOW)
    look(NOW + AFTER + 30 * MINUTE)
    assert len(second.received) == 1
    later = NOW + AFTER + timedelta(hours=6)
    look(later - MINUTE)
    assert len(second.received) == 1
    look(later + 5 * MINUTE)
    assert len(second.received) == 2
    up("first")
    well_again(later + 6 * MINUTE)
    look(later + 20 * MINUTE)
    assert len(second.received) == 3
    alarm = Alarm.objects.get()
    assert (alarm.times_told, alarm.end_told_at) == (2, alarm.closed_at)
    assert second.received[2].recipient == office.it_admin.email


def test_end_is_told_in_one_mail_where_the_beginning_still_waits(office: Office) -> None:
    job = _ill_job()
    look(NOW + AFTER)
    job.delete()
    well_again(NOW + AFTER + MINUTE)
    assert [state for _recipient, state, _priority in queued()] == ["superseded", "queued"]
    [mail] = Post().deliver(NOW + AFTER + 10 * MINUTE)
    assert "ValueError" not in mail.text
    assert Alarm.objects.get().end_told_at is not None


def test_alarm_that_nobody_heard_of_has_no_end_to_tell(office: Office, second: MailServer) -> None:
    Alarm.objects.create(kind="worker", opened_at=NOW, seen_at=NOW, closed_at=NOW + MINUTE)
    look(NOW + 2 * MINUTE)
    assert second.received == []


def test_where_there_is_nobody_to_tell_it_is_not_tried_for_ever(db: None) -> None:
    down("first", NOW)
    _ill_job()
    look(NOW + AFTER)
    assert Alarm.objects.get().told_at == NOW + AFTER


def test_teller_that_died_leaves_it_to_the_next(office: Office, smtp: MailServer) -> None:
    look(NOW)
    Alarm.objects.create(kind="worker", opened_at=NOW, seen_at=NOW, telling_until=NOW + telling.TELLING)
    look(NOW + telling.TELLING - MINUTE, is_alive=False)
    assert smtp.received == []
    look(NOW + telling.TELLING, is_alive=False)
    assert len(smtp.received) == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_many_watchers_at_once_one_tells(open_office: Office, second: MailServer, settings: Any) -> None:
    down("first", NOW)
    look(NOW + AFTER - MINUTE)
    barrier, errors = threading.Barrier(8), []

    def watch_too() -> None:
        try:
            barrier.wait()
            from notifications.alarms import watch

            watch.watch(NOW + AFTER)
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=watch_too) for _ in range(8)]
    with hook(settings) as chat:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []
    assert Alarm.objects.count() == 1
    assert (len(second.received), len(chat.heard)) == (1, 1)


def _ill_job() -> Any:
    from notifications.models import Job

    return Job.objects.create(
        name="queue_reminders",
        due_at=NOW + timedelta(days=1),
        failures=3,
        last_error="ValueError: zepsute",
        succeeded_at=NOW,
        finished_at=NOW + AFTER,
    )
