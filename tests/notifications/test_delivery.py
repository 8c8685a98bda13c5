"""Delivery to a real SMTP server: what arrives, what is tried again, what is given up."""

from __future__ import annotations

import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from django.db import connections

from bookings import services
from notifications import claims, delivery, outbox
from notifications.delivery import Tally, deliver_due
from notifications.models import Message
from tests.bookings.requests import NOW, at
from tests.factories import Office
from tests.notifications.conftest import send_to
from tests.notifications.outbox_rows import ANNA, MAZ, MIGRI, book, change, rows
from tests.servers import DROP, HANG, MailServer, SilentServer, free_port, mail_server

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=2)
AGES = NOW + timedelta(hours=2)


def only(stage: str, answer: str, *, to: str = "", times: int = 99) -> Callable[[str, str], str | None]:
    """Return a script that gives this answer at one stage, so many times."""
    left = [times]

    def script(at_stage: str, recipient: str) -> str | None:
        if at_stage != stage or (to and recipient != to) or not left[0]:
            return None
        left[0] -= 1
        return answer

    return script


def test_a_booking_reaches_everybody_over_one_connection(office: Office, smtp: MailServer) -> None:
    book(office, MIGRI, MAZ)
    assert deliver_due(NOW) == Tally(sent=3)
    assert [mail.recipient for mail in smtp.received] == [ANNA, MIGRI, MAZ]
    assert {mail.connection for mail in smtp.received} == {1}
    for mail in smtp.received:
        row = Message.objects.get(recipient=mail.recipient)
        assert (row.state, row.attempts, row.may_have_arrived) == ("sent", 1, True)
        assert bytes(row.raw or b"") == mail.raw
        assert (row.message_id, row.subject) == (mail.message_id, str(mail.mail["Subject"]))
        assert NOW <= row.sent_at < NOW + timedelta(seconds=20)
        assert mail.mail["To"].addresses[0].addr_spec == mail.recipient
    assert deliver_due(NOW) == Tally()


def test_nothing_is_sent_before_it_is_due(office: Office, smtp: MailServer) -> None:
    book(office)
    Message.objects.update(due_at=NOW + timedelta(minutes=1))
    assert deliver_due(NOW) == Tally()
    assert deliver_due(NOW + timedelta(minutes=1)) == Tally(sent=1)


def test_greylisting_is_tried_again_with_the_same_bytes(office: Office, smtp: MailServer) -> None:
    book(office, MIGRI)
    smtp.script = only("rcpt", "451 4.7.1 Greylisted, come back later", to=MIGRI, times=1)
    assert deliver_due(NOW) == Tally(sent=1, put_off=1)
    row = Message.objects.get(recipient=MIGRI)
    assert (row.state, row.last_error) == ("retrying", "451 4.7.1 Greylisted, come back later")
    assert not row.may_have_arrived
    assert timedelta(seconds=45) <= row.due_at - NOW <= timedelta(seconds=80)
    first = bytes(row.raw or b"")

    assert deliver_due(NOW + timedelta(seconds=30)) == Tally()
    assert deliver_due(LATER) == Tally(sent=1)
    row.refresh_from_db()
    assert (row.state, row.attempts, row.last_error) == ("sent", 2, "")
    assert smtp.to(MIGRI)[0].raw == first


@pytest.mark.parametrize("stage", ["rcpt", "data", "text"])
def test_a_refusal_for_good_fails_in_the_words_of_the_server(office: Office, smtp: MailServer, stage: str) -> None:
    book(office)
    smtp.script = only(stage, "550 5.1.1 Nie ma takiej skrzynki")
    assert deliver_due(NOW) == Tally(failed=1)
    row = Message.objects.get()
    assert (row.state, row.last_error) == ("failed", "550 5.1.1 Nie ma takiej skrzynki")
    assert not row.may_have_arrived
    assert deliver_due(AGES) == Tally()


def test_one_refused_address_does_not_hold_up_the_others(office: Office, smtp: MailServer) -> None:
    book(office, MIGRI, MAZ)
    smtp.script = only("rcpt", "550 no", to=MIGRI)
    assert deliver_due(NOW) == Tally(sent=2, failed=1)
    assert {mail.connection for mail in smtp.received} == {1}


def test_a_sender_that_is_refused_is_the_servers_trouble_not_the_mails(office: Office, smtp: MailServer) -> None:
    book(office, MIGRI)
    smtp.script = only("mail", "530 5.7.0 Authentication required")
    assert deliver_due(NOW) == Tally()
    assert {row[3] for row in rows()} == {"retrying"}
    assert set(Message.objects.values_list("last_error", flat=True)) == {"530 5.7.0 Authentication required"}
    smtp.script = only("none", "")
    assert deliver_due(LATER) == Tally(sent=2)


def test_a_mail_that_is_too_big_fails_alone(office: Office, smtp: MailServer) -> None:
    book(office, MIGRI)
    smtp.script = only("mail", "552 5.3.4 Too big", times=1)
    assert deliver_due(NOW) == Tally(sent=1, failed=1)


def test_a_connection_that_breaks_is_opened_again(office: Office, smtp: MailServer) -> None:
    book(office, MIGRI, MAZ)
    smtp.script = only("text", DROP, to=MIGRI, times=1)
    assert deliver_due(NOW) == Tally(sent=2, put_off=1)
    row = Message.objects.get(recipient=MIGRI)
    # The text had arrived before the line broke: nobody knows, so a cancellation would have to follow.
    assert (row.state, row.may_have_arrived) == ("retrying", True)
    assert deliver_due(LATER) == Tally(sent=1)


def test_a_farewell_of_the_server_is_followed_by_a_new_connection(office: Office, smtp: MailServer) -> None:
    book(office, MIGRI, MAZ)
    smtp.script = only("rcpt", "421 4.7.0 Too many mails on one connection", to=MIGRI, times=1)
    assert deliver_due(NOW) == Tally(sent=2, put_off=1)
    assert [mail.connection for mail in smtp.received] == [1, 2]


def test_a_server_that_keeps_hanging_up_is_left_alone(office: Office, smtp: MailServer) -> None:
    book(office, *[f"gosc{number}@example.org" for number in range(9)])
    smtp.script = only("rcpt", DROP)
    assert deliver_due(NOW) == Tally(put_off=2)
    assert smtp.connections == 2
    assert {row[3] for row in rows()} == {"retrying"}
    smtp.script = only("none", "")
    assert deliver_due(AGES) == Tally(sent=10)


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "text"])
def test_a_server_that_hangs_costs_its_timeout_and_no_more(
    office: Office, smtp: MailServer, settings: object, stage: str
) -> None:
    send_to(settings, smtp.port, EMAIL_TIMEOUT=0.3)
    book(office)
    smtp.script = only(stage, HANG, times=1)
    assert deliver_due(NOW) == Tally(put_off=1)
    assert Message.objects.get().last_error
    assert deliver_due(LATER) == Tally(sent=1)


def test_a_server_that_is_gone_costs_one_try_whatever_is_due(office: Office, settings: object) -> None:
    send_to(settings, free_port())
    book(office, *[f"gosc{number}@example.org" for number in range(9)])
    assert deliver_due(NOW) == Tally()
    assert {(row.state, row.attempts, row.may_have_arrived) for row in Message.objects.all()} == {
        ("retrying", 0, False)
    }
    assert "refused" in Message.objects.latest("pk").last_error
    assert max(Message.objects.values_list("due_at", flat=True)) < NOW + timedelta(minutes=1)


def test_a_server_that_never_speaks_costs_one_timeout(office: Office, settings: object) -> None:
    silent = SilentServer()
    send_to(settings, silent.port, EMAIL_TIMEOUT=0.3)
    book(office, MIGRI)
    assert deliver_due(NOW) == Tally()
    assert silent.connections == 1
    silent.stop()


def test_trying_ends_after_two_days(office: Office, smtp: MailServer) -> None:
    book(office)
    smtp.script = only("rcpt", "450 4.2.1 Mailbox busy")
    now, waits = NOW, []
    for _attempt in range(100):
        deliver_due(now)
        row = Message.objects.get()
        if row.state == "failed":
            break
        waits.append(row.due_at - now)
        now = row.due_at
    assert timedelta(days=2) - timedelta(minutes=90) < now - NOW <= timedelta(days=2)
    assert row.last_error == "450 4.2.1 Mailbox busy"
    assert max(waits) <= timedelta(minutes=75)
    assert waits[0] < timedelta(minutes=2) < waits[3]


def test_a_server_that_stays_away_for_two_days_ends_it_too(office: Office, settings: object) -> None:
    send_to(settings, free_port())
    book(office)
    deliver_due(NOW + timedelta(days=2))
    assert rows() == [(ANNA, "invitation", 1, "failed")]


def test_a_mail_that_cannot_be_written_fails_alone(office: Office, smtp: MailServer) -> None:
    booking = book(office, MIGRI, MAZ)
    # No such zone any more, as after a botched import by hand.
    booking.attendees.filter(email=MIGRI).update(time_zone="Europe/Nowhere")
    assert deliver_due(NOW) == Tally(sent=2, failed=1)
    row = Message.objects.get(recipient=MIGRI)
    assert (row.state, row.raw, row.attempts) == ("failed", None, 0)
    assert "Europe/Nowhere" in row.last_error
    booking.attendees.filter(email=MIGRI).update(time_zone="Europe/Helsinki")
    outbox.send_again(row, by=office.it_admin, now=LATER)
    assert deliver_due(LATER) == Tally(sent=1)


def test_mails_to_one_address_about_one_booking_never_overtake(office: Office, smtp: MailServer) -> None:
    booking = book(office, MIGRI)
    deliver_due(NOW)
    change(office, booking)  # the guest leaves ...
    change(office, booking, MIGRI)  # ... and comes back as another participant with the same address
    smtp.script = only("rcpt", "451 later", to=MIGRI, times=1)
    assert deliver_due(NOW) == Tally(put_off=1)
    assert rows(recipient=MIGRI)[1:] == [
        (MIGRI, "cancellation", 2, "retrying"),
        (MIGRI, "invitation", 3, "queued"),
    ]
    assert deliver_due(LATER) == Tally(sent=2)
    kinds = [_method(mail.raw) for mail in smtp.to(MIGRI)]
    assert kinds == ["REQUEST", "CANCEL", "REQUEST"]


def test_a_refused_older_mail_lets_the_newer_one_pass(office: Office, smtp: MailServer) -> None:
    booking = book(office)
    smtp.script = only("rcpt", "451 later", times=1)
    deliver_due(NOW)
    change(office, booking, start=at(12))
    assert deliver_due(NOW) == Tally(sent=1)
    assert rows() == [(ANNA, "invitation", 1, "superseded"), (ANNA, "invitation", 2, "sent")]
    assert [mail.mail["Subject"] for mail in smtp.received] == [Message.objects.latest("pk").subject]


def test_a_change_while_mails_are_under_way_takes_the_rest_back(office: Office, smtp: MailServer) -> None:
    booking = book(office, MIGRI, MAZ)
    taken = claims.claim(NOW)
    assert len(taken) == 3
    services.cancel(booking, by=office.staff, now=NOW)
    # The worker looks once more before each mail: nothing of the old state is sent now.
    assert not any(claims.begin(message, NOW, mail=None) for message in taken)
    assert deliver_due(NOW) == Tally()
    assert smtp.received == []
    assert {state for *_rest, state in rows()} == {"superseded"}


def test_an_update_becomes_the_invitation_when_that_was_never_tried(office: Office, smtp: MailServer) -> None:
    booking = book(office)
    claims.claim(NOW)
    change(office, booking, start=at(12))
    assert rows() == [(ANNA, "invitation", 1, "sending"), (ANNA, "update", 2, "queued")]
    expired = NOW + claims.lease()
    assert deliver_due(expired) == Tally(sent=1)
    assert rows() == [(ANNA, "invitation", 1, "superseded"), (ANNA, "invitation", 2, "sent")]


@pytest.mark.long
def test_a_run_ends_in_time_and_gives_back_the_rest(
    office: Office, smtp: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker's time limit would kill it in the middle of a mail."""
    monkeypatch.setattr(delivery, "LONGEST_RUN", timedelta(seconds=1))
    book(office, MIGRI, MAZ)

    def slow(stage: str, _recipient: str) -> None:
        if stage == "text":
            time.sleep(1)

    smtp.script = slow
    assert deliver_due(NOW) == Tally(sent=1)
    assert [state for *_rest, state in rows()] == ["sent", "queued", "queued"]
    monkeypatch.undo()
    assert deliver_due(NOW) == Tally(sent=2)


def test_what_a_dead_worker_held_is_sent_when_its_lease_runs_out(office: Office, smtp: MailServer) -> None:
    book(office, MIGRI)
    claims.claim(NOW)
    assert deliver_due(NOW + claims.lease() - timedelta(seconds=1)) == Tally()
    assert deliver_due(NOW + claims.lease()) == Tally(sent=2)


def test_a_slow_worker_may_still_record_its_success(office: Office, smtp: MailServer) -> None:
    book(office)
    (mine,) = claims.claim(NOW)
    mail = delivery.compose(mine, now=NOW)
    assert claims.begin(mine, NOW, mail=mail)
    (theirs,) = claims.claim(NOW + claims.lease())
    assert claims.finish(mine, NOW)
    assert not claims.begin(theirs, NOW, mail=None)
    assert rows() == [(ANNA, "invitation", 1, "sent")]


def test_two_tries_at_once_are_noticed(office: Office) -> None:
    book(office)
    (mine,) = claims.claim(NOW)
    assert claims.begin(mine, NOW, mail=delivery.compose(mine, now=NOW))
    (theirs,) = claims.claim(NOW + claims.lease())
    assert claims.begin(theirs, NOW + claims.lease(), mail=None)
    assert not claims.finish(mine, NOW)
    assert claims.finish(theirs, NOW)


@pytest.mark.django_db(transaction=True)
def test_four_workers_at_once_send_each_mail_once(open_office: Office, smtp: MailServer) -> None:
    for hour in range(8, 16):
        book(open_office, *[f"gosc{number}@example.org" for number in range(20)], start=at(hour))

    def work() -> Tally:
        try:
            return deliver_due(NOW)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        tallies = [run.result() for run in [pool.submit(work) for _ in range(4)]]
    assert sum(tally.sent for tally in tallies) == 8 * 21
    assert len({mail.message_id for mail in smtp.received}) == len(smtp.received) == 8 * 21


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
def test_starttls_and_password_are_used(office: Office, settings: object, tmp_path: Path) -> None:
    context = _certificate(tmp_path)
    settings.EMAIL_SSL_CERTFILE = settings.EMAIL_SSL_KEYFILE = None
    with mail_server(tls_context=context, password="tajne") as server, _trusting(tmp_path):
        send_to(
            settings,
            server.port,
            EMAIL_HOST="localhost",
            EMAIL_USE_TLS=True,
            EMAIL_HOST_USER="narada",
            EMAIL_HOST_PASSWORD="tajne",
        )
        book(office)
        assert deliver_due(NOW) == Tally(sent=1)
        assert [(mail.encrypted, mail.user) for mail in server.received] == [(True, "narada")]


def test_implicit_tls_is_used(office: Office, settings: object, tmp_path: Path) -> None:
    with mail_server(tls_context=_certificate(tmp_path), implicit_tls=True) as server, _trusting(tmp_path):
        send_to(settings, server.port, EMAIL_HOST="localhost", EMAIL_USE_SSL=True)
        book(office)
        assert deliver_due(NOW) == Tally(sent=1)
        assert server.received[0].encrypted


def test_an_unknown_certificate_is_not_trusted(office: Office, settings: object, tmp_path: Path) -> None:
    with mail_server(tls_context=_certificate(tmp_path)) as server:
        send_to(settings, server.port, EMAIL_HOST="localhost", EMAIL_USE_TLS=True)
        book(office)
        assert deliver_due(NOW) == Tally()
        assert server.received == []
        assert "CERTIFICATE_VERIFY_FAILED" in Message.objects.get().last_error


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
@pytest.mark.parametrize("password", ["zgadniete", "zgadnięte"])
def test_a_wrong_password_is_the_servers_trouble(office: Office, settings: object, password: str) -> None:
    with mail_server(password="tajne") as server:
        send_to(settings, server.port, EMAIL_HOST_USER="narada", EMAIL_HOST_PASSWORD=password)
        book(office)
        assert deliver_due(NOW) == Tally()
        assert rows() == [(ANNA, "invitation", 1, "retrying")]
        words = Message.objects.get().last_error
        assert ("ASCII" if password == "zgadnięte" else "535") in words
        assert "zgadni" not in words


def _method(raw: bytes) -> str:
    for part in message_from_bytes(raw, policy=policy.default).walk():
        if part.get_content_type() == "text/calendar":
            return str(part.get_param("method"))
    return ""


@contextmanager
def _trusting(folder: Path) -> Iterator[None]:
    """Trust the test's certificate, as an office's own authority is trusted."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(folder / "cert.pem"))
        yield


def _certificate(folder: Path) -> ssl.SSLContext:
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context
