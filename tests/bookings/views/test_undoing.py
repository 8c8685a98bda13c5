"""The page offers a way back from a cancellation while there is one, and leads into moving and adding a room."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.models import User
from bookings import services
from bookings.models import Answer, Booking
from bookings.rules import Participant
from notifications.models import Message
from tests.bookings.requests import ask, at
from tests.bookings.series import meetings
from tests.bookings.views.weekly import weekly
from tests.factories import Office

TUESDAY = datetime(2026, 11, 24, 9, 42, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock(settings: Any) -> Iterator[time_machine.Traveller]:
    """Tuesday 24 November 2026, 10:42 in Warsaw."""
    settings.CANCEL_UNDO_SECONDS = 30
    with time_machine.travel(TUESDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def in_english(office: Office) -> None:
    User.objects.update(language="en")


@pytest.fixture
def session(office: Office) -> Booking:
    """On Wednesday at 10, in two rooms."""
    people = (Participant(user_id=office.colleague.pk), Participant(contact_id=office.migri.pk))
    rooms = (office.room("KOS/2.14"), office.room("TAB/A"))
    wanted = ask(office.staff, *rooms, start=at(10, day=datetime(2026, 11, 25)), participants=people)
    return services.book(wanted, by=office.staff, now=TUESDAY - timedelta(days=3))


@pytest.fixture
def series(office: Office) -> Booking:
    """Eight Thursdays from 26 November, one left out for a holiday."""
    return weekly(office.staff, office.room("KOS/2.14"), count=8)


def _cancel(client: Client, booking: Booking, **data: str) -> str:
    answer = client.post(reverse("booking_cancel", args=[booking.number]), data, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def _undo(client: Client, booking: Booking, html: str, **data: str) -> Any:
    [event] = re.findall(r'name="event" value="(\d+)"', html)
    address = reverse("booking_restore", args=[booking.number])
    return client.post(address, {"event": event, **data}, follow=True)


def _show(client: Client, booking: Booking) -> str:
    return client.get(reverse("booking_show", args=[booking.number])).content.decode()


def test_a_cancelled_session_comes_back(session: Booking, staff_client: Client) -> None:
    html = _cancel(staff_client, session, reason="Choroba")
    assert 'data-undo="30"' in html
    assert "The session is cancelled." in html
    assert "A message goes to" not in html
    # The notice with the way back says it, so that no other has to.
    assert "This session is cancelled" not in html
    assert "Choroba" in html
    answer = _undo(staff_client, session, html)
    assert "The cancellation is undone. Everything is as it was." in answer.content.decode()
    session.refresh_from_db()
    assert session.status == "confirmed"
    assert not Message.objects.filter(kind="cancellation", state="queued").exists()
    history = answer.content.decode().split('id="history"')[1]
    assert history.index("Cancellation undone.") < history.index("Cancelled: “Choroba”.")


def test_the_offer_counts_down_and_ends(session: Booking, staff_client: Client, clock: time_machine.Traveller) -> None:
    html = _cancel(staff_client, session)
    clock.shift(timedelta(seconds=20, milliseconds=500))
    assert 'data-undo="9"' in _show(staff_client, session)
    clock.shift(timedelta(seconds=9, milliseconds=500))
    late = _show(staff_client, session)
    assert "data-undo=" not in late
    assert "This session is cancelled" in late
    answer = _undo(staff_client, session, html)
    assert "It is too late to undo this cancellation" in answer.content.decode()
    session.refresh_from_db()
    assert session.status == "cancelled"


def test_mails_are_said_to_wait_as_long_as_they_do(
    session: Booking, staff_client: Client, clock: time_machine.Traveller
) -> None:
    Message.objects.update(state="sent", sent_at=TUESDAY, raw=b"x", may_have_arrived=True)
    assert "Mails wait while the cancellation can be undone" in _cancel(staff_client, session)
    clock.shift(timedelta(seconds=31))
    html = _show(staff_client, session)
    assert "Mails wait" not in html
    assert "Mails are being sent" in html


def test_pressed_twice_it_is_undone_once(session: Booking, staff_client: Client) -> None:
    html = _cancel(staff_client, session)
    for _ in range(2):
        assert "The cancellation is undone." in _undo(staff_client, session, html).content.decode()
    assert session.events.filter(kind="restored").count() == 1


def test_one_meeting_of_a_series_comes_back(series: Booking, staff_client: Client) -> None:
    html = _cancel(staff_client, series, scope="one", spotkanie="2026-12-03")
    assert "The meeting on Thursday, 3 December 2026 is cancelled." in html
    answer = _undo(staff_client, series, html, spotkanie="2026-12-03")
    assert answer.redirect_chain == [(reverse("booking_show", args=[series.number]) + "?spotkanie=2026-12-03", 302)]
    assert "2026-12-03" in {f"{meeting.starts_at:%Y-%m-%d}" for meeting in meetings(series)}


def test_the_rest_of_a_series_comes_back(series: Booking, staff_client: Client) -> None:
    count = len(meetings(series))
    html = _cancel(staff_client, series, scope="following", spotkanie="2026-12-03")
    assert f"{count - 1} meetings are cancelled." in html
    _undo(staff_client, series, html)
    assert len(meetings(series)) == count


def test_what_is_near_is_told_at_once_and_said_so(office: Office, staff_client: Client) -> None:
    wanted = ask(office.staff, office.room("KOS/2.14"), start=at(11))
    near = services.book(wanted, by=office.staff, now=TUESDAY - timedelta(days=3))
    page = staff_client.get(reverse("booking_cancel", args=[near.number])).content.decode()
    assert "This cannot be undone." in page
    html = _cancel(staff_client, near)
    assert "data-undo=" not in html
    assert "The session is cancelled. A message goes to 1 person." in html


def test_switched_off_nothing_is_offered(session: Booking, staff_client: Client, settings: Any) -> None:
    settings.CANCEL_UNDO_SECONDS = 0
    page = staff_client.get(reverse("booking_cancel", args=[session.number])).content.decode()
    assert "This cannot be undone." in page
    assert "data-undo=" not in _cancel(staff_client, session)


def test_an_answer_meanwhile_takes_nothing_away(session: Booking, staff_client: Client, office: Office) -> None:
    html = _cancel(staff_client, session)
    given = services.GivenAnswer("ACCEPTED", via=Answer.Via.MAIL, sequence=0, stamped_at=TUESDAY)
    guest = session.attendees.get(user=office.colleague)
    services.record_answer(guest, given, now=TUESDAY)
    assert "data-undo=" in _show(staff_client, session)
    assert "The cancellation is undone." in _undo(staff_client, session, html).content.decode()


def test_who_is_only_invited_sees_no_way_back_and_has_none(
    session: Booking, staff_client: Client, client: Client, office: Office
) -> None:
    html = _cancel(staff_client, session)
    client.force_login(office.colleague)
    assert "data-undo=" not in _show(client, session)
    assert _undo(client, session, html).status_code == 403
    client.force_login(office.newcomer)
    assert _undo(client, session, html).status_code == 404


def test_nobody_who_is_not_signed_in_undoes_anything(session: Booking, staff_client: Client, client: Client) -> None:
    html = _cancel(staff_client, session)
    client.logout()
    _undo(client, session, html)
    session.refresh_from_db()
    assert session.status == "cancelled"


@pytest.mark.parametrize("event", ["", "x", "-1", "9" * 19, "²", "0"])
def test_what_is_no_event_undoes_nothing(session: Booking, staff_client: Client, event: str) -> None:
    _cancel(staff_client, session)
    answer = staff_client.post(reverse("booking_restore", args=[session.number]), {"event": event})
    assert answer.status_code == (302 if event == "0" else 404)
    session.refresh_from_db()
    assert session.status == "cancelled"


def test_looking_undoes_nothing(session: Booking, staff_client: Client) -> None:
    _cancel(staff_client, session)
    assert staff_client.get(reverse("booking_restore", args=[session.number])).status_code == 405


def test_taken_by_now_it_says_by_whom(session: Booking, staff_client: Client, office: Office) -> None:
    html = _cancel(staff_client, session)
    # As if the machine that booked it had a clock that is ahead.
    wanted = ask(office.manager, office.room("KOS/2.14"), start=at(10, day=datetime(2026, 11, 25)), title="Inna sesja")
    services.book(wanted, by=office.manager, now=TUESDAY + timedelta(minutes=1))
    shown = _undo(staff_client, session, html).content.decode()
    assert "The cancellation stands, because something it freed is taken by now:" in shown
    assert "Sala wideo 2.14 is taken on" in shown


def test_the_cancellation_says_what_comes_free(session: Booking, staff_client: Client) -> None:
    page = staff_client.get(reverse("booking_cancel", args=[session.number])).content.decode()
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))
    assert "The cancellation goes to 3 people. 2 rooms and 1 licence become free. You have 30 s to undo it;" in words


def test_the_page_leads_straight_to_time_and_rooms(session: Booking, staff_client: Client) -> None:
    html = _show(staff_client, session)
    edit = reverse("booking_edit", args=[session.number])
    acts = {
        words.strip(): href
        for href, words in re.findall(r'<a class="btn[^"]*" href="([^"]+)"[^>]*>.*?</svg>([^<]+)', html)
    }
    assert (acts["Move"], acts["Add a room"], acts["Change"]) == (f"{edit}#id_day", f"{edit}#rooms", edit)
    form = staff_client.get(edit).content.decode()
    assert 'id="id_day"' in form
    assert 'id="rooms"' in form


@pytest.mark.parametrize(
    ("part", "anchor", "question"),
    [
        ("when", "#id_day", "What do you want to move?"),
        ("rooms", "#rooms", "Which meetings get another room?"),
        ("nonsense", "", "What do you want to change?"),
    ],
)
def test_of_a_series_the_question_keeps_the_part(
    series: Booking, staff_client: Client, part: str, anchor: str, question: str
) -> None:
    address = reverse("booking_scope", args=[series.number])
    html = staff_client.get(address, {"spotkanie": "2026-12-03", "part": part}).content.decode()
    assert f'action="{reverse("booking_edit", args=[series.number])}{anchor}"' in html
    assert question in html


def test_the_offer_costs_the_page_no_query_for_each_meeting(
    office: Office, staff_client: Client, django_assert_max_num_queries: Any
) -> None:
    counts = []
    for count in (2, 8):
        booking = weekly(office.staff, office.room("KOS/2.14"), count=count)
        _cancel(staff_client, booking, scope="all", spotkanie="2026-11-26")
        with django_assert_max_num_queries(100) as queries:
            assert "data-undo=" in _show(staff_client, booking)
        counts.append(len(queries))
        services.lapse_offers(TUESDAY + timedelta(minutes=1))
    assert counts[0] == counts[1]
