"""The mail pages: for IT admins alone, with everything in a mail and nothing of it running."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest
from django.core.mail import EmailMessage as DjangoMail
from django.core.mail import get_connection
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from notifications import mailfiles
from notifications.delivery import deliver_due
from notifications.models import Message
from notifications.reading import read_mail
from tests.bookings.requests import NOW, at
from tests.factories import Office
from tests.notifications.outbox_rows import ANNA, MAZ, MIGRI, book, pretend
from tests.servers import MailServer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings: object, tmp_path: Path) -> None:
    settings.EMAIL_BACKEND = "notifications.mailfiles.Backend"
    settings.EMAIL_URL = ""
    settings.MAIL_DIR = tmp_path


def page(client: Client, name: str, *args: object, **query: str) -> str:
    response = client.get(reverse(f"notifications:{name}", args=args), query)
    assert response.status_code == 200
    return response.content.decode()


def recipients(html: str) -> list[str]:
    return [Message.objects.get(pk=pk).recipient for pk in _keys(html)]


def _keys(html: str) -> list[int]:
    return [int(key) for key in re.findall(r'<th scope="row"><a href="/poczta/(\d+)/"', html)]


def sent(office: Office) -> Message:
    book(office, MIGRI)
    deliver_due(NOW)
    return Message.objects.get(recipient=MIGRI)


_PAGES: list[tuple[str, Callable[[Message, str], list[object]]]] = [
    ("mail_list", lambda _message, _name: []),
    ("mail_show", lambda message, _name: [message.pk]),
    ("mail_preview", lambda message, _name: [message.pk]),
    ("mail_download", lambda message, _name: [message.pk]),
    ("file_list", lambda _message, _name: []),
    ("file_show", lambda _message, name: [name]),
    ("file_preview", lambda _message, name: [name]),
    ("file_download", lambda _message, name: [name]),
]


@pytest.mark.parametrize(("name", "args"), _PAGES)
def test_mail_is_there_for_it_admins_only(
    office: Office,
    admin_client: Client,
    manager_client: Client,
    staff_client: Client,
    name: str,
    args: Callable[[Message, str], list[object]],
) -> None:
    message = sent(office)
    address = reverse(f"notifications:{name}", args=args(message, mailfiles.written()[0].name))
    assert admin_client.get(address).status_code == 200
    assert manager_client.get(address).status_code == 404
    assert staff_client.get(address).status_code == 404
    assert Client().get(address)["Location"].startswith(reverse("account_login"))


def test_the_list_shows_the_newest_first_and_filters(office: Office, admin_client: Client) -> None:
    booking = book(office, MIGRI, MAZ)
    pretend(ANNA, state="sent", subject="Zaproszenie: 100% pewne")
    pretend(MAZ, state="failed", last_error="550 5.1.1 no such user <script>")
    assert recipients(page(admin_client, "mail_list")) == [MAZ, MIGRI, ANNA]
    assert recipients(page(admin_client, "mail_list", state="failed")) == [MAZ]
    assert recipients(page(admin_client, "mail_list", state="nonsense", kind="reminder")) == []
    assert recipients(page(admin_client, "mail_list", kind="invitation", search="MIGRI")) == [MIGRI]
    assert recipients(page(admin_client, "mail_list", search="100%")) == [ANNA]
    assert len(recipients(page(admin_client, "mail_list", search=booking.number))) == 3
    html = page(admin_client, "mail_list")
    assert "550 5.1.1 no such user &lt;script&gt;" in html


def test_the_list_asks_as_much_for_one_mail_as_for_three(office: Office, admin_client: Client) -> None:
    book(office)
    page(admin_client, "mail_list")
    with CaptureQueriesContext(connection) as one:
        page(admin_client, "mail_list")
    book(office, MIGRI, start=at(12))
    with CaptureQueriesContext(connection) as three:
        page(admin_client, "mail_list")
    assert len(one) == len(three)
    assert not any('"raw"' in query["sql"] for query in three)


def test_a_mail_is_shown_with_all_its_parts(office: Office, admin_client: Client) -> None:
    message = sent(office)
    html = page(admin_client, "mail_show", message.pk)
    assert message.subject in html
    assert message.message_id.strip("<>") in html
    assert "METHOD:REQUEST" in html
    assert "invite.ics" in html
    assert f'<iframe class="mail-preview" sandbox src="/poczta/{message.pk}/podglad/"' in html

    response = admin_client.get(reverse("notifications:mail_download", args=[message.pk]))
    assert response.content == bytes(message.raw or b"")
    assert response["Content-Type"] == "message/rfc822"
    assert response["Content-Disposition"].startswith("attachment")


def test_the_preview_runs_nothing_and_fetches_nothing(office: Office, admin_client: Client) -> None:
    message = sent(office)
    response = admin_client.get(reverse("notifications:mail_preview", args=[message.pk]))
    assert response["Content-Security-Policy"] == (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
        "frame-ancestors 'self'"
    )
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert "no-store" in response["Cache-Control"]


def test_a_mail_that_is_not_written_yet_says_so(office: Office, admin_client: Client) -> None:
    book(office)
    message = Message.objects.get()
    assert "iframe" not in page(admin_client, "mail_show", message.pk)
    for name in ("mail_preview", "mail_download"):
        assert admin_client.get(reverse(f"notifications:{name}", args=[message.pk])).status_code == 404


def test_send_again_puts_a_failed_mail_back(office: Office, admin_client: Client, smtp: MailServer) -> None:
    book(office)
    smtp.script = lambda stage, _recipient: "550 no such user" if stage == "rcpt" else None
    deliver_due(NOW)
    message = Message.objects.get()
    address = reverse("notifications:mail_again", args=[message.pk])
    assert admin_client.get(address).status_code == 405
    assert f'action="{address}"' in page(admin_client, "mail_show", message.pk)

    assert admin_client.post(address)["Location"] == f"/poczta/{message.pk}/"
    message.refresh_from_db()
    assert (message.state, message.attempts, message.last_error) == ("queued", 0, "")
    stored = bytes(message.raw or b"")
    smtp.script = lambda _stage, _recipient: None
    deliver_due(message.due_at)
    assert [mail.raw for mail in smtp.received] == [stored]

    # Sent meanwhile: it isn't sent twice.
    admin_client.post(address)
    message.refresh_from_db()
    assert message.state == "sent"


def test_send_again_is_for_it_admins(office: Office, staff_client: Client) -> None:
    book(office)
    pretend(ANNA, state="failed", last_error="550")
    assert staff_client.post(reverse("notifications:mail_again", args=[Message.objects.get().pk])).status_code == 404
    assert Message.objects.get().state == "failed"


def test_files_are_shown_with_the_mails_about_accounts(office: Office, admin_client: Client) -> None:
    get_connection().send_messages([DjangoMail("Nowe hasło", "Zażółć gęślą jaźń", to=[ANNA])])
    sent(office)
    html = page(admin_client, "file_list")
    assert html.index(MIGRI) < html.index("Nowe hasło")
    name = mailfiles.written()[-1].name
    assert "Zażółć gęślą jaźń" in page(admin_client, "file_show", name)
    missing = admin_client.get(reverse("notifications:file_show", args=["20261124T090000.000000Z-00000000.eml"]))
    assert missing.status_code == 404


def test_there_is_no_tab_of_files_when_there_is_a_mail_server(admin_client: Client, settings: object) -> None:
    assert reverse("notifications:file_list") in page(admin_client, "mail_list")
    settings.EMAIL_URL = "smtp://mail.example"
    assert reverse("notifications:file_list") not in page(admin_client, "mail_list")


def test_the_administration_shows_mails_and_changes_none(office: Office, admin_client: Client) -> None:
    message = sent(office)
    listing = admin_client.get(reverse("admin:notifications_message_changelist"))
    assert listing.status_code == 200
    address = reverse("admin:notifications_message_change", args=[message.pk])
    shown = admin_client.get(address)
    assert shown.status_code == 200
    assert reverse("notifications:mail_show", args=[message.pk]) in shown.content.decode()
    assert admin_client.post(address, {"state": "queued"}).status_code == 403
    assert admin_client.get(reverse("admin:notifications_message_add")).status_code == 403


@pytest.mark.parametrize("language", ["pl", "en"])
def test_pages_obey_the_policy_of_the_site(office: Office, admin_client: Client, language: str) -> None:
    message = sent(office)
    admin_client.cookies["django_language"] = language
    for html in (page(admin_client, "mail_list"), page(admin_client, "mail_show", message.pk)):
        assert " style=" not in html
        assert "<style" not in html


def test_odd_mails_can_be_read() -> None:
    assert read_mail(b"").subject == ""
    odd = EmailMessage()
    odd["Subject"] = "x"
    odd.set_content("text", charset="utf-8")
    raw = odd.as_bytes().replace(b"utf-8", b"no-such-charset")
    assert read_mail(raw).text.strip() == "text"
    assert read_mail(b"Content-Type: text/html; charset=utf-8\r\n\r\n\xff<p>").html == "\ufffd<p>"
