"""Which changes become calls of webhooks: one for each change, and for nothing that nobody outside is told of."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings import services
from bookings.models import Approval, Booking
from bookings.rules import Scope
from integrations.webhooks.models import Webhook
from notifications import calls
from notifications.alarms import finding
from notifications.calls import Failing
from notifications.compose.alarm import words_of
from notifications.models import Alarm, Message
from tests.bookings.conferencing import end, start
from tests.bookings.requests import NOW, ask, at
from tests.bookings.series import weekly as by_week
from tests.factories import Office
from tests.integrations.webhooks.receivers import make_webhook
from tests.notifications.outbox_rows import MIGRI, book, change

pytestmark = pytest.mark.django_db


@pytest.fixture
def webhook(office: Office) -> Webhook:
    return make_webhook()


def topics(**filters: Any) -> list[str]:
    return list(Message.objects.filter(kind="webhook", **filters).order_by("pk").values_list("topic", flat=True))


def weekly(office: Office, count: int = 4, **fields: Any) -> Booking:
    return book(office, series=by_week(count), **fields)


def test_a_row_is_all_that_a_booking_writes(office: Office, webhook: Webhook) -> None:
    booking = book(office)
    row = Message.objects.get(kind="webhook")
    assert row.booking == booking
    assert (row.webhook, row.state, row.topic, row.raw) == (webhook, "queued", "booked", None)
    assert row.data == {"event": booking.events.get().pk}
    assert row.recipient == f"webhook-{webhook.pk}@chat.urzad.example"
    assert (row.due_at, row.give_up_at) == (NOW, NOW + timedelta(days=2))
    assert row.headline == f"{Webhook.Event.BOOKED.label}: {booking.number}"


def test_one_change_is_one_call_however_much_it_changes(office: Office, webhook: Webhook) -> None:
    booking = book(office)
    change(office, booking, MIGRI, start=at(12), title="Inny", rooms=(office.room("KOS/2.16"),))
    assert topics() == ["booked", "changed"]


def test_of_people_and_answers_nobody_outside_hears(office: Office, webhook: Webhook) -> None:
    booking = book(office)
    change(office, booking, MIGRI)
    assert topics() == ["booked"]


def test_cancelled_started_and_ended(office: Office, webhook: Webhook) -> None:
    meeting = book(office).occurrences.get()
    start(meeting, "10:01")
    start(meeting, "10:02")
    end(meeting, "10:40", people_peak=5)
    other = book(office, start=at(14))
    services.cancel(other, by=office.staff, now=NOW)
    assert topics() == ["booked", "started", "ended", "booked", "cancelled"]
    assert topics(priority=0) == ["started", "ended", "cancelled"]


def test_each_hears_of_what_it_asked_for(office: Office) -> None:
    one, two, off = (
        make_webhook(events=["booked"]),
        make_webhook(events=["cancelled", "started"]),
        make_webhook(is_active=False),
    )
    services.cancel(book(office), by=office.staff, now=NOW)
    assert [topics(webhook=item) for item in (one, two, off)] == [["booked"], ["cancelled"], []]


def test_a_site_hears_of_its_own_rooms_also_when_they_are_given_up(office: Office) -> None:
    kos, tab = make_webhook(site=office.koszykowa), make_webhook(site=office.taborowa)
    booking = book(office, rooms=(office.room("KOS/2.14"),))
    book(office, rooms=(), start=at(15))
    assert [topics(webhook=item) for item in (kos, tab)] == [["booked"], []]
    change(office, booking, rooms=(office.room("TAB/A"),))
    assert [topics(webhook=item) for item in (kos, tab)] == [["booked", "changed"], ["changed"]]


class TestRequests:
    @pytest.fixture
    def requested(self, office: Office, webhook: Webhook) -> Booking:
        booking = book(office, rooms=(office.room("KOS/1.03"),))
        assert booking.is_requested
        return booking

    def test_are_told_once_they_are_booked(self, office: Office, requested: Booking) -> None:
        assert topics() == []
        services.approve(Approval.objects.get(), by=office.manager, now=NOW)
        assert topics() == ["booked"]
        requested.refresh_from_db()
        services.cancel(requested, by=office.staff, now=NOW)
        assert topics() == ["booked", "cancelled"]

    def test_never_where_they_are_withdrawn(self, office: Office, requested: Booking) -> None:
        services.withdraw(requested, by=office.staff, now=NOW)
        assert topics() == []

    def test_nor_where_they_are_declined(self, office: Office, requested: Booking) -> None:
        services.decline(Approval.objects.get(), by=office.manager, now=NOW)
        assert topics() == []


class TestSeries:
    def test_its_meetings_and_its_end(self, office: Office, webhook: Webhook) -> None:
        booking = weekly(office)
        second, third, _last = booking.occurrences.order_by("starts_at")[1:]
        services.cancel(booking, by=office.staff, now=NOW, scope=Scope.ONE, occurrence=second)
        booking.refresh_from_db()
        services.cancel(booking, by=office.staff, now=NOW, scope=Scope.FOLLOWING, occurrence=third)
        assert topics() == ["booked", "cancelled", "cancelled"]

    def test_a_site_hears_of_the_one_meeting_that_it_has(self, office: Office) -> None:
        tab = make_webhook(site=office.taborowa)
        booking = weekly(office)
        second = booking.occurrences.order_by("starts_at")[1]
        one = ask(office.staff, office.room("TAB/A"), start=datetime.fromisoformat(second.local_start))
        services.change(
            booking, one, by=office.staff, now=NOW, version=booking.version, scope=Scope.ONE, occurrence=second
        )
        assert topics(webhook=tab) == ["changed"]
        first = booking.occurrences.order_by("starts_at")[0]
        services.record_started(first, first.starts_at, now=first.starts_at)
        assert topics(webhook=tab) == ["changed"]


class TestHotPath:
    def test_a_booking_costs_one_small_statement_more(self, office: Office) -> None:
        def asked() -> list[str]:
            with CaptureQueriesContext(connection) as queries:
                book(office, start=at(8 + Booking.objects.count()))
            return [
                query["sql"] for query in queries if "integrations_webhook" in query["sql"] or "narada_" in query["sql"]
            ]

        asked()
        without = len(asked())
        make_webhook()
        assert len(asked()) == without

    @pytest.mark.parametrize("url", ["", "x", "https://", "https://" + "a" * 490 + "/"])
    def test_no_row_of_a_webhook_breaks_a_booking(self, office: Office, url: str) -> None:
        make_webhook(url=url)
        assert book(office).pk
        assert topics() == ["booked"]


def test_nothing_is_reported_while_nothing_fails(office: Office, webhook: Webhook) -> None:
    book(office)
    assert calls.find_failing(NOW + timedelta(days=1)) == []
    Message.objects.filter(kind="webhook").update(attempts=3, last_error="503 busy")
    assert calls.find_failing(NOW + timedelta(minutes=59)) == []
    assert calls.find_failing(NOW + timedelta(hours=1)) == [Failing(webhook, NOW, "503 busy")]
    Webhook.objects.update(is_active=False)
    assert calls.find_failing(NOW + timedelta(hours=1)) == []
    Webhook.objects.update(stopped_at=NOW, stopped_why="410")
    assert calls.find_failing(NOW) == [Failing(webhook, NOW, "410")]


def test_one_that_switched_itself_off_is_an_alarm_that_names_it(office: Office, webhook: Webhook) -> None:
    Webhook.objects.update(is_active=False, stopped_at=NOW, stopped_why="410", name="Czat IT")
    found = [item for item in finding.find(NOW) if item.kind.startswith("webhook")]
    assert [(item.kind, item.since) for item in found] == [(f"webhook:{webhook.pk}", NOW)]
    assert found[0].facts == {"name": "Czat IT", "is_off": True, "words": "410"}
    assert "Czat IT" in words_of(Alarm(kind=found[0].kind, facts=found[0].facts)).title
