"""Lists of a user's sessions: what they show, and that both ways of searching find the same."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from bookings import list_queries, services
from bookings.list_queries import ListPage, Part, past_meetings_of, sessions_of
from bookings.models import Booking
from bookings.rules import Participant, Scope
from tests.bookings.requests import NOW, ask, at
from tests.bookings.views.weekly import meeting, weekly
from tests.factories import Office

pytestmark = pytest.mark.django_db
_THIRD = date(2026, 12, 3)


@pytest.fixture(params=["by bookings", "by a walk"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything here holds for users with few sessions and for those with many."""
    if request.param == "by a walk":
        monkeypatch.setattr(list_queries, "_FEW", -1)


def lines(page: ListPage) -> list[tuple[str, date, int]]:
    return [(line.booking.title, line.occurrence.starts_at.date(), line.more) for line in page.lines]


def coming(user: User, now: datetime = NOW, number: int = 1, size: int = 20) -> list[tuple[str, date, int]]:
    return lines(sessions_of(user, now=now, number=number, size=size))


def test_a_series_is_one_line_until_its_last_meeting_is_over(office: Office) -> None:
    series = weekly(office.staff, count=3, title="Seria")
    services.book(ask(office.staff, start=at(9, day=datetime(2026, 11, 30)), title="Jedna"), by=office.staff, now=NOW)
    assert coming(office.staff) == [("Seria", date(2026, 11, 26), 2), ("Jedna", date(2026, 11, 30), 0)]
    later = datetime(2026, 11, 28, tzinfo=UTC)
    assert coming(office.staff, later) == [("Jedna", date(2026, 11, 30), 0), ("Seria", _THIRD, 1)]
    services.cancel(series, by=office.staff, now=later, scope=Scope.ONE, occurrence=meeting(series, _THIRD))
    assert coming(office.staff, later)[1] == ("Seria", date(2026, 12, 10), 0)
    assert coming(office.staff, datetime(2026, 12, 11, tzinfo=UTC)) == []


def test_past_meetings_stand_by_themselves_newest_first(office: Office) -> None:
    series = weekly(office.staff, count=4, title="Seria")
    services.cancel(series, by=office.staff, now=NOW, scope=Scope.ONE, occurrence=meeting(series, _THIRD))
    now = datetime(2026, 12, 11, tzinfo=UTC)
    found = past_meetings_of(office.staff, now=now, number=1, size=20)
    assert lines(found) == [("Seria", date(2026, 12, 10), 0), ("Seria", date(2026, 11, 26), 0)]


def test_a_cancelled_session_stays_until_its_time_has_passed(office: Office) -> None:
    booking = services.book(ask(office.staff, title="Odwołana"), by=office.staff, now=NOW)
    series = weekly(office.staff, count=3, title="Cała seria")
    services.cancel(booking, by=office.staff, now=NOW)
    services.cancel(series, by=office.staff, now=NOW)
    assert [title for title, _day, _more in coming(office.staff)] == ["Odwołana", "Cała seria"]
    assert coming(office.staff, datetime(2027, 1, 1, tzinfo=UTC)) == []


def invite_to_one(office: Office, series: Booking) -> None:
    """Invite the colleague to the meeting on 3 December alone."""
    request = ask(
        office.staff,
        start=datetime(2026, 12, 3, 10),
        title="Seria",
        participants=(Participant(user_id=office.colleague.pk),),
    )
    services.change(
        series,
        request,
        by=office.staff,
        now=NOW,
        version=series.version,
        scope=Scope.ONE,
        occurrence=meeting(series, _THIRD),
    )


def test_a_guest_of_one_meeting_sees_that_one(office: Office) -> None:
    series = weekly(office.staff, count=3, title="Seria")
    invite_to_one(office, series)
    assert coming(office.colleague) == [("Seria", _THIRD, 0)]
    assert coming(office.staff) == [("Seria", date(2026, 11, 26), 2)]


def test_a_guest_of_one_meeting_does_not_see_the_others_once_they_are_over(office: Office) -> None:
    series = weekly(office.staff, count=3, title="Seria")
    invite_to_one(office, series)
    over = datetime(2027, 1, 1, tzinfo=UTC)
    assert lines(past_meetings_of(office.colleague, now=over, number=1, size=20)) == [("Seria", _THIRD, 0)]
    assert len(lines(past_meetings_of(office.staff, now=over, number=1, size=20))) == 3


def test_a_guest_of_one_meeting_that_is_over_is_not_told_when_the_series_goes_on(office: Office) -> None:
    series = weekly(office.staff, count=3, title="Seria")
    invite_to_one(office, series)
    assert coming(office.colleague, datetime(2026, 12, 4, tzinfo=UTC)) == []
    assert coming(office.staff, datetime(2026, 12, 4, tzinfo=UTC)) == [("Seria", date(2026, 12, 10), 0)]


def test_who_books_for_somebody_else_sees_it_and_strangers_do_not(office: Office) -> None:
    services.book(ask(office.staff, title="Za kogoś"), by=office.manager, now=NOW)
    assert coming(office.manager) == coming(office.staff) == [("Za kogoś", date(2026, 11, 24), 0)]
    assert coming(office.colleague) == []


def test_pages_follow_each_other_without_a_gap(office: Office) -> None:
    for hour in range(8, 13):
        services.book(ask(office.staff, start=at(hour), title=str(hour)), by=office.staff, now=NOW)
    pages = [sessions_of(office.staff, now=NOW, number=number, size=2) for number in (1, 2, 3)]
    assert [line.booking.title for page in pages for line in page.lines] == ["8", "9", "10", "11", "12"]
    assert [page.has_next for page in pages] == [True, True, False]


def test_one_and_sixty_meetings_take_the_same_queries(office: Office) -> None:
    def count(now: datetime) -> int:
        with CaptureQueriesContext(connection) as captured:
            sessions_of(office.staff, now=now, number=1, size=20)
            past_meetings_of(office.staff, now=now, number=1, size=20)
        return len(captured)

    weekly(office.staff, office.room("KOS/2.14"), count=2)
    now = datetime(2026, 11, 27, tzinfo=UTC)
    few = count(now)
    weekly(office.staff, office.room("TAB/A"), count=60, now=NOW + timedelta(minutes=1))
    assert count(now) == few


def test_what_one_leads_and_what_one_is_invited_to_are_listed_apart(office: Office) -> None:
    mine = (Participant(user_id=office.staff.pk),)
    services.book(ask(office.staff, title="Prowadzę"), by=office.staff, now=NOW)
    services.book(ask(office.colleague, title="Zaproszono", participants=mine), by=office.colleague, now=NOW)
    over = NOW.replace(month=12)

    def titles(part: Part) -> tuple[list[str], list[str]]:
        coming = sessions_of(office.staff, now=NOW, number=1, size=20, part=part)
        past = past_meetings_of(office.staff, now=over, number=1, size=20, part=part)
        return [title for title, *_rest in lines(coming)], [title for title, *_rest in lines(past)]

    assert titles(Part.LED) == (["Prowadzę"], ["Prowadzę"])
    assert titles(Part.INVITED) == (["Zaproszono"], ["Zaproszono"])
    assert sorted(titles(Part.ALL)[0]) == ["Prowadzę", "Zaproszono"]
