"""The pages of incoming mail: for IT admins alone, in constant time, with nothing of a mail running."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from integrations.mailbox import inbox, store, troubles, views
from integrations.mailbox.models import InboundMail
from tests.bookings.requests import NOW
from tests.factories import Office
from tests.integrations.mailbox.mails import POISON, letter
from tests.notifications.outbox_rows import MIGRI, book, pretend

pytestmark = pytest.mark.django_db

LIST = "/poczta/przychodzaca/"
HOSTILE = letter("zly@obcy.example", "<script>alert(1)</script>", subject="<img src=x onerror=alert(1)>")


def put(*raws: bytes) -> list[InboundMail]:
    mails = [store.store(raw, source="lmtp", envelope_to=["narada@urzad.example"], now=NOW) for raw in raws]
    inbox.handle_waiting(NOW)
    return mails


def listed(client: Client, **query: str) -> list[int]:
    response = client.get(LIST, query)
    assert response.status_code == 200
    return [int(key) for key in re.findall(rf'<th scope="row"><a href="{LIST}(\d+)/"', response.content.decode())]


@pytest.mark.parametrize("name", ["inbound_list", "inbound_show", "inbound_download", "inbound_again", "inbound_done"])
def test_the_pages_are_not_there_for_others(manager_client: Client, name: str) -> None:
    (mail,) = put(HOSTILE)
    address = reverse(f"mailbox:{name}", args=[] if name == "inbound_list" else [mail.pk])
    method = "post" if name in {"inbound_again", "inbound_done"} else "get"
    assert getattr(manager_client, method)(address).status_code == 404
    assert getattr(Client(), method)(address).status_code == 302
    mail.refresh_from_db()
    assert mail.state == "shown"


def test_the_list_is_newest_first_filtered_and_goes_on(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "PER_PAGE", 2)
    first, second, third = (mail.pk for mail in put(HOSTILE, POISON, letter("b@obcy.example", "x", number=2)))
    assert listed(admin_client) == [third, second]
    assert listed(admin_client, przed=str(second)) == [first]
    assert listed(admin_client, state="parked") == [second]
    assert listed(admin_client, state="open", przed=str(third)) == [second, first]
    assert listed(admin_client, state="done") == []
    assert listed(admin_client, state="'; --", przed="x") == [third, second]


@pytest.mark.parametrize("size", [1, 3])
def test_the_list_asks_the_same_of_any_number_of_mails(admin_client: Client, office: Office, size: int) -> None:
    book(office, MIGRI)
    pretend(MIGRI, state="sent", message_id="<sent@urzad.example>")
    put(*(letter(f"g{n}@obcy.example", "x", answers="<sent@urzad.example>", number=n) for n in range(size)))
    listed(admin_client)
    with CaptureQueriesContext(connection) as queries:
        assert len(listed(admin_client)) == size
    assert len([query for query in queries if "inboundmail" in query["sql"]]) == 2
    assert not any('"raw"' in query["sql"] or '."text"' in query["sql"] for query in queries)


def test_a_mail_is_shown_and_nothing_in_it_runs(admin_client: Client) -> None:
    (mail,) = put(HOSTILE)
    page = admin_client.get(f"{LIST}{mail.pk}/").content.decode()
    for words in ("&lt;script&gt;alert(1)&lt;/script&gt;", "&lt;img src=x onerror=alert(1)&gt;", "zly@obcy.example"):
        assert words in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_the_raw_mail_is_only_ever_a_file(admin_client: Client) -> None:
    (mail,) = put(HOSTILE)
    response = admin_client.get(f"{LIST}{mail.pk}/plik/")
    assert response.content == HOSTILE
    assert response["Content-Disposition"] == f'attachment; filename="mail-{mail.pk}.eml"'
    assert response["Content-Type"] == "application/octet-stream"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response["Content-Security-Policy"]


def test_what_was_shown_is_read_again_or_done(admin_client: Client, office: Office) -> None:
    parked, shown = put(POISON, HOSTILE)
    assert admin_client.post(f"{LIST}{parked.pk}/ponownie/").status_code == 302
    parked.refresh_from_db()
    assert (parked.state, parked.attempts, parked.handled_by) == ("waiting", 0, office.it_admin)
    admin_client.post(f"{LIST}{shown.pk}/zalatwione/")
    shown.refresh_from_db()
    assert (shown.state, shown.handled_by) == ("done", office.it_admin)
    for address in ("ponownie", "zalatwione"):
        admin_client.post(f"{LIST}{shown.pk}/{address}/")
    shown.refresh_from_db()
    assert shown.state == "done"


def test_of_a_mail_that_was_forgotten_the_outcome_is_left(admin_client: Client) -> None:
    (mail,) = put(HOSTILE)
    store.forget(NOW + timedelta(days=100))
    page = admin_client.get(f"{LIST}{mail.pk}/").content.decode()
    assert "zly@obcy.example" not in page
    assert admin_client.get(f"{LIST}{mail.pk}/plik/").status_code == 404
    assert listed(admin_client) == [mail.pk]


def test_the_list_says_that_mail_can_not_be_fetched(admin_client: Client) -> None:
    troubles.note_failure("[AUTHENTICATIONFAILED] <b>", NOW)
    try:
        assert "[AUTHENTICATIONFAILED] &lt;b&gt;" in admin_client.get(LIST).content.decode()
    finally:
        troubles.note_success()
    assert "AUTHENTICATIONFAILED" not in admin_client.get(LIST).content.decode()
