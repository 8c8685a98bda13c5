"""Sending again, and what the outbox costs as it grows."""

from __future__ import annotations

from copy import copy
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from notifications import claims, outbox
from notifications.models import Message
from notifications.reminders import queue_due
from tests.bookings.requests import NOW, at
from tests.factories import Office
from tests.notifications.outbox_rows import ANNA, MAZ, MIGRI, book, change, pretend

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=3)


def failed(**values: object) -> Message:
    pretend(ANNA, state="failed", last_error="550 no such user", **values)
    return Message.objects.latest("pk")


def test_a_failed_mail_is_tried_for_two_more_days_with_its_bytes(office: Office) -> None:
    book(office)
    message = failed(raw=b"as sent", attempts=7)
    outbox.send_again(message, by=office.it_admin, now=LATER)
    message.refresh_from_db()
    assert (message.state, bytes(message.raw or b""), message.attempts) == ("queued", b"as sent", 0)
    assert (message.due_at, message.give_up_at) == (LATER, LATER + timedelta(days=2))


@pytest.mark.parametrize("state", ["queued", "sent", "retrying", "superseded"])
def test_only_a_failed_mail_is_sent_again(office: Office, state: str) -> None:
    book(office)
    pretend(ANNA, state=state)
    with pytest.raises(outbox.NotSendable):
        outbox.send_again(Message.objects.get(), by=office.it_admin, now=NOW)
    assert Message.objects.get().state == state


def test_a_mail_is_not_sent_again_after_a_newer_one(office: Office) -> None:
    booking = book(office)
    message = failed()
    change(office, booking, start=at(12))
    with pytest.raises(outbox.NotSendable):
        outbox.send_again(message, by=office.it_admin, now=NOW)


def test_a_reminder_is_not_sent_again_after_the_start(office: Office) -> None:
    booking = book(office)
    start = booking.occurrences.get().starts_at
    queue_due(start - timedelta(minutes=10))
    message = failed()
    with pytest.raises(outbox.NotSendable):
        outbox.send_again(message, by=office.it_admin, now=start)
    outbox.send_again(message, by=office.it_admin, now=start - timedelta(minutes=1))
    message.refresh_from_db()
    assert message.give_up_at == start


def test_managers_cannot_send_again(office: Office) -> None:
    book(office)
    with pytest.raises(outbox.NotSendable):
        outbox.send_again(failed(), by=office.manager, now=NOW)


def test_failed_mails_of_a_filter_are_sent_again_together(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = book(office)
    failed()
    change(office, stale, start=at(12))
    booking = book(office, MIGRI, MAZ, start=at(14))
    Message.objects.filter(booking=booking).update(state="failed", last_error="550 no", raw=b"as sent", attempts=4)
    with pytest.raises(outbox.NotSendable):
        outbox.send_many_again(Message.objects.all(), by=office.manager, now=LATER)
    monkeypatch.setattr(outbox, "MOST_AT_ONCE", 2)
    # Newest first, as the list shows them; the oldest are taken.
    wanted = Message.objects.filter(state="failed").order_by("-pk")
    assert outbox.send_many_again(wanted, by=office.it_admin, now=LATER) == 2
    assert dict(Message.objects.filter(booking=booking).values_list("recipient", "state")) == {
        ANNA: "queued",
        MIGRI: "queued",
        MAZ: "failed",
    }
    row = Message.objects.get(booking=booking, recipient=MIGRI)
    assert (row.attempts, row.last_error, row.due_at, bytes(row.raw or b"")) == (0, "", LATER, b"as sent")
    assert outbox.send_many_again(wanted, by=office.it_admin, now=LATER) == 1
    # A newer one has taken the place of what is left.
    assert outbox.send_many_again(Message.objects.all(), by=office.it_admin, now=LATER) == 0
    assert Message.objects.filter(booking=stale, version=1, state="failed").exists()


@pytest.mark.parametrize(("hours", "again"), [(1, True), (6, False)])
def test_an_overview_is_sent_again_as_long_as_somebody_wants_it(office: Office, hours: int, again: bool) -> None:
    message = Message.objects.create(
        kind="summary", state="failed", last_error="550 no", user=office.staff, recipient=ANNA, topic="day_summary",
        data={"day": "2026-11-10"}, once="summary:1", due_at=NOW, give_up_at=NOW + timedelta(hours=6), created_at=NOW,
    )  # fmt: skip
    now = NOW + timedelta(hours=hours)
    assert outbox.send_many_again(Message.objects.all(), by=office.it_admin, now=now) == int(again)
    message.refresh_from_db()
    assert message.give_up_at == NOW + timedelta(hours=6)


@pytest.mark.long
def test_finding_what_is_due_reads_unfinished_rows_only(office: Office) -> None:
    """After a year of history the table is large; what is read of it is not."""
    book(office)
    sent = Message.objects.get()
    sent.state, sent.sent_at, sent.raw, sent.may_have_arrived = "sent", NOW, b"x", True
    history = []
    for version in range(2, 5002):
        sent.pk, sent.version = None, version
        history.append(copy(sent))
    Message.objects.bulk_create(history, batch_size=1000)
    with CaptureQueriesContext(connection) as queries:
        claims.claim(NOW)
    asked = [query["sql"] for query in queries if query["sql"].startswith("EXECUTE")]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notifications_message")
        plans = []
        for sql in asked:
            cursor.execute(f"EXPLAIN {sql}")
            plans.append("\n".join(line for (line,) in cursor.fetchall()))
    # What dead workers left, what is due, and what else is due: the one that was queued turned out to be superseded by
    # all that history. Whether it is true is asked of the rows that were taken alone.
    assert ["Seq Scan" in plan for plan in plans if "LockRows" in plan] == [False] * 3


@pytest.mark.parametrize(
    "values",
    [
        {"state": "lost"},
        {"state": "sending"},
        {"lease_until": NOW},
        {"state": "sent", "sent_at": NOW, "may_have_arrived": True},
        {"state": "failed"},
        {"kind": "reminder"},
        {"version": None},
        {"lead": timedelta(minutes=15)},
    ],
)
def test_the_database_refuses_rows_that_make_no_sense(office: Office, values: dict[str, object]) -> None:
    book(office)
    with pytest.raises(IntegrityError), transaction.atomic():
        Message.objects.update(**values)
