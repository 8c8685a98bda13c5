"""Organizers get one overview of their next day, at the right hour, with what is true when it is sent."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from bookings import services
from bookings.models import Booking
from notifications import summaries
from notifications.compose import Mail, NothingToSay, compose
from notifications.models import Message, ReminderChoice, SiteReminders
from tests.bookings.requests import NOW
from tests.factories import Office
from tests.notifications.outbox_rows import MAZ, MIGRI, book

pytestmark = pytest.mark.django_db

#: 15:00 in Warsaw, on Monday 23 November 2026, the day before the sessions of `book`.
DUE = datetime(2026, 11, 23, 14, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def at_three(settings: Any) -> None:
    settings.SUMMARY_AT = time(15)


def queued() -> list[tuple[str, str | None]]:
    rows = Message.objects.filter(kind="summary").order_by("pk")
    return [(row.recipient, (row.data or {}).get("day")) for row in rows]


def overview(now: datetime = DUE) -> Mail:
    summaries.queue_due(now)
    return compose(Message.objects.select_related("user").get(kind="summary"), now=now)


def in_english(office: Office) -> None:
    type(office.staff).objects.update(language="en")


def test_it_is_due_at_the_hour_of_the_day_before_and_comes_once(office: Office) -> None:
    book(office, MIGRI)
    assert summaries.queue_due(DUE - MINUTE) == 0
    assert summaries.queue_due(DUE) == 1
    assert summaries.queue_due(DUE) == 0
    assert summaries.queue_due(DUE + timedelta(hours=8)) == 0
    row = Message.objects.get(kind="summary")
    assert (row.recipient, row.user_id, row.topic) == (office.staff.email, office.staff.pk, "day_summary")
    assert (row.data, row.once) == ({"day": "2026-11-24"}, f"summary:{office.staff.pk}:2026-11-24")
    assert row.priority == Message.Priority.BULK
    # 10:00 in Warsaw: whoever begins needs no overview any more.
    assert row.give_up_at == datetime(2026, 11, 24, 9, tzinfo=UTC)


def test_all_sessions_of_a_day_are_in_one_mail_by_time(office: Office) -> None:
    in_english(office)
    book(office, start=datetime(2026, 11, 24, 13), title="Zezwolenia na pobyt")
    book(office)
    mail = overview()
    assert mail.subject == "Tomorrow, Tue 24 November: 2 sessions, the first at 10:00"
    assert mail.text.index("Konsultacje z Mazowieckim UW") < mail.text.index("Zezwolenia na pobyt")
    assert "2 sessions, 10:00–14:00 Polish time (UTC+1)\nNothing is in the way." in mail.text
    for number in Booking.objects.values_list("number", flat=True):
        assert f"http://testserver/sesje/{number}/" in mail.text
        assert f'href="http://testserver/sesje/{number}/"' in mail.html
    assert "http://testserver/konto/przypomnienia/" in mail.text


def test_nobody_hears_of_a_day_without_own_sessions(office: Office) -> None:
    book(office, office.manager.email)
    services.cancel(book(office, rooms=(), start=datetime(2026, 11, 25, 10)), by=office.staff, now=NOW)
    assert summaries.queue_due(DUE) == 1
    assert summaries.queue_due(DUE + timedelta(days=1)) == 0
    assert queued() == [(office.staff.email, "2026-11-24")]


def test_a_request_alone_makes_no_day(office: Office) -> None:
    booking = book(office, rooms=(office.room("KOS/3.01"),))
    assert booking.is_requested
    assert summaries.queue_due(DUE) == 0


@pytest.mark.parametrize("off", ["site", "person", "inactive", "office"])
def test_it_can_be_switched_off(office: Office, settings: Any, off: str) -> None:
    book(office)
    if off == "site":
        SiteReminders.objects.create(site=office.koszykowa, has_summary=False, changed_at=NOW)
    elif off == "person":
        ReminderChoice.objects.create(user=office.staff, wants_summary=False, changed_at=NOW)
    elif off == "inactive":
        book(office, rooms=(office.room("TAB/A"),), start=datetime(2026, 11, 24, 15))
        type(office.staff).objects.filter(pk=office.staff.pk).update(is_active=False)
    else:
        settings.SUMMARY_AT = None
    assert summaries.queue_due(DUE) == 0
    if off == "inactive":
        return  # Nothing can be booked for somebody who has left.
    # What is off for one is off for nobody else.
    book(office, rooms=(office.room("TAB/A"),), start=datetime(2026, 11, 24, 15))
    assert summaries.queue_due(DUE) == (1 if off == "site" else 0)


def test_the_hour_of_the_site_counts_and_that_of_the_office_elsewhere(office: Office, settings: Any) -> None:
    SiteReminders.objects.create(site=office.koszykowa, summary_at=time(12, 30), changed_at=NOW)
    book(office)
    half_past_twelve = datetime(2026, 11, 23, 11, 30, tzinfo=UTC)
    assert summaries.queue_due(half_past_twelve - MINUTE) == 0
    assert summaries.queue_due(half_past_twelve) == 1
    # Nothing is due at a site that has no hour, where the office has none.
    settings.SUMMARY_AT = None
    book(office, rooms=(office.room("TAB/A"),), start=datetime(2026, 11, 25, 10))
    assert summaries.queue_due(DUE + timedelta(days=1)) == 0


def test_the_clock_on_the_wall_of_the_site_says_when(office: Office) -> None:
    type(office.koszykowa).objects.filter(pk=office.koszykowa.pk).update(time_zone="Europe/Helsinki")
    book(office)
    assert summaries.queue_due(DUE - timedelta(hours=1) - MINUTE) == 0
    assert summaries.queue_due(DUE - timedelta(hours=1)) == 1


def test_sessions_of_no_site_are_due_by_the_clock_of_the_office(office: Office) -> None:
    book(office, rooms=())
    Booking.objects.update(host_site=None)
    assert summaries.queue_due(DUE - MINUTE) == 0
    assert summaries.queue_due(DUE) == 1


@pytest.mark.parametrize(
    ("day", "eve"),
    [
        (date(2026, 11, 24), date(2026, 11, 23)),
        # Monday; Friday is the last working day.
        (date(2026, 11, 30), date(2026, 11, 27)),
        (date(2026, 11, 29), date(2026, 11, 27)),
        # Independence Day is a Wednesday in 2026, and a Thursday in 2027.
        (date(2026, 11, 12), date(2026, 11, 10)),
        (date(2027, 11, 12), date(2027, 11, 10)),
        # Christmas Eve, Christmas and Sunday.
        (date(2026, 12, 28), date(2026, 12, 23)),
        (date(2027, 1, 4), date(2026, 12, 31)),
    ],
)
def test_the_last_working_day_before(day: date, eve: date) -> None:
    assert summaries.working_day_before(day) == eve


def test_before_holidays_it_comes_on_the_last_working_day(office: Office) -> None:
    book(office, start=datetime(2026, 12, 28, 10))
    christmas = datetime(2026, 12, 23, 14, tzinfo=UTC)
    assert summaries.queue_due(christmas - MINUTE) == 0
    assert summaries.queue_due(christmas) == 1
    assert queued() == [(office.staff.email, "2026-12-28")]
    mail = compose(Message.objects.select_related("user").get(kind="summary"), now=christmas)
    assert not mail.subject.startswith("Jutro")


def test_a_worker_that_was_away_sends_it_until_the_day_begins(office: Office) -> None:
    book(office)
    midnight = datetime(2026, 11, 23, 23, tzinfo=UTC)
    assert summaries.queue_due(midnight) == 0
    assert summaries.queue_due(midnight - MINUTE) == 1


def test_who_books_in_the_evening_hears_of_tomorrow_unless_an_overview_went_out(office: Office) -> None:
    evening = DUE + timedelta(hours=2)
    assert summaries.queue_due(evening) == 0
    book(office, now=evening)
    assert summaries.queue_due(evening) == 1
    book(office, start=datetime(2026, 11, 24, 13), now=evening)
    assert summaries.queue_due(evening + MINUTE) == 0


def test_clocks_that_change_move_neither_the_hour_nor_the_day(office: Office) -> None:
    # On Sunday 28 March 2027 clocks go forward at two; on Saturday nobody works.
    book(office, rooms=(), start=datetime(2027, 3, 28, 0, 30))
    book(office, rooms=(), start=datetime(2027, 3, 28, 22, 30))
    book(office, rooms=(), start=datetime(2027, 3, 29, 0, 30))
    friday = datetime(2027, 3, 26, 14, tzinfo=UTC)
    assert summaries.queue_due(friday - MINUTE) == 0
    # Good Friday is no holiday in Poland; Easter Monday, the day after, is one.
    assert summaries.queue_due(friday) == 2
    assert queued() == [(office.staff.email, "2027-03-28"), (office.staff.email, "2027-03-29")]
    sunday = Message.objects.select_related("user").get(data={"day": "2027-03-28"})
    office.staff.refresh_from_db()
    assert "0:30–1:30" in compose(sunday, now=friday).text
    assert "22:30–23:30" in compose(sunday, now=friday).text


def test_times_are_by_the_clock_of_the_reader_and_the_day_is_the_offices(office: Office) -> None:
    book(office)
    book(office, rooms=(), start=datetime(2026, 11, 24, 2))
    type(office.staff).objects.update(language="en", time_zone="America/New_York")
    mail = overview()
    assert "4:00–5:00 New York time (UTC−5); 10:00–11:00 Polish time (UTC+1)" in mail.text
    assert "Mon 23 November, 20:00–21:00 New York time (UTC−5)" in mail.text
    assert "Tuesday, 24 November 2026" in mail.text


def test_what_is_cancelled_before_it_is_written_is_not_in_it(office: Office) -> None:
    kept, gone = book(office), book(office, start=datetime(2026, 11, 24, 13), title="Odwołana")
    summaries.queue_due(DUE)
    services.cancel(gone, by=office.staff, now=DUE)
    row = Message.objects.select_related("user").get(kind="summary")
    assert "Odwołana" not in compose(row, now=DUE).text
    services.cancel(kept, by=office.staff, now=DUE)
    with pytest.raises(NothingToSay):
        compose(row, now=DUE)


def test_one_that_had_nothing_to_say_comes_back_with_a_new_session(office: Office) -> None:
    gone = book(office)
    summaries.queue_due(DUE)
    services.cancel(gone, by=office.staff, now=DUE)
    Message.objects.filter(kind="summary").update(state="superseded")
    assert summaries.queue_due(DUE + MINUTE) == 0
    book(office, start=datetime(2026, 11, 24, 13), now=DUE)
    assert summaries.queue_due(DUE + MINUTE) == 1
    row = Message.objects.get(kind="summary")
    assert (row.state, row.give_up_at) == ("queued", datetime(2026, 11, 24, 12, tzinfo=UTC))
    # One that may have arrived does not.
    Message.objects.filter(kind="summary").update(state="superseded", may_have_arrived=True)
    assert summaries.queue_due(DUE + MINUTE) == 0


def test_however_many_sessions_there_are_the_mail_asks_as_often(office: Office) -> None:
    book(office, MIGRI, MAZ)
    summaries.queue_due(DUE)
    row = Message.objects.select_related("user").get(kind="summary")
    with CaptureQueriesContext(connection) as one:
        compose(row, now=DUE)
    for number in range(19):
        start = datetime(2026, 11, 24, 7) + timedelta(minutes=30 * number)
        room = list(office.rooms.values())[5 + number % 2]
        book(office, MIGRI, MAZ, rooms=(room,), start=start, minutes=30)
    with CaptureQueriesContext(connection) as many:
        mail = compose(row, now=DUE)
    assert mail.text.count("/sesje/") == 20
    assert len(many) == len(one)


def test_looking_for_what_is_due_takes_two_statements(office: Office) -> None:
    for number in range(5):
        book(office, start=datetime(2026, 11, 24, 8 + number))
    with CaptureQueriesContext(connection) as due:
        summaries.queue_due(DUE)
    with CaptureQueriesContext(connection) as early:
        summaries.queue_due(DUE - timedelta(hours=3))
    assert (len(due), len(early)) == (2, 1)


@pytest.fixture
def four_workers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def test_four_beats_at_once_queue_it_once(
    transactional_db: None, open_office: Office, four_workers: ThreadPoolExecutor
) -> None:
    for number in range(3):
        book(open_office, start=datetime(2026, 11, 24, 9 + number))
        book(open_office, start=datetime(2026, 11, 25, 9 + number))

    def run(_number: int) -> int:
        try:
            return sum(summaries.queue_due(DUE + timedelta(days=days)) for days in (0, 1))
        finally:
            connections.close_all()

    assert sum(four_workers.map(run, range(8))) == 2
    assert sorted(queued()) == [(open_office.staff.email, "2026-11-24"), (open_office.staff.email, "2026-11-25")]
