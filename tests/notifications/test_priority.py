"""What leaves first of the mail that is due, and what is queued with which priority."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bookings import services
from notifications import claims
from notifications.delivery import Tally, deliver_due
from notifications.models import Message
from notifications.outbox import priority_of
from notifications.priorities import soon_until
from tests.bookings.requests import NOW, at
from tests.factories import Office
from tests.notifications.outbox_rows import ANNA, MIGRI, book, change, pretend
from tests.servers import MailServer

pytestmark = pytest.mark.django_db
URGENT, NORMAL, BULK = Message.Priority.URGENT, Message.Priority.NORMAL, Message.Priority.BULK
#: Two hours before the session of `book`, and the evening before.
TWO_HOURS_BEFORE = datetime(2026, 11, 24, 7, tzinfo=UTC)
DAY_BEFORE = datetime(2026, 11, 23, 10, tzinfo=UTC)


def priorities(**filters: object) -> list[tuple[str, int]]:
    return list(Message.objects.filter(**filters).order_by("pk").values_list("kind", "priority"))


@pytest.mark.parametrize(
    ("now", "until"),
    [
        (datetime(2026, 11, 9, 7, tzinfo=UTC), datetime(2026, 11, 9, 23, tzinfo=UTC)),  # 8:00: the whole day
        (datetime(2026, 11, 9, 19, tzinfo=UTC), datetime(2026, 11, 10, 7, tzinfo=UTC)),  # 20:00: until 8:00
        (datetime(2026, 10, 24, 23, 30, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC)),  # a day of 25 hours
        (datetime(2026, 3, 29, 0, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC)),  # and one of 23
    ],
)
def test_soon_is_within_twelve_hours_or_on_the_same_day_of_the_office(now: datetime, until: datetime) -> None:
    assert soon_until(now) == until


@pytest.mark.parametrize(
    ("kind", "starts_in", "priority"),
    [
        ("cancellation", timedelta(days=90), URGENT),
        ("account", None, URGENT),
        ("room_answer", None, URGENT),
        ("counter", timedelta(days=90), URGENT),
        ("alarm", None, URGENT),
        ("invitation", timedelta(hours=12), URGENT),
        ("invitation", timedelta(days=2), NORMAL),
        ("update", timedelta(hours=1), URGENT),
        ("reminder", timedelta(minutes=15), URGENT),
        ("reminder", timedelta(hours=24), NORMAL),
        ("notice", None, NORMAL),
        ("nudge", timedelta(hours=1), BULK),
        ("summary", None, BULK),
        ("digest", None, BULK),
    ],
)
def test_each_kind_has_its_priority(kind: str, starts_in: timedelta | None, priority: int) -> None:
    starts_at = NOW + starts_in if starts_in else None
    assert priority_of(Message.Kind(kind), now=NOW, starts_at=starts_at) == priority


def test_invitations_to_a_session_of_today_are_urgent(office: Office) -> None:
    book(office)
    book(office, start=at(12), now=TWO_HOURS_BEFORE)
    assert priorities() == [("invitation", NORMAL), ("invitation", URGENT)]


def test_changes_of_a_session_are_urgent_on_its_day_by_its_new_time_and_by_its_old(office: Office) -> None:
    booking = book(office, now=DAY_BEFORE)
    deliver_pretended()
    change(office, booking, title="Nowy tytuł", now=DAY_BEFORE)
    assert priorities(kind="update") == [("update", NORMAL)]
    change(office, booking, title="Nowszy tytuł", now=TWO_HOURS_BEFORE)
    # It took the place of the first.
    assert priorities(kind="update", state="queued") == [("update", URGENT)]
    deliver_pretended()
    change(office, booking, start=at(10).replace(day=30), now=TWO_HOURS_BEFORE)
    assert priorities(kind="update", state="queued") == [("update", URGENT)]


def test_cancellations_are_urgent_whenever_it_was_to_be(office: Office) -> None:
    booking = book(office)
    deliver_pretended()
    services.cancel(booking, by=office.staff, now=NOW)
    assert priorities(kind="cancellation") == [("cancellation", URGENT)]


def test_what_is_urgent_leaves_before_what_has_been_due_for_longer(office: Office, smtp: MailServer) -> None:
    for number, priority in enumerate([BULK, NORMAL, URGENT]):
        book(office, start=at(8 + number))
        pretend(ANNA, priority=priority, due_at=NOW - timedelta(minutes=9 - number), subject=str(priority))
    assert [message.priority for message in claims.claim(NOW)] == [URGENT, NORMAL, BULK]


def test_a_batch_of_urgent_mail_leaves_no_room_for_the_rest(office: Office) -> None:
    book(office, *[f"gosc{number}@example.org" for number in range(30)])
    second = book(office, *[f"gosc{number}@example.org" for number in range(60)], start=at(12))
    second.messages.update(priority=URGENT)
    assert [message.priority for message in claims.claim(NOW)] == [URGENT] * claims.BATCH
    assert [message.priority for message in claims.claim(NOW)] == [URGENT] * 11 + [NORMAL] * 31
    assert claims.claim(NOW) == []


def test_an_urgent_mail_takes_what_is_in_front_of_it_along(office: Office, smtp: MailServer) -> None:
    """Both to one address about one session: the older notice would hold up the cancellation until all else is sent."""
    booking = book(office, MIGRI)
    deliver_pretended()
    Message.objects.create(
        kind="notice", booking=booking, user=office.staff, recipient=ANNA.upper(), topic="approval_approved", data={},
        due_at=NOW + timedelta(minutes=3), give_up_at=NOW + timedelta(days=2), created_at=NOW, priority=BULK,
    )  # fmt: skip
    services.cancel(booking, by=office.staff, now=NOW)
    notice = Message.objects.get(kind="notice")
    assert (notice.priority, notice.due_at) == (URGENT, NOW)
    assert deliver_due(NOW) == Tally(sent=3)
    assert [mail.recipient for mail in smtp.received] == [ANNA.upper(), MIGRI, ANNA]


def test_what_a_mail_server_has_put_off_stays_put_off(office: Office) -> None:
    booking = book(office)
    deliver_pretended()
    change(office, booking, title="Nowy tytuł")
    pretend(ANNA, state="retrying", kind="counter", data={"proposal": 1}, due_at=NOW + timedelta(minutes=3))
    services.cancel(booking, by=office.staff, now=NOW)
    put_off = Message.objects.get(kind="counter")
    assert (put_off.priority, put_off.due_at) == (URGENT, NOW + timedelta(minutes=3))
    assert claims.claim(NOW) == []


def test_a_reminder_that_is_queued_ahead_holds_nobody_up(office: Office, smtp: MailServer) -> None:
    booking = book(office)
    deliver_pretended()
    occurrence = booking.occurrences.get()
    Message.objects.create(
        kind="reminder", booking=booking, attendee=booking.attendees.get(), occurrence=occurrence, recipient=ANNA,
        starts_at=occurrence.starts_at, lead=timedelta(minutes=15), due_at=NOW + timedelta(minutes=9),
        give_up_at=occurrence.starts_at, created_at=NOW,
    )  # fmt: skip
    change(office, booking, title="Nowy tytuł")
    assert deliver_due(NOW) == Tally(sent=1)
    assert Message.objects.get(kind="reminder").due_at == NOW + timedelta(minutes=9)


def deliver_pretended() -> None:
    Message.objects.filter(state="queued").update(state="sent", sent_at=NOW, raw=b"x", may_have_arrived=True)
