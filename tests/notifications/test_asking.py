"""The button that asks the silent once more: whom it asks, how often, and how it gets on with the clock."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bookings import services
from bookings.models import Booking
from notifications.asking import Asked, NotAllowed, Why, ask_now, find_silent
from notifications.asking_words import skipped_groups
from notifications.deliveries import sent_of
from notifications.delivery import deliver_due
from notifications.models import Message, ReminderChoice
from notifications.nudges import queue_due
from tests.bookings.requests import NOW
from tests.factories import Office
from tests.notifications.outbox_rows import MAZ, MIGRI, book, change, delivered, invited, pretend

pytestmark = pytest.mark.django_db
#: The session starts on 24 November 2026 at 10:00 in Warsaw; asked at 9:42.
NOON = datetime(2026, 11, 24, 8, 42, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SILENT = "ktos@gmina.example"


@pytest.fixture(autouse=True)
def everybody_reads_english(office: Office) -> None:
    for user in (office.staff, office.colleague, office.it_admin):
        user.language = "en"
        user.save()


def ask(office: Office, booking: Booking, now: datetime = NOON) -> Asked:
    return ask_now(booking, booking.occurrences.get(), by=office.staff, now=now)


def ready(booking: Booking, now: datetime = NOON) -> list[str]:
    return [item.email for item in find_silent(booking, booking.occurrences.get(), now=now).ready]


def nudges() -> list[tuple[str, str]]:
    return [(row.recipient, row.state) for row in Message.objects.filter(kind="nudge").order_by("pk")]


def answer(booking: Booking, email: str, partstat: str) -> None:
    given = services.GivenAnswer(partstat, sequence=booking.sequence)
    services.record_answer(booking.attendees.get(email=email), given, now=NOW)


def test_only_the_silent_are_asked_and_at_once(office: Office) -> None:
    booking = invited(office, MIGRI, MAZ, SILENT)
    answer(booking, MIGRI, "ACCEPTED")
    assert ask(office, booking) == Asked(2, 0)
    assert nudges() == [(MAZ, "queued"), (SILENT, "queued")]
    row = Message.objects.filter(kind="nudge").first()
    assert (row.due_at, row.give_up_at, row.priority) == (NOON, booking.occurrences.get().starts_at, 0)


def test_nobody_is_asked_twice_within_a_day(office: Office) -> None:
    booking = invited(office, SILENT)
    early = NOON - 3 * DAY
    assert [ask(office, booking, early + step).count for step in (0 * DAY, HOUR, DAY - HOUR, DAY + HOUR)] == [
        1,
        0,
        0,
        1,
    ]
    names = list(Message.objects.filter(kind="nudge").order_by("pk").values_list("once", flat=True))
    guest = booking.attendees.get(email=SILENT)
    assert names == [f"nudge:{guest.pk}:0", f"nudge:{guest.pk}:0:2026-11-22"]
    assert find_silent(booking, booking.occurrences.get(), now=early + 2 * DAY).asked_at == early + DAY + HOUR


def test_who_was_asked_by_hand_is_not_asked_by_the_clock(office: Office, settings: object) -> None:
    settings.RSVP_NUDGE_LEADS = (timedelta(days=3),)
    booking = invited(office, SILENT)
    ask(office, booking, NOON - 4 * DAY)
    delivered()
    assert queue_due(NOON - 2 * DAY) == 0


def test_a_day_after_the_clock_has_asked_the_button_asks_again(office: Office, settings: object) -> None:
    settings.RSVP_NUDGE_LEADS = (timedelta(days=3),)
    booking = invited(office, SILENT)
    assert queue_due(NOON - 2 * DAY) == 1
    delivered()
    assert ask(office, booking, NOON - DAY - HOUR).count == 0
    assert ask(office, booking).count == 1
    delivered()
    assert [(sent.kind, sent.count) for sent in sent_of(booking) if sent.kind == "nudge"] == [("nudge", 1)] * 2


def test_who_was_not_reached_or_told_just_now_or_does_not_want_it_is_left_alone(office: Office) -> None:
    booking = invited(office, MIGRI, MAZ, SILENT)
    pretend(MIGRI, state="failed", last_error="550 5.1.1 no such user", sent_at=None)
    ReminderChoice.objects.create(address=MAZ, wants_nudge=False, changed_at=NOW)
    assert ready(booking) == [SILENT]
    change(office, booking, MIGRI, MAZ, SILENT, title="Inny tytuł", now=NOON)
    assert ready(booking) == []


def test_at_night_it_leaves_in_the_morning(office: Office, settings: object) -> None:
    booking = invited(office, SILENT)
    night = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
    quiet = settings.REMINDER_QUIET
    found = ask(office, booking, night)
    assert found == (Asked(1, 1) if quiet else Asked(1, 0))
    due = Message.objects.get(kind="nudge").due_at
    assert (due > night) is bool(quiet)


def test_after_the_start_and_after_a_cancellation_nobody_is_asked(office: Office) -> None:
    booking = invited(office, SILENT)
    assert ready(booking, NOON + HOUR) == []
    services.cancel(booking, by=office.staff, now=NOW, reason="")
    booking.refresh_from_db()
    assert ready(booking) == []


def test_who_may_only_see_the_session_asks_nobody(office: Office, colleague_client: Client) -> None:
    booking = invited(office, office.colleague.email, SILENT)
    with pytest.raises(NotAllowed):
        ask_now(booking, booking.occurrences.get(), by=office.colleague, now=NOON)
    address = reverse("notifications:session_nudge", args=[booking.number])
    with time_machine.travel(NOON, tick=False):
        assert address not in colleague_client.get(reverse("booking_show", args=[booking.number])).content.decode()
        assert colleague_client.post(address).status_code == 403
        stranger = Client()
        stranger.force_login(office.newcomer)
        assert stranger.post(address).status_code == 404
        assert stranger.get(address).status_code == 405
    assert nudges() == []


def test_the_button_asks_and_says_when(office: Office, staff_client: Client) -> None:
    booking = invited(office, MIGRI, SILENT)
    address, page = (
        reverse("notifications:session_nudge", args=[booking.number]),
        reverse("booking_show", args=[booking.number]),
    )
    english = {"headers": {"accept-language": "en"}}
    with time_machine.travel(NOON, tick=False):
        html = staff_client.get(page, **english).content.decode()
        assert f'action="{address}"' in html
        assert "Remind 2 people" in html
        answered = staff_client.post(address, follow=True, **english).content.decode()
        assert "2 people are asked once more." in answered
        assert f'action="{address}"' not in answered
        assert "Reminded today 9:42" in answered
        assert (
            "There is nobody to remind just now" in staff_client.post(address, follow=True, **english).content.decode()
        )
    assert len(nudges()) == 2


def test_one_and_three_silent_people_take_the_same_queries(office: Office) -> None:
    def count(booking: Booking) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert ready(booking)
        return len(queries)

    one = invited(office, SILENT)
    many = invited(office, MIGRI, MAZ, SILENT, rooms=(office.room("TAB/A"),))
    assert count(one) == count(many)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_many_clicks_at_once_one_asks(office: Office) -> None:
    booking, gate = invited(office, MIGRI, SILENT), threading.Barrier(4)

    def click(_number: int) -> int:
        gate.wait()
        try:
            return ask(office, booking).count
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(click, range(4))) == [0, 0, 0, 2]
    assert len(nudges()) == 2


def test_who_answers_while_it_waits_does_not_get_it(office: Office, smtp: object) -> None:

    booking = invited(office, SILENT)
    ask(office, booking)
    answer(booking, SILENT, "DECLINED")
    deliver_due(NOON)
    assert nudges() == [(SILENT, "superseded")]


def test_a_request_that_waits_for_approval_asks_nobody(office: Office) -> None:
    booking = book(office, SILENT, rooms=(office.room("KOS/3.01"),))
    assert booking.is_requested
    assert ready(booking) == []


def test_it_says_why_somebody_is_not_asked(office: Office) -> None:
    booking = invited(office, MIGRI, MAZ, SILENT, "a@x.example", "b@x.example", "c@x.example")
    pretend(MIGRI, state="failed", last_error="550 5.1.1 no such user", sent_at=None)
    ReminderChoice.objects.create(address=MAZ, wants_nudge=False, changed_at=NOW)
    pretend(SILENT, state="sent", sent_at=NOON - HOUR / 2)
    pretend("a@x.example", state="retrying", sent_at=None)
    guest = booking.attendees.get(email="b@x.example")
    booking.attendees.create(
        email="jan@x.example", named_by=guest, partstat="TENTATIVE", language="pl", time_zone="UTC", invited_at=NOW
    )
    found = find_silent(booking, booking.occurrences.get(), now=NOON)
    assert [item.email for item in found.ready] == ["c@x.example"]
    assert {item.attendee.email: item.why for item in found.skipped} == {
        MIGRI: Why.UNREACHED,
        MAZ: Why.UNWILLING,
        SILENT: Why.JUST_TOLD,
        "a@x.example": Why.ON_ITS_WAY,
        "b@x.example": Why.SPOKEN_FOR,
    }
    assert ask(office, booking) == Asked(1, 0, found.skipped)
    later = find_silent(booking, booking.occurrences.get(), now=NOON)
    assert {item.attendee.email: item.why for item in later.skipped}["c@x.example"] == Why.ASKED_LATELY
    assert [group.names for group in skipped_groups(later.skipped)][:2] == [
        ("Finnish Immigration Service (Migri)",),
        ("a@x.example",),
    ]
