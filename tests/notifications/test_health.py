"""What a monitor is told."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from notifications import health, heartbeat, jobs, tasks
from notifications.models import Job, MailRoute, Message
from tests.factories import Office
from tests.notifications.outbox_rows import MIGRI, book
from tests.servers import free_port


def test_healthz_answers_everybody_without_the_database(django_assert_num_queries: object) -> None:
    # No database fixture: a query would fail the test.
    response = Client().get("/healthz")
    assert (response.status_code, response.content, response["Content-Type"]) == (
        200,
        b"ok",
        "text/plain; charset=utf-8",
    )
    assert "no-store" in response["Cache-Control"]
    assert "Set-Cookie" not in response


@pytest.mark.django_db
def test_readyz_is_ready_when_the_worker_has_just_given_a_sign_of_life() -> None:
    tasks.run_job("beat_heart")
    response = Client().get("/readyz")
    assert response.status_code == 200
    answer = response.json()
    assert (answer["ready"], answer["missing"]) == (True, [])
    assert 0 <= answer["heartbeat_age_seconds"] < 5


@pytest.mark.django_db
def test_readyz_names_a_worker_that_was_never_seen() -> None:
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert response.json() == {
        "ready": False,
        "missing": ["worker"],
        "troubles": [],
        "heartbeat_age_seconds": None,
        "jobs": {"late": [], "failing": [], "lag_seconds": None},
        "mail": {"waiting": 0, "oldest_due_seconds": None, "failed_last_day": 0, "servers": {}},
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("seconds", "missing"),
    [(0, ()), (29.9, ()), (31, ("worker",)), (3600, ("worker",)), (-29.9, ()), (-31, ("worker",))],
)
def test_a_sign_of_life_is_fresh_for_half_a_minute(seconds: float, missing: tuple[str, ...]) -> None:
    now = datetime.fromisoformat("2026-11-24T09:00:00+00:00")
    heartbeat.beat_heart(now - timedelta(seconds=seconds))
    assert health.find_readiness(now).missing == missing


@pytest.mark.django_db(transaction=True)
def test_readyz_names_a_database_that_is_gone() -> None:
    heartbeat.beat_heart(timezone.now())
    connection.close()
    port, connection.settings_dict["PORT"] = connection.settings_dict["PORT"], str(free_port())
    try:
        response = Client().get("/readyz")
        assert response.status_code == 503
        assert response.json() == {
            "ready": False,
            "missing": ["database", "worker"],
            "troubles": [],
            "heartbeat_age_seconds": None,
            "jobs": {"late": [], "failing": [], "lag_seconds": None},
            "mail": None,
        }
        assert Client().get("/healthz").status_code == 200
    finally:
        connection.close()
        connection.settings_dict["PORT"] = port


@pytest.mark.django_db
def test_work_that_is_late_or_fails_is_named_and_stops_nothing() -> None:
    now = timezone.now()
    for name in ("tidy_jobs", "beat_heart"):
        jobs.run(name, now, woken=True)
    Job.objects.filter(name="lapse_offers").update(due_at=now - timedelta(hours=1))
    Job.objects.filter(name="free_seats").update(failures=3, finished_at=now, last_error="ValueError: no")
    answer = Client().get("/readyz").json()
    assert answer["ready"] is True
    assert answer["jobs"]["late"] == ["lapse_offers"]
    assert answer["jobs"]["failing"] == ["free_seats"]
    assert 3600 <= answer["jobs"]["lag_seconds"] < 3605
    assert answer["troubles"] == ["job:lapse_offers", "job:free_seats"]


@pytest.mark.django_db
def test_mail_that_waits_for_nobody_but_us_is_counted_and_after_a_while_a_trouble(
    office: Office, settings: Any
) -> None:
    settings.EMAIL_URL, settings.EMAIL_FALLBACK = "smtp://mail.example", {"EMAIL_HOST": "second.example"}
    book(office, MIGRI)
    now = timezone.now()
    Message.objects.update(due_at=now - timedelta(minutes=9))
    MailRoute.objects.create(name="first", down_since=now)
    mail = health.find_readiness(now).mail
    assert mail is not None
    assert (mail.waiting, mail.oldest_due, mail.failed_last_day) == (2, timedelta(minutes=9), 0)
    assert mail.servers == {"first": "down", "second": "up"}
    assert health.find_readiness(now).troubles == ("mail_server:first",)
    assert health.find_readiness(now + timedelta(minutes=1)).troubles == ("mail_lag", "mail_server:first")
    Message.objects.filter(recipient=MIGRI).update(state="failed", last_error="550 no such user")
    assert health.find_readiness(now).mail.failed_last_day == 1
    assert health.find_readiness(now + timedelta(days=1)).mail.failed_last_day == 0


@pytest.mark.django_db
def test_mail_behind_an_older_one_to_the_same_address_is_not_late_itself(office: Office) -> None:
    book(office)
    now = timezone.now()
    first = Message.objects.get()
    Message.objects.update(due_at=now - timedelta(minutes=1))
    # Its line: the first is on its way, and the next may not overtake it.
    first.pk = None
    first.version, first.kind, first.due_at = 2, "update", now - timedelta(hours=1)
    first.save()
    assert health.find_readiness(now).mail.oldest_due == timedelta(minutes=1)


@pytest.mark.django_db
def test_readyz_asks_as_many_queries_whatever_there_is(
    office: Office, settings: Any, django_assert_num_queries: Any
) -> None:
    settings.EMAIL_URL = "smtp://mail.example"
    jobs.run("tidy_jobs", timezone.now())
    book(office, MIGRI)
    with django_assert_num_queries(4):  # the cache of tests is in memory: one more in the database
        Client().get("/readyz")
