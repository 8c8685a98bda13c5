"""The list of people on the page of a session: filters, how many are shown, addresses that are corrected, and steps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from bookings import services
from bookings.models import Booking
from bookings.rules import Participant
from integrations.jitsi.links import join_url
from notifications.models import Message
from tests.bookings.answering import MAZ, answer, guest
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office

ENGLISH = {"headers": {"accept-language": "en"}}
NEW = "kancelaria@mazowiecki.example"


@pytest.fixture(autouse=True)
def tuesday_morning() -> Iterator[time_machine.Traveller]:
    """Tuesday 24 November 2026, 10:42 in Warsaw."""
    with time_machine.travel(datetime(2026, 11, 24, 9, 42, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def everybody_reads_english(office: Office) -> None:
    for user in (office.staff, office.colleague, office.it_admin):
        user.language = "en"
        user.save()


def book(office: Office, people: int = 16, **fields: object) -> Booking:
    """Book a session at 11:00 with so many offices, a colleague, and the Mazowiecki office first."""
    contacts = sorted(office.voivodeships.contacts.all(), key=lambda contact: contact.email != MAZ)[:people]
    participants = (*(Participant(contact_id=item.pk) for item in contacts), Participant(user_id=office.colleague.pk))
    request = ask(office.staff, office.room("KOS/2.14"), start=at(11), participants=participants, **fields)
    return services.book(request, by=office.staff, now=NOW)


def page(client: Client, booking: Booking, query: str = "") -> str:
    response = client.get(reverse("booking_show", args=[booking.number]) + query, **ENGLISH)
    assert response.status_code == 200
    return response.content.decode()


def text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def shown(html: str) -> list[str]:
    """Return the names that are not filtered out."""
    return re.findall(r'<li data-answer="\w+">\s*<div><strong>(.*?)(?:,[^<]*)?</strong>', html)


def chips(html: str) -> list[tuple[str, str, bool]]:
    found = re.findall(r'<a class="chip" href="([^"]+)"[^>]*?( aria-current="true")?>([^<]+)</a>', html)
    return [(words, href, bool(current)) for href, current, words in found]


def test_six_come_first_and_the_rest_is_folded(office: Office, staff_client: Client) -> None:
    html = page(staff_client, book(office))
    first, _fold, rest = html.partition('<details class="people__more"')
    assert (len(shown(first)), len(shown(rest))) == (6, 12)
    assert "Show 12 more people" in text(rest)
    assert "people__more" not in page(staff_client, few(office))


def few(office: Office) -> Booking:
    """Book one with eight people: nobody is folded away."""
    contacts = list(office.voivodeships.contacts.order_by("pk"))[:7]
    people = tuple(Participant(contact_id=contact.pk) for contact in contacts)
    request = ask(office.staff, office.room("TAB/A"), start=at(13), participants=people)
    return services.book(request, by=office.staff, now=NOW)


def test_filters_count_and_find_by_answer_without_script(office: Office, staff_client: Client) -> None:
    booking = book(office, people=3)
    answer(guest(booking), "DECLINED")
    html = page(staff_client, booking)
    assert chips(html) == [
        ("all 5", "?osoby=#people", True),
        ("accepted 1", "?osoby=tak#people", False),
        ("no answer 3", "?osoby=brak#people", False),
        ("declined 1", "?osoby=nie#people", False),
    ]
    declined = page(staff_client, booking, "?osoby=nie")
    assert shown(declined) == ["Mazowiecki Urząd Wojewódzki"]
    assert [words for words, _href, is_on in chips(declined) if is_on] == ["declined 1"]
    for nothing in ("?osoby=moze", "?osoby=%00", "?osoby=x"):
        assert len(shown(page(staff_client, booking, nothing))) == 5


def test_the_steps_say_how_many_mails_left_and_who_accepted(
    office: Office, staff_client: Client, tuesday_morning: time_machine.Traveller
) -> None:
    booking = book(office, people=2)
    strip = text(re.search(r'<ol class="steps">.*?</ol>', page(staff_client, booking), re.S)[0])
    assert "Invitations are being sent 0 of 4 1 of 4 has accepted 3 without an answer" in strip
    sent = {"state": "sent", "raw": b"x", "may_have_arrived": True}
    Message.objects.update(**sent, sent_at=NOW + timedelta(minutes=1))
    html = page(staff_client, booking)
    assert "Invitations sent 9.11, 8:01, 4 of 4" in text(html)
    assert re.findall(r'aria-current="step"[^>]*>.*?<strong>(.*?)</strong>', html, re.S) == ["1 of 4 has accepted"]
    tuesday_morning.move_to(datetime(2026, 11, 24, 10, 15, tzinfo=UTC))
    live = page(staff_client, booking)
    assert re.findall(r'aria-current="step"[^>]*>.*?<strong>(.*?)</strong>', live, re.S) == ["End"]


def test_steps_of_a_cancelled_session_end_with_what_was_sent(office: Office, staff_client: Client) -> None:
    booking = book(office, people=2)
    Message.objects.update(state="sent", raw=b"x", may_have_arrived=True, sent_at=NOW)
    services.cancel(booking, by=office.staff, now=NOW, reason="choroba")
    strip = re.search(r'<ol class="steps">.*?</ol>', page(staff_client, booking), re.S)[0]
    assert re.findall(r"<strong>\s*(.*?)\s*</strong>", strip, re.S)[:2] == ["Booked", "Cancelled"]
    assert "accepted" not in strip


def test_the_facts_say_how_many_licences_are_in_use(office: Office, staff_client: Client) -> None:
    booking = book(office, people=1)
    services.book(ask(office.staff, office.room("TAB/B"), start=at(11, 30)), by=office.staff, now=NOW)
    services.book(ask(office.staff, office.room("TAB/A"), start=at(12)), by=office.staff, now=NOW)
    assert "2 of 10 in use" in text(page(staff_client, booking))


def test_an_address_is_corrected_on_a_page_of_its_own(office: Office, staff_client: Client) -> None:
    booking = book(office, people=1)
    Message.objects.filter(recipient=MAZ).update(state="failed", last_error="550 5.1.1 no such user")
    address = reverse("attendee_address", args=[booking.number, guest(booking).pk])
    html = page(staff_client, booking)
    assert f'href="{address}"' in html
    assert "Mail: the address wideo@… was refused (550 5.1.1)." in text(html)
    assert f'value="{MAZ}"' in staff_client.get(address, **ENGLISH).content.decode()
    wrong = staff_client.post(address, {"email": "kancelaria@"}, **ENGLISH)
    assert wrong.status_code == 422
    assert "“kancelaria@” is no address that mail can be sent to." in wrong.content.decode()
    assert 'value="kancelaria@"' in wrong.content.decode()
    same = staff_client.post(address, {"email": MAZ}, **ENGLISH).content.decode()
    assert "This is the address as it was." in same
    done = staff_client.post(address, {"email": NEW}, follow=True, **ENGLISH).content.decode()
    assert f"The invitation goes to {NEW}, and the old link is dead." in done
    assert "Address corrected: Mazowiecki Urząd Wojewódzki." in text(done)
    assert "did not arrive" not in text(done)
    again = staff_client.post(address, {"email": "x@y.example"}, follow=True, **ENGLISH).content.decode()
    assert "This address was corrected meanwhile" in again


def test_it_admins_are_offered_the_address_book(office: Office, admin_client: Client, staff_client: Client) -> None:
    booking = book(office, people=1)
    address = reverse("attendee_address", args=[booking.number, guest(booking).pk])
    assert 'name="in_contacts"' not in staff_client.get(address).content.decode()
    assert 'name="in_contacts"' in admin_client.get(address).content.decode()
    taken = admin_client.post(address, {"email": office.contacts["LUB"].email, "in_contacts": "on"}, **ENGLISH)
    assert "Another contact has this address." in taken.content.decode()
    admin_client.post(address, {"email": NEW, "in_contacts": "on"})
    assert guest(booking, NEW).contact == office.contacts["MAZ"]


def test_who_may_only_see_the_session_corrects_no_address_and_gets_no_link(
    office: Office, staff_client: Client, colleague_client: Client
) -> None:
    booking = book(office, people=1)
    Message.objects.filter(recipient=MAZ).update(state="failed", last_error="550 5.1.1 no such user")
    attendee, link = guest(booking), join_url(guest(booking))
    address = reverse("attendee_address", args=[booking.number, attendee.pk])
    assert link in page(staff_client, booking)
    seen = page(colleague_client, booking)
    assert link not in seen
    assert address not in seen
    assert "550 5.1.1" not in seen
    assert colleague_client.get(address).status_code == 403
    assert colleague_client.post(address, {"email": NEW}).status_code == 403
    stranger = Client()
    stranger.force_login(office.newcomer)
    assert stranger.post(address, {"email": NEW}).status_code == 404
    assert guest(booking).email == MAZ


def test_a_link_of_somebody_with_an_account_is_shown_to_nobody_else(office: Office, staff_client: Client) -> None:
    booking = book(office, people=1)
    colleague = guest(booking, office.colleague.email)
    Message.objects.filter(attendee=colleague).update(state="failed", last_error="550 5.1.1 no such user")
    html = page(staff_client, booking)
    assert "did not arrive" in html
    assert join_url(colleague) not in html
    address = reverse("attendee_address", args=[booking.number, colleague.pk])
    assert address not in html
    assert staff_client.get(address).status_code == 404


def test_equal_answers_in_a_row_are_one_line_and_a_proposal_says_when(office: Office, staff_client: Client) -> None:
    booking = book(office, people=5)
    for attendee in booking.attendees.filter(contact__isnull=False).order_by("pk"):
        answer(attendee, "ACCEPTED")
    history = text(page(staff_client, booking).partition('id="history"')[2])
    assert re.search(r"Accepted: [^.]+ and 2 more\.", history)
    assert history.count("Urząd Wojewódzki: coming") == 0
