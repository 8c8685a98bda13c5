"""When a conference may be open, and which meeting of a series its name means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bookings import services
from bookings.models import Booking
from bookings.rules import Scope
from integrations.jitsi.models import Conference, ConferenceServer, ServerAssignment
from integrations.jitsi.servers import follow_settings
from integrations.jitsi.window import Window, meant, meeting_named, tenant_and_room, window_of
from tests.bookings.requests import NOW, ask
from tests.bookings.series import ask_series, meetings
from tests.factories import Office
from tests.integrations.jitsi.sessions import Session

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def server(session: Session) -> ConferenceServer:
    server = follow_settings()
    assert server is not None
    return server


@pytest.fixture
def series(session: Session, office: Office) -> Booking:
    return services.book(ask_series(office.staff, office.room("TAB/B")), by=office.staff, now=NOW)


def named(booking: Booking, now: datetime) -> Window:
    found = meeting_named(booking.conference_name, now=now)
    assert found is not None
    return found


def test_opens_and_closes_around_the_meeting(session: Session) -> None:
    window = window_of(session.occurrence, now=session.at())
    assert (window.opens_at, window.closes_at) == (session.at(minutes=-15), session.at(minutes=105))
    assert [window.holds(at) for at in (session.at(minutes=-15), session.at(minutes=105))] == [True, False]


@pytest.mark.parametrize(
    ("day", "opens_at", "closes_at"),
    [
        (datetime(2026, 10, 25), datetime(2026, 10, 24, 23, 15, tzinfo=UTC), datetime(2026, 10, 25, 2, 45, tzinfo=UTC)),
        (datetime(2027, 3, 28), datetime(2027, 3, 28, 0, 15, tzinfo=UTC), datetime(2027, 3, 28, 1, 45, tzinfo=UTC)),
    ],
)
def test_nights_in_which_the_clock_changes(
    session: Session, office: Office, day: datetime, opens_at: datetime, closes_at: datetime
) -> None:
    """From 1:30 to 3:30 by the wall: three hours in October, one in March; a quarter of an hour is one all the same."""
    asked = ask(office.staff, start=day.replace(hour=1, minute=30), minutes=120)
    booking = services.book(asked, by=office.staff, now=opens_at - timedelta(days=3))
    for window in (named(booking, opens_at), window_of(booking.occurrences.get(), now=opens_at)):
        assert (window.opens_at, window.closes_at) == (opens_at, closes_at)
        moments = (opens_at - MINUTE, opens_at, closes_at - MINUTE, closes_at)
        assert [window.holds(at) for at in moments] == [False, True, True, False]


def test_opens_early_once_the_organizer_has_come(session: Session, server: ConferenceServer) -> None:
    ServerAssignment.objects.create(
        occurrence=session.occurrence, server=server, assigned_at=NOW, people=3, organizer_came_at=session.at(hours=-1)
    )
    window = named(session.booking, session.at(minutes=-40))
    assert (window.opens_at, window.holds(session.at(minutes=-40))) == (session.at(hours=-1), True)


def test_stays_open_while_the_conference_runs_on(session: Session, server: ConferenceServer) -> None:
    conference = Conference.objects.create(
        server=server,
        name=session.booking.conference_name,
        occurrence=session.occurrence,
        opened_at=session.at(),
        promised_until=session.at(hours=2, minutes=30),
    )
    late = session.at(hours=2)
    assert named(session.booking, late).closes_at == session.at(hours=2, minutes=30)
    conference.closed_at, conference.closed_by = late, Conference.Closed.LEFT
    conference.save()
    assert not window_of(session.occurrence, now=late).holds(late)


def test_cancelled_session_never_opens(session: Session, office: Office) -> None:
    services.cancel(session.booking, by=office.staff, now=NOW)
    window = named(session.booking, session.at())
    assert (window.occurrence, window.takes_place, window.holds(session.at())) == (session.occurrence, False, False)


def test_name_means_the_meeting_of_the_moment(series: Booking) -> None:
    first, second, third = meetings(series)[:3]
    moments = {
        first.starts_at - timedelta(days=3): first,
        first.starts_at - 15 * MINUTE: first,
        first.ends_at + 14 * MINUTE: first,
        second.starts_at - timedelta(days=1): second,
        second.starts_at: second,
        third.ends_at - MINUTE: third,
    }
    assert {at: named(series, at).occurrence for at in moments} == moments


def test_name_means_the_last_meeting_when_all_are_over(series: Booking) -> None:
    last = list(series.occurrences.order_by("starts_at"))[-1]
    window = named(series, last.ends_at + timedelta(days=30))
    assert (window.occurrence, window.holds(last.ends_at + timedelta(days=30))) == (last, False)


def test_cancelled_meeting_is_passed_over(series: Booking, office: Office) -> None:
    second, third = meetings(series)[1:3]
    services.cancel(series, by=office.staff, now=NOW, scope=Scope.ONE, occurrence=second)
    assert named(series, second.starts_at).occurrence == third


def test_of_two_open_windows_the_later_is_meant_unless_the_earlier_still_takes_place(series: Booking) -> None:
    first, second = meetings(series)[:2]
    begin = first.ends_at + 5 * MINUTE
    windows = [
        Window(first, first.starts_at - 15 * MINUTE, first.ends_at + 15 * MINUTE),
        Window(second, begin - 15 * MINUTE, begin + timedelta(hours=1)),
    ]
    second.starts_at, second.ends_at = begin, begin + timedelta(minutes=45)
    assert meant(windows, now=first.ends_at - 5 * MINUTE).occurrence == first
    assert meant(windows, now=first.ends_at).occurrence == second


def test_name_with_a_tenant_and_name_of_nothing(session: Session) -> None:
    name = session.booking.conference_name
    found = meeting_named(f"[sad]{name}", now=session.at())
    assert found is not None
    assert found.occurrence == session.occurrence
    assert meeting_named("ok-alpha", now=session.at()) is None
    assert [tenant_and_room(text) for text in ("[a]b", "b", "[b", "[]b", "[a]")] == [
        ("a", "b"),
        ("", "b"),
        ("", "[b"),
        ("", "b"),
        ("a", ""),
    ]


def test_name_is_found_with_one_statement(series: Booking, django_assert_num_queries: Any) -> None:
    at = meetings(series)[3].starts_at
    with django_assert_num_queries(1):
        assert named(series, at).takes_place
