"""The inbox of requests over HTTP: who answers what, the answer, and one's own requests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from bookings import services
from bookings.models import Approval, Booking
from bookings.rules import Participant
from rooms.models import Deputy
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office

LIST = "/wnioski/"


@pytest.fixture(autouse=True)
def monday_morning(office: Office) -> Iterator[None]:
    """Monday 9 November 2026, 8:30 in Warsaw; everybody reads English."""
    User.objects.update(language="en")
    with time_machine.travel(datetime(2026, 11, 9, 7, 30, tzinfo=UTC), tick=False):
        yield


def _ask(office: Office, *, hour: int = 10, title: str = "Rozmowy", who: User | None = None) -> Approval:
    """Ask for Koszykowa 3.01, which its managers give."""
    who = who or office.staff
    request = ask(who, office.room("KOS/3.01"), start=at(hour), title=title)
    return services.book(request, by=who, now=NOW).approvals.get()


def _text(response: Any) -> str:
    assert response.status_code in {200, 422}
    main = re.search(r"<main.*</main>", response.content.decode(), re.DOTALL)
    assert main
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main[0]))


def _answer(client: Client, approval: Approval, do: str, answer: str = "", **more: Any) -> Any:
    return client.post(reverse("approval_decide", args=[approval.pk]), {"do": do, "answer": answer}, **more)


def test_the_inbox_says_who_wants_what_when_and_why(office: Office, manager_client: Client) -> None:
    _ask(office)
    text = _text(manager_client.get(LIST))
    assert "1 request waits for you" in text
    assert "Anna Wrzesińska" in text
    assert "tel. 4412" in text
    assert "Tuesday, 24 November 2026, 10:00–11:00" in text
    assert "Gabinet narad 3.01 (Koszykowa)" in text
    assert "with the approval of a manager of the site" in text
    assert "expires" in text


def test_the_inbox_leads_to_the_board_of_the_day_and_counts_people(office: Office, manager_client: Client) -> None:
    guests = tuple(Participant(email=f"gosc{number}@gmina.example") for number in range(2))
    request = ask(office.staff, office.room("KOS/3.01"), title="Rozmowy", participants=guests, is_private=True)
    services.book(request, by=office.staff, now=NOW)
    page = manager_client.get(LIST)
    assert 'href="/tablica/2026-11-24/"' in page.content.decode()
    text = _text(page)
    assert "3 people" in text
    assert "closed session" in text


def test_requests_at_the_same_time_are_named(office: Office, manager_client: Client) -> None:
    _ask(office)
    request = ask(office.colleague, office.room("KOS/1.03"), title="Narada roczna")
    services.book(request, by=office.colleague, now=NOW)
    _ask(office, hour=14, title="Później")
    text = _text(manager_client.get(LIST))
    assert "Asked for at the same time “Narada roczna” (Hanna Sobczak), 10:00–11:00" in text
    assert "Asked for at the same time “Później”" not in text


def test_approving_books_and_thanks(office: Office, manager_client: Client) -> None:
    approval = _ask(office)
    assert "Approved." in _text(_answer(manager_client, approval, "approve", "Proszę bardzo.", follow=True))
    approval.refresh_from_db()
    assert (approval.state, approval.answer) == ("approved", "Proszę bardzo.")
    assert approval.booking.status == Booking.Status.CONFIRMED


def test_declining_needs_a_sentence_and_the_asker_reads_it(
    office: Office, manager_client: Client, staff_client: Client
) -> None:
    approval = _ask(office)
    response = _answer(manager_client, approval, "decline")
    assert response.status_code == 422
    assert "Say in a sentence why not" in _text(response)
    _answer(manager_client, approval, "decline", "Malujemy ściany.")
    assert "Malujemy ściany." in _text(staff_client.get(LIST))
    approval.booking.refresh_from_db()
    assert approval.booking.status == Booking.Status.CANCELLED


def test_a_long_answer_is_refused_and_kept(office: Office, manager_client: Client) -> None:
    approval = _ask(office)
    response = _answer(manager_client, approval, "approve", "ó" * 501)
    assert response.status_code == 422
    assert "501 characters" in _text(response)
    assert "ó" * 501 in response.content.decode()
    approval.refresh_from_db()
    assert approval.state == "pending"


@pytest.mark.parametrize("verb", ["", "x", "\0"])
def test_an_answer_without_a_verdict_decides_nothing(office: Office, manager_client: Client, verb: str) -> None:
    approval = _ask(office)
    response = _answer(manager_client, approval, verb, "Zobaczymy.")
    assert response.status_code == 422
    assert "whether you approve or decline" in _text(response)
    approval.refresh_from_db()
    assert approval.state == "pending"
    assert manager_client.post(f"/wnioski/{10**30}/odpowiedz/", {"do": "approve"}).status_code == 404


def test_answering_what_was_answered_says_so(office: Office, manager_client: Client) -> None:
    approval = _ask(office)
    _answer(manager_client, approval, "approve")
    assert "Somebody answered this request before you" in _text(
        _answer(manager_client, approval, "decline", "Nie.", follow=True)
    )


def test_deputies_answer_and_others_find_nothing_there(
    office: Office, staff_client: Client, colleague_client: Client, admin_client: Client
) -> None:
    approval = _ask(office)
    for client in (staff_client, colleague_client):
        assert _answer(client, approval, "approve").status_code == 404
    assert "waits for you" not in _text(colleague_client.get(LIST))
    assert "1 request waits for you" in _text(admin_client.get(LIST))
    Deputy.objects.create(
        manager=office.manager, deputy=office.colleague, valid_from=date(2026, 11, 1), valid_to=date(2026, 11, 30)
    )
    assert "1 request waits for you" in _text(colleague_client.get(LIST))
    assert _answer(colleague_client, approval, "approve").status_code == 302
    assert Client().get(LIST).url.startswith("/konto/")
    assert _answer(Client(), approval, "approve").url.startswith("/konto/")


def test_the_asker_sees_and_takes_back_their_own(office: Office, staff_client: Client, manager_client: Client) -> None:
    approval = _ask(office)
    text = _text(staff_client.get(LIST))
    assert "Rozmowy" in text
    assert "without an answer it ends" in text
    assert manager_client.post(reverse("approval_withdraw", args=[approval.pk])).status_code == 404
    address = reverse("approval_withdraw", args=[approval.pk])
    assert "The request is taken back." in _text(staff_client.post(address, follow=True))
    assert "The request was answered in the meantime." in _text(staff_client.post(address, follow=True))
    assert "Nothing to answer" in _text(manager_client.get(LIST))


def test_the_navigation_counts_what_waits_in_one_query(
    office: Office, manager_client: Client, staff_client: Client
) -> None:
    page = reverse("rules_show")
    manager_client.get(page)  # The first one prepares statements.
    with CaptureQueriesContext(connection) as nothing:
        assert "waits for you" not in manager_client.get(page).content.decode()
    _ask(office)
    _ask(office, hour=12)
    with CaptureQueriesContext(connection) as two:
        assert "2 wait for you" in manager_client.get(page).content.decode()
    assert len(nothing) == len(two)
    assert "wait for you" not in staff_client.get(page).content.decode()


def test_more_requests_cost_no_more_queries(office: Office, manager_client: Client, staff_client: Client) -> None:
    counts = []
    for client in (manager_client, staff_client):
        client.get(LIST)  # The first one prepares statements.
    for hours in ([8], [10, 12]):
        for hour in hours:
            _ask(office, hour=hour)
        for client in (manager_client, staff_client):
            with CaptureQueriesContext(connection) as queries:
                client.get(LIST)
            counts.append(len(queries))
    assert counts[:2] == counts[2:]


def test_a_request_whose_time_is_up_waits_no_longer(office: Office, manager_client: Client) -> None:
    approval = _ask(office)
    Approval.objects.filter(pk=approval.pk).update(expires_at=NOW + timedelta(minutes=1))
    assert "Nothing to answer" in _text(manager_client.get(LIST))
    assert _answer(manager_client, approval, "approve").status_code == 302
    approval.refresh_from_db()
    assert approval.state == "pending"
