"""The pages of webhooks: for IT admins alone, with secrets only when asked for, in constant time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from integrations.webhooks import services
from integrations.webhooks.models import Webhook
from integrations.webhooks.secrets import secret_of
from notifications.calls import deliver_calls
from tests.bookings.requests import NOW
from tests.factories import Office
from tests.integrations.jitsi.inside import HANG, Inside, Reply, inside
from tests.integrations.webhooks.receivers import make_webhook, verify
from tests.notifications.outbox_rows import book

pytestmark = pytest.mark.django_db
PAGES = ["webhook_list", "webhook_new", "webhook_show", "webhook_edit", "webhook_delete"]
POSTS = ["webhook_secret", "webhook_rotate", "webhook_try", "webhook_switch", "webhook_delete"]
SECRET_URL = "https://chat.urzad.example/hooks/tajny-klucz"


TERMS = services.Terms("Panele", SECRET_URL, ("booked",), None, "json", "pl")


@pytest.fixture
def receiver(settings: Any) -> Iterator[Inside]:
    settings.WEBHOOK_TO_LOCALHOST, settings.WEBHOOK_TIMEOUT_SECONDS = True, 1
    with inside(lambda _asked: Reply(200, b"ok")) as server:
        yield server


def address(name: str, webhook: Webhook) -> str:
    return reverse(name, args=[] if name in {"webhook_list", "webhook_new"} else [webhook.pk])


def page(client: Client, name: str, webhook: Webhook, *, post: bool = False, **data: str) -> str:
    url = address(name, webhook)
    response = client.post(url, data) if post else client.get(url)
    assert response.status_code == 200
    assert "no-store" in response.headers["Cache-Control"]
    return response.content.decode()


def filled(**fields: Any) -> dict[str, Any]:
    defaults = {"name": "Panele", "url": SECRET_URL, "shape": "json", "events": ["booked", "ended"], "language": "pl"}
    return {**defaults, **fields}


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("who", ["manager", "staff"])
def test_the_pages_are_not_there_for_others(office: Office, who: str, method: str, request: Any) -> None:
    webhook = make_webhook()
    client = request.getfixturevalue(f"{who}_client")
    for name in PAGES if method == "get" else [*POSTS, "webhook_new", "webhook_edit"]:
        assert getattr(client, method)(address(name, webhook)).status_code == 404
        assert getattr(Client(), method)(address(name, webhook)).status_code == 302
    assert Webhook.objects.get() == webhook
    assert Webhook.objects.get().secret_version == 1


@pytest.mark.parametrize("name", PAGES)
def test_every_page_says_what_it_is_and_never_the_whole_address(
    admin_client: Client, office: Office, name: str
) -> None:
    webhook = make_webhook(SECRET_URL, stopped_at=NOW, is_active=False, stopped_why="500", created_by=office.it_admin)
    book(office)
    text = page(admin_client, name, webhook)
    assert "tajny-klucz" not in text
    assert secret_of(webhook) not in text


def test_a_webhook_is_made(admin_client: Client, office: Office) -> None:
    response = admin_client.post(reverse("webhook_new"), filled(site=office.koszykowa.pk))
    webhook = Webhook.objects.get()
    assert response.headers["Location"] == reverse("webhook_show", args=[webhook.pk])
    assert (webhook.name, webhook.url, webhook.events) == ("Panele", SECRET_URL, ["booked", "ended"])
    assert (webhook.site, webhook.created_by, webhook.is_active) == (office.koszykowa, office.it_admin, True)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"url": "http://chat.urzad.example/"}, "https://"),
        ({"url": "https://169.254.169.254/"}, "Narada"),
        ({"url": "https://anna:haslo@chat.urzad.example/"}, ""),
        ({"url": "nic"}, "https://"),
        ({"url": ""}, ""),
        ({"events": []}, ""),
        ({"events": ["booked", "inne"]}, ""),
        ({"name": "Inne"}, ""),
        ({"shape": "xml"}, ""),
        ({"site": "77777"}, ""),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_made(
    admin_client: Client, office: Office, fields: dict[str, Any], words: str
) -> None:
    other = make_webhook(name="Inne")
    response = admin_client.post(reverse("webhook_new"), filled(**fields))
    assert response.status_code == 400
    assert words in response.content.decode()
    assert 'role="alert"' in response.content.decode()
    assert list(Webhook.objects.all()) == [other]


def test_changed_it_keeps_the_address_that_nobody_typed(admin_client: Client, office: Office) -> None:
    webhook = make_webhook(SECRET_URL)
    admin_client.post(address("webhook_edit", webhook), filled(url="", name="Nowa nazwa"))
    webhook.refresh_from_db()
    assert (webhook.name, webhook.url) == ("Nowa nazwa", SECRET_URL)
    admin_client.post(address("webhook_edit", webhook), filled(url="https://inny.urzad.example"))
    webhook.refresh_from_db()
    assert webhook.url == "https://inny.urzad.example/"


def test_the_secret_is_shown_when_asked_for_and_rotated(admin_client: Client, office: Office) -> None:
    webhook = make_webhook()
    assert secret_of(webhook) in page(admin_client, "webhook_secret", webhook, post=True)
    old = secret_of(webhook)
    for _turn in range(2):
        response = admin_client.post(address("webhook_rotate", webhook), {"version": "1"})
        assert response.headers["Location"] == address("webhook_show", webhook)
    for nonsense in ("", "x", "-1", "9" * 30):
        admin_client.post(address("webhook_rotate", webhook), {"version": nonsense})
    webhook.refresh_from_db()
    assert webhook.secret_version == 2
    text = page(admin_client, "webhook_secret", webhook, post=True)
    assert secret_of(webhook) in text
    assert old not in text


class TestTrial:
    def test_shows_what_the_receiver_said(self, admin_client: Client, office: Office, receiver: Inside) -> None:
        webhook = make_webhook(receiver.url)
        text = page(admin_client, "webhook_try", webhook, post=True)
        [asked] = receiver.asked
        assert asked.json["type"] == "webhook.trial"
        assert verify(secret_of(webhook), asked.headers, asked.body, now=float(asked.headers["webhook-timestamp"]))
        assert "200 ok" in text
        assert "notice--ok" in text

    @pytest.mark.parametrize("answer", [Reply(500, b"<script>alert(1)</script>"), HANG])
    def test_also_where_it_does_not_arrive(
        self, admin_client: Client, office: Office, receiver: Inside, answer: Reply | str
    ) -> None:
        receiver.script = lambda _asked: answer
        webhook = make_webhook(receiver.url, is_active=False)
        text = page(admin_client, "webhook_try", webhook, post=True)
        assert "notice--danger" in text
        assert "<script>alert" not in text


def test_switched_off_and_on(admin_client: Client, office: Office) -> None:
    webhook = make_webhook(stopped_at=NOW, is_active=False, stopped_why="410")
    admin_client.post(address("webhook_switch", webhook), {"on": "1"})
    webhook.refresh_from_db()
    assert (webhook.is_active, webhook.stopped_at, webhook.stopped_why) == (True, None, "")
    admin_client.post(address("webhook_switch", webhook), {"on": "0"})
    webhook.refresh_from_db()
    assert (webhook.is_active, webhook.stopped_at) == (False, None)


def test_deleted_with_its_calls_after_a_question(admin_client: Client, office: Office) -> None:
    webhook = make_webhook()
    book(office)
    page(admin_client, "webhook_delete", webhook)
    assert Webhook.objects.exists()
    response = admin_client.post(address("webhook_delete", webhook))
    assert response.headers["Location"] == reverse("webhook_list")
    assert not Webhook.objects.exists()
    assert admin_client.get(address("webhook_show", webhook)).status_code == 404


class TestCalls:
    @pytest.mark.parametrize("count", [1, 3])
    def test_are_shown_in_one_query(self, admin_client: Client, office: Office, count: int) -> None:
        webhook = make_webhook()
        numbers = [book(office, start=NOW.replace(tzinfo=None, day=24, hour=9 + n)).number for n in range(count)]
        text = page(admin_client, "webhook_show", webhook)
        assert [number in text for number in numbers] == [True] * count
        with CaptureQueriesContext(connection) as queries:
            page(admin_client, "webhook_show", webhook)
        asked = [query["sql"] for query in queries if "notifications_message" in query["sql"]]
        assert len([sql for sql in asked if "webhook_id" in sql and "LIMIT 20" in sql]) == 1

    def test_the_newest_twenty_with_their_answers(self, admin_client: Client, office: Office, receiver: Inside) -> None:
        receiver.script = lambda _asked: Reply(503, b"busy")
        webhook = make_webhook(receiver.url)
        booking = book(office)
        deliver_calls(NOW)
        text = page(admin_client, "webhook_show", webhook)
        assert "503 busy" in text
        assert booking.number in text

    def test_one_is_shown_with_its_body_among_the_mails(
        self, admin_client: Client, office: Office, receiver: Inside
    ) -> None:
        webhook = make_webhook(receiver.url)
        booking = book(office, title="<b>Narada</b>")
        deliver_calls(NOW)
        call = webhook.calls.get()
        text = admin_client.get(reverse("notifications:mail_show", args=[call.pk])).content.decode()
        assert "&quot;type&quot;: &quot;session.booked&quot;" in text
        assert "<b>Narada" not in text
        listed = admin_client.get(reverse("notifications:mail_list")).content.decode()
        assert f"{Webhook.Event.BOOKED.label}: {booking.number}" in listed


def test_services_are_for_it_admins_alone(office: Office) -> None:
    webhook = make_webhook()
    for who in (office.manager, office.staff):
        with pytest.raises(services.NotAllowed):
            services.rotate(webhook, seen=1, by=who, now=NOW)
        with pytest.raises(services.NotAllowed):
            services.reveal(webhook, by=who)
        with pytest.raises(services.NotAllowed):
            services.create(TERMS, by=who, now=NOW)
        with pytest.raises(services.NotAllowed):
            services.switch(webhook, is_active=False, by=who)
        with pytest.raises(services.NotAllowed):
            services.delete(webhook, by=who)
        with pytest.raises(services.NotAllowed):
            services.attempt(webhook, by=who, now=NOW)


def test_a_name_that_somebody_else_takes_just_now_is_told_as_that(office: Office) -> None:
    first = services.create(TERMS, by=office.it_admin, now=NOW)
    with pytest.raises(services.NameTaken):
        services.create(TERMS, by=office.it_admin, now=NOW)
    other = make_webhook()
    with pytest.raises(services.NameTaken):
        services.change(other, TERMS, by=office.it_admin)
    assert services.change(first, TERMS, by=office.it_admin) == first
