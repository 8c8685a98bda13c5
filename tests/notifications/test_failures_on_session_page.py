"""The page of a session tells those who may change it which mails did not arrive, and what they can do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bookings import services
from bookings.models import Booking
from notifications.delivery import deliver_due
from notifications.models import Message
from tests.bookings.requests import NOW
from tests.factories import Office
from tests.notifications.outbox_rows import ANNA, MAZ, MIGRI, book, change, pretend
from tests.servers import MailServer

pytestmark = pytest.mark.django_db
COLLEAGUE = "hanna.sobczak@urzad.example"


@pytest.fixture(autouse=True)
def morning() -> Iterator[None]:
    """Tuesday 24 November 2026, 9:42 in Warsaw: the session starts at ten."""
    with time_machine.travel(datetime(2026, 11, 24, 8, 42, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def booking(office: Office) -> Booking:
    return book(office, MIGRI, MAZ, COLLEAGUE)


def html_of(client: Client, booking: Booking) -> str:
    response = client.get(reverse("booking_show", args=[booking.number]))
    assert response.status_code == 200
    return response.content.decode()


def text_of(client: Client, booking: Booking) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html_of(client, booking)))


def fail(recipient: str, words: str = "550 5.1.1 brak takiej skrzynki") -> None:
    pretend(recipient, state="failed", last_error=words)


def test_a_refused_invitation_is_told_with_the_words_of_the_server(
    booking: Booking, staff_client: Client, smtp: MailServer
) -> None:
    smtp.script = lambda stage, to: "550 5.1.1 brak takiej skrzynki" if (stage, to) == ("rcpt", MAZ) else None
    deliver_due(NOW)
    html, text = html_of(staff_client, booking), text_of(staff_client, booking)
    assert "Jedno zaproszenie nie doszło" in text
    assert f"Skrzynka {MAZ} odrzuciła wiadomość: „brak takiej skrzynki” (550 5.1.1)." in text
    assert "Popraw adres i wyślij ponownie." in text
    guest = booking.attendees.get(email=MAZ)
    assert f'href="{reverse("attendee_address", args=[booking.number, guest.pk])}"' in html


def test_sending_again_is_one_click_and_takes_the_notice_away(booking: Booking, staff_client: Client) -> None:
    fail(MAZ)
    attendee = booking.attendees.get(email=MAZ)
    address = reverse("attendee_invite_again", args=[booking.number, attendee.pk])
    notice = re.search(r'<ul class="failures">.*?</ul>', html_of(staff_client, booking), re.S)[0]
    assert f'action="{address}"' in notice
    assert f'aria-label="Wyślij ponownie do {MAZ}"' in notice
    staff_client.post(address)
    assert "nie doszło" not in text_of(staff_client, booking)
    assert Message.objects.filter(recipient=MAZ).latest("pk").state == "queued"


def test_another_address_takes_the_notice_away(booking: Booking, office: Office, staff_client: Client) -> None:
    fail(MAZ)
    change(office, booking, MIGRI, COLLEAGUE, "sekretariat@mazowiecki.example")
    assert "nie doszło" not in text_of(staff_client, booking)


def test_several_failures_are_counted_and_named(booking: Booking, office: Office, staff_client: Client) -> None:
    fail(MAZ)
    fail(MIGRI, "552 5.2.2 mailbox full")
    assert "2 zaproszenia nie doszły" in text_of(staff_client, booking)
    Message.objects.filter(recipient=MIGRI).update(kind="update")
    text = text_of(staff_client, booking)
    assert "2 wiadomości nie doszły" in text
    assert f"Skrzynka {MIGRI} odrzuciła wiadomość: „mailbox full” (552 5.2.2)." in text


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ("550 <script>alert(1)</script>", "„&lt;script&gt;alert(1)&lt;/script&gt;” (550)."),
        ("550-5.7.1 \"'><img src=x onerror=alert(1)>", "„5.7.1 &quot;&#x27;&gt;&lt;img src=x onerror=alert(1)&gt;”"),
        (
            "554 5.7.1 %(recipient)s {{ booking.uid }} {% now %}",
            "„%(recipient)s {{ booking.uid }} {% now %}” (554 5.7.1)",
        ),
        ("550 " + "x" * 900, "„" + "x" * 159 + "…” (550)."),
    ],
)
def test_hostile_words_are_words(booking: Booking, staff_client: Client, answer: str, shown: str) -> None:
    fail(MAZ, answer)
    assert shown in html_of(staff_client, booking)


@pytest.mark.parametrize("words", ["[Errno 111] Connection refused", "KeyError: 'zone'", "550"])
def test_words_of_the_system_are_not_shown(booking: Booking, staff_client: Client, words: str) -> None:
    fail(MAZ, words)
    text = text_of(staff_client, booking)
    assert f"Wiadomość do {MAZ} nie wyszła z urzędu. Powód widzą informatycy" in text
    assert "Errno" not in text
    assert "KeyError" not in text


def test_others_see_the_state_alone(booking: Booking, manager_client: Client, colleague_client: Client) -> None:
    fail(MAZ)
    assert "Jedno zaproszenie nie doszło" in text_of(manager_client, booking)
    seen = text_of(colleague_client, booking)
    assert "nie doręczono" in seen
    assert "nie doszło" not in seen
    assert "brak takiej skrzynki" not in seen


def test_a_cancellation_that_did_not_arrive_is_told_without_buttons(
    booking: Booking, office: Office, staff_client: Client
) -> None:
    pretend(MAZ, state="sent")
    services.cancel(booking, by=office.staff, now=NOW, reason="choroba")
    fail(MAZ)
    html, text = html_of(staff_client, booking), text_of(staff_client, booking)
    assert "Jedna wiadomość nie doszła" in text
    assert "Zawiadom te osoby inaczej" in text
    assert "Wyślij ponownie" not in text
    assert reverse("booking_edit", args=[booking.number]) not in html


def test_after_the_session_nothing_is_left_to_do(booking: Booking, staff_client: Client) -> None:
    fail(MAZ)
    with time_machine.travel(datetime(2026, 11, 24, 12, tzinfo=UTC), tick=False):
        assert "nie doszło" not in text_of(staff_client, booking)


def test_one_failure_costs_as_many_queries_as_four(booking: Booking, staff_client: Client) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            html_of(staff_client, booking)
        return len(queries)

    none = cost()
    fail(MAZ)
    one = cost()
    for recipient in (ANNA, MIGRI, COLLEAGUE):
        fail(recipient)
    assert (none, one) == (cost(), cost())
