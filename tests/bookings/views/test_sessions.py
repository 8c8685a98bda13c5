"""My sessions and the page of one session over HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bookings import services
from bookings.models import Booking, BookingEvent
from bookings.rules import Participant
from notifications.models import Message
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office


@pytest.fixture(autouse=True)
def tuesday_morning() -> Iterator[time_machine.Traveller]:
    """Tuesday 24 November 2026, 10:42 in Warsaw."""
    with time_machine.travel(datetime(2026, 11, 24, 9, 42, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def booking(office: Office) -> Booking:
    """From 11:00 in three rooms, with Migri, the Mazowiecki office and a colleague."""
    rooms = [office.room("KOS/2.14"), office.room("TAB/A"), office.room("BIA/5")]
    people = (
        Participant(contact_id=office.migri.pk),
        Participant(contact_id=office.contacts["MAZ"].pk),
        Participant(user_id=office.colleague.pk),
    )
    request = ask(
        office.staff, *rooms, start=at(11), minutes=90, participants=people, description="Program:\n1. <b>Pisma</b>"
    )
    return services.book(request, by=office.staff, now=NOW)


def _page(client: Client, booking: Booking) -> str:
    response = client.get(reverse("booking_show", args=[booking.number]))
    assert response.status_code == 200
    return response.content.decode()


def _text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_the_page_says_when_where_and_who(booking: Booking, staff_client: Client) -> None:
    html = _page(staff_client, booking)
    text = _text(html)
    assert "za 18 minut" in text
    assert "wtorek, 24 listopada 2026, 11:00–12:30" in text
    assert "Sale, 3" in text
    assert "Taborowa 33, parter" in text
    assert "Uczestnicy, 4" in text
    assert "Anna Wrzesińska, prowadzi" in text
    assert booking.number in text
    assert "&lt;b&gt;Pisma&lt;/b&gt;" in html
    assert '<ol class="roomlist th-1">' in html
    assert 'href="/tablica/2026-11-24/"' in html


def test_days_until_the_session_are_those_of_the_calendar(
    booking: Booking, staff_client: Client, tuesday_morning: time_machine.Traveller
) -> None:
    """On Saturday evening Tuesday is three days away, and 62 hours."""
    tuesday_morning.move_to(datetime(2026, 11, 21, 20, tzinfo=UTC))
    assert "za 3 dni" in _text(_page(staff_client, booking))


def test_only_those_who_may_change_it_get_the_buttons(
    booking: Booking, staff_client: Client, manager_client: Client, colleague_client: Client
) -> None:
    addresses = [reverse("booking_edit", args=[booking.number]), reverse("booking_cancel", args=[booking.number])]
    for client, expected in ((staff_client, True), (manager_client, True), (colleague_client, False)):
        html = _page(client, booking)
        assert [f'href="{address}"' in html for address in addresses] == [expected, expected]


def test_another_persons_session_is_not_there(office: Office, colleague_client: Client) -> None:
    other = services.book(ask(office.staff, office.room("TAB/B")), by=office.staff, now=NOW)
    assert colleague_client.get(reverse("booking_show", args=[other.number])).status_code == 404
    assert colleague_client.get(reverse("my_sessions")).content.decode().count(other.number) == 0


def test_a_participant_gets_their_own_link_and_nobody_elses(
    booking: Booking, office: Office, staff_client: Client, colleague_client: Client, manager_client: Client
) -> None:
    def links(client: Client) -> set[str]:
        return set(re.findall(r'data-copy="([^"]+)"', _page(client, booking)))

    mine, colleagues, managers = links(staff_client), links(colleague_client), links(manager_client)
    assert len(mine) == len(colleagues) == 1
    assert mine != colleagues
    # The manager of the site is not invited: there is no way in to show.
    assert managers == set()


def test_the_way_in_is_a_button_only_while_the_door_is_open(
    booking: Booking, colleague_client: Client, tuesday_morning: time_machine.Traveller, settings: object
) -> None:
    for name, value in (
        ("JITSI_URL", "https://meet.urzad.example"),
        ("JITSI_APP_ID", "narada"),
        ("JITSI_SUBJECT", "meet.urzad.example"),
    ):
        setattr(settings, name, value)
    early = _page(colleague_client, booking)
    assert "Wejście otworzymy: dziś 10:45." in _text(early)
    assert "btn--block" not in early
    tuesday_morning.move_to(datetime(2026, 11, 24, 9, 45, tzinfo=UTC))
    assert re.search(
        r'<a class="btn btn--primary btn--lg btn--block" href="http[^"]+/d/[^"]+">', _page(colleague_client, booking)
    )
    tuesday_morning.move_to(datetime(2026, 11, 24, 11, 50, tzinfo=UTC))
    assert "joincard" not in _page(colleague_client, booking)


def test_without_a_conference_server_the_page_says_so(booking: Booking, staff_client: Client) -> None:
    assert "Serwer wideokonferencji nie jest ustawiony" in _page(staff_client, booking)


def test_delivery_states_stand_beside_each_participant(booking: Booking, staff_client: Client) -> None:
    sent, failed, *_others = Message.objects.filter(booking=booking).order_by("pk")
    Message.objects.filter(pk=sent.pk).update(
        state="sent", sent_at=NOW + timedelta(minutes=1), raw=b"x", may_have_arrived=True
    )
    Message.objects.filter(pk=failed.pk).update(state="failed", last_error="550 5.1.1 brak takiej skrzynki")
    text = _text(_page(staff_client, booking))
    assert text.count("czeka na wysłanie") == Message.objects.filter(booking=booking).count() - 2
    assert "nie doręczono" in text
    assert f"Skrzynka {failed.recipient} odrzuciła wiadomość: „brak takiej skrzynki” (550 5.1.1)." in text
    assert "Wysłano 1 zaproszenie." in text


def test_history_tells_every_kind_of_change(booking: Booking, office: Office, staff_client: Client) -> None:
    rooms = [office.room("KOS/2.14"), office.room("TAB/B")]
    changes = [
        ask(office.staff, *rooms, start=at(13), minutes=90, title="Nowy tytuł", is_private=True, description="x"),
        ask(office.staff, *reversed(rooms), start=at(13), minutes=90, title="Nowy tytuł"),
    ]
    for request in changes:
        booking = services.change(booking, request, by=office.staff, now=NOW, version=booking.version)
    organizer = booking.attendees.get(is_organizer=True)
    services.invite_again(organizer, by=office.staff, now=NOW)
    services.cancel(booking, by=office.staff, now=NOW, reason="choroba")
    text = _text(_page(staff_client, booking))
    for line in (
        "Zarezerwowano.",
        "Przeniesiono z wt. 24 listopada, 11:00–12:30 na wt. 24 listopada, 13:00–14:30.",
        "Dodano salę: Sala wideo B. Zwolniono salę: Sala wideo A, Sala wideo 5.",
        "Zmieniono kolejność sal: Sala wideo B, Sala wideo 2.14.",
        "Cofnięto zaproszenie: ",
        "Zmieniono tytuł z „Konsultacje z Mazowieckim UW” na „Nowy tytuł”. Zmieniono opis. Od teraz sesja niejawna.",
        "Sesja przestała być niejawna.",
        "Wysłano zaproszenie ponownie: Anna Wrzesińska.",
        "Odwołano: „choroba”.",
    ):
        assert line in text
    kinds = {
        "booked",
        "moved",
        "rooms_changed",
        "participants_changed",
        "details_changed",
        "invited_again",
        "cancelled",
    }
    assert set(BookingEvent.objects.values_list("kind", flat=True)) == kinds


def test_a_cancelled_session_says_so_and_offers_nothing(booking: Booking, office: Office, staff_client: Client) -> None:
    services.cancel(booking, by=office.staff, now=NOW, reason="choroba")
    html = _page(staff_client, booking)
    assert "Ta sesja jest odwołana" in html
    assert "joincard" not in html
    assert reverse("booking_cancel", args=[booking.number]) not in html


def test_times_are_told_in_the_readers_zone_with_the_office_beside(
    booking: Booking, office: Office, colleague_client: Client
) -> None:
    office.colleague.time_zone = "Europe/London"
    office.colleague.save()
    text = _text(_page(colleague_client, booking))
    assert "wtorek, 24 listopada 2026, 10:00–11:30" in text
    assert "11:00–12:30 czas polski (UTC+1)" in text


def test_an_invitation_is_sent_again_and_a_new_link_kills_the_old(
    booking: Booking, office: Office, staff_client: Client
) -> None:
    attendee = booking.attendees.get(contact=office.migri)
    address = reverse("attendee_invite_again", args=[booking.number, attendee.pk])
    response = staff_client.post(address, follow=True)
    assert f"Zaproszenie jest znów w drodze: {attendee.label}." in response.content.decode()
    assert Message.objects.filter(attendee=attendee).exclude(state="superseded").count() == 1
    key = attendee.join_key
    staff_client.post(address, {"new_link": "yes"})
    attendee.refresh_from_db()
    assert attendee.join_key != key
    assert staff_client.get(address).status_code == 405


def test_invited_colleagues_and_strangers_send_nothing(
    booking: Booking, office: Office, colleague_client: Client
) -> None:
    attendee = booking.attendees.get(contact=office.migri)
    before = Message.objects.count()
    address = reverse("attendee_invite_again", args=[booking.number, attendee.pk])
    html = colleague_client.post(address, follow=True).content.decode()
    assert "Zaproszenia wysyła osoba prowadząca albo kierownik lokalizacji." in html
    stranger = Client()
    stranger.force_login(office.newcomer)
    assert stranger.post(address).status_code == 404
    assert Message.objects.count() == before


def test_my_sessions_are_those_to_come_by_day_and_the_past_apart(
    office: Office, staff_client: Client, tuesday_morning: time_machine.Traveller
) -> None:
    room = office.room("TAB/A")
    for title, start in (
        ("Dawna", at(9, day=datetime(2026, 11, 23))),
        ("Trwająca", at(10)),
        ("Jutrzejsza", at(9, day=datetime(2026, 11, 25))),
    ):
        services.book(ask(office.staff, room, start=start, title=title), by=office.staff, now=NOW)
    to_come = _text(staff_client.get(reverse("my_sessions")).content.decode())
    assert "Dawna" not in to_come
    assert re.search(
        r"wtorek, 24 listopada 2026 dziś .*Trwająca .*trwa .*środa, 25 listopada 2026 jutro .*Jutrzejsza", to_come
    )
    past = _text(staff_client.get(reverse("my_sessions"), {"past": ""}).content.decode())
    assert "Dawna" in past
    assert "Trwająca" not in past


def test_an_empty_list_offers_the_first_booking(office: Office, staff_client: Client) -> None:
    html = staff_client.get(reverse("my_sessions")).content.decode()
    assert "Nie masz jeszcze żadnej sesji" in html
    assert f'href="{reverse("booking_new")}"' in html


def test_long_lists_have_pages(office: Office, staff_client: Client) -> None:
    room = office.room("TAB/A")
    for number in range(21):
        start = at(7) + timedelta(days=7 * (number // 10), minutes=60 * (number % 10))
        services.book(ask(office.staff, room, start=start + timedelta(days=7)), by=office.staff, now=NOW)
    first = staff_client.get(reverse("my_sessions")).content.decode()
    assert "Strona 1" in first
    assert first.count("agenda__main") == 20
    second = staff_client.get(reverse("my_sessions") + "?page=2").content.decode()
    assert second.count("agenda__main") == 1


@pytest.mark.parametrize("name", ["my_sessions", "booking_show"])
def test_one_and_three_take_the_same_queries(office: Office, staff_client: Client, name: str) -> None:
    def count(args: list[str]) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert staff_client.get(reverse(name, args=args)).status_code == 200
        return len(queries)

    def book(hour: int, *rooms: str, people: int) -> Booking:
        contacts = list(office.contacts.values())[:people]
        request = ask(
            office.staff,
            *(office.room(code) for code in rooms),
            start=at(hour),
            participants=tuple(Participant(contact_id=contact.pk) for contact in contacts),
        )
        return services.book(request, by=office.staff, now=NOW)

    one = book(12, "TAB/A", people=1)
    few = count([one.number] if name == "booking_show" else [])
    many = book(14, "TAB/A", "KOS/2.14", "BIA/5", people=12)
    book(16, "TAB/A", people=2)
    assert count([many.number] if name == "booking_show" else []) == few
