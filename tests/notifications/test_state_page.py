"""The page that says how the service is: who may see it, what it says, and what it costs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import User
from integrations.jitsi.models import ConferenceServer, ServerHealth
from notifications import heartbeat
from notifications.compose.job_words import job_label
from notifications.jobs import schedule
from notifications.models import Alarm, Job, MailDomain, MailRoute, Message
from tests.factories import Office
from tests.notifications.conftest import send_to
from tests.servers import MailServer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    cache.clear()


def page(client: Client, **headers: Any) -> str:
    response = client.get(reverse("service_state"), **headers)
    assert response.status_code == 200
    return response.content.decode()


def ill(kind: str = "worker", **values: Any) -> Alarm:
    since = timezone.now() - timedelta(minutes=12)
    defaults = {"opened_at": since, "seen_at": since, "facts": {"since": since.isoformat(), "waiting": 7}}
    return Alarm.objects.create(kind=kind, **{**defaults, **values})


def test_it_admins_alone_see_it(office: Office, staff_client: Client, manager_client: Client) -> None:
    ill()
    for name in ("service_state", "service_state_now"):
        for client in (staff_client, manager_client):
            assert client.get(reverse(name)).status_code == 404
    assert Client().get(reverse("service_state")).status_code == 302
    assert Client().get(reverse("service_state_now"))["HX-Refresh"] == "true"
    trial = reverse("service_state_trial", args=["first"])
    assert staff_client.post(trial).status_code == 404
    assert Client().post(trial).status_code == 302


def test_it_says_that_all_is_well(office: Office, admin_client: Client) -> None:
    heartbeat.beat_heart(timezone.now())
    text = page(admin_client)
    assert "All is well." in text or "Wszystko działa." in text
    assert "state-alarm" not in text


def test_conference_server_that_does_not_answer_is_named_before_it_is_an_alarm(
    office: Office, admin_client: Client
) -> None:
    heartbeat.beat_heart(timezone.now())
    User.objects.update(language="en")
    server = ConferenceServer.objects.create(name="meet1", url="https://meet1.example")
    health = ServerHealth.objects.create(server=server, state="ill", since=timezone.now())
    assert "All is well." in page(admin_client)
    health.state = "down"
    health.save()
    assert "the conference server meet1 does not answer" in page(admin_client)


def test_every_job_has_words() -> None:
    with translation.override("en"):
        assert [name for name in schedule.BY_NAME if job_label(name) == name] == []


def test_it_shows_what_is_ill_in_both_languages(office: Office, admin_client: Client, settings: Any) -> None:
    settings.EMAIL_URL = "smtp://poczta.urzad.example"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "poczta.urzad.example", 25
    now = timezone.now()
    ill(told_at=now, told_by=["second", "hook"], times_told=1)
    ill("job:queue_digests", closed_at=now, opened_at=now - timedelta(hours=3))
    MailRoute.objects.create(name="first", down_since=now - timedelta(minutes=3), last_error="421 4.3.2 zamknięte")
    MailDomain.objects.create(
        name="gmail.com", next_at=now, paused_until=now + timedelta(minutes=5), last_error="450 x"
    )
    Job.objects.create(
        name="queue_reminders", due_at=now - timedelta(hours=1), started_at=now - timedelta(hours=1),
        finished_at=now - timedelta(hours=1), failures=4, last_error="ValueError: zły dzień", took=timedelta(seconds=3),
    )  # fmt: skip
    office.it_admin.language = "en"
    office.it_admin.save()
    text = page(admin_client)
    for words in (
        "1 alarm is open.",
        "The worker gives no sign of life",
        "(second mail server, hook)",
        "takes no mail",
        "421 4.3.2 zamknięte",
        "gmail.com",
        "late by 60 min",
        "ValueError: zły dzień (4 times in a row)",
        "This job does not run: writing overviews of the week",
        "poczta.urzad.example:25",
    ):
        assert words in text, words
    office.it_admin.language = "pl"
    office.it_admin.save()
    assert "Stan usługi" in page(admin_client)


def test_its_queries_do_not_grow_with_what_there_is(
    office: Office, admin_client: Client, django_assert_num_queries: Any
) -> None:
    queries = _count(admin_client)
    now = timezone.now()
    for kind in ("worker", "mail_waits", "disk:alfa"):
        ill(kind)
    for hours in range(30):
        ill(f"job:{hours}", closed_at=now - timedelta(hours=hours))
    for name in ("a.example", "b.example", "c.example"):
        MailDomain.objects.create(name=name, next_at=now, paused_until=now + timedelta(hours=1))
    for slot in range(5):
        Job.objects.create(name="deliver_mail", slot=slot, due_at=now)
    for number in range(20):
        Message.objects.create(
            kind="account",
            recipient=f"ktos{number}@urzad.example",
            raw=b"x",
            due_at=now,
            give_up_at=now,
            created_at=now,
        )
    assert _count(admin_client) == queries


def _count(client: Client) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        page(client)
    return len(captured)


def test_what_has_not_changed_is_not_put_in_anew(office: Office, admin_client: Client) -> None:
    heartbeat.beat_heart(timezone.now())
    first = admin_client.get(reverse("service_state"))
    seen = {"widziane": first.context["digest"], "werdykt": first.context["verdict_digest"]}
    same = admin_client.get(reverse("service_state_now"), seen)
    assert same["HX-Reswap"] == "none"
    assert "state-checked" in same.content.decode()
    assert "state-verdict" not in same.content.decode()
    ill()
    other = admin_client.get(reverse("service_state_now"), seen)
    assert "HX-Reswap" not in other
    assert other.content.decode().lstrip().startswith('<div id="state-live"')
    assert 'id="state-verdict"' in other.content.decode()


def test_every_page_tells_it_admins_and_nobody_else(office: Office, admin_client: Client, staff_client: Client) -> None:
    well = [client.get(reverse("my_sessions")).content.decode() for client in (admin_client, staff_client)]
    assert all("alarm-banner" not in text for text in well)
    ill()
    assert "alarm-banner" in admin_client.get(reverse("my_sessions")).content.decode()
    assert "alarm-banner" not in staff_client.get(reverse("my_sessions")).content.decode()
    # It has it all on the page itself.
    assert "alarm-banner" not in page(admin_client)


def test_test_mail_shows_what_the_server_said(
    office: Office, admin_client: Client, smtp: MailServer, settings: Any
) -> None:
    settings.EMAIL_URL = smtp.url
    smtp.script = lambda stage, _: "250 2.0.0 taken as ABC123" if stage == "text" else None
    shown = admin_client.post(reverse("service_state_trial", args=["first"]), follow=True).content.decode()
    assert "ABC123" in shown
    assert [mail.recipient for mail in smtp.received] == [office.it_admin.email]
    # Not again and again.
    admin_client.post(reverse("service_state_trial", args=["first"]))
    assert len(smtp.received) == 1


def test_test_mail_says_why_it_was_not_taken(
    office: Office, admin_client: Client, smtp: MailServer, settings: Any
) -> None:
    settings.EMAIL_URL = smtp.url
    smtp.script = lambda stage, _: "550 5.7.1 not from here" if stage == "rcpt" else None
    shown = admin_client.post(reverse("service_state_trial", args=["first"]), follow=True).content.decode()
    assert "550 5.7.1 not from here" in shown
    assert smtp.received == []


def test_test_mail_goes_over_the_server_that_is_asked_for(office: Office, admin_client: Client, settings: Any) -> None:
    from config.env import parse_email_url
    from tests.servers import free_port, mail_server

    with mail_server() as second:
        send_to(settings, free_port())
        settings.EMAIL_FALLBACK = parse_email_url(second.url)
        admin_client.post(reverse("service_state_trial", args=["second"]))
        assert [mail.recipient for mail in second.received] == [office.it_admin.email]
    settings.EMAIL_FALLBACK = None
    assert admin_client.post(reverse("service_state_trial", args=["second"])).status_code == 404
