"""Reminders as people and sites chose them, and when the office is quiet."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.models import Attendee
from notifications.delivery import Tally, deliver_due
from notifications.models import Message, ReminderChoice, SiteReminders
from notifications.reminders import queue_due, review_choice
from tests.bookings.requests import NOW, at
from tests.factories import Office, make_user
from tests.notifications.outbox_rows import ANNA, MAZ, MIGRI, invited, reminders
from tests.servers import MailServer

pytestmark = pytest.mark.django_db
#: 24 November 2026, 10:00 in Warsaw.
START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
DAY, HOUR, QUARTER = timedelta(hours=24), timedelta(hours=1), timedelta(minutes=15)
SECOND = timedelta(seconds=1)
NIGHT = (time(21), time(6))
SILENT = "ktos@gmina.example"


@pytest.fixture(autouse=True)
def office_leads(settings: object) -> None:
    settings.REMINDER_LEADS = (DAY, QUARTER)


def choose(**fields: object) -> ReminderChoice:
    return ReminderChoice.objects.create(changed_at=NOW, **fields)


def site_says(office: Office, **fields: object) -> SiteReminders:
    return SiteReminders.objects.create(site=office.koszykowa, changed_at=NOW, **fields)


def looked(*moments: datetime) -> list[tuple[str, timedelta]]:
    """Look at each moment, and return who is reminded how long before."""
    for moment in moments:
        queue_due(moment)
    return [(recipient, lead) for recipient, lead, _state in reminders()]


def test_who_chose_is_reminded_as_chosen_and_the_others_as_the_office_does(office: Office) -> None:
    choose(user=office.staff, leads=[HOUR])
    choose(address=MIGRI, leads=[3 * DAY, 2 * HOUR])
    invited(office, MIGRI, MAZ)
    moments = [START - lead for lead in (3 * DAY, DAY, 2 * HOUR, HOUR, QUARTER)]
    assert looked(*moments) == [(MIGRI, 3 * DAY), (MAZ, DAY), (MIGRI, 2 * HOUR), (ANNA, HOUR), (MAZ, QUARTER)]


def test_who_wants_no_reminder_gets_none(office: Office) -> None:
    choose(user=office.staff, leads=[])
    invited(office, MIGRI)
    assert looked(START - DAY, START - QUARTER) == [(MIGRI, DAY), (MIGRI, QUARTER)]


def test_who_chose_in_an_office_that_reminds_nobody_is_reminded(office: Office, settings: object) -> None:
    settings.REMINDER_LEADS = ()
    choose(user=office.staff, leads=[7 * DAY])
    invited(office, MIGRI)
    assert looked(START - 7 * DAY - SECOND) == []
    assert looked(START - 7 * DAY) == [(ANNA, 7 * DAY)]


def test_a_choice_of_quiet_hours_alone_leaves_the_leads_of_the_office(office: Office) -> None:
    choose(user=office.staff, quiet="none")
    invited(office)
    assert looked(START - DAY) == [(ANNA, DAY)]


def test_an_address_is_known_in_whatever_case_it_was_written(office: Office) -> None:
    choose(address=MIGRI, leads=[])
    booking = invited(office, MIGRI)
    booking.attendees.filter(email=MIGRI).update(email="Video@Migri.example")
    assert looked(START - DAY) == [(ANNA, DAY)]


def test_of_somebody_with_an_account_the_choice_of_the_account_counts_alone(office: Office) -> None:
    choose(address=ANNA, leads=[])
    invited(office)
    assert looked(START - DAY) == [(ANNA, DAY)]
    choose(user=office.staff, leads=[HOUR])
    assert looked(START - HOUR, START - QUARTER) == [(ANNA, DAY), (ANNA, HOUR)]


def test_a_site_reminds_of_its_own_sessions_as_it_wants_and_people_have_the_last_word(office: Office) -> None:
    site_says(office, leads=[2 * DAY])
    choose(user=office.staff, leads=[HOUR])
    invited(office, MIGRI)
    invited(office, MAZ, start=at(12), rooms=(office.room("TAB/A"),))
    moments = [START - lead for lead in (2 * DAY, DAY, HOUR, QUARTER)] + [START + 2 * HOUR - DAY]
    assert sorted(looked(*sorted(moments))) == sorted([(MIGRI, 2 * DAY), (MAZ, DAY), (ANNA, HOUR)])


def test_a_reminder_due_in_the_night_waits_for_the_morning(office: Office, settings: object) -> None:
    settings.REMINDER_QUIET = NIGHT
    # 22:00 in Warsaw, online: the day before at 22:00 it is quiet, until 6:00.
    invited(office, start=at(22), rooms=())
    start = START + 12 * HOUR
    assert looked(start - DAY, start - 16 * HOUR - SECOND) == []
    assert looked(start - 16 * HOUR) == [(ANNA, DAY)]
    assert Message.objects.get(kind="reminder").due_at == start - 16 * HOUR


def test_a_session_before_the_morning_is_reminded_of_before_the_night(office: Office, settings: object) -> None:
    settings.REMINDER_QUIET = NIGHT
    # 5:00 in Warsaw: eight hours after it gets quiet, and two leads at once.
    settings.REMINDER_LEADS = (2 * HOUR, QUARTER)
    invited(office, start=at(5), rooms=())
    start = START - 5 * HOUR
    assert looked(start - 8 * HOUR - SECOND) == []
    assert looked(start - 8 * HOUR, start - 2 * HOUR, start - QUARTER) == [(ANNA, QUARTER)]


def test_booked_in_the_night_for_the_same_night_reminds_at_once(office: Office, settings: object) -> None:
    settings.REMINDER_QUIET = NIGHT
    invited(office, start=at(5), rooms=())
    assert looked(START - 11 * HOUR) == [(ANNA, QUARTER)]


def test_quiet_hours_are_those_of_the_readers_clock(office: Office, settings: object) -> None:
    settings.REMINDER_QUIET = NIGHT
    booking = invited(office, MIGRI)
    Attendee.objects.filter(booking=booking, email=MIGRI).update(time_zone="America/New_York")
    # 10:00 in Warsaw is 4:00 in New York, where it is quiet from 3:00 to 12:00 of Warsaw's clock.
    assert looked(START - DAY, START - 22 * HOUR - SECOND) == [(ANNA, DAY)]
    assert looked(START - 22 * HOUR) == [(ANNA, DAY), (MIGRI, DAY)]
    assert looked(START - 7 * HOUR - SECOND) == [(ANNA, DAY), (MIGRI, DAY)]
    assert looked(START - 7 * HOUR) == [(ANNA, DAY), (MIGRI, DAY), (MIGRI, QUARTER)]


@pytest.mark.parametrize(
    ("own", "site", "waits"),
    [
        ({}, {}, True),
        ({"quiet": "none"}, {}, False),
        ({}, {"quiet": "none"}, False),
        ({"quiet": "default", "leads": [DAY]}, {"quiet": "none"}, False),
        ({"quiet": "own", "quiet_from": time(23), "quiet_to": time(5)}, {}, False),
        ({"quiet": "own", "quiet_from": time(20), "quiet_to": time(23)}, {"quiet": "none"}, True),
        ({}, {"quiet": "own", "quiet_from": time(22), "quiet_to": time(4)}, True),
    ],
)
def test_whose_quiet_hours_count(
    office: Office, settings: object, own: dict[str, object], site: dict[str, object], waits: bool
) -> None:
    settings.REMINDER_QUIET = NIGHT
    own and choose(user=office.staff, **own)
    site and site_says(office, **site)
    booking = invited(office, start=at(22), rooms=())
    booking.host_site = office.koszykowa
    booking.save()
    assert looked(START + 12 * HOUR - DAY) == ([] if waits else [(ANNA, DAY)])


def test_own_quiet_hours_count_where_the_office_has_none_and_reminds_late(office: Office, settings: object) -> None:
    settings.REMINDER_LEADS = (QUARTER,)
    choose(user=office.staff, quiet="own", quiet_from=time(21), quiet_to=time(6))
    invited(office, SILENT, start=at(5), rooms=())
    start = START - 5 * HOUR
    assert looked(start - 8 * HOUR - SECOND) == []
    assert looked(start - 8 * HOUR) == [(ANNA, QUARTER)]
    assert looked(start - QUARTER) == [(ANNA, QUARTER), (SILENT, QUARTER)]


def test_what_was_held_up_into_the_night_waits_for_the_morning(
    office: Office, settings: object, smtp: MailServer
) -> None:
    settings.REMINDER_QUIET = NIGHT
    invited(office, start=at(20, 59), rooms=())
    start = START + 10 * HOUR + 59 * timedelta(minutes=1)
    queue_due(start - DAY)
    # No worker was there until eleven.
    assert deliver_due(start - 22 * HOUR) == Tally()
    assert reminders() == [(ANNA, DAY, "superseded")]
    morning = START - 4 * HOUR
    assert [queue_due(moment) for moment in (start - 22 * HOUR, morning)] == [0, 1]
    assert deliver_due(morning) == Tally(sent=1)
    assert reminders() == [(ANNA, DAY, "sent")]


def test_what_is_queued_ahead_is_due_at_its_moment_and_not_before(
    office: Office, settings: object, smtp: MailServer
) -> None:
    invited(office)
    minute = 60 * SECOND
    due = START - DAY
    assert [queue_due(due - before, ahead=minute) for before in (61 * SECOND, minute, SECOND, 0 * SECOND)] == [
        0,
        1,
        0,
        0,
    ]
    assert Message.objects.get(kind="reminder").due_at == due
    assert deliver_due(due - SECOND) == Tally()
    assert deliver_due(due) == Tally(sent=1)


def test_what_is_queued_ahead_and_no_longer_wanted_does_not_leave(office: Office, smtp: MailServer) -> None:
    invited(office, MIGRI)
    queue_due(START - DAY - SECOND, ahead=60 * SECOND)
    choose(user=office.staff, leads=[HOUR])
    assert review_choice(user=office.staff) == 1
    assert queue_due(START - DAY) == 0
    assert deliver_due(START - DAY) == Tally(sent=1)
    assert reminders() == [(ANNA, DAY, "superseded"), (MIGRI, DAY, "sent")]


def test_what_waits_and_is_still_wanted_comes_back_after_a_choice(office: Office) -> None:
    invited(office, MIGRI)
    queue_due(START - DAY)
    choose(address=MIGRI, leads=[DAY])
    assert review_choice(address=MIGRI) == 1
    assert queue_due(START - DAY) == 1
    assert reminders() == [(ANNA, DAY, "queued"), (MIGRI, DAY, "queued")]


def test_a_choice_of_a_site_reviews_what_waits_for_its_sessions(office: Office) -> None:
    invited(office)
    invited(office, start=at(10), rooms=(office.room("TAB/A"),))
    queue_due(START - DAY)
    site_says(office, leads=[])
    assert review_choice(site=office.koszykowa) == 1
    assert queue_due(START - DAY) == 0


def test_what_begins_soon_is_reminded_of_before_other_mail(office: Office) -> None:
    invited(office)
    queue_due(START - DAY)
    queue_due(START - QUARTER)
    found = Message.objects.filter(kind="reminder").order_by("pk").values_list("lead", "priority")
    assert list(found) == [(DAY, Message.Priority.NORMAL), (QUARTER, Message.Priority.URGENT)]


def test_choices_cost_no_further_statement(office: Office, settings: object) -> None:
    settings.REMINDER_QUIET = NIGHT
    site_says(office, leads=[3 * DAY])
    people = [make_user(f"osoba{number}@urzad.example", staff_of=[office.koszykowa]) for number in range(3)]
    for user in people:
        choose(user=user, leads=[DAY], quiet="own", quiet_from=time(22), quiet_to=time(5))
    invited(office, *[user.email for user in people])
    with CaptureQueriesContext(connection) as queries:
        assert queue_due(START - DAY) == 4
    assert len(queries) == 1
