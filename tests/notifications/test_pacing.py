"""How fast mail goes to one domain, who shares the pace, and when a domain is left alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connections

from notifications import claims, pacing
from notifications.delivery import Tally, deliver_due
from notifications.models import MailDomain, Message
from tests.bookings.requests import NOW, at
from tests.factories import Office
from tests.notifications.outbox_rows import ANNA, book
from tests.servers import MailServer

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def at_domain(name: str, count: int) -> list[str]:
    return [f"gosc{number}@{name}" for number in range(count)]


def waits_of(domain: str) -> list[float]:
    """Return after how many seconds what waits for its turn leaves, in the order in which it was queued."""
    rows = Message.objects.filter(recipient__endswith=f"@{domain}", state__in=Message.WAITING).order_by("pk")
    return [(row.due_at - NOW).total_seconds() for row in rows]


def claimed(now: datetime = NOW) -> list[str]:
    """Take everything that may leave now and return the addresses."""
    found: list[str] = []
    while batch := claims.claim(now):
        found += [message.recipient for message in batch]
        Message.objects.filter(pk__in=[message.pk for message in batch]).update(
            state="sent", sent_at=now, raw=b"x", may_have_arrived=True, lease_until=None
        )
    return found


def test_what_exceeds_the_pace_of_its_domain_gets_a_turn_and_keeps_its_order(office: Office, settings: Any) -> None:
    settings.MAIL_DOMAIN_LIMITS = {"gmail.com": 60}
    book(office, *at_domain("gmail.com", 10), *at_domain("other.example", 3))
    # Six seconds' worth leave at once, then one a second.
    assert claimed() == [ANNA, *at_domain("gmail.com", 6), *at_domain("other.example", 3)]
    assert waits_of("gmail.com") == [1, 2, 3, 4]
    assert claimed() == []
    assert claimed(NOW + SECOND) == ["gosc6@gmail.com"]
    assert claimed(NOW + 4 * SECOND) == ["gosc7@gmail.com", "gosc8@gmail.com", "gosc9@gmail.com"]
    # Everything was counted once: the next one is a second after the last.
    assert MailDomain.objects.get(name="gmail.com").next_at == NOW + 10 * SECOND


def test_the_star_is_every_other_domain_by_itself_and_zero_is_no_limit(office: Office, settings: Any) -> None:
    settings.MAIL_DOMAIN_LIMITS = {"*": 6, "free.example": 0}
    book(office, *at_domain("a.example", 2), *at_domain("b.example", 2), *at_domain("free.example", 2))
    assert claimed() == [ANNA, "gosc0@a.example", "gosc0@b.example", *at_domain("free.example", 2)]
    assert (waits_of("a.example"), waits_of("b.example")) == ([10], [10])


def test_a_thousand_get_their_turns_in_one_go_and_are_not_looked_at_before(office: Office, settings: Any) -> None:
    settings.MAIL_DOMAIN_LIMITS = {"gmail.com": 60}
    for number in range(5):
        book(office, *[f"gosc{number}-{guest}@gmail.com" for guest in range(180)], start=at(8 + number))
    assert len(claimed()) == 6 + 5
    assert sorted(waits_of("gmail.com")) == [float(second) for second in range(1, 895)]
    assert len(claimed(NOW + 60 * SECOND)) == 31 + 0
    assert len(waits_of("gmail.com")) == 894 - 31


def test_urgent_mail_does_not_wait_and_counts(office: Office, settings: Any) -> None:
    settings.MAIL_DOMAIN_LIMITS = {"gmail.com": 6}
    booking = book(office, *at_domain("gmail.com", 3))
    booking.messages.update(priority=Message.Priority.URGENT)
    assert len(claimed()) == 4
    book(office, "later@gmail.com", start=at(12))
    assert claimed() == [ANNA]
    assert waits_of("gmail.com") == [30]


def test_a_turn_is_never_after_the_time_at_which_a_mail_is_given_up(office: Office, settings: Any) -> None:
    settings.MAIL_DOMAIN_LIMITS = {"gmail.com": 1}
    book(office, *at_domain("gmail.com", 4))
    Message.objects.filter(recipient="gosc2@gmail.com").update(give_up_at=NOW + timedelta(seconds=90))
    Message.objects.filter(recipient="gosc3@gmail.com").update(give_up_at=NOW + timedelta(seconds=50))
    # The last one can't wait at all.
    assert claimed() == [ANNA, "gosc0@gmail.com", "gosc3@gmail.com"]
    assert waits_of("gmail.com") == [60, 30]


def test_turns_that_were_missed_are_given_anew(office: Office, settings: Any) -> None:
    """The workers were away for ten minutes: not everything of those ten leaves at once."""
    settings.MAIL_DOMAIN_LIMITS = {"gmail.com": 60}
    book(office, *at_domain("gmail.com", 186))
    assert len(claimed()) == 7
    later = NOW + timedelta(minutes=10)
    assert len(claimed(later)) == 6
    assert max(waits_of("gmail.com")) == 600 + 174


def test_a_retry_is_counted_like_any_other_try(office: Office, smtp: MailServer, settings: Any) -> None:
    settings.MAIL_DOMAIN_LIMITS = {"gmail.com": 6}
    book(office, "gosc@gmail.com")
    smtp.script = lambda stage, to: "451 later" if stage == "rcpt" and "gmail" in to else None
    assert deliver_due(NOW) == Tally(sent=1, put_off=1)
    Message.objects.filter(state="retrying").update(due_at=NOW)
    assert deliver_due(NOW + SECOND) == Tally()
    row = Message.objects.get(recipient="gosc@gmail.com")
    assert (row.state, row.attempts) == ("retrying", 1)
    assert row.slot_at == row.due_at
    assert row.due_at >= NOW + 10 * SECOND


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_workers_share_the_pace(open_office: Office, settings: Any) -> None:
    settings.MAIL_DOMAIN_LIMITS = {"gmail.com": 60, "b.example": 60}
    for number in range(8):
        emails = [f"gosc{number}-{guest}@{name}" for guest in range(20) for name in ("gmail.com", "b.example")]
        book(open_office, *emails, start=at(8 + number))

    def work() -> list[str]:
        try:
            found: list[str] = []
            while batch := claims.claim(NOW):
                found += [message.recipient for message in batch]
            return found
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        taken = [address for run in [pool.submit(work) for _ in range(4)] for address in run.result()]
    for name in ("gmail.com", "b.example"):
        assert len([address for address in taken if address.endswith(f"@{name}")]) == 6
        assert sorted(waits_of(name)) == [float(second) for second in range(1, 155)]


# --- A domain that is ill ---------------------------------------------------------------------------------------------


def ill(smtp: MailServer, words: str, *, domain: str = "ill.example", stage: str = "rcpt") -> None:
    smtp.script = lambda at_stage, to: words if at_stage == stage and to.endswith(f"@{domain}") else None


@pytest.mark.parametrize("stage", ["rcpt", "data", "text"])
def test_a_domain_that_refuses_one_after_another_is_left_alone(office: Office, smtp: MailServer, stage: str) -> None:
    book(office, *at_domain("ill.example", 9), *at_domain("well.example", 2))
    ill(smtp, "451 4.3.2 System not accepting messages", stage=stage)
    assert deliver_due(NOW) == Tally(sent=3, put_off=pacing.REFUSALS)
    domain = MailDomain.objects.get(name="ill.example")
    assert domain.setbacks == pacing.REFUSALS
    assert domain.paused_until is not None
    assert pacing.FIRST_PAUSE * 0.7 < domain.paused_until - NOW < pacing.FIRST_PAUSE * 1.3
    untried = Message.objects.filter(recipient__endswith="@ill.example", attempts=0)
    assert {(row.state, row.due_at) for row in untried} == {("queued", domain.paused_until)}
    assert untried.count() == 4
    # What is newly queued waits as well, and what goes elsewhere does not.
    book(office, "nowy@ill.example", start=at(12))
    assert deliver_due(NOW + SECOND) == Tally(sent=1)


@pytest.mark.long
def test_the_pause_doubles_until_a_mail_is_taken(office: Office, smtp: MailServer) -> None:
    book(office, *at_domain("ill.example", 40))
    ill(smtp, "450 Try later")
    now, pauses = NOW, []
    for _ in range(7):
        deliver_due(now)
        until = MailDomain.objects.get().paused_until
        assert until
        pauses.append(until - now)
        now = until
    # Each is spread by a quarter, so that the one after the next is longer for sure.
    assert pauses[0] < pauses[2] < pauses[4]
    assert pacing.LONGEST_PAUSE * 0.74 < pauses[-1] < pacing.LONGEST_PAUSE * 1.26
    smtp.script = lambda _stage, _to: None
    deliver_due(now)
    domain = MailDomain.objects.get()
    assert (domain.setbacks, domain.paused_until, domain.last_error) == (0, None, "")


def test_a_mail_that_is_taken_begins_the_count_anew(office: Office, smtp: MailServer) -> None:
    book(office, *at_domain("ill.example", 9))
    refused = iter([True] * 4 + [False] + [True] * 4)
    smtp.script = lambda stage, to: "451 later" if stage == "rcpt" and to != ANNA and next(refused) else None
    assert deliver_due(NOW) == Tally(sent=2, put_off=8)
    assert MailDomain.objects.get().paused_until is None


@pytest.mark.parametrize(
    "words", ["451 4.7.1 Greylisted, come back later", "450 4.2.1 Mailbox busy", "452 4.2.2 over quota", "550 no"]
)
def test_what_concerns_one_mail_says_nothing_of_the_domain(office: Office, smtp: MailServer, words: str) -> None:
    book(office, *at_domain("ill.example", 9))
    ill(smtp, words)
    tally = deliver_due(NOW)
    assert tally.put_off + tally.failed == 9
    assert not MailDomain.objects.filter(paused_until__isnull=False).exists()


def test_one_mail_that_is_refused_again_and_again_leaves_its_domain_alone(office: Office, smtp: MailServer) -> None:
    book(office, "gosc@ill.example")
    ill(smtp, "451 later")
    for hour in range(10):
        deliver_due(NOW + timedelta(hours=3 * hour))
    assert Message.objects.get(recipient="gosc@ill.example").attempts == 10
    assert MailDomain.objects.get().paused_until is None


def test_urgent_mail_asks_a_domain_that_is_left_alone_one_at_a_time(office: Office, smtp: MailServer) -> None:
    MailDomain.objects.create(
        name="ill.example", next_at=NOW, setbacks=5, paused_until=NOW + timedelta(minutes=20), last_error="451 later"
    )
    booking = book(office, *at_domain("ill.example", 3))
    booking.messages.update(priority=Message.Priority.URGENT)
    ill(smtp, "451 later")
    assert deliver_due(NOW) == Tally(sent=1, put_off=1)
    assert [round(wait) for wait in waits_of("ill.example")[1:]] == [60, 60]
    smtp.script = lambda _stage, _to: None
    assert deliver_due(NOW + timedelta(seconds=100)).sent >= 1
    assert MailDomain.objects.get().paused_until is None


def test_what_would_come_too_late_is_tried_all_the_same(office: Office, smtp: MailServer) -> None:
    MailDomain.objects.create(
        name="ill.example", next_at=NOW, setbacks=5, paused_until=NOW + timedelta(minutes=20), last_error="451 later"
    )
    book(office, "gosc@ill.example")
    Message.objects.filter(recipient="gosc@ill.example").update(give_up_at=NOW + timedelta(minutes=3))
    assert deliver_due(NOW) == Tally(sent=1)
    assert waits_of("ill.example") == [120]
    assert deliver_due(NOW + timedelta(minutes=2)) == Tally(sent=1)
