"""All mail at the desk of IT admins, and what was sent about one session on its own page."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from bookings.models import Booking
from notifications import queries
from notifications.models import Message
from notifications.queries import MailFilter, read_mails
from tests.bookings.requests import at
from tests.factories import Office
from tests.notifications.outbox_rows import ANNA, MAZ, MIGRI, book, pretend

pytestmark = pytest.mark.django_db
GUESTS = [f"gosc{number}@example.org" for number in range(60)]


def mails(client: Client, **query: str) -> str:
    response = client.get(reverse("notifications:mail_list"), query)
    assert response.status_code == 200
    return response.content.decode()


def keys(html: str) -> list[int]:
    return [int(key) for key in re.findall(r'<th scope="row"><a href="/poczta/(\d+)/"', html)]


def link(html: str) -> str:
    found = re.search(r'rel="next" href="([^"]+)"', html)
    assert found, "no way to older mails"
    return found[1].replace("&amp;", "&")


def test_older_mails_follow_without_gap_or_repeat(office: Office, admin_client: Client) -> None:
    book(office, *GUESTS)
    first = mails(admin_client, kind="invitation")
    second = admin_client.get(reverse("notifications:mail_list") + link(first)).content.decode()
    assert len(keys(first)) == 50
    assert [*keys(first), *keys(second)] == list(Message.objects.order_by("-pk").values_list("pk", flat=True))
    assert 'rel="next"' not in second


def test_a_page_looks_through_a_part_of_history_and_says_so(office: Office) -> None:
    book(office, *GUESTS)
    pretend(ANNA, state="superseded")
    wanted = MailFilter(state="superseded")
    page = read_mails(office.it_admin, wanted, window=20)
    assert (list(page.rows), page.is_cut) == ([], True)
    found: list[str] = []
    looks = 0
    while page.older is not None:
        page = read_mails(office.it_admin, wanted, before=page.older, window=20)
        found += [row.recipient for row in page.rows]
        looks += 1
    assert (found, looks) == ([ANNA], 3)


@pytest.mark.parametrize("state", ["failed", MailFilter.WAITING, MailFilter.DOUBTED])
def test_what_needs_looking_at_is_found_in_all_of_history(office: Office, state: str) -> None:
    book(office, *GUESTS)
    rest = Message.objects.exclude(recipient=ANNA)
    rest.update(state="superseded")
    changes = {"failed": {"state": "failed", "last_error": "550"}, MailFilter.DOUBTED: {"doubts": 1}}
    pretend(ANNA, **changes.get(state, {}))
    page = read_mails(office.it_admin, MailFilter(state=state), window=5)
    assert [row.recipient for row in page.rows] == [ANNA]


def test_finding_mails_reads_no_more_than_a_page_or_the_window(office: Office) -> None:
    book(office, *GUESTS)
    with CaptureQueriesContext(connection) as asked:
        read_mails(office.it_admin, MailFilter(search="gosc"))
    assert not any("count(" in query["sql"].lower() for query in asked)
    assert len(asked) <= 3


def test_what_may_have_arrived_twice_says_so(office: Office, admin_client: Client) -> None:
    book(office, MIGRI)
    pretend(MIGRI, doubts=2)
    assert [Message.objects.get(pk=key).recipient for key in keys(mails(admin_client, state="doubted"))] == [MIGRI]
    shown = admin_client.get(reverse("notifications:mail_show", args=[Message.objects.get(recipient=MIGRI).pk]))
    admin_client.cookies["django_language"] = "en"
    assert "2" in mails(admin_client, state="doubted")
    assert shown.status_code == 200


@pytest.mark.parametrize("before", ["x", "-1", "0", "9" * 40, "١"])
def test_an_odd_place_in_the_address_is_no_error(office: Office, admin_client: Client, before: str) -> None:
    book(office)
    assert admin_client.get(reverse("notifications:mail_list"), {"przed": before}).status_code == 200


def test_all_that_was_given_up_is_sent_again_by_one_button(office: Office, admin_client: Client) -> None:
    book(office, MIGRI, MAZ)
    for recipient in (ANNA, MIGRI, MAZ):
        pretend(recipient, state="failed", last_error="451 later", attempts=3, raw=b"x", message_id="<x@y>")
    html = mails(admin_client, state="failed", search="mig")
    assert f'action="{reverse("notifications:mails_again")}"' in html
    assert reverse("notifications:mails_again") not in mails(admin_client)

    response = admin_client.post(reverse("notifications:mails_again"), {"state": "failed", "search": "mig"})
    assert response["Location"] == reverse("notifications:mail_list") + "?search=mig&state=failed"
    states = dict(Message.objects.values_list("recipient", "state"))
    assert states == {ANNA: "failed", MIGRI: "queued", MAZ: "failed"}


def test_sending_all_again_is_for_it_admins(office: Office, staff_client: Client, manager_client: Client) -> None:
    book(office)
    pretend(ANNA, state="failed", last_error="550")
    for client in (staff_client, manager_client):
        assert client.post(reverse("notifications:mails_again"), {"state": "failed"}).status_code == 404
    assert admin_get_is_refused(staff_client)
    assert Message.objects.get().state == "failed"


def admin_get_is_refused(client: Client) -> bool:
    return client.get(reverse("notifications:mails_again")).status_code in {404, 405}


def session_page(client: Client, booking: Booking) -> str:
    return client.get(reverse("booking_show", args=[booking.number])).content.decode()


def test_every_mail_about_a_session_is_on_its_page(office: Office, staff_client: Client) -> None:
    booking = book(office, MIGRI)
    pretend(ANNA, state="failed", last_error="[Errno 111] Connection refused")
    pretend(MIGRI, state="failed", last_error="550 5.1.1 no such user")
    html = session_page(staff_client, booking)
    assert "no such user" in html
    # What the worker says of itself is for IT admins.
    assert "Errno 111" not in html
    assert html.count("data-label") >= 2


def test_the_rest_of_the_mails_about_a_session_is_a_page_of_its_own(office: Office, staff_client: Client) -> None:
    booking = book(office, *GUESTS)
    address = reverse("notifications:session_mails", args=[booking.number])
    assert address in session_page(staff_client, booking)
    first = staff_client.get(address).content.decode()
    second = staff_client.get(address + link(first)).content.decode()
    names = re.findall(r'<th scope="row">([^<]+@[^<]+)</th>', first + second)
    assert sorted(names) == sorted(Message.objects.values_list("recipient", flat=True))


def test_mails_about_a_session_are_for_who_may_change_it(
    office: Office, admin_client: Client, manager_client: Client, staff_client: Client, client: Client
) -> None:
    booking = book(office, MIGRI)
    address = reverse("notifications:session_mails", args=[booking.number])
    for who in (admin_client, manager_client, staff_client):
        assert who.get(address).status_code == 200
    assert client.get(address).status_code == 302
    colleague = User.objects.create_user("obcy@urzad.example", "x" * 12, name="Obcy")
    client.force_login(colleague)
    assert client.get(address).status_code == 404
    booking.attendees.create(
        user=colleague,
        name="Obcy",
        email=colleague.email,
        language="pl",
        time_zone="Europe/Warsaw",
        invited_at=booking.created_at,
    )
    # Invited, one may look at the session, and not at what others were sent.
    assert client.get(address).status_code == 404


def test_the_session_page_asks_as_much_for_one_mail_as_for_many(office: Office, staff_client: Client) -> None:
    one, many = book(office), book(office, start=at(12))
    for number in range(30):
        Message.objects.create(
            kind="notice",
            booking=many,
            user=office.staff,
            topic="answered_no",
            data={"answer": number},
            recipient=office.staff.email,
            due_at=many.created_at,
            give_up_at=many.created_at,
            created_at=many.created_at,
        )
    session_page(staff_client, one)
    with CaptureQueriesContext(connection) as for_one:
        session_page(staff_client, one)
    with CaptureQueriesContext(connection) as for_many:
        session_page(staff_client, many)
    assert len(for_one) == len(for_many)
    assert queries.ON_SESSION_PAGE < 30
