"""Mails about accounts: queued in the request, sent by the worker, and forgotten as soon as they are."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from notifications import claims, mailfiles, outbox, wake
from notifications.delivery import Tally, deliver_due
from notifications.models import Message
from notifications.reading import read_mail
from tests.bookings.requests import NOW
from tests.factories import Office
from tests.notifications.conftest import send_to
from tests.notifications.outbox_rows import ANNA, book
from tests.servers import DROP, MailServer, SilentServer, free_port, mail_server

pytestmark = pytest.mark.django_db
NOBODY = "nikt@urzad.example"


@pytest.fixture(autouse=True)
def fresh_rate_limits() -> None:
    cache.clear()


def ask_for_link(email: str = ANNA) -> Any:
    return Client().post(reverse("account_reset_password"), {"email": email}, follow=True)


def queued(office: Office) -> Message:
    ask_for_link()
    return Message.objects.get(state="queued")


def page(client: Client, name: str, *args: object) -> str:
    return client.get(reverse(f"notifications:{name}", args=args)).content.decode()


def test_the_request_queues_it_and_the_worker_sends_and_forgets_it(office: Office, smtp: MailServer) -> None:
    assert ask_for_link().status_code == 200
    assert smtp.connections == 0
    row = Message.objects.get()
    assert (row.kind, row.state, row.recipient, row.booking, row.attendee) == ("account", "queued", ANNA, None, None)
    assert row.give_up_at - row.created_at == timedelta(days=1)

    assert deliver_due(timezone.now()) == Tally(sent=1)
    (mail,) = smtp.received
    assert mail.recipient == ANNA
    assert mail.raw == bytes(row.raw or b"")
    row.refresh_from_db()
    assert (row.state, row.raw, row.last_error, row.attempts) == ("sent", None, "", 1)
    # The link works, and once.
    link = re.search(r"http://testserver(/konto/haslo/reset/\S+)", mail.mail.get_content())[1]
    assert Client().get(link, follow=True).context["form"].user.email == ANNA


def test_headers_are_those_of_every_mail(office: Office, smtp: MailServer, settings: Any) -> None:
    row = queued(office)
    mail = read_mail(bytes(row.raw or b""))
    assert mail.header("From") == f"{settings.OFFICE_NAME} <narada@urzad.example>"
    assert mail.header("To") == "Anna Wrzesińska <anna.wrzesinska@urzad.example>"
    assert mail.header("Auto-Submitted") == "auto-generated"
    assert mail.header("X-Auto-Response-Suppress") == "OOF, AutoReply"
    assert mail.header("Content-Language") == "pl"
    assert re.fullmatch(r"<account\.[0-9a-f]{32}@urzad\.example>", row.message_id)
    assert mail.header("Message-ID") == row.message_id
    assert mail.subject == row.subject == "Narada: nowe hasło"
    assert b"\r\n" in bytes(row.raw or b"")
    assert not re.search(rb"(?<!\r)\n", bytes(row.raw or b""))


def test_no_name_gets_a_header_into_the_mail(office: Office, smtp: MailServer) -> None:
    User.objects.filter(email=ANNA).update(name='Anna"\r\nBcc: x@y.example\r\n\r\nczytaj =?utf-8?q?x?=')
    mail = read_mail(bytes(queued(office).raw or b""))
    assert mail.header("Bcc") == ""
    assert mail.recipient.endswith("<anna.wrzesinska@urzad.example>")
    assert deliver_due(timezone.now()) == Tally(sent=1)
    assert [received.recipient for received in smtp.received] == [ANNA]


@pytest.mark.parametrize("trouble", ["gone", "silent"])
def test_a_dead_server_changes_nothing_for_who_asks(office: Office, settings: Any, trouble: str) -> None:
    silent = SilentServer()
    send_to(settings, free_port() if trouble == "gone" else silent.port, EMAIL_TIMEOUT=0.3)
    response = ask_for_link()
    assert (response.status_code, response.redirect_chain[0][0]) == (200, reverse("account_reset_password_done"))
    assert silent.connections == 0
    assert deliver_due(timezone.now()) == Tally()
    row = Message.objects.get()
    assert (row.state, row.attempts) == ("retrying", 0)
    assert row.raw is not None
    with mail_server() as server:
        send_to(settings, server.port)
        # When the server is asked again, and when the mail is due again, are spread each by itself.
        assert deliver_due(row.due_at + timedelta(minutes=1)) == Tally(sent=1)
        assert server.received[0].raw == bytes(row.raw)
    silent.stop()


def test_a_retry_repeats_the_bytes(office: Office, smtp: MailServer) -> None:
    row = queued(office)
    smtp.script = lambda stage, _recipient: DROP if stage == "text" and not smtp.received else None
    assert deliver_due(row.due_at) == Tally(put_off=1)
    smtp.script = lambda _stage, _recipient: None
    assert deliver_due(row.due_at + timedelta(minutes=2)) == Tally(sent=1)
    assert smtp.received[0].raw == bytes(row.raw or b"")


def test_a_refusal_for_good_forgets_the_link(office: Office, admin_client: Client, smtp: MailServer) -> None:
    queued(office)
    smtp.script = lambda stage, _recipient: "550 5.1.1 <script>brak</script>" if stage == "rcpt" else None
    assert deliver_due(timezone.now()) == Tally(failed=1)
    row = Message.objects.get()
    assert (row.state, row.raw, row.last_error) == ("failed", None, "550 5.1.1 <script>brak</script>")

    html = page(admin_client, "mail_show", row.pk)
    assert "550 5.1.1 &lt;script&gt;brak" in html
    assert reverse("notifications:mail_again", args=[row.pk]) not in html
    assert f'href="{reverse("admin:accounts_user_changelist")}?q=anna.wrzesinska%40urzad.example"' in html
    admin_client.post(reverse("notifications:mail_again", args=[row.pk]))
    row.refresh_from_db()
    assert row.state == "failed"
    with pytest.raises(outbox.NotSendable):
        outbox.send_again(row, by=office.it_admin, now=NOW)


def test_a_server_that_stays_away_for_a_day_ends_it(office: Office, settings: Any) -> None:
    send_to(settings, free_port())
    row = queued(office)
    deliver_due(row.give_up_at - timedelta(seconds=1))
    row.refresh_from_db()
    assert (row.state, row.raw) == ("failed", None)


def test_a_worker_that_was_away_for_too_long_sends_no_dead_link(office: Office, smtp: MailServer) -> None:
    row = queued(office)
    assert deliver_due(row.give_up_at) == Tally()
    row.refresh_from_db()
    assert (row.state, row.raw, smtp.received) == ("superseded", None, [])


def test_a_newer_link_replaces_the_one_that_waits(office: Office, smtp: MailServer) -> None:
    for _time in range(3):
        ask_for_link()
    ask_for_link(office.manager.email)
    states = list(Message.objects.order_by("pk").values_list("state", flat=True))
    assert states == ["superseded", "superseded", "queued", "queued"]
    assert not Message.objects.filter(state="superseded", raw__isnull=False).exists()
    assert deliver_due(timezone.now()) == Tally(sent=2)


def test_what_a_dead_worker_held_is_sent_once_its_lease_runs_out(office: Office, smtp: MailServer) -> None:
    row = queued(office)
    (mine,) = claims.claim(row.due_at)
    assert claims.begin(mine, row.due_at, mail=None)
    later = mine.lease_until
    assert deliver_due(later - timedelta(seconds=1)) == Tally()
    assert deliver_due(later) == Tally(sent=1)
    assert not claims.begin(mine, later, mail=None)


def test_an_address_that_no_header_can_hold_is_shown_to_it_admins(office: Office, smtp: MailServer) -> None:
    User.objects.filter(email=ANNA).update(email="anna@żółw.example")
    assert ask_for_link("anna@żółw.example").status_code == 200
    row = Message.objects.get()
    assert (row.state, row.recipient, row.raw) == ("failed", "anna@żółw.example", None)
    assert "can't" in row.last_error or "not an address" in row.last_error
    assert deliver_due(timezone.now()) == Tally()


def test_a_known_and_an_unknown_address_cost_the_same(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has an account must not show in how long the answer takes: the same is composed, written and committed."""
    rung: list[str] = []
    monkeypatch.setattr(wake, "worker_on_commit", lambda: rung.append("rung"))
    ask_for_link()  # allauth notes the address of a user the first time
    work = {}
    for email in (ANNA, NOBODY, "x" * 290 + "@urzad.example"):
        cache.clear()
        with CaptureQueriesContext(connection) as queries:
            assert ask_for_link(email).status_code == 200
        work[email] = [query["sql"] for query in queries]
    counts = [len(asked) for asked in work.values()]
    assert max(counts) - min(counts) <= 1
    inserts = [
        [sql for sql in asked if sql.startswith('INSERT INTO "notifications_message"')] for asked in work.values()
    ]
    assert [len(found) for found in inserts] == [1, 1, 1]
    assert len(rung) == 4
    assert not Message.objects.exclude(recipient=ANNA).exists()


def test_people_who_may_not_sign_in_get_no_link(office: Office) -> None:
    User.objects.filter(email=ANNA).update(is_active=False)
    ask_for_link()
    assert not Message.objects.exists()


def test_a_request_that_fails_afterwards_leaves_no_mail(office: Office) -> None:
    with transaction.atomic():
        ask_for_link()
        transaction.set_rollback(True)
    assert not Message.objects.exists()


@pytest.mark.parametrize("state", ["queued", "sent"])
def test_nobody_reads_it_in_the_list_of_mails(
    office: Office, admin_client: Client, smtp: MailServer, state: str
) -> None:
    row = queued(office)
    if state == "sent":
        deliver_due(timezone.now())
    assert row.subject in page(admin_client, "mail_list")
    html = page(admin_client, "mail_show", row.pk)
    assert ANNA in html
    assert "Treści tej wiadomości nie pokazujemy" in html
    assert "/konto/haslo/reset/" not in html
    assert "iframe" not in html
    for name in ("mail_preview", "mail_download"):
        assert admin_client.get(reverse(f"notifications:{name}", args=[row.pk])).status_code == 404
    shown = admin_client.get(reverse("admin:notifications_message_change", args=[row.pk]))
    assert shown.status_code == 200
    assert "/haslo/reset/" not in shown.content.decode()


def test_the_list_finds_them_by_kind(office: Office, admin_client: Client) -> None:
    book(office)
    ask_for_link()
    row = Message.objects.get(kind="account")
    html = admin_client.get(reverse("notifications:mail_list"), {"kind": "account"}).content.decode()
    assert re.findall(r'<th scope="row"><a href="/poczta/(\d+)/"', html) == [str(row.pk)]


def test_without_a_mail_server_the_worker_writes_the_file(
    office: Office, admin_client: Client, settings: Any, tmp_path: Path
) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_URL = "notifications.mailfiles.Backend", ""
    settings.MAIL_DIR = tmp_path
    queued(office)
    assert mailfiles.written() == []
    deliver_due(timezone.now())
    (file,) = mailfiles.written()
    assert "/konto/haslo/reset/" in page(admin_client, "file_show", file.name)


def test_links_from_the_administration_take_the_same_way(office: Office, admin_client: Client, settings: Any) -> None:
    send_to(settings, free_port())
    people = [office.staff.pk, office.manager.pk]
    data = {"action": "mail_password_link", "_selected_action": people}
    assert admin_client.post(reverse("admin:accounts_user_changelist"), data).status_code == 302
    recipients = set(Message.objects.filter(kind="account", state="queued").values_list("recipient", flat=True))
    assert recipients == {office.staff.email, office.manager.email}


@pytest.mark.parametrize(
    "values",
    [
        {"state": "sent", "sent_at": NOW, "may_have_arrived": True},
        {"state": "superseded"},
        {"state": "failed", "last_error": "550"},
        {"raw": None},
        {"kind": "invitation"},
        {"kind": "invitation", "version": 1, "sequence": 0},
        {"version": 1},
        {"starts_at": NOW},
    ],
)
def test_the_database_refuses_accounts_mails_that_make_no_sense(office: Office, values: dict[str, object]) -> None:
    ask_for_link()
    with pytest.raises(IntegrityError), transaction.atomic():
        Message.objects.update(**values)


@pytest.mark.parametrize("values", [{"booking": None}, {"attendee": None}, {"kind": "account"}])
def test_all_other_mails_belong_to_a_session(office: Office, values: dict[str, object]) -> None:
    book(office)
    with pytest.raises(IntegrityError), transaction.atomic():
        Message.objects.update(**values)
