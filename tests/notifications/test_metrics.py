"""What Prometheus is told, and who may ask."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from notifications import jobs
from notifications.models import Job, MailDomain, MailRoute, Message
from tests.factories import Office
from tests.notifications.outbox_rows import ANNA, MAZ, MIGRI, book
from tests.servers import ROOT, free_port

pytestmark = pytest.mark.django_db

TOKEN = "a-token-of-the-monitoring-łódź"


@pytest.fixture(autouse=True)
def token(settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN


def ask(token: str | None = TOKEN) -> Any:
    headers = {} if token is None else {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    return Client().get("/metrics", **headers)


def figures() -> dict[tuple[str, ...], float]:
    """Return every sample by name and labels' values."""
    answer = ask()
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


class TestDoor:
    def test_without_a_token_there_is_no_such_page(self, settings: Any) -> None:
        settings.METRICS_TOKEN = ""
        assert ask().status_code == 404
        assert ask("").status_code == 404

    @pytest.mark.parametrize("wrong", [None, "", "x", TOKEN[:-1], TOKEN + "x"])
    def test_who_does_not_know_it_is_told_nothing(self, wrong: str | None) -> None:
        answer = ask(wrong)
        assert (answer.status_code, answer.content) == (401, b"")
        assert answer["WWW-Authenticate"].startswith("Bearer")

    def test_other_schemes_are_refused(self) -> None:
        assert Client().get("/metrics", HTTP_AUTHORIZATION=f"Basic {TOKEN}").status_code == 401
        assert Client().post("/metrics", HTTP_AUTHORIZATION=f"Bearer {TOKEN}").status_code == 405

    def test_the_answer_is_text_that_no_cache_keeps(self) -> None:
        answer = ask()
        assert answer["Content-Type"].startswith("text/plain")
        assert "no-store" in answer["Cache-Control"]
        assert "Set-Cookie" not in answer


def test_jobs() -> None:
    now = timezone.now()
    for name in ("tidy_jobs", "beat_heart", "lapse_offers"):
        jobs.run(name, now, woken=True)
    Job.objects.filter(name="lapse_offers").update(
        due_at=now - timedelta(minutes=10), failures=2, lost_runs=1, succeeded_at=now - timedelta(minutes=5)
    )
    found = figures()
    assert found["narada_job_runs_total", "lapse_offers"] == 1
    assert found["narada_job_lost_runs_total", "lapse_offers"] == 1
    assert found["narada_job_failures", "lapse_offers"] == 2
    assert found["narada_job_late", "lapse_offers"] == 1
    assert found["narada_job_late", "beat_heart"] == 0
    assert 600 <= found["narada_job_lag_seconds", "lapse_offers"] < 605
    assert 300 <= found["narada_job_last_success_age_seconds", "lapse_offers"] < 305
    assert 0 < found["narada_job_duration_seconds", "lapse_offers"] < 1
    assert found["narada_job_running", "lapse_offers"] == 0
    assert 0 <= found["narada_worker_heartbeat_age_seconds",] < 5
    assert ("narada_job_last_success_age_seconds", "free_seats") not in found, "it was never done"


def test_outbox(office: Office, settings: Any) -> None:
    settings.EMAIL_URL, settings.EMAIL_FALLBACK = "smtp://mail.example", {"EMAIL_HOST": "second.example"}
    now = timezone.now()
    book(office, MIGRI, MAZ)
    Message.objects.update(due_at=now - timedelta(minutes=7), created_at=now)
    first, second, third = Message.objects.order_by("pk")
    Message.objects.filter(pk=first.pk).update(
        state="sent", sent_at=now, may_have_arrived=True, raw=b"mail", doubts=1, lease_until=None
    )
    Message.objects.filter(pk=second.pk).update(state="failed", last_error="550 no")
    MailRoute.objects.create(name="second", down_since=now)
    MailDomain.objects.create(name="paused.example", next_at=now, paused_until=now + timedelta(hours=1))
    MailDomain.objects.create(name="fine.example", next_at=now, paused_until=now - timedelta(hours=1))
    found = figures()
    assert found["narada_outbox_rows", "queued", "mail"] == 1
    assert found["narada_outbox_rows", "sending", "mail"] == 0
    assert found["narada_outbox_last_hour", "invitation", "sent"] == 1
    assert found["narada_outbox_last_hour", "invitation", "failed"] == 1
    assert 420 <= found["narada_outbox_oldest_due_seconds",] < 425
    assert found["narada_mails_doubted",] == 1
    assert found["narada_mail_server_up", "first"] == 1
    assert found["narada_mail_server_up", "second"] == 0
    assert found["narada_mail_domains_paused",] == 1
    Message.objects.filter(pk=third.pk).update(state="superseded")
    Message.objects.filter(pk=first.pk).update(sent_at=now - timedelta(hours=2))
    found = figures()
    assert found["narada_outbox_last_hour", "invitation", "superseded"] == 1
    assert ("narada_outbox_last_hour", "invitation", "sent") not in found
    assert found["narada_outbox_oldest_due_seconds",] == 0


def test_nobody_is_named(office: Office) -> None:
    book(office, MIGRI)
    jobs.run("tidy_jobs", timezone.now())
    text = ask().content.decode()
    assert "narada_outbox_rows" in text
    assert all(word not in text for word in (ANNA, MIGRI, "@", "Wrzesi"))


def test_as_many_queries_whatever_there_is(office: Office, django_assert_num_queries: Any) -> None:
    jobs.run("tidy_jobs", timezone.now())
    book(office, MIGRI)
    with django_assert_num_queries(5):
        ask()


def test_the_example_rules_ask_for_figures_that_there_are(office: Office, settings: Any) -> None:
    settings.EMAIL_URL = "smtp://mail.example"
    jobs.run("tidy_jobs", timezone.now())
    jobs.run("beat_heart", timezone.now())
    rules = (ROOT / "deploy" / "prometheus" / "alerts.yml").read_text()
    asked = set(re.findall(r"narada_[a-z_]+", " ".join(re.findall(r"expr:(.*?)\n\s+for:", rules, re.DOTALL))))
    known = set(re.findall(r"^# TYPE (\S+)", ask().content.decode(), re.MULTILINE))
    assert asked - known == set()
    assert len(asked) >= 6


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_a_figure() -> None:
    connection.close()
    port, connection.settings_dict["PORT"] = connection.settings_dict["PORT"], str(free_port())
    try:
        found = figures()
        assert found["narada_database_up",] == 0
        assert found["process_start_time_seconds",] > 0
    finally:
        connection.close()
        connection.settings_dict["PORT"] = port
    assert figures()["narada_database_up",] == 1
