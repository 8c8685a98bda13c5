"""Quick booking from the day board: what the popover says, what it books, how it is taken back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from bookings import services
from bookings.models import Booking
from bookings.rules import Participant
from notifications.models import Message
from rooms.models import Room
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office

SHOW, BOOK = "/rezerwacja/szybka/", "/rezerwacja/szybka/zapis/"
FETCHED = {"X-Requested-With": "fetch"}


@pytest.fixture(autouse=True)
def monday_morning() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def room(office: Office) -> Room:
    return office.room("KOS/2.16")


def show(client: Client, at_room: Room, **changed: Any) -> Any:
    query = {"room": at_room.pk, "day": "2026-11-24", "start": "11:30", **changed}
    return client.get(SHOW, query, headers=FETCHED)


def send(client: Client, room: Room, **changed: Any) -> Any:
    """Press "Book" in the popover as it was opened."""
    context = show(client, room).context
    sent = {
        "submission": context["asked"].submission,
        "rooms": room.pk,
        "day": "2026-11-24",
        "start": "11:30",
        "end": "12:30",
        "length": 60,
        "title": "Rozmowa",
        "guest_language": "pl",
        **changed,
    }
    return client.post(BOOK, sent, headers=FETCHED)


def lengths(response: Any) -> list[tuple[int, str]]:
    return [(item.minutes, item.reason) for item in response.context["lengths"]]


def chosen(response: Any) -> list[int]:
    return [item.minutes for item in response.context["lengths"] if item.is_chosen]


# --- what the popover says ---


def test_popover_names_room_time_and_licences(staff_client, office, room):
    services.book(ask(office.manager, office.room("TAB/A"), start=at(11, 30)), by=office.manager, now=NOW)
    response = show(staff_client, room)
    context = response.context
    assert context["when_words"] == "11:30–12:30, wt. 24 listopada"
    assert lengths(response) == [(30, ""), (60, ""), (90, ""), (120, "")]
    assert (context["licence"].kind, context["licence"].note) == ("ok", "1 z 10 w użyciu")
    assert context["is_free"]
    assert room.name in response.content.decode()


def test_lengths_that_do_not_fit_are_off_with_the_reason(staff_client, office, room):
    services.book(ask(office.manager, room, start=at(12, 30)), by=office.manager, now=NOW)
    response = show(staff_client, room)
    assert lengths(response) == [
        (30, ""),
        (60, ""),
        (90, "sala jest zajęta od 12:30"),
        (120, "sala jest zajęta od 12:30"),
    ]
    html = response.content.decode()
    assert html.count("disabled") == 2
    assert 'value="60" checked' in html
    shorter = show(staff_client, room, start="12:00")
    assert chosen(shorter) == [30], "the longest that fits"
    assert shorter.context["end"] == "12:30"


def test_where_nothing_fits_the_reason_and_three_times_are_told(staff_client, office, room):
    services.book(ask(office.manager, room, start=at(11, 30), title="Odprawa"), by=office.manager, now=NOW)
    response = show(staff_client, room)
    context = response.context
    assert not context["is_free"]
    assert "Odprawa" in context["problems"][0]
    first, *others = context["times"]
    assert (first.day, first.start, first.minutes, len(others)) == ("2026-11-24", "10:30", 60, 2)
    assert "quick-submit" not in response.content.decode()
    assert "quick-more" in response.content.decode()


def test_times_that_are_offered_can_be_booked(staff_client, office, room):
    services.book(ask(office.manager, room, start=at(11, 30)), by=office.manager, now=NOW)
    for number, time in enumerate(show(staff_client, room).context["times"]):
        title = f"Sesja {number}"
        answer = send(staff_client, room, title=title, day=time.day, start=time.start, length=time.minutes)
        assert answer.status_code == 201
        services.cancel(Booking.objects.get(title=title), by=office.staff, now=NOW)


def test_closed_session_in_the_way_is_not_told(staff_client, office):
    room = office.room("BIA/5")
    hidden = ask(office.colleague, room, start=at(11, 30), title="Przesłuchanie X", is_private=True)
    services.book(hidden, by=office.colleague, now=NOW)
    html = show(staff_client, room).content.decode()
    assert "Przesłuchanie X" not in html
    assert office.colleague.name not in html


def test_without_a_free_licence_it_says_so(staff_client, office, room):
    office.pool.shares.all().delete()
    office.pool.grants.update(seats=1)
    services.book(ask(office.manager, office.room("TAB/A"), start=at(11, 30)), by=office.manager, now=NOW)
    context = show(staff_client, room).context
    assert (context["licence"].kind, context["licence"].note) == ("danger", "1 z 1 w użyciu")
    assert not context["is_free"]
    assert context["problems"]


def test_start_can_be_typed_and_what_is_no_time_is_told_beside_it(staff_client, room):
    assert show(staff_client, room, start="1115").context["when_words"] == "11:15–12:15, wt. 24 listopada"
    response = show(staff_client, room, start="rano")
    assert response.context["start_errors"] == ["„rano” to nie jest godzina. Proszę wpisać 10, 10:00 albo 10.30."]
    assert response.status_code == 200
    assert send(staff_client, room, start="rano").status_code == 422
    assert not Booking.objects.exists()


def test_room_that_needs_approval_says_so_and_sends_a_request(staff_client, office):
    room = office.room("KOS/3.01")
    html = show(staff_client, room).content.decode()
    assert "Wyślij wniosek" in html
    assert send(staff_client, room).status_code == 201
    assert Booking.objects.get().is_requested


# --- who may ---


def test_popover_is_for_those_who_may_book_and_for_rooms_that_exist(office, room):
    outsider = Client()
    outsider.force_login(office.newcomer)
    assert show(outsider, room).status_code == 403
    assert outsider.post(BOOK, {"rooms": room.pk}, headers=FETCHED).status_code == 403
    stranger = show(Client(), room)
    assert (stranger.status_code, stranger.url.split("?")[0]) == (302, reverse("account_login"))
    staff = Client()
    staff.force_login(office.staff)
    Room.objects.filter(pk=room.pk).update(is_active=False)
    assert show(staff, room).status_code == 404


@pytest.mark.parametrize(
    "changed", [{"room": "0"}, {"room": "x"}, {"room": "9" * 30}, {"day": "x"}, {"day": "0001-01-01"}, {"day": ""}]
)
def test_what_no_board_has_is_not_found(staff_client, room, changed):
    assert show(staff_client, room, **changed).status_code == 404


@pytest.mark.parametrize("length", ["", "45", "-30", "1e9", "999999", "٦٠"])
def test_other_lengths_become_the_usual_one(staff_client, room, length):
    assert [item.minutes for item in show(staff_client, room, length=length).context["lengths"] if item.is_chosen] == [
        60
    ]


def test_opened_as_a_page_it_is_the_booking_form(staff_client, room):
    response = staff_client.get(SHOW, {"room": room.pk, "day": "2026-11-24", "start": "11:30"})
    assert response.url == f"/rezerwacja/?room={room.pk}&day=2026-11-24&start=11%3A30"


def test_posts_need_a_token(office, room):
    client = Client(enforce_csrf_checks=True)
    client.force_login(office.staff)
    assert send(client, room).status_code == 403


# --- booking ---


def test_book_says_where_to_go_on(staff_client, office, room):
    response = send(staff_client, room, back="?site=KOS&evil=https://x.example")
    booking = Booking.objects.get()
    assert response.status_code == 201
    assert response.json() == {"address": "/tablica/2026-11-24/?site=KOS", "session": booking.pk}
    occurrence = booking.occurrences.get()
    assert (booking.title, booking.organizer, occurrence.local_start) == ("Rozmowa", office.staff, "2026-11-24T11:30")
    assert occurrence.local_end == "2026-11-24T12:30"
    board = staff_client.get(response.json()["address"]).content.decode()
    assert "Zarezerwowano: Rozmowa" in board
    assert reverse("quick_undo", args=[booking.number]) in board
    assert f'data-session="{booking.pk}"' in board


def test_empty_title_comes_back_and_nothing_is_lost(staff_client, room):
    response = send(staff_client, room, title=" ", length=30)
    assert response.status_code == 422
    assert response.context["title_errors"]
    assert chosen(response) == [30]
    assert not Booking.objects.exists()


def test_lost_race_comes_back_with_title_reason_and_times(staff_client, office, room):
    answer = show(staff_client, room)
    services.book(ask(office.manager, room, start=at(12), title="Szybsi"), by=office.manager, now=NOW)
    sent = {"submission": answer.context["asked"].submission, "rooms": room.pk, "day": "2026-11-24", "start": "11:30"}
    response = staff_client.post(BOOK, {**sent, "length": 60, "title": "Moja <b>"}, headers=FETCHED)
    assert response.status_code == 422
    assert "Szybsi" in response.context["problems"][0]
    assert len(response.context["times"]) == 3
    assert 'value="Moja &lt;b&gt;"' in response.content.decode()
    assert chosen(response) == [30], "what still fits"


def test_sent_twice_it_books_once(staff_client, room):
    sent = {"submission": show(staff_client, room).context["asked"].submission, "rooms": room.pk, "day": "2026-11-24"}
    sent |= {"start": "11:30", "length": 60, "title": "Rozmowa"}
    answers = [staff_client.post(BOOK, sent, headers=FETCHED) for _ in range(2)]
    assert [answer.json() for answer in answers] == [
        {"address": "/tablica/2026-11-24/", "session": Booking.objects.get().pk}
    ] * 2
    other = staff_client.post(BOOK, {**sent, "start": "14:00"}, headers=FETCHED)
    assert other.status_code == 422, "another wish is not taken for the same"
    assert "Rozmowa" in other.context["notice"]
    assert other.context["asked"].submission != sent["submission"]


def test_sent_as_an_ordinary_form_it_goes_on_to_the_booking_form(staff_client, room):
    sent = {"submission": show(staff_client, room).context["asked"].submission, "rooms": room.pk, "day": "2026-11-24"}
    sent |= {"start": "11:30", "end": "12:30", "length": 60, "title": "Rozmowa"}
    response = staff_client.post(BOOK, sent)
    assert (response.status_code, response.url) == (307, reverse("booking_new"))
    more = staff_client.post(reverse("booking_new"), {**sent, "do": "check"})
    data = more.context["data"]
    assert [data[name] for name in ("title", "start", "end")] == ["Rozmowa", "11:30", "12:30"]
    assert more.context["form"].room_ids == (room.pk,)


def test_queries_do_not_grow_with_what_is_booked(staff_client, office, room):
    counts = []
    for hour in (14, 15, 16):
        services.book(ask(office.manager, room, start=at(hour)), by=office.manager, now=NOW)
        show(staff_client, room)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            show(staff_client, room)
        counts.append(len(captured))
    assert len(set(counts)) == 1


# --- taking it back ---


def undo(client: Client, booking: Booking, **sent: Any) -> Any:
    return client.post(reverse("quick_undo", args=[booking.number]), sent)


def test_undo_cancels_and_leads_back_to_the_day(staff_client, room):
    send(staff_client, room)
    booking = Booking.objects.get()
    response = undo(staff_client, booking, back="?site=KOS")
    assert response.url == "/tablica/2026-11-24/?site=KOS"
    booking.refresh_from_db()
    assert booking.is_cancelled
    assert not booking.occurrences.get().room_holds.filter(live=True).exists()
    assert set(Message.objects.values_list("attendee__user", flat=True)) <= {booking.organizer_id}
    assert undo(staff_client, booking).url == reverse("booking_show", args=[booking.number]), "pressed twice"


def test_undo_is_over_after_two_minutes(staff_client, room, monday_morning):
    send(staff_client, room)
    booking = Booking.objects.get()
    monday_morning.move_to(NOW + timedelta(minutes=2, seconds=1))
    assert undo(staff_client, booking).url == reverse("booking_cancel", args=[booking.number])
    booking.refresh_from_db()
    assert not booking.is_cancelled


def test_undo_is_not_for_sessions_with_guests_or_of_others(staff_client, manager_client, office, room):
    guest = (Participant(email="jan@nowak.example"),)
    mine = services.book(ask(office.staff, room, participants=guest), by=office.staff, now=NOW)
    assert undo(staff_client, mine).url == reverse("booking_cancel", args=[mine.number])
    assert undo(manager_client, mine).status_code == 403, "a manager may cancel it, and did not book it"
    other = services.book(ask(office.colleague, office.room("BIA/5")), by=office.colleague, now=NOW)
    assert undo(staff_client, other).status_code == 404
    assert staff_client.get(reverse("quick_undo", args=[mine.number])).status_code == 405
    assert not Booking.objects.filter(status="cancelled").exists()


# --- at once ---


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_who_book_the_same_stretch_at_once(office: Office) -> None:
    room, gate = office.room("KOS/2.16"), threading.Barrier(2)

    def book(user: User) -> Any:
        client = Client()
        client.force_login(user)
        sent = {"submission": show(client, room).context["asked"].submission, "rooms": room.pk, "day": "2026-11-24"}
        gate.wait()
        try:
            return client.post(BOOK, {**sent, "start": "11:30", "length": 60, "title": user.name}, headers=FETCHED)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(book, [office.staff, office.manager]))
    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    assert (won.status_code, lost.status_code) == (201, 422)
    assert Booking.objects.get().title in lost.context["problems"][0]
