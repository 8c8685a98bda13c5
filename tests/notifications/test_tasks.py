"""What runs by the clock: leaves that find their work by query, so that twice is once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from bookings import services
from bookings.models import Approval, Draft, WaitlistEntry
from config.celery import app
from notifications import tasks
from notifications.models import Message
from tests.bookings.requests import ask
from tests.factories import Office

pytestmark = pytest.mark.django_db


def test_everything_on_the_schedule_is_a_task_and_expires_in_time() -> None:
    app.loader.import_default_modules()
    for entry in app.conf.beat_schedule.values():
        assert entry["task"] in app.tasks
        seconds = entry["schedule"].total_seconds()
        assert seconds <= entry["options"]["expires"] <= 2 * seconds


def test_requests_offers_and_open_forms_end_by_themselves(office: Office) -> None:
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    day = (now + timedelta(days=7 - now.weekday() + 7)).replace(hour=9, tzinfo=None)
    room = office.room("KOS/2.14")
    taken = services.book(ask(office.staff, room, start=day), by=office.staff, now=now)
    entry = services.join_waitlist(ask(office.staff, room, start=day), by=office.staff, now=now)
    services.cancel(taken, by=office.staff, now=now)
    asked = services.book(ask(office.staff, office.room("KOS/3.01"), start=day), by=office.staff, now=now)
    Draft.objects.create(
        submission="0f8fad5b-d9cb-469f-a165-70867728950e",
        user=office.staff,
        created_at=now - timedelta(days=2),
        expires_at=now - timedelta(days=1),
    )
    past = timezone.now() - timedelta(minutes=1)
    WaitlistEntry.objects.filter(pk=entry.pk, state="offered").update(offer_expires_at=past)
    Approval.objects.update(expires_at=past)
    Message.objects.all().delete()
    for _twice in range(2):
        tasks.run_job("lapse_offers", woken=True)
        tasks.run_job("escalate_and_expire", woken=True)
        tasks.run_job("forget_drafts", woken=True)
    entry.refresh_from_db()
    asked.refresh_from_db()
    assert (entry.state, asked.status, Draft.objects.count()) == ("lapsed", "cancelled", 0)
    topics = Message.objects.filter(kind="notice").values_list("topic", flat=True)
    assert sorted(topics) == ["approval_expired", "waitlist_lapsed"]
