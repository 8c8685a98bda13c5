"""Who is reminded of what, when, and how often: once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bookings import services
from bookings.models import Attendee, Booking, Occurrence
from notifications.delivery import Tally, deliver_due
from notifications.models import Message
from notifications.reminders import queue_due
from tests.bookings.requests import NOW, at
from tests.factories import Office
from tests.notifications.outbox_rows import ANNA, MAZ, MIGRI, book, change, invited, pretend, reminders
from tests.servers import MailServer

pytestmark = pytest.mark.django_db
#: 24 November 2026, 10:00 in Warsaw.
START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
DAY, QUARTER = timedelta(hours=24), timedelta(minutes=15)
TICK = timedelta(microseconds=1)


@pytest.fixture(autouse=True)
def leads(settings: object) -> None:
    settings.REMINDER_LEADS = (DAY, QUARTER)


@pytest.mark.parametrize(
    ("before", "due"),
    [
        (DAY + TICK, []),
        (DAY, [DAY]),
        (DAY - TICK, [DAY]),
        (QUARTER + TICK, [DAY]),
        # Late: the day before was missed. One reminder is enough.
        (QUARTER, [QUARTER]),
        (TICK, [QUARTER]),
        (timedelta(0), []),
        (-TICK, []),
    ],
)
def test_a_reminder_is_due_from_its_lead_until_the_start(
    office: Office, before: timedelta, due: list[timedelta]
) -> None:
    invited(office)
    queue_due(START - before)
    assert [lead for _recipient, lead, _state in reminders()] == due


def test_everybody_is_reminded_once_for_each_lead(office: Office) -> None:
    booking = invited(office, MIGRI)
    assert [queue_due(START - DAY + minutes * timedelta(minutes=1)) for minutes in (-1, 0, 1, 700)] == [0, 2, 0, 0]
    assert reminders() == [(ANNA, DAY, "queued"), (MIGRI, DAY, "queued")]
    row = Message.objects.filter(kind="reminder").latest("pk")
    assert (row.booking, row.occurrence, row.starts_at) == (booking, booking.occurrences.get(), START)
    assert (row.due_at, row.give_up_at) == (START - DAY, START)
    Message.objects.filter(kind="reminder").update(state="sent", sent_at=NOW, raw=b"x", may_have_arrived=True)
    assert queue_due(START - QUARTER) == 2
    assert queue_due(START - TICK) == 0


def test_who_left_who_declined_and_who_cannot_be_reached_are_left_alone(office: Office) -> None:
    booking = invited(office, MIGRI, MAZ, "z@example.org", "q@example.org")
    change(office, booking, MAZ, "z@example.org", "q@example.org")
    booking.attendees.filter(email=MAZ).update(partstat=Attendee.PartStat.DECLINED)
    refused = {"sent_at": None, "state": "failed", "last_error": "550 no such user"}
    pretend("z@example.org", **refused)
    # Its invitation could not be written: the reminder is all that this guest gets.
    pretend("q@example.org", **refused, raw=None)
    queue_due(START - DAY)
    assert [recipient for recipient, *_rest in reminders()] == [ANNA, "q@example.org"]


def test_an_address_that_works_again_is_reminded(office: Office) -> None:
    booking = invited(office, MIGRI)
    pretend(MIGRI, state="failed", sent_at=None, last_error="550 no such user")
    queue_due(START - DAY)
    services.invite_again(booking.attendees.get(email=MIGRI), by=office.staff, now=START - DAY)
    queue_due(START - DAY)
    assert [recipient for recipient, *_rest in reminders()] == [ANNA, MIGRI]


def test_a_cancelled_session_reminds_nobody_even_of_what_was_queued(office: Office, smtp: MailServer) -> None:
    booking = invited(office)
    queue_due(START - DAY)
    services.cancel(booking, by=office.staff, now=START - DAY)
    assert reminders() == [(ANNA, DAY, "superseded")]
    assert queue_due(START - QUARTER) == 0
    assert deliver_due(START - QUARTER) == Tally(sent=1)
    assert Message.objects.get(state="sent", attempts=1).kind == "cancellation"


def test_a_moved_session_reminds_anew_of_its_new_start(office: Office) -> None:
    booking = invited(office)
    queue_due(START - DAY)
    pretend(ANNA, state="sent")
    change(office, booking, start=at(15), now=START - DAY)
    queue_due(START - DAY + timedelta(hours=5))
    found = Message.objects.filter(kind="reminder").order_by("pk")
    assert [(row.starts_at, row.state) for row in found] == [
        (START, "sent"),
        (START + timedelta(hours=5), "queued"),
    ]


def test_a_session_moved_away_and_back_before_the_mail_left_still_reminds(office: Office) -> None:
    booking = invited(office)
    queue_due(START - DAY)
    change(office, booking, start=at(15), now=START - DAY)
    assert reminders() == [(ANNA, DAY, "superseded")]
    change(office, booking, start=at(10), now=START - DAY)
    assert queue_due(START - DAY) == 1
    assert reminders() == [(ANNA, DAY, "queued")]


def test_a_session_moved_away_and_back_after_the_mail_left_reminds_no_more(office: Office) -> None:
    booking = invited(office)
    queue_due(START - DAY)
    pretend(ANNA, state="sent")
    change(office, booking, start=at(15), now=START - DAY)
    change(office, booking, start=at(10), now=START - DAY)
    assert queue_due(START - DAY) == 0


def test_a_waiting_reminder_is_written_anew_after_a_change(office: Office) -> None:
    booking = invited(office)
    queue_due(START - DAY)
    pretend(ANNA, state="retrying", raw=b"with the old room", subject="old", message_id="<old@x>")
    change(office, booking, rooms=(office.room("TAB/A"),), now=START - DAY)
    row = Message.objects.get(kind="reminder")
    assert (row.state, row.raw, row.subject, row.message_id) == ("retrying", None, "", "")


def test_a_late_booking_is_invited_first_and_reminded_after(office: Office, smtp: MailServer) -> None:
    now = START - timedelta(minutes=10)
    book(office, now=now)
    queue_due(now)
    assert deliver_due(now) == Tally(sent=2)
    assert [message.kind for message in Message.objects.order_by("sent_at")] == ["invitation", "reminder"]


def test_a_reminder_that_was_held_up_gives_way_to_the_nearer_one(office: Office, smtp: MailServer) -> None:
    invited(office)
    queue_due(START - DAY)
    queue_due(START - QUARTER)
    assert deliver_due(START - QUARTER) == Tally(sent=1)
    assert reminders() == [(ANNA, DAY, "superseded"), (ANNA, QUARTER, "sent")]


def test_nobody_is_reminded_of_what_has_begun(office: Office, smtp: MailServer) -> None:
    invited(office)
    queue_due(START - QUARTER)
    assert deliver_due(START) == Tally()
    assert reminders() == [(ANNA, QUARTER, "superseded")]


def test_a_reminder_put_off_past_the_start_fails(office: Office, smtp: MailServer) -> None:
    invited(office)
    queue_due(START - QUARTER)
    smtp.script = lambda stage, _recipient: "451 later" if stage == "rcpt" else None
    assert deliver_due(START - timedelta(seconds=30)) == Tally(failed=1)


def test_no_leads_no_reminders(office: Office, settings: object) -> None:
    settings.REMINDER_LEADS = ()
    invited(office)
    assert queue_due(START - QUARTER) == 0


def test_one_statement_however_many_are_due(office: Office) -> None:
    for hour in range(8, 16):
        invited(office, *[f"gosc{number}@example.org" for number in range(20)], start=at(hour))
    with CaptureQueriesContext(connection) as queries:
        assert queue_due(START - timedelta(hours=3)) == 8 * 21
    assert len(queries) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.race
def test_four_beats_at_once_queue_each_reminder_once(open_office: Office) -> None:
    invited(open_office, *[f"gosc{number}@example.org" for number in range(50)])

    def beat() -> int:
        try:
            return queue_due(START - DAY)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sum(run.result() for run in [pool.submit(beat) for _ in range(4)]) == 51
    assert len(reminders()) == 51


def _expected(seen: list[timedelta], leads: list[timedelta]) -> set[timedelta]:
    """The rule, said once more and differently: at each look, the nearest lead that is due."""
    nearest = (
        min((lead for lead in leads if before <= lead), default=None) for before in seen if before > timedelta(0)
    )
    return {lead for lead in nearest if lead is not None}


@pytest.mark.long
@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    leads=st.lists(st.integers(1, 3000).map(lambda minutes: timedelta(minutes=minutes)), max_size=4, unique=True),
    looks=st.lists(st.integers(-600, 200_000).map(lambda seconds: timedelta(seconds=seconds)), max_size=6),
)
def test_whenever_the_beat_looks_the_nearest_lead_is_queued_once(
    office: Office, settings: object, leads: list[timedelta], looks: list[timedelta]
) -> None:
    settings.REMINDER_LEADS = tuple(leads)
    Booking.objects.exists() or invited(office)
    Message.objects.filter(kind="reminder").delete()
    assert Occurrence.objects.get().starts_at == START
    seen = sorted(looks, reverse=True)
    for before in seen:
        queue_due(START - before)
        queue_due(START - before)
    assert [lead for _recipient, lead, _state in reminders()] == sorted(_expected(seen, leads), reverse=True)
