"""Calls to real HTTP servers that take them, err, hang, drop and redirect: what arrives, and what is repeated."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections

from bookings import services as bookings_services
from integrations.webhooks import services
from integrations.webhooks.models import Webhook
from integrations.webhooks.posting import Outcome, Verdict
from integrations.webhooks.secrets import secret_of
from notifications import claims, outbox
from notifications.calls import calls_of, deliver_calls
from notifications.calls.settling import settle
from notifications.calls.writing import write
from notifications.delivery import Tally, deliver_due
from notifications.models import Message
from tests.bookings.requests import NOW, at
from tests.factories import Office
from tests.integrations.jitsi.inside import CUT, DRIP, HANG, RESET, Asked, Inside, Reply, inside, since
from tests.integrations.webhooks.receivers import make_webhook, verify
from tests.notifications.outbox_rows import book, change

pytestmark = pytest.mark.django_db
LATER = timedelta(minutes=2)


@pytest.fixture(autouse=True)
def here(settings: Any) -> None:
    """Receivers of tests run on this machine; nobody waits for long."""
    settings.WEBHOOK_TO_LOCALHOST, settings.WEBHOOK_TIMEOUT_SECONDS = True, 1


@pytest.fixture
def receiver() -> Iterator[Inside]:
    with inside(lambda _asked: Reply(204)) as server:
        yield server


@pytest.fixture
def webhook(office: Office, receiver: Inside) -> Webhook:
    return make_webhook(f"{receiver.url}/hooks/x")


def ids(server: Inside) -> list[str]:
    return [asked.headers["webhook-id"] for asked in server.asked]


def types(server: Inside) -> list[str]:
    return [asked.json["type"] for asked in server.asked]


def row() -> Message:
    return Message.objects.get(kind="webhook")


def test_a_call_arrives_once_and_its_signature_holds(office: Office, webhook: Webhook, receiver: Inside) -> None:
    booking = book(office)
    assert deliver_calls(NOW) == Tally(sent=1)
    assert deliver_calls(NOW + LATER) == Tally()
    [asked] = receiver.asked
    assert (asked.method, asked.path, asked.headers["Content-Type"]) == ("POST", "/hooks/x", "application/json")
    assert verify(secret_of(webhook), asked.headers, asked.body, now=NOW.timestamp())
    assert (asked.json["type"], asked.json["data"]["number"]) == ("session.booked", booking.number)
    sent = row()
    assert (sent.state, bytes(sent.raw or b""), sent.message_id) == ("sent", asked.body, asked.headers["webhook-id"])
    [line] = calls_of(webhook)
    assert (line.status, line.next_at) == (204, None)
    assert sent.headline == f"{Webhook.Event.BOOKED.label}: {booking.number}"


def test_mail_and_calls_leave_by_ways_of_their_own(office: Office, webhook: Webhook, receiver: Inside) -> None:
    book(office)
    deliver_due(NOW)
    assert row().state == "queued"
    assert deliver_calls(NOW) == Tally(sent=1)
    assert len(receiver.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Reply(500),
        Reply(503, b"busy"),
        Reply(404),
        Reply(401),
        Reply(429),
        Reply(302, b"", {"Location": "http://127.0.0.1:1/"}),
        HANG,
        RESET,
    ],
    ids=["500", "503", "404", "401", "429", "redirects", "hangs", "resets"],
)
def test_what_may_go_better_later_is_repeated_word_for_word(
    office: Office, webhook: Webhook, receiver: Inside, answer: Reply | str
) -> None:
    receiver.script = lambda _asked: answer
    booking = book(office)
    assert deliver_calls(NOW) == Tally(put_off=1)
    put_off = row()
    assert (put_off.state, put_off.last_error != "") == ("retrying", True)
    # Meanwhile the session goes on changing: what was begun says what it said.
    change(office, booking, title="Inny tytuł")
    receiver.script = lambda _asked: Reply()
    assert deliver_calls(NOW + LATER) == Tally(sent=2)
    first, again, changed = receiver.asked
    assert (first.body, first.headers["webhook-id"]) == (again.body, again.headers["webhook-id"])
    assert first.headers["webhook-timestamp"] != again.headers["webhook-timestamp"]
    assert verify(secret_of(webhook), again.headers, again.body, now=(NOW + LATER).timestamp())
    assert changed.json["data"]["title"] == "Inny tytuł"
    assert changed.headers["webhook-id"] != first.headers["webhook-id"]


@pytest.mark.parametrize(
    "answer",
    [Reply(200, b"x" * 5_000_000), Reply(200, b"\x1f\x8b", {"Content-Encoding": "gzip"}), CUT, DRIP],
    ids=["is huge", "is packed", "is cut", "drips"],
)
def test_whatever_follows_a_good_status_the_call_is_taken(
    office: Office, webhook: Webhook, receiver: Inside, answer: Reply | str
) -> None:
    receiver.script = lambda _asked: answer
    book(office)
    began = time.monotonic()
    assert deliver_calls(NOW) == Tally(sent=1)
    assert since(began) < 15


def test_what_is_not_understood_is_given_up_at_once_and_can_be_sent_again(
    office: Office, webhook: Webhook, receiver: Inside
) -> None:
    receiver.script = lambda _asked: Reply(422, b'{"error":\n "no \x00 field"}')
    booking = book(office)
    change(office, booking, start=at(12))
    assert deliver_calls(NOW) == Tally(failed=2)
    first = Message.objects.filter(kind="webhook").earliest("pk")
    assert (first.state, first.last_error) == ("failed", '422 {"error": "no field"}')
    webhook.refresh_from_db()
    assert webhook.is_active
    receiver.script = lambda _asked: Reply()
    outbox.send_again(first, by=office.it_admin, now=NOW)
    assert deliver_calls(NOW) == Tally(sent=1)
    assert ids(receiver)[0] == ids(receiver)[-1]


def test_gone_switches_the_webhook_off(office: Office, webhook: Webhook, receiver: Inside) -> None:
    receiver.script = lambda _asked: Reply(410)
    book(office)
    book(office, start=at(14))
    assert deliver_calls(NOW) == Tally(failed=1)
    webhook.refresh_from_db()
    assert (webhook.is_active, webhook.stopped_at is not None) == (False, True)
    assert "410" in webhook.stopped_why
    assert deliver_calls(NOW + LATER) == Tally()
    assert sorted(Message.objects.filter(kind="webhook").values_list("state", flat=True)) == ["failed", "superseded"]
    assert len(receiver.asked) == 1


@pytest.mark.parametrize(
    ("header", "waits"),
    [
        ("3600", timedelta(hours=1)),
        ("999999999999", timedelta(hours=6)),
        ("Mon, 09 Nov 2026 10:00:00 GMT", timedelta(hours=3)),
        ("Mon, 09 Nov 2020 10:00:00 GMT", timedelta(seconds=45)),
        ("-5", timedelta(seconds=45)),
        ("soon", timedelta(seconds=45)),
    ],
)
def test_who_asks_to_be_left_alone_is_left_alone_within_bounds(
    office: Office, webhook: Webhook, receiver: Inside, header: str, waits: timedelta
) -> None:
    receiver.script = lambda _asked: Reply(429, b"", {"Retry-After": header})
    book(office)
    assert deliver_calls(NOW) == Tally(put_off=1)
    slack = timedelta(seconds=35)
    assert waits - timedelta(seconds=2) <= row().due_at - NOW <= waits + slack


@pytest.mark.long
def test_after_two_days_without_success_it_switches_itself_off(
    office: Office, webhook: Webhook, receiver: Inside
) -> None:
    receiver.script = lambda _asked: Reply(500, b"out of order")
    book(office)
    now = NOW
    while row().state != "failed":
        deliver_calls(now)
        webhook.refresh_from_db()
        assert webhook.is_active or row().state == "failed"
        now = row().due_at
    webhook.refresh_from_db()
    assert (webhook.is_active, "out of order" in webhook.stopped_why) == (False, True)
    assert timedelta(hours=46) < now - NOW < timedelta(hours=50)
    # Switched on again, it is told of what comes, and not switched off for what was.
    services.switch(webhook, is_active=True, by=office.it_admin)
    book(office, start=at(14), now=now)
    assert deliver_calls(now) == Tally(put_off=1)
    webhook.refresh_from_db()
    assert webhook.is_active


def test_one_that_takes_some_is_left_on(office: Office, webhook: Webhook, receiver: Inside) -> None:
    refused = book(office)
    receiver.script = lambda asked: Reply(500 if refused.number.encode() in asked.body else 200)
    deliver_calls(NOW)
    book(office, start=at(14))
    assert deliver_calls(NOW + LATER).sent == 1
    Message.objects.filter(booking=refused).update(give_up_at=NOW)
    deliver_calls(NOW + timedelta(hours=3))
    webhook.refresh_from_db()
    assert Message.objects.get(booking=refused, kind="webhook").state == "failed"
    assert webhook.is_active


class TestOrder:
    def test_of_one_session_nothing_overtakes_what_waits(
        self, office: Office, webhook: Webhook, receiver: Inside
    ) -> None:
        receiver.script = lambda _asked: Reply(500)
        booking = book(office)
        assert deliver_calls(NOW) == Tally(put_off=1)
        receiver.script = lambda _asked: Reply()
        bookings_services.cancel(booking, by=office.staff, now=NOW)
        other = book(office, start=at(14))
        assert deliver_calls(NOW) == Tally(sent=1)
        assert receiver.asked[-1].json["data"]["number"] == other.number
        assert deliver_calls(NOW + LATER) == Tally(sent=2)
        assert types(receiver)[-2:] == ["session.booked", "session.cancelled"]

    def test_what_happens_now_leaves_first(self, office: Office, webhook: Webhook, receiver: Inside) -> None:
        first, second = book(office), book(office, start=at(14))
        deliver_calls(NOW)
        change(office, first, title="Inny")
        bookings_services.cancel(second, by=office.staff, now=NOW)
        assert deliver_calls(NOW + LATER) == Tally(sent=2)
        assert types(receiver)[-2:] == ["session.cancelled", "session.changed"]


class TestHosts:
    def test_one_that_hangs_costs_one_wait_and_delays_no_other(self, office: Office, receiver: Inside) -> None:
        at_times: dict[str, float] = {}
        began = time.monotonic()

        def note(asked: Asked) -> Reply:
            at_times.setdefault(asked.json["data"]["number"], since(began))
            return Reply()

        receiver.script = note
        with inside(lambda _asked: HANG) as silent:
            # By another name, since hosts are told apart by their names.
            make_webhook(silent.url.replace("127.0.0.1", "localhost"))
            make_webhook(receiver.url)
            numbers = [book(office, start=at(8 + hour)).number for hour in range(6)]
            began = time.monotonic()
            tally = deliver_calls(NOW)
            assert since(began) < 15
            assert len(silent.asked) == 1
        assert tally == Tally(sent=6, put_off=1)
        assert list(at_times) == numbers
        assert max(at_times.values()) < 0.9
        waiting = Message.objects.filter(kind="webhook", state="retrying")
        assert set(waiting.values_list("attempts", flat=True)) == {0, 1}

    def test_a_name_that_leads_nowhere(self, office: Office) -> None:
        make_webhook("https://nobody.invalid/")
        book(office)
        assert deliver_calls(NOW) == Tally(put_off=1)
        assert row().last_error != ""

    def test_nothing_is_said_to_this_machine_unless_it_is_opened(
        self, office: Office, receiver: Inside, webhook: Webhook, settings: Any
    ) -> None:
        settings.WEBHOOK_TO_LOCALHOST = False
        book(office)
        assert deliver_calls(NOW) == Tally(put_off=1)
        assert receiver.asked == []


class TestMeanwhile:
    def test_what_was_switched_off_or_deleted_is_not_called(
        self, office: Office, webhook: Webhook, receiver: Inside
    ) -> None:
        other = make_webhook(receiver.url)
        book(office)
        services.switch(webhook, is_active=False, by=office.it_admin)
        services.delete(other, by=office.it_admin)
        assert deliver_calls(NOW) == Tally()
        assert receiver.asked == []
        assert row().state == "superseded"

    def test_deleted_while_it_is_called(self, office: Office, webhook: Webhook, receiver: Inside) -> None:
        """The answer comes to nobody, and breaks nothing."""
        book(office)
        (message,) = claims.claim(NOW, calls=True)
        assert claims.begin(message, NOW, mail=write(message, webhook, now=NOW))
        services.delete(webhook, by=office.it_admin)
        for verdict in Verdict:
            settle(message, webhook, Outcome(verdict, 410, "x", timedelta()), NOW)
        assert not Message.objects.filter(kind="webhook").exists()
        assert deliver_calls(NOW) == Tally()

    def test_a_call_that_cannot_be_written_fails_alone_and_visibly(
        self, office: Office, webhook: Webhook, receiver: Inside
    ) -> None:
        book(office)
        book(office, start=at(14))
        bad = Message.objects.filter(kind="webhook").earliest("pk")
        Message.objects.filter(pk=bad.pk).update(data={"event": 0})
        assert deliver_calls(NOW) == Tally(sent=1, failed=1)
        bad.refresh_from_db()
        assert (bad.state, bad.last_error[:21]) == ("failed", "DoesNotExist: Booking")

    def test_a_new_secret_signs_what_waited(self, office: Office, webhook: Webhook, receiver: Inside) -> None:
        receiver.script = lambda _asked: Reply(500)
        old = secret_of(webhook)
        book(office)
        deliver_calls(NOW)
        services.rotate(webhook, seen=1, by=office.it_admin, now=NOW)
        webhook.refresh_from_db()
        deliver_calls(NOW + LATER)
        first, again = receiver.asked
        assert first.body == again.body
        for secret in (old, secret_of(webhook)):
            assert verify(secret, again.headers, again.body, now=(NOW + LATER).timestamp())


@pytest.mark.django_db(transaction=True)
@pytest.mark.race
def test_several_workers_make_each_call_once(open_office: Office, receiver: Inside) -> None:
    for host in ("127.0.0.1", "localhost", "localhost"):
        make_webhook(receiver.url.replace("127.0.0.1", host))
    for hour in range(8):
        book(open_office, start=at(8 + hour))

    def work(_number: int) -> Tally:
        try:
            return deliver_calls(NOW)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        tallies = list(pool.map(work, range(4)))
    assert sum(tallies, Tally()) == Tally(sent=24)
    assert len(set(ids(receiver))) == len(receiver.asked) == 24


def test_times_are_of_the_clock_that_the_caller_has(office: Office, webhook: Webhook, receiver: Inside) -> None:
    book(office)
    deliver_calls(NOW)
    assert abs(int(receiver.asked[0].headers["webhook-timestamp"]) - NOW.timestamp()) < 5
    assert json.loads(receiver.asked[0].body)["timestamp"] == NOW.isoformat().replace("+00:00", "Z")
