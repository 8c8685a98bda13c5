"""The path of `make smoke`, inside the process and against a real SMTP server with a real Celery worker."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from notifications import delivery, reminders
from smoke.journey import WARSAW, Journey, working_day_from
from smoke.mails import Folder, Received, read
from tests.factories import PASSWORD, Office
from tests.journeys.visitors import ClientVisitor
from tests.servers import MailServer, Worker, environment, mail_server

LEADS = {"days": 14}


class PumpedFolder(Folder):
    """Delivers what is due, as the worker would, and looks into the folder then."""

    def received(self) -> list[Received]:
        now = timezone.now()
        reminders.queue_due(now)
        delivery.deliver_due(now)
        return super().received()


class ServerInbox:
    """What the mail server has accepted. Somebody else delivers."""

    def __init__(self, server: MailServer) -> None:
        self._server = server

    def received(self) -> list[Received]:
        return [read(mail.raw) for mail in list(self._server.received)]


@pytest.fixture
def conference(settings: Any) -> None:
    settings.JITSI_URL = "https://meet.example"
    settings.JITSI_ALGORITHM = "RS256"
    settings.JITSI_SUBJECT = "meet.example"
    settings.JOIN_OPENS_MINUTES = 14 * 24 * 60
    settings.CANCEL_UNDO_SECONDS = 1
    settings.REMINDER_LEADS = (timedelta(**LEADS),)


@pytest.fixture
def journey(office: Office, conference: None) -> Callable[..., Journey]:
    def make(inbox: Any) -> Journey:
        return Journey(
            staff=ClientVisitor(),
            guest=ClientVisitor(),
            inbox=inbox,
            email=office.staff.email,
            password=PASSWORD,
            base_url="http://testserver",
            jitsi_url="https://meet.example",
            day=working_day_from(timezone.now().astimezone(WARSAW).date()),
        )

    return make


@pytest.mark.django_db(transaction=True)
def test_whole_path_with_mails_as_files(journey: Callable[..., Journey], settings: Any, tmp_path: Path) -> None:
    settings.MAIL_DIR = tmp_path
    settings.EMAIL_BACKEND = "notifications.mailfiles.Backend"  # pytest-django puts a memory in its place
    journey(PumpedFolder(tmp_path)).run()


@pytest.mark.services
@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_whole_path_with_smtp_server_and_celery_worker(journey: Callable[..., Journey], settings: Any) -> None:
    """With CELERY_BROKER_URL by way of that broker, otherwise by files."""
    broker = {name: os.environ[name] for name in ("CELERY_BROKER_URL",) if os.environ.get(name)}
    with mail_server() as server:
        env = environment(
            Path(settings.VAR_DIR),
            **broker,
            EMAIL_URL=server.url,
            EMAIL_TIMEOUT_SECONDS="15",
            REMINDER_LEADS="14d",
            REMINDER_QUIET="",
            JITSI_URL="https://meet.example",
            JOIN_OPENS_MINUTES=str(14 * 24 * 60),
        )
        worker = Worker(env).wait_until_ready()
        try:
            journey(ServerInbox(server)).run()
        finally:
            worker.kill()
