"""Sessions are changed while their licence holds reach further than they do."""

from __future__ import annotations

from datetime import datetime

import pytest

from bookings import services
from bookings.models import Occurrence, WaitlistEntry
from bookings.rules import BookingRequest
from tests.bookings.conferencing import book, clock, end, seats, seats_of_all, span, start
from tests.bookings.requests import ask, at
from tests.factories import Office


@pytest.fixture
def meeting(office: Office) -> Occurrence:
    """Tuesday from 10 to 12, on the office's only licence."""
    seats_of_all(1)
    return book(office, "KOS/2.14", "10:00", "12:00")


def hold(meeting: Occurrence, now: str, until: str) -> datetime:
    return services.hold_for_conference(meeting, until=clock(until), now=clock(now))


def change(meeting: Occurrence, request: BookingRequest, office: Office, now: datetime) -> None:
    services.change(meeting.booking, request, by=office.it_admin, now=now, version=None)


class TestChangedMeanwhile:
    """The session is changed while its holds reach further than it does."""

    def test_a_new_title_leaves_them_alone(self, office: Office, meeting: Occurrence) -> None:
        hold(meeting, "9:45", "12:15")
        request = ask(office.it_admin, office.room("KOS/2.14"), minutes=120, title="Narada")
        change(meeting, request, office, clock("9:50"))
        assert seats(meeting) == [span("9:45", "12:15")]

    def test_moved_before_anybody_came_it_holds_its_new_time(self, office: Office, meeting: Occurrence) -> None:
        hold(meeting, "9:45", "12:15")
        request = ask(office.it_admin, office.room("KOS/2.14"), start=at(14), minutes=60)
        change(meeting, request, office, clock("9:50"))
        assert seats(meeting) == [span("14:00", "15:00")]

    def test_who_is_in_it_early_stays_where_the_end_moves(self, office: Office, meeting: Occurrence) -> None:
        hold(meeting, "9:45", "12:00")
        start(meeting, "9:46")
        services.end_at(meeting, clock("12:30"), by=office.it_admin, now=clock("9:50"))
        assert seats(meeting) == [span("9:45", "12:30")]

    def test_and_where_it_begins_a_little_later(self, office: Office, meeting: Occurrence) -> None:
        hold(meeting, "9:45", "12:00")
        start(meeting, "9:46")
        request = ask(office.it_admin, office.room("KOS/2.14"), start=at(10, 30), minutes=120)
        change(meeting, request, office, clock("9:50"))
        assert seats(meeting) == [span("9:45", "12:30")]

    def test_a_later_end_takes_what_was_promised_in(self, office: Office, meeting: Occurrence) -> None:
        hold(meeting, "10:00", "12:15")
        services.end_at(meeting, clock("12:30"), by=office.it_admin, now=clock("11:00"))
        assert seats(meeting) == [span("10:00", "12:30")]

    def test_an_earlier_end_gives_back_what_was_promised(self, office: Office, meeting: Occurrence) -> None:
        other = ask(office.manager, office.room("TAB/A"), start=at(12), minutes=15)
        hold(meeting, "10:00", "12:15")
        entry = services.join_waitlist(other, by=office.manager, now=clock("10:01"))
        services.end_at(meeting, clock("11:30"), by=office.it_admin, now=clock("11:00"))
        assert seats(meeting) == [span("10:00", "11:30")]
        entry.refresh_from_db()
        assert entry.state == WaitlistEntry.State.OFFERED

    def test_taken_again_and_then_changed_it_holds_what_it_has(self, office: Office, meeting: Occurrence) -> None:
        start(meeting, "10:00")
        end(meeting, "10:40")
        services.free_seats(clock("10:45"))
        book_between = ask(office.manager, office.room("TAB/A"), start=at(10, 45), minutes=15)
        services.book(book_between, by=office.manager, now=clock("10:45"))
        start(meeting, "11:05")
        assert seats(meeting) == [span("11:05", "12:00")]
        request = ask(office.it_admin, office.room("KOS/2.14"), minutes=120, title="Narada")
        change(meeting, request, office, clock("11:10"))
        assert seats(meeting) == [span("11:05", "12:00")]
        services.end_at(meeting, clock("11:30"), by=office.it_admin, now=clock("11:10"))
        assert seats(meeting) == [span("11:05", "11:30")]
