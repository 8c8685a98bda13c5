"""How often a mail may have arrived once more than it should have: counted, and counted only then."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from notifications import claims
from notifications.claims import Setback
from notifications.compose import compose
from notifications.delivery import Tally, deliver_due
from notifications.models import Message
from tests.bookings.requests import NOW
from tests.factories import Office
from tests.notifications.outbox_rows import MIGRI, book
from tests.servers import DROP, MailServer

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=2)


def begun(now: datetime = NOW) -> Message:
    """Take the one mail that waits, and begin its try."""
    (message,) = claims.claim(now)
    assert claims.begin(message, now, mail=None if message.raw else compose(message, now=now))
    return message


def doubts() -> tuple[str, int, bool]:
    row = Message.objects.get()
    return row.state, row.doubts, row.begun_at is not None


def test_a_mail_that_is_sent_at_once_is_in_no_doubt(office: Office, smtp: MailServer) -> None:
    book(office)
    message = begun()
    assert doubts() == ("sending", 0, True)
    assert claims.finish(message, NOW)
    assert doubts() == ("sent", 0, False)


def test_neither_is_one_that_was_refused_before(office: Office, smtp: MailServer) -> None:
    book(office)
    answers = iter(["451 later", "421 too many"])
    smtp.script = lambda stage, _to: next(answers) if stage == "rcpt" else None
    for _ in range(2):
        assert deliver_due(NOW).put_off == 1
        Message.objects.update(due_at=NOW)
    smtp.script = lambda _stage, _to: None
    assert deliver_due(NOW) == Tally(sent=1)
    assert doubts() == ("sent", 0, False)


def test_each_connection_that_breaks_under_a_mail_is_one(office: Office, smtp: MailServer) -> None:
    book(office, MIGRI)
    smtp.script = lambda stage, to: DROP if stage == "text" and to == MIGRI else None
    for number in range(1, 4):
        deliver_due(NOW + number * timedelta(hours=1))
        assert Message.objects.get(recipient=MIGRI).doubts == number
    smtp.script = lambda _stage, _to: None
    deliver_due(NOW + timedelta(hours=9))
    assert dict(Message.objects.values_list("recipient", "doubts"))[MIGRI] == 3
    assert {row.state for row in Message.objects.all()} == {"sent"}


def test_a_worker_that_died_with_a_mail_under_way_is_one(office: Office) -> None:
    book(office)
    begun()
    second = begun(NOW + claims.lease())
    assert doubts() == ("sending", 1, True)
    assert claims.finish(second, NOW + claims.lease())
    assert doubts() == ("sent", 1, False)


def test_a_worker_that_died_before_it_said_a_word_is_none(office: Office) -> None:
    book(office)
    claims.claim(NOW)
    claims.claim(NOW + claims.lease())
    assert doubts() == ("sending", 0, False)


def test_a_slow_worker_that_comes_back_takes_its_doubt_with_it(office: Office) -> None:
    book(office)
    slow = begun()
    claims.claim(NOW + claims.lease())
    assert doubts() == ("sending", 1, False)
    assert claims.finish(slow, NOW + claims.lease())
    assert doubts() == ("sent", 0, False)


@pytest.mark.parametrize(("may_have_arrived", "expected"), [(False, 0), (True, 1)])
def test_so_does_one_that_comes_back_with_a_refusal(office: Office, may_have_arrived: bool, expected: int) -> None:
    book(office)
    slow = begun()
    claims.claim(NOW + claims.lease())
    claims.put_off(slow, Setback("it broke", may_have_arrived=may_have_arrived), NOW + claims.lease())
    assert doubts() == ("retrying", expected, False)


def test_two_that_send_at_once_leave_one_doubt(office: Office) -> None:
    book(office)
    slow = begun()
    other = begun(NOW + claims.lease())
    assert not claims.finish(slow, NOW + claims.lease())
    assert claims.finish(other, NOW + claims.lease())
    assert doubts() == ("sent", 1, False)


def test_a_try_that_is_called_off_was_none(office: Office) -> None:
    book(office)
    message = begun()
    claims.call_off(message)
    row = Message.objects.get()
    assert (row.state, row.attempts, row.begun_at, row.may_have_arrived) == ("sending", 0, None, False)
    # It is still ours, with the bytes that were written.
    assert claims.begin(message, NOW, mail=None)
    assert claims.finish(message, NOW, route="second")
    row.refresh_from_db()
    assert (row.state, row.attempts, row.doubts, row.route) == ("sent", 1, 0, "second")
