"""Managers get one overview of each week at their site, with figures that a slow count gives as well."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from bookings import services
from bookings.models import LicenceRefusal, Occurrence, as_range
from bookings.rules import Scope
from notifications import digests
from notifications.compose import Mail, NothingToSay, compose
from notifications.compose.week_before import LastWeek, read_last_week
from notifications.compose.week_digest import short_span
from notifications.models import Message, ReminderChoice, SiteReminders
from rooms.interval import Interval
from rooms.models import SiteRole
from tests.bookings.closing import closing
from tests.bookings.requests import NOW, ask
from tests.bookings.series import meetings, weekly
from tests.factories import Office, make_user
from tests.notifications.outbox_rows import MIGRI, book

pytestmark = pytest.mark.django_db

#: 7:00 in Warsaw on Monday 23 November 2026.
DUE = datetime(2026, 11, 23, 6, tzinfo=UTC)
MONDAY = date(2026, 11, 23)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def on_mondays(settings: Any) -> None:
    settings.DIGEST_AT = (0, time(7))


@pytest.fixture
def alone(office: Office) -> Office:
    """The office with the manager of Koszykowa as the only one, who reads English."""
    type(office.manager).objects.update(language="en")
    return office


def queued() -> list[tuple[str, int, str]]:
    rows = Message.objects.filter(kind="digest").order_by("pk")
    return [(row.recipient, (row.data or {})["site"], (row.data or {})["monday"]) for row in rows]


def overview(now: datetime = DUE) -> Mail:
    digests.queue_due(now)
    return compose(Message.objects.select_related("user").get(kind="digest"), now=now)


def test_it_is_due_once_a_week_for_every_manager_of_a_site(office: Office) -> None:
    second = make_user("ewa.kierownik@urzad.example", manages=[office.koszykowa, office.biala])
    make_user("byly@urzad.example", manages=[office.koszykowa], is_active=False)
    assert digests.queue_due(DUE - MINUTE) == 0
    assert digests.queue_due(DUE) == 3
    assert digests.queue_due(DUE + MINUTE) == 0
    assert queued() == [
        (office.manager.email, office.koszykowa.pk, "2026-11-23"),
        (second.email, office.koszykowa.pk, "2026-11-23"),
        (second.email, office.biala.pk, "2026-11-23"),
    ]
    row = Message.objects.filter(kind="digest").earliest("pk")
    assert row.once == f"digest:{office.manager.pk}:{office.koszykowa.pk}:2026-11-23"
    assert (row.topic, row.priority) == ("week_digest", Message.Priority.BULK)
    assert digests.queue_due(DUE + 7 * DAY) == 3


def test_a_late_worker_sends_it_for_a_day(office: Office) -> None:
    assert digests.queue_due(DUE + DAY) == 0
    assert digests.queue_due(DUE + DAY - MINUTE) == 1


@pytest.mark.parametrize("off", ["site", "person", "office", "role"])
def test_it_can_be_switched_off(office: Office, settings: Any, off: str) -> None:
    if off == "site":
        SiteReminders.objects.create(site=office.koszykowa, has_digest=False, changed_at=NOW)
    elif off == "person":
        ReminderChoice.objects.create(user=office.manager, wants_digest=False, changed_at=NOW)
    elif off == "office":
        settings.DIGEST_AT = None
    else:
        SiteRole.objects.filter(user=office.manager).update(role=SiteRole.Role.STAFF)
    make_user("ewa.kierownik@urzad.example", manages=[office.biala])
    assert digests.queue_due(DUE) == (0 if off == "office" else 1)
    assert office.manager.email not in {recipient for recipient, _site, _monday in queued()}


@pytest.mark.parametrize(
    ("weekday", "monday"),
    [(0, "2026-11-23"), (3, "2026-11-23"), (4, "2026-11-30"), (6, "2026-11-30")],
)
def test_from_friday_on_it_is_about_the_next_week(office: Office, weekday: int, monday: str) -> None:
    SiteReminders.objects.create(site=office.koszykowa, digest_weekday=weekday, digest_at=time(16, 30), changed_at=NOW)
    at = datetime(2026, 11, 23, 15, 30, tzinfo=UTC) + weekday * DAY
    assert digests.queue_due(at - MINUTE) == 0
    assert digests.queue_due(at) == 1
    assert queued() == [(office.manager.email, office.koszykowa.pk, monday)]


def test_the_clock_on_the_wall_says_when_also_after_clocks_change(office: Office) -> None:
    # In Warsaw clocks go back on Sunday 25 October 2026 and forward on 28 March 2027.
    for at in (datetime(2026, 10, 19, 5, tzinfo=UTC), datetime(2026, 10, 26, 6, tzinfo=UTC)):
        assert digests.queue_due(at - MINUTE) == 0
        assert digests.queue_due(at) == 1
    type(office.koszykowa).objects.filter(pk=office.koszykowa.pk).update(time_zone="America/New_York")
    assert digests.queue_due(DUE + 5 * timedelta(hours=1)) == 0
    assert digests.queue_due(DUE + 6 * timedelta(hours=1)) == 1


def test_two_statements_find_what_is_due(office: Office) -> None:
    for number in range(4):
        make_user(f"kierownik.{number}@urzad.example", manages=[office.koszykowa, office.taborowa])
    with CaptureQueriesContext(connection) as early:
        digests.queue_due(DUE - MINUTE)
    with CaptureQueriesContext(connection) as due:
        assert digests.queue_due(DUE) == 9
    assert (len(early), len(due)) == (1, 2)


def test_it_says_what_is_on_at_the_site(alone: Office) -> None:
    book(alone, MIGRI)
    book(alone, start=datetime(2026, 11, 24, 13), minutes=90)
    book(alone, rooms=(alone.room("KOS/2.16"),), start=datetime(2026, 11, 25, 10), minutes=30)
    # Of other sites and of other weeks nothing is told.
    book(alone, rooms=(alone.room("TAB/A"),), start=datetime(2026, 11, 25, 10))
    book(alone, start=datetime(2026, 12, 1, 10))
    mail = overview()
    assert mail.subject == "Week 23–29 Nov, Koszykowa 16: 3 sessions"
    assert "Tue 24 Nov · Sessions: 2 · 10:00–14:30 · Licences: 1 of 10" in mail.text
    assert "Wed 25 Nov · Sessions: 1 · 10:00–10:30 · Licences: 2 of 10" in mail.text
    assert "Thu 26 Nov · Sessions: 0\n" in mail.text
    assert "Sat" not in mail.text
    assert "- At most 2 of 10 on Wednesday at 10:00; 8 are left then" in mail.text
    assert "- Sala wideo 2.14: 2 sessions, 2 h 30 min\n- Sala wideo 2.16: 1 session, 30 min\n" in mail.text
    assert "http://testserver/tablica/2026-11-24/?site=KOS" in mail.text
    assert "http://testserver/konto/przypomnienia/" in mail.text
    for words in ("Tue 24 Nov", "10:00–14:30", "2 of 10", "At most 2 of 10 on Wednesday at 10:00"):
        assert words in mail.html


def test_a_full_pool_is_said_to_be_full(alone: Office) -> None:
    # Shares of 4, 3 and 2, and one in reserve.
    codes = [
        "KOS/2.14",
        "KOS/2.16",
        "KOS/1.03",
        "KOS/3.01",
        "KOS/0.07",
        "TAB/A",
        "TAB/B",
        "TAB/0.18",
        "BIA/5",
        "BIA/SW",
    ]
    for code in codes:
        request = ask(alone.it_admin, alone.room(code), start=datetime(2026, 11, 25, 11))
        services.book(request, by=alone.it_admin, now=NOW)
    text = overview().text
    assert "- At most 10 of 10 on Wednesday at 11:00; none is left then\n" in text
    assert "Wed 25 Nov · Sessions: 5 · 11:00–12:00 · Licences: 10 of 10" in text


def test_without_anything_to_say_nothing_is_sent(alone: Office) -> None:
    digests.queue_due(DUE)
    row = Message.objects.select_related("user").get(kind="digest")
    with pytest.raises(NothingToSay):
        compose(row, now=DUE)


def test_a_request_that_waits_is_told_even_without_a_session(alone: Office) -> None:
    book(alone, rooms=(alone.room("KOS/3.01"),), start=datetime(2026, 12, 14, 9), now=DUE - timedelta(days=3, hours=2))
    mail = overview()
    assert mail.subject == "Week 23–29 Nov, Koszykowa 16: 0 sessions"
    assert "1 request awaits an answer" in mail.text
    assert "- Konsultacje z Mazowieckim UW, Anna Wrzesińska, Mon 14 December 9:00: waits for 3 days" in mail.text
    assert "http://testserver/wnioski/" in mail.text


def test_who_manages_the_site_no_more_gets_nothing(alone: Office) -> None:
    book(alone)
    digests.queue_due(DUE)
    SiteRole.objects.filter(user=alone.manager).delete()
    row = Message.objects.select_related("user").get(kind="digest")
    with pytest.raises(NothingToSay):
        compose(row, now=DUE)


def test_closures_of_the_week_are_told(alone: Office) -> None:
    room = alone.room("KOS/2.16")
    services.close(closing(room), by=alone.manager, now=NOW)
    whole = closing(start=datetime(2026, 11, 26), hours=48, site_id=alone.koszykowa.pk)
    services.close(whole, by=alone.manager, now=NOW)
    services.close(closing(alone.room("TAB/A")), by=alone.it_admin, now=NOW)
    services.close(closing(room, start=datetime(2026, 12, 1, 9)), by=alone.manager, now=NOW)
    text = overview().text
    assert "- Tue 24 November, 9:00–13:00: Sala wideo 2.16, Wymiana kabli\n" in text
    assert "- Thu 26 November – Fri 27 November: Koszykowa 16, Wymiana kabli\n" in text
    assert text.count("Wymiana kabli") == 2


def test_hours_are_by_the_clock_of_the_reader(alone: Office) -> None:
    type(alone.manager).objects.filter(pk=alone.manager.pk).update(time_zone="Europe/Helsinki")
    book(alone)
    text = overview().text
    assert "Hours are by your clock: Helsinki time." in text
    assert "Tue 24 Nov · Sessions: 1 · 11:00–12:00" in text


def test_a_holiday_is_named(alone: Office) -> None:
    book(alone, start=datetime(2026, 11, 12, 10))
    mail = overview(datetime(2026, 11, 9, 6, tzinfo=UTC))
    assert "Wed 11 Nov · Sessions: 0 · National Independence Day\n" in mail.text


def test_what_went_wrong_in_the_week_before(alone: Office) -> None:
    missed = book(alone, start=datetime(2026, 11, 17, 10)).occurrences.get()
    late = book(alone, MIGRI, start=datetime(2026, 11, 18, 10))
    early = book(alone, start=datetime(2026, 11, 19, 10))
    asked = book(alone, rooms=(alone.room("KOS/3.01"),), start=datetime(2026, 11, 19, 12))
    Occurrence.objects.filter(pk=missed.pk).update(no_show_at=missed.starts_at + timedelta(minutes=15))
    night = datetime(2026, 11, 18, 1, tzinfo=UTC)
    services.cancel(late, by=alone.staff, now=night)
    services.cancel(early, by=alone.staff, now=night)
    services.cancel(asked, by=alone.staff, now=datetime(2026, 11, 19, 8, tzinfo=UTC))
    Message.objects.filter(booking=late, recipient=MIGRI).update(
        state="failed", last_error="550 no such user", due_at=night
    )
    _refuse(alone, night)
    _refuse(alone, night - 7 * DAY)
    assert read_last_week(alone.koszykowa, MONDAY) == LastWeek(1, 1, 1, 1)
    assert read_last_week(alone.koszykowa, MONDAY + 7 * DAY) == LastWeek()
    text = overview().text
    assert (
        "In the week 16–22 Nov\n- nobody came to 1 session\n- 1 session was cancelled less than 24 hours before\n"
        "- 1 mail could not be delivered\n- 1 request was refused for lack of a licence\n"
    ) in text


def _refuse(office: Office, at: datetime) -> None:
    LicenceRefusal.objects.create(
        pool=office.pool,
        site=office.koszykowa,
        period=as_range(Interval(at, at + DAY)),
        on=at.date(),
        at=at,
        user=office.staff,
    )


def test_meetings_of_a_series_count_as_they_were_called_off(alone: Office) -> None:
    booking = book(alone, series=weekly(), start=datetime(2026, 11, 24, 10))
    first, second, *_rest = meetings(booking)
    soon = first.starts_at - timedelta(hours=2)
    # The second a week ahead, the first two hours before; the rest is moved into another series, which is no loss.
    services.cancel(booking, by=alone.staff, now=soon, scope=Scope.ONE, occurrence=second)
    services.cancel(booking, by=alone.staff, now=soon, scope=Scope.ONE, occurrence=first)
    assert read_last_week(alone.koszykowa, MONDAY + 7 * DAY).cancelled_late == 1
    assert read_last_week(alone.koszykowa, MONDAY + 14 * DAY).cancelled_late == 0
    services.cancel(booking, by=alone.staff, now=second.starts_at - timedelta(hours=1))
    assert read_last_week(alone.koszykowa, MONDAY + 14 * DAY).cancelled_late == 0


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (date(2026, 11, 30), date(2026, 12, 6), "30 XI – 6 XII"),
        (date(2026, 12, 7), date(2026, 12, 13), "7–13 XII"),
        (date(2026, 12, 28), date(2027, 1, 3), "28 XII – 3 I"),
    ],
)
def test_a_week_in_few_letters(first: date, last: date, words: str) -> None:
    assert short_span(first, last) == words


def test_however_much_there_is_the_mail_asks_as_often(alone: Office) -> None:
    book(alone, MIGRI)
    digests.queue_due(DUE)
    row = Message.objects.select_related("user").get(kind="digest")
    with CaptureQueriesContext(connection) as one:
        compose(row, now=DUE)
    for number in range(19):
        start = datetime(2026, 11, 24 + number % 3, 11) + timedelta(minutes=30 * (number // 3))
        book(alone, start=start, minutes=30)
    with CaptureQueriesContext(connection) as many:
        assert "20 sessions" in compose(row, now=DUE).subject
    assert len(many) == len(one)


@pytest.fixture
def four_workers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def test_four_beats_at_once_queue_it_once(
    transactional_db: None, open_office: Office, four_workers: ThreadPoolExecutor
) -> None:
    make_user("ewa.kierownik@urzad.example", manages=[open_office.koszykowa])

    def run(_number: int) -> int:
        try:
            return digests.queue_due(DUE)
        finally:
            connections.close_all()

    assert sum(four_workers.map(run, range(8))) == 2
    assert len(queued()) == 2
