"""The machine's clock jumps: nothing is lost, sent twice, or waits for the hour to come round again."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from notifications import claims, clock
from notifications.compose import compose
from notifications.delivery import Tally, deliver_due
from notifications.models import Clock, MailDomain, MailRoute, Message
from tests.bookings.requests import NOW, at
from tests.factories import Office
from tests.notifications.outbox_rows import ANNA, MIGRI, book, pretend
from tests.servers import MailServer

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
#: What the clock showed before it was set back to NOW.
AHEAD = NOW + HOUR
MINUTE = timedelta(minutes=1)


def due(**filters: object) -> timedelta:
    """Return in how long the mail is due by the clock that was set back."""
    return Message.objects.get(**filters).due_at - NOW


def test_what_was_queued_before_the_clock_was_set_back_leaves_at_once(office: Office, smtp: MailServer) -> None:
    """No worker was there to see the time; the rows tell it."""
    book(office, MIGRI, now=AHEAD)
    assert deliver_due(NOW) == Tally(sent=2)
    assert deliver_due(AHEAD) == Tally()
    assert len(smtp.received) == 2


def test_what_was_put_off_waits_for_as_long_as_it_would_have(office: Office, smtp: MailServer) -> None:
    book(office, MIGRI)
    smtp.script = lambda stage, to: "451 later" if stage == "rcpt" and to == MIGRI else None
    assert deliver_due(AHEAD) == Tally(sent=1, put_off=1)
    smtp.script = lambda _stage, _to: None
    assert deliver_due(NOW) == Tally()
    assert timedelta(seconds=40) < due(recipient=MIGRI) < timedelta(seconds=80)
    assert deliver_due(NOW + 2 * MINUTE) == Tally(sent=1)
    assert [mail.recipient for mail in smtp.received] == [ANNA, MIGRI]


def test_the_wait_for_more_news_is_as_long_as_it_was(office: Office, settings: Any) -> None:
    book(office, now=AHEAD)
    Message.objects.update(due_at=AHEAD + MINUTE)
    assert clock.settle(NOW) == HOUR
    assert due() == MINUTE
    assert Message.objects.get().created_at == NOW
    # It is done once.
    assert clock.settle(NOW) == timedelta()


def test_a_reminder_keeps_its_time_unless_it_was_due(office: Office) -> None:
    clock.settle(AHEAD)
    booking = book(office)
    pretend(ANNA, state="sent")
    occurrence = booking.occurrences.get()
    for minutes, at_ in ((15, AHEAD + 20 * MINUTE), (60, AHEAD - MINUTE)):
        Message.objects.create(
            kind="reminder", booking=booking, attendee=booking.attendees.get(), occurrence=occurrence, recipient=ANNA,
            starts_at=occurrence.starts_at, lead=minutes * MINUTE, due_at=at_, give_up_at=occurrence.starts_at,
            created_at=NOW - HOUR,
        )  # fmt: skip
    clock.settle(NOW)
    assert due(lead=15 * MINUTE) == HOUR + 20 * MINUTE
    assert due(lead=60 * MINUTE) == -MINUTE


def test_turns_pauses_and_servers_that_were_down_are_set_right(office: Office) -> None:
    clock.settle(AHEAD)
    book(office)
    Message.objects.update(due_at=AHEAD + MINUTE, slot_at=AHEAD + MINUTE)
    MailDomain.objects.create(name="a.example", next_at=AHEAD + MINUTE, paused_until=AHEAD + 2 * MINUTE)
    MailRoute.objects.create(name="first", down_since=AHEAD, ask_again_at=AHEAD + MINUTE)
    assert clock.settle(NOW) == HOUR
    domain, route, row = MailDomain.objects.get(), MailRoute.objects.get(), Message.objects.get()
    assert (domain.next_at, domain.paused_until) == (NOW + MINUTE, NOW + 2 * MINUTE)
    assert (route.down_since, route.ask_again_at) == (NOW, NOW)
    assert (row.due_at, row.slot_at) == (NOW + MINUTE, NOW + MINUTE)


def test_a_worker_that_died_before_the_jump_is_not_waited_for(office: Office, smtp: MailServer) -> None:
    book(office)
    claims.claim(AHEAD)
    assert deliver_due(NOW) == Tally()
    lease_until = Message.objects.get().lease_until
    assert lease_until is not None
    assert NOW + claims.lease() <= lease_until < NOW + claims.lease() + timedelta(seconds=9)
    assert deliver_due(lease_until) == Tally(sent=1)


def test_a_worker_that_lives_on_sends_what_it_had_begun_and_nobody_else_does(office: Office, smtp: MailServer) -> None:
    book(office, MIGRI)
    begun, waiting = claims.claim(AHEAD)
    assert claims.begin(begun, AHEAD, mail=compose(begun, now=AHEAD))
    assert deliver_due(NOW) == Tally()
    assert claims.finish(begun, AHEAD)
    # What it had not begun it must not begin by the old time; another does when the lease has run out.
    assert not claims.begin(waiting, AHEAD, mail=compose(waiting, now=AHEAD))
    assert deliver_due(NOW + 2 * claims.lease()) == Tally(sent=1)
    assert dict(Message.objects.values_list("recipient", "doubts")) == {ANNA: 0, MIGRI: 0}


def test_set_forward_a_mail_under_way_is_counted_and_sent_again_at_worst(office: Office, smtp: MailServer) -> None:
    book(office, MIGRI)
    begun, waiting = claims.claim(NOW)
    assert claims.begin(begun, NOW, mail=compose(begun, now=NOW))
    assert deliver_due(AHEAD) == Tally(sent=2)
    assert not claims.begin(waiting, NOW, mail=compose(waiting, now=NOW))
    assert not claims.finish(begun, NOW)
    assert dict(Message.objects.values_list("recipient", "doubts")) == {begun.recipient: 1, waiting.recipient: 0}


def test_differences_of_seconds_are_no_jump(office: Office) -> None:
    book(office, now=NOW + clock.SLACK)
    clock.settle(NOW + clock.SLACK)
    assert clock.settle(NOW) == timedelta()
    assert Message.objects.get().created_at == NOW + clock.SLACK


def test_a_run_ends_when_the_clock_is_set_and_the_next_one_knows(
    office: Office, smtp: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    book(office, MIGRI)
    real = time.time

    def set_back(stage: str, to: str) -> str | None:
        if stage == "rcpt" and to == ANNA:
            monkeypatch.setattr(time, "time", lambda: real() - 3600)
            return "451 later"
        return None

    smtp.script = set_back
    assert deliver_due(AHEAD) == Tally(put_off=1)
    assert Clock.objects.get().seen_at >= AHEAD
    smtp.script = lambda _stage, _to: None
    assert deliver_due(NOW) == Tally(sent=1)
    assert timedelta(seconds=40) < due(recipient=ANNA) < timedelta(seconds=80)


def test_looking_costs_one_statement_and_reads_no_history(office: Office) -> None:
    clock.settle(NOW)
    with CaptureQueriesContext(connection) as queries:
        for second in range(9):
            clock.settle(NOW + timedelta(seconds=second))
    assert len(queries) == 9
    book(office)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {queries[0]['sql']}")
        assert "message_written" in "\n".join(line for (line,) in cursor.fetchall())


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_workers_that_see_it_together_set_it_right_once(open_office: Office) -> None:
    clock.settle(AHEAD)
    for hour in range(8, 14):
        book(open_office, *[f"gosc{number}@example.org" for number in range(9)], start=at(hour), now=AHEAD)
    Message.objects.update(state="retrying", attempts=1, created_at=NOW - HOUR, due_at=AHEAD + 30 * MINUTE)

    def work() -> timedelta:
        try:
            return clock.settle(NOW)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        found = [run.result() for run in [pool.submit(work) for _ in range(4)]]
    assert sorted(found) == [timedelta(), timedelta(), timedelta(), HOUR]
    assert set(Message.objects.values_list("due_at", flat=True)) == {NOW + 30 * MINUTE}
