"""Whatever becomes of a session, each person is reminded once of each start that they are to come to."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from bookings import services
from bookings.models import Attendee, Booking, Occurrence
from bookings.rules import Scope
from notifications.compose import compose
from notifications.delivery import Tally, deliver_due
from notifications.models import Message
from notifications.reminders import queue_due
from tests.bookings.requests import NOW, at
from tests.bookings.series import meetings, weekly
from tests.factories import Office
from tests.notifications.outbox_rows import ANNA, MAZ, MIGRI, book, change, delivered, invited, reminders, request
from tests.servers import MailServer

pytestmark = pytest.mark.django_db
#: 24 November 2026, 10:00 in Warsaw.
START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
DAY, HOUR, QUARTER = timedelta(hours=24), timedelta(hours=1), timedelta(minutes=15)
WEEK = timedelta(weeks=1)


@pytest.fixture(autouse=True)
def leads(settings: object) -> None:
    settings.REMINDER_LEADS = (DAY, QUARTER)


def starts() -> list[tuple[str, datetime | None, str]]:
    found = Message.objects.filter(kind="reminder").order_by("pk")
    return [(message.recipient, message.starts_at, message.state) for message in found]


def remind(now: datetime) -> int:
    """Queue what is due, and pretend that all mail has left."""
    queued = queue_due(now)
    delivered()
    return queued


def move(booking: Booking, start: datetime) -> None:
    """Put the only meeting to a time that no form offers."""
    booking.occurrences.update(starts_at=start, ends_at=start + HOUR)


def test_booked_an_hour_before_it_reminds_at_once(office: Office) -> None:
    invited(office, MIGRI, now=START - HOUR)
    assert queue_due(START - HOUR) == 2
    assert reminders() == [(ANNA, DAY, "queued"), (MIGRI, DAY, "queued")]


def test_moved_to_a_time_that_is_close_it_reminds_of_the_new_time_at_once(office: Office) -> None:
    booking = invited(office)
    change(office, booking, start=at(8), now=START - 20 * HOUR)
    assert queue_due(START - 20 * HOUR) == 1
    assert starts() == [(ANNA, START - 2 * HOUR, "queued")]


def test_moved_away_it_reminds_no_more_of_the_old_time(office: Office) -> None:
    booking = invited(office)
    assert remind(START - DAY) == 1
    change(office, booking, start=at(10, day=datetime(2026, 11, 26)), now=START - DAY)
    assert [remind(START - QUARTER), remind(START + DAY)] == [0, 1]
    assert starts() == [(ANNA, START, "sent"), (ANNA, START + 2 * DAY, "sent")]


def test_moved_away_and_back_again_it_reminds_once(office: Office) -> None:
    booking = invited(office)
    assert remind(START - DAY) == 1
    change(office, booking, start=at(15), now=START - DAY)
    assert remind(START - DAY + 5 * HOUR) == 1
    change(office, booking, start=at(10), now=START - DAY + 6 * HOUR)
    assert [remind(START - DAY + 6 * HOUR), remind(START - QUARTER)] == [0, 1]
    assert reminders(starts_at=START) == [(ANNA, DAY, "sent"), (ANNA, QUARTER, "sent")]


def test_cancelled_it_reminds_nobody(office: Office) -> None:
    booking = invited(office, MIGRI)
    services.cancel(booking, by=office.staff, now=START - 2 * DAY)
    assert [queue_due(START - DAY), queue_due(START - QUARTER)] == [0, 0]


@pytest.mark.parametrize("minutes", [30, 120])
def test_shortened_or_extended_it_reminds_no_second_time(office: Office, minutes: int) -> None:
    booking = invited(office)
    assert remind(START - DAY) == 1
    change(office, booking, minutes=minutes, now=START - DAY)
    assert [queue_due(START - DAY), queue_due(START - QUARTER)] == [0, 1]


def test_extended_while_the_reminder_waits_it_says_the_new_end(office: Office) -> None:
    booking = invited(office, MIGRI)
    queue_due(START - DAY)
    waiting = Message.objects.get(kind="reminder", recipient=MIGRI)
    Message.objects.filter(pk=waiting.pk).update(state="retrying", raw=compose(waiting, now=NOW).raw)
    change(office, booking, MIGRI, minutes=150, now=START - DAY)
    waiting = Message.objects.get(pk=waiting.pk)
    assert (waiting.state, waiting.raw) == ("retrying", None)
    assert "12:30" in compose(waiting, now=START - DAY).text


def test_of_a_series_each_meeting_is_reminded_of_once(office: Office) -> None:
    invited(office, MIGRI, series=weekly())
    assert [remind(START - DAY), remind(START - QUARTER), remind(START + WEEK - DAY)] == [2, 2, 2]
    assert [start for _who, start, _state in starts()] == [START] * 4 + [START + WEEK] * 2


def test_one_meeting_of_a_series_that_is_moved_is_reminded_of_at_its_own_time(office: Office) -> None:
    booking = invited(office, series=weekly())
    second = meetings(booking)[1]
    wanted = request(office, start=at(14, day=datetime(2026, 12, 2)))
    services.change(booking, wanted, by=office.staff, now=NOW, version=1, scope=Scope.ONE, occurrence=second)
    delivered()
    assert [remind(START - DAY), remind(START + WEEK - DAY)] == [1, 0]
    moved = datetime(2026, 12, 2, 13, tzinfo=UTC)
    assert [remind(moved - DAY), remind(START + 2 * WEEK - DAY)] == [1, 1]
    assert [start for _who, start, _state in starts()] == [START, moved, START + 2 * WEEK]


def test_one_meeting_of_a_series_that_is_off_is_not_reminded_of(office: Office) -> None:
    booking = invited(office, series=weekly())
    services.cancel(booking, by=office.staff, now=NOW, scope=Scope.ONE, occurrence=meetings(booking)[0])
    delivered()
    assert [remind(START - DAY), remind(START + WEEK - DAY)] == [0, 1]


def test_who_is_left_out_of_one_meeting_is_reminded_of_the_others(office: Office) -> None:
    booking = invited(office, MIGRI, series=weekly())
    wanted = request(office)
    services.change(
        booking, wanted, by=office.staff, now=NOW, version=1, scope=Scope.ONE, occurrence=meetings(booking)[0]
    )
    delivered()
    remind(START - DAY)
    remind(START + WEEK - DAY)
    assert [who for who, _start, _state in starts()] == [ANNA, ANNA, MIGRI]


def test_who_is_added_late_is_reminded_at_once_and_the_others_not_again(office: Office) -> None:
    booking = invited(office)
    assert remind(START - DAY) == 1
    change(office, booking, MIGRI, now=START - HOUR)
    delivered()
    assert remind(START - HOUR) == 1
    assert reminders() == [(ANNA, DAY, "sent"), (MIGRI, DAY, "sent")]


def test_who_is_removed_is_reminded_no_more_even_of_what_waits(office: Office, smtp: MailServer) -> None:
    booking = invited(office, MIGRI)
    queue_due(START - DAY)
    change(office, booking, now=START - DAY)
    assert reminders() == [(ANNA, DAY, "queued"), (MIGRI, DAY, "superseded")]
    assert queue_due(START - QUARTER) == 1


def test_who_is_removed_and_added_again_is_reminded_once(office: Office) -> None:
    booking = invited(office, MIGRI)
    assert remind(START - DAY) == 2
    change(office, booking, now=START - 2 * HOUR)
    change(office, booking, "Video@MIGRI.example", now=START - 2 * HOUR)
    delivered()
    assert [remind(START - 2 * HOUR), remind(START - QUARTER)] == [0, 2]


def test_another_address_of_the_same_person_is_reminded_and_the_old_one_no_more(office: Office) -> None:
    booking = invited(office, MIGRI)
    change(office, booking, MAZ, now=START - 2 * DAY)
    delivered()
    assert remind(START - DAY) == 2
    assert reminders() == [(ANNA, DAY, "sent"), (MAZ, DAY, "sent")]


@pytest.mark.parametrize(
    ("partstat", "reminded"),
    [("DECLINED", False), ("DELEGATED", False), ("TENTATIVE", True), ("ACCEPTED", True), ("NEEDS-ACTION", True)],
)
def test_who_does_not_come_is_not_reminded(office: Office, partstat: str, reminded: bool) -> None:
    booking = invited(office, MIGRI)
    booking.attendees.filter(email=MIGRI).update(partstat=partstat)
    queue_due(START - DAY)
    assert (MIGRI in [who for who, _start, _state in starts()]) is reminded


def test_who_declines_while_the_reminder_waits_does_not_get_it(office: Office, smtp: MailServer) -> None:
    booking = invited(office, MIGRI)
    queue_due(START - DAY)
    guest = booking.attendees.get(email=MIGRI)
    services.record_answer(guest, services.GivenAnswer("DECLINED", sequence=0), now=START - DAY)
    deliver_due(START - DAY)
    assert reminders() == [(ANNA, DAY, "sent"), (MIGRI, DAY, "superseded")]


def test_who_declined_the_series_and_comes_to_one_meeting_is_reminded_of_that_one(office: Office) -> None:
    booking = invited(office, MIGRI, series=weekly())
    guest, second = booking.attendees.get(email=MIGRI), meetings(booking)[1]
    services.record_answer(guest, services.GivenAnswer("DECLINED", sequence=0), now=NOW)
    answer = services.GivenAnswer("ACCEPTED", sequence=0)
    services.record_answer(guest, answer, occurrence=second, now=NOW + HOUR)
    remind(START - DAY)
    remind(START + WEEK - DAY)
    remind(START + 2 * WEEK - DAY)
    assert [start for who, start, _state in starts() if who == MIGRI] == [START + WEEK]


def test_what_awaits_approval_reminds_nobody_until_it_is_approved(office: Office) -> None:
    booking = book(office, rooms=(office.room("KOS/3.01"),))
    assert booking.is_requested
    assert queue_due(START - DAY) == 0
    services.approve(booking.approvals.get(), by=office.manager, now=NOW)
    assert queue_due(START - DAY) == 1


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(datetime(2027, 3, 28, 1, tzinfo=UTC), id="the first hour of summer time"),
        pytest.param(datetime(2027, 10, 31, 0, 30, tzinfo=UTC), id="half past two, the first time"),
        pytest.param(datetime(2027, 10, 31, 1, 30, tzinfo=UTC), id="half past two, the second time"),
    ],
)
def test_in_the_nights_in_which_the_clock_changes_it_reminds_once_and_as_long_before(
    office: Office, settings: object, start: datetime
) -> None:
    booking = invited(office)
    move(booking, start)
    tick = timedelta(seconds=1)
    moments = [start - DAY - tick, start - DAY, start - HOUR, start - QUARTER - tick, start - QUARTER, start]
    assert [remind(moment) for moment in moments] == [0, 1, 0, 0, 1, 0]


@pytest.mark.parametrize(
    ("day", "early"),
    [(datetime(2027, 3, 28), datetime(2027, 3, 27, 20)), (datetime(2027, 10, 31), datetime(2027, 10, 30, 19))],
)
def test_a_session_of_the_night_in_which_the_clock_changes_is_reminded_of_in_the_evening(
    office: Office, settings: object, day: datetime, early: datetime
) -> None:
    settings.REMINDER_QUIET, settings.REMINDER_LEADS = (time(21), time(6)), (HOUR,)
    booking = invited(office)
    move(booking, day.replace(hour=3, tzinfo=UTC))
    evening = early.replace(tzinfo=UTC)
    assert [remind(evening - timedelta(seconds=1)), remind(evening)] == [0, 1]


def test_a_clock_that_is_set_back_an_hour_reminds_nobody_twice(office: Office) -> None:
    invited(office, MIGRI)
    moments = [START - DAY, START - DAY - HOUR, START - DAY, START - QUARTER, START - QUARTER - HOUR, START - QUARTER]
    assert [remind(moment) for moment in moments] == [2, 0, 0, 2, 0, 0]


def test_two_leads_at_once_are_one_mail(office: Office, smtp: MailServer) -> None:
    invited(office)
    # Nobody looked for two days.
    assert queue_due(START - QUARTER / 2) == 1
    assert deliver_due(START - QUARTER / 2) == Tally(sent=1)
    assert reminders() == [(ANNA, QUARTER, "sent")]


def test_people_in_other_zones_are_reminded_at_the_same_moment(office: Office) -> None:
    booking = invited(office, MIGRI)
    Attendee.objects.filter(booking=booking, email=MIGRI).update(time_zone="Asia/Kathmandu")
    assert Occurrence.objects.get().starts_at == START
    assert [queue_due(START - DAY - timedelta(seconds=1)), queue_due(START - DAY)] == [0, 2]
