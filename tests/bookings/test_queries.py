"""What a user may read, and that reading costs the same however much is booked."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings import board, queries, services
from bookings.list_queries import ListPage, past_meetings_of, sessions_of
from bookings.models import Booking
from bookings.rules import Participant
from rooms.interval import Interval
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office, make_site

pytestmark = pytest.mark.django_db
WARSAW = ZoneInfo("Europe/Warsaw")
DAY = date(2026, 11, 24)


def sees(user: object, booking: Booking) -> bool:
    try:
        return queries.booking_for(user, booking.number) == booking
    except Booking.DoesNotExist:
        return False


def test_booking_is_there_only_for_those_concerned(office: Office) -> None:
    request = ask(office.staff, office.room("KOS/2.14"), office.room("TAB/A"))
    booking = services.book(request, by=office.staff, now=NOW)
    people = (office.staff, office.manager, office.it_admin, office.colleague, office.newcomer)
    assert [sees(user, booking) for user in people] == [True, True, True, False, False]


def test_invited_colleague_sees_the_booking_until_they_are_removed(office: Office) -> None:
    request = ask(office.staff, participants=(Participant(user_id=office.colleague.pk),))
    booking = services.book(request, by=office.staff, now=NOW)
    assert sees(office.colleague, booking)
    assert not queries.details_for(office.colleague, booking.number, now=NOW).may_change
    services.change(booking, ask(office.staff), by=office.staff, now=NOW, version=1)
    assert not sees(office.colleague, booking)


def test_details_hold_everything_in_order(office: Office) -> None:
    rooms = [office.room("TAB/A"), office.room("KOS/2.14")]
    people = (Participant(contact_id=office.migri.pk), Participant(email="a@x.example"))
    booking = services.book(ask(office.staff, *rooms, participants=people), by=office.staff, now=NOW)
    details = queries.details_for(office.staff, booking.number, now=NOW)
    assert list(details.rooms) == rooms
    assert [attendee.email for attendee in details.attendees] == [
        office.staff.email,
        "video@migri.example",
        "a@x.example",
    ]
    assert details.mine == details.attendees[0]
    assert [hold.site for hold in details.licences] == [office.taborowa]
    assert details.may_change


def test_cancelled_session_still_shows_what_it_had(office: Office) -> None:
    booking = services.book(ask(office.staff, office.room("KOS/2.14")), by=office.staff, now=NOW)
    services.cancel(booking, by=office.staff, now=NOW)
    details = queries.details_for(office.staff, booking.number, now=NOW)
    assert list(details.rooms) == [office.room("KOS/2.14")]
    assert len(details.licences) == 1


def listed(page: ListPage) -> list[Booking]:
    return [line.booking for line in page.lines]


def test_my_sessions_are_those_i_organize_or_am_invited_to(office: Office) -> None:
    late = services.book(ask(office.staff, start=at(15)), by=office.staff, now=NOW)
    early = services.book(ask(office.staff, start=at(9)), by=office.staff, now=NOW)
    invited = services.book(
        ask(office.colleague, start=at(12), participants=(Participant(user_id=office.staff.pk),)),
        by=office.colleague,
        now=NOW,
    )
    services.book(ask(office.colleague, start=at(13)), by=office.colleague, now=NOW)
    assert listed(sessions_of(office.staff, now=NOW, number=1, size=20)) == [early, invited, late]
    noon = datetime(2026, 11, 24, 11, tzinfo=UTC)
    assert listed(sessions_of(office.staff, now=noon, number=1, size=20)) == [invited, late]
    assert listed(past_meetings_of(office.staff, now=noon, number=1, size=20)) == [early]


def row(found: board.Board, office: Office, code: str) -> tuple[board.BoardSession, ...]:
    return found.sessions.get(office.room(code).pk, ())


def test_board_shows_each_room_of_a_session_with_its_thread(office: Office) -> None:
    rooms = [office.room("KOS/2.14"), office.room("BIA/5")]
    booking = services.book(ask(office.staff, *rooms), by=office.staff, now=NOW)
    found = board.day_board(office.staff, DAY, zone=WARSAW, now=NOW)
    (first,), (second,) = row(found, office, "KOS/2.14"), row(found, office, "BIA/5")
    assert (first.thread, first.place, first.room_count, first.people) == (1, 1, 2, 1)
    assert (second.thread, second.place, second.room_count) == (1, 2, 2)
    assert (first.number, first.title, first.is_mine) == (booking.number, booking.title, True)
    assert found.frame == Interval(datetime(2026, 11, 24, 6, tzinfo=UTC), datetime(2026, 11, 24, 17, tzinfo=UTC))
    assert [hour.in_use for hour in found.licences] == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    assert {hour.granted for hour in found.licences} == {10}


def test_board_hides_closed_sessions_from_strangers(office: Office) -> None:
    request = ask(office.staff, office.room("KOS/0.07"), title="Przesłuchanie A. B.", is_private=True)
    booking = services.book(request, by=office.staff, now=NOW)

    def seen_by(user: object) -> list[tuple[str, str, bool]]:
        shown = row(board.day_board(user, DAY, zone=WARSAW, now=NOW), office, "KOS/0.07")
        return [(item.number, item.title, item.is_mine) for item in shown]

    assert seen_by(office.colleague) == [("", "", False)]
    assert seen_by(office.staff) == [(booking.number, "Przesłuchanie A. B.", True)]
    assert seen_by(office.manager) == [(booking.number, "Przesłuchanie A. B.", False)]


def test_board_of_strangers_session_shows_the_title_but_no_way_in(office: Office) -> None:
    services.book(ask(office.staff, office.room("KOS/2.14")), by=office.staff, now=NOW)
    (shown,) = row(board.day_board(office.colleague, DAY, zone=WARSAW, now=NOW), office, "KOS/2.14")
    assert (shown.number, shown.title) == ("", "Konsultacje z Mazowieckim UW")


def test_board_leaves_out_cancelled_sessions_and_other_days(office: Office) -> None:
    room = office.room("KOS/2.14")
    booking = services.book(ask(office.staff, room), by=office.staff, now=NOW)
    services.book(ask(office.staff, room, start=at(10) + timedelta(days=1)), by=office.staff, now=NOW)
    services.cancel(booking, by=office.staff, now=NOW)
    assert row(board.day_board(office.staff, DAY, zone=WARSAW, now=NOW), office, "KOS/2.14") == ()


@pytest.mark.parametrize("day", [date(2027, 3, 28), date(2026, 10, 25), date(2026, 11, 29)])
def test_board_of_a_closed_day_has_a_frame(office: Office, day: date) -> None:
    found = board.day_board(office.staff, day, zone=WARSAW, now=NOW)
    assert found.frame.start_at.astimezone(WARSAW).hour == 8
    assert found.frame.duration == timedelta(hours=8)


def test_board_costs_the_same_with_one_session_and_with_many(office: Office) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            board.day_board(office.staff, DAY, zone=WARSAW, now=NOW)
        return len(captured)

    board.day_board(office.staff, DAY, zone=WARSAW, now=NOW)
    services.book(ask(office.staff, office.room("KOS/2.14")), by=office.staff, now=NOW)
    one = count()
    for hour in (11, 12, 13):
        request = ask(office.staff, office.room("KOS/2.14"), office.room("BIA/5"), start=at(hour))
        services.book(request, by=office.staff, now=NOW)
    make_site("NEW")
    assert count() == one


def test_lists_and_details_cost_the_same_with_one_and_with_three(office: Office) -> None:
    def book(people: int, hour: int) -> Booking:
        participants = tuple(Participant(email=f"p{hour}{n}@x.example") for n in range(people))
        rooms = [office.room("KOS/2.14"), office.room("BIA/5")][: 1 + (people > 1)]
        return services.book(
            ask(office.staff, *rooms, start=at(hour), participants=participants), by=office.staff, now=NOW
        )

    def count(number: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            queries.details_for(office.staff, number, now=NOW)
            sessions_of(office.staff, now=NOW, number=1, size=20)
        return len(captured)

    first = book(1, 9)
    queries.details_for(office.staff, first.number, now=NOW)
    one = count(first.number)
    book(2, 11)
    third = book(30, 12)
    assert count(third.number) == one
