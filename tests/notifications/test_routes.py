"""Two mail servers: which one mail goes by, who asks one that is down, and how mail returns to the first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections

from config.env import parse_email_url
from notifications import routes
from notifications.delivery import Tally, deliver_due
from notifications.models import MailRoute, Message
from tests.bookings.requests import NOW, at
from tests.factories import Office
from tests.notifications.conftest import send_to
from tests.notifications.outbox_rows import ANNA, MAZ, MIGRI, book, rows
from tests.servers import DROP, HANG, MailServer, SilentServer, free_port, mail_server

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
Script = Callable[[str, str], str | None]


@pytest.fixture
def second(settings: Any) -> Iterator[MailServer]:
    """The server of EMAIL_FALLBACK_URL."""
    with mail_server() as server:
        settings.EMAIL_FALLBACK = parse_email_url(server.url)
        yield server


def answering(stage: str, words: str) -> Script:
    return lambda at_stage, _recipient: words if at_stage == stage else None


def well(_stage: str, _recipient: str) -> None:
    return None


def route(name: str) -> MailRoute:
    return MailRoute.objects.get(name=name)


def sent_by(name: str) -> list[str]:
    return list(Message.objects.filter(state="sent", route=name).order_by("pk").values_list("recipient", flat=True))


def test_mail_goes_by_the_first_and_each_row_says_so(office: Office, smtp: MailServer, second: MailServer) -> None:
    book(office, MIGRI)
    assert deliver_due(NOW) == Tally(sent=2)
    assert (len(smtp.received), len(second.received)) == (2, 0)
    assert sent_by("first") == [ANNA, MIGRI]
    first = route("first")
    assert (first.down_since, first.tries) == (None, 0)
    assert first.last_sent_at is not None
    assert NOW <= first.last_sent_at < NOW + timedelta(seconds=20)
    assert not MailRoute.objects.filter(name="second").exists()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (answering("connect", DROP), ""),
        (answering("mail", "530 5.7.0 Authentication required"), "530 5.7.0 Authentication required"),
        (answering("mail", "550 5.7.1 You are blocked"), "550 5.7.1 You are blocked"),
        (answering("mail", "451 4.3.0 Out of disk"), "451 4.3.0 Out of disk"),
    ],
)
def test_a_batch_goes_on_over_the_second_in_the_same_run(
    office: Office, smtp: MailServer, second: MailServer, script: Script, words: str
) -> None:
    book(office, MIGRI, MAZ)
    smtp.script = script
    assert deliver_due(NOW) == Tally(sent=3)
    assert sent_by("second") == [ANNA, MIGRI, MAZ]
    assert {(row.attempts, row.doubts) for row in Message.objects.all()} == {(1, 0)}
    first = route("first")
    assert (first.tries, words in first.last_error) == (1, True)
    assert first.down_since is not None


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
def test_a_server_that_is_gone_that_is_silent_or_that_knows_us_not(
    office: Office, second: MailServer, settings: Any
) -> None:
    silent = SilentServer()
    with mail_server(password="tajne") as strict:
        servers: list[dict[str, Any]] = [
            {"port": free_port()},
            {"port": silent.port, "EMAIL_TIMEOUT": 0.3},
            {"port": strict.port, "EMAIL_HOST_USER": "narada", "EMAIL_HOST_PASSWORD": "złe"},
            {"port": strict.port, "EMAIL_USE_TLS": True},
        ]
        for hour, values in enumerate(servers):
            MailRoute.objects.all().delete()
            send_to(settings, **values)
            book(office, start=at(8 + hour))
            assert deliver_due(NOW) == Tally(sent=1)
            assert route("first").down_since is not None
    silent.stop()
    assert len(second.received) == 4


def test_a_server_that_breaks_twice_is_left_and_what_may_have_arrived_waits(
    office: Office, smtp: MailServer, second: MailServer
) -> None:
    """Handing those two to the second at once might bring them twice; they are put off, and repeated word for word."""
    book(office, MIGRI, MAZ, "gosc@example.org")
    smtp.script = answering("text", DROP)
    assert deliver_due(NOW) == Tally(sent=2, put_off=2)
    assert sent_by("second") == [MAZ, "gosc@example.org"]
    doubted = Message.objects.filter(recipient__in=[ANNA, MIGRI])
    assert {(row.state, row.attempts, row.doubts, row.may_have_arrived) for row in doubted} == {
        ("retrying", 1, 1, True)
    }
    stored = {row.recipient: bytes(row.raw or b"") for row in doubted}
    # One of the two asks the first again, and the other is not risked.
    assert deliver_due(NOW + timedelta(minutes=2)) == Tally(sent=1, put_off=1)
    smtp.script = well
    assert deliver_due(NOW + timedelta(minutes=9)) == Tally(sent=1)
    received = [*smtp.received, *second.received]
    assert {mail.recipient: mail.raw for mail in received if mail.recipient in stored} == stored
    assert sorted(doubted.values_list("doubts", flat=True)) == [1, 2]


def test_a_refusal_of_one_recipient_is_no_reason_to_ask_the_second(
    office: Office, smtp: MailServer, second: MailServer
) -> None:
    book(office, MIGRI)
    smtp.script = lambda stage, to: "550 no such user" if stage == "rcpt" and to == MIGRI else None
    assert deliver_due(NOW) == Tally(sent=1, failed=1)
    assert second.connections == 0


def test_mail_returns_to_the_first_when_it_works_again(office: Office, smtp: MailServer, second: MailServer) -> None:
    book(office)
    smtp.script = answering("connect", DROP)
    deliver_due(NOW)
    smtp.script = well
    book(office, start=at(12))
    # Nobody asks it before its time.
    assert deliver_due(NOW + SECOND) == Tally(sent=1)
    assert len(second.received) == 2
    book(office, start=at(14))
    again = route("first").ask_again_at
    assert again is not None
    assert 0.7 * routes.FIRST_DELAY < again - NOW < 1.3 * routes.FIRST_DELAY
    assert deliver_due(again) == Tally(sent=1)
    assert len(smtp.received) == 1
    assert (route("first").down_since, route("first").tries, route("first").last_error) == (None, 0, "")


def test_it_is_asked_less_and_less_often_up_to_five_minutes(
    office: Office, smtp: MailServer, second: MailServer
) -> None:
    smtp.script = answering("connect", DROP)
    now, waits = NOW, []
    for number in range(8):
        book(office, start=at(8 + number))
        assert deliver_due(now) == Tally(sent=1)
        again = route("first").ask_again_at
        assert again is not None
        waits.append(again - now)
        now = again
    assert waits[0] < timedelta(seconds=40) < waits[2] < waits[5]
    assert routes.LONGEST_DELAY * 0.74 < waits[-1] < routes.LONGEST_DELAY * 1.26
    assert route("first").tries == 8
    down_since = route("first").down_since
    assert down_since is not None
    assert down_since < NOW + timedelta(seconds=20)


def test_with_both_down_mail_waits_as_with_one_and_both_are_asked_soon(
    office: Office, smtp: MailServer, second: MailServer
) -> None:
    book(office, MIGRI)
    smtp.script = answering("mail", "530 first says no")
    second.script = answering("mail", "530 second says no")
    assert deliver_due(NOW) == Tally()
    assert {row[3] for row in rows()} == {"retrying"}
    assert set(Message.objects.values_list("last_error", "attempts", "may_have_arrived")) == {
        ("530 first says no; 530 second says no", 0, False)
    }
    assert MailRoute.objects.filter(ask_again_at__lt=NOW + timedelta(seconds=45)).count() == 2
    smtp.script = well
    assert deliver_due(NOW + timedelta(minutes=1)) == Tally(sent=2)
    assert sent_by("first") == [ANNA, MIGRI]


def test_nothing_is_taken_while_no_server_may_be_asked(office: Office, settings: Any) -> None:
    send_to(settings, free_port())
    book(office)
    deliver_due(NOW)
    book(office, start=at(12))
    assert deliver_due(NOW + SECOND) == Tally()
    assert [row[3] for row in rows()] == ["retrying", "queued"]


def test_a_first_server_that_is_taken_out_of_the_settings_is_not_asked(
    office: Office, smtp: MailServer, settings: Any
) -> None:
    MailRoute.objects.create(name="second", down_since=NOW, ask_again_at=NOW + timedelta(days=1))
    book(office)
    assert deliver_due(NOW) == Tally(sent=1)


@pytest.mark.long
@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_one_worker_asks_and_the_others_do_not_wait_for_its_timeout(
    open_office: Office, second: MailServer, settings: Any
) -> None:
    silent = SilentServer()
    send_to(settings, silent.port, EMAIL_TIMEOUT=2)
    MailRoute.objects.create(name="first", down_since=NOW, ask_again_at=NOW, tries=1, last_error="gone")
    for number in range(8):
        book(open_office, *[f"gosc{guest}@example.org" for guest in range(25)], start=at(8 + number))
    start = threading.Barrier(4)
    seconds: list[float] = []

    def work() -> Tally:
        try:
            start.wait()
            before = time.monotonic()
            tally = deliver_due(NOW)
            seconds.append(time.monotonic() - before)
            return tally
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        tallies = [run.result() for run in [pool.submit(work) for _ in range(4)]]
    silent.stop()
    assert silent.connections == 1
    assert sum(tally.sent for tally in tallies) == len(second.received) == 8 * 26
    assert len({mail.message_id for mail in second.received}) == 8 * 26
    assert route("first").tries == 2
    # The others did not even wait for their turn to ask; under load they are slow, but the asker is the slowest.
    assert max(seconds) >= 2


def test_hanging_costs_one_timeout_and_then_the_second_takes_over(
    office: Office, smtp: MailServer, second: MailServer, settings: Any
) -> None:
    send_to(settings, smtp.port, EMAIL_TIMEOUT=0.3)
    book(office, MIGRI, MAZ)
    smtp.script = answering("rcpt", HANG)
    tally = deliver_due(NOW)
    # Two connections broke with a mail under way each; the rest went on.
    assert tally == Tally(sent=1, put_off=2)
    assert sent_by("second") == [MAZ]
