"""A conference runs only while its meeting holds its seats: opened early, taken up again, running on."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from bookings import services
from bookings.models import Booking, LicenceHold, Occurrence, WaitlistEntry
from bookings.queries import details_for
from bookings.rules import Code, LicenceWish
from notifications.models import Message
from rooms.models import EmergencySeats, LicenceGrant, NamedLicence, Room, SiteShare
from tests.bookings.conferencing import book, clock, end, seats, seats_of_all, span, start
from tests.bookings.requests import NOW, ask, at
from tests.bookings.series import ask_series
from tests.factories import Office, make_pool

SINCE = date(2019, 1, 1)


@pytest.fixture
def meeting(office: Office) -> Occurrence:
    """Tuesday from 10 to 12, on the office's only licence."""
    seats_of_all(1)
    return book(office, "KOS/2.14", "10:00", "12:00")


def hold(meeting: Occurrence, now: str, until: str) -> datetime:
    return services.hold_for_conference(meeting, until=clock(until), now=clock(now))


def refusals(meeting: Occurrence, now: str, until: str) -> list[Any]:
    with pytest.raises(services.Refused) as refused:
        hold(meeting, now, until)
    return list(refused.value.refusals)


class TestInItsTime:
    def test_it_holds_all_that_it_needs(self, meeting: Occurrence, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(1):
            assert hold(meeting, "10:00", "12:00") == clock("12:00")
        assert seats(meeting) == [span("10:00", "12:00")]

    def test_until_when_must_be_to_come(self, meeting: Occurrence) -> None:
        with pytest.raises(ValueError, match="over"):
            hold(meeting, "11:00", "11:00")

    def test_a_cancelled_one_is_refused(self, office: Office, meeting: Occurrence) -> None:
        services.cancel(meeting.booking, by=office.it_admin, now=NOW)
        assert [item.code for item in refusals(meeting, "10:00", "12:00")] == [Code.CHANGED_MEANWHILE]

    def test_a_room_without_licence_needs_none(self, office: Office) -> None:
        Room.objects.filter(pk=office.room("KOS/2.14").pk).update(needs_licence=False)
        plain = book(office, "KOS/2.14", "10:00", "12:00")
        assert hold(plain, "9:45", "13:00") == clock("13:00")
        assert seats(plain) == []

    def test_who_was_booked_without_needs_one_where_the_room_does_by_now(self, office: Office) -> None:
        seats_of_all(1)
        Room.objects.update(needs_licence=False)
        first, second = book(office, "KOS/2.14", "10:00", "12:00"), book(office, "TAB/A", "10:00", "12:00")
        Room.objects.update(needs_licence=True)
        assert hold(first, "10:00", "12:15") == clock("12:15")
        assert seats(first) == [span("10:00", "12:15")]
        assert [item.code for item in refusals(second, "10:00", "12:00")] == [Code.LICENCE_NONE_FREE]


class TestEarly:
    def test_the_beginning_is_stretched(self, meeting: Occurrence) -> None:
        assert hold(meeting, "9:45", "12:00") == clock("12:00")
        assert seats(meeting) == [span("9:45", "12:00")]
        assert hold(meeting, "9:50", "12:00") == clock("12:00")
        assert seats(meeting) == [span("9:45", "12:00")]

    def test_nothing_else_moves(self, meeting: Occurrence) -> None:
        mails, before = Message.objects.count(), meeting.booking
        hold(meeting, "9:45", "12:30")
        meeting.refresh_from_db()
        booking = Booking.objects.get()
        assert meeting.interval == span("10:00", "12:00")
        assert meeting.room_holds.get(live=True).interval == span("10:00", "12:00")
        assert (booking.version, booking.sequence) == (before.version, before.sequence)
        assert (Message.objects.count(), booking.events.count()) == (mails, 1)

    def test_refused_where_somebody_has_the_seat_until_it_begins(self, office: Office, meeting: Occurrence) -> None:
        book(office, "TAB/A", "9:00", "10:00")
        (refusal,) = refusals(meeting, "9:45", "12:00")
        assert (refusal.code, refusal.data["pool_id"]) == (Code.LICENCE_NONE_FREE, office.pool.pk)
        assert refusal.data["frees_at"] == clock("10:00")
        assert seats(meeting) == [span("10:00", "12:00")]
        assert hold(meeting, "10:00", "12:00") == clock("12:00")

    def test_an_early_gap_is_closed_whole_or_not_at_all(self, office: Office, meeting: Occurrence) -> None:
        book(office, "TAB/A", "9:50", "10:00")
        assert [item.code for item in refusals(meeting, "9:45", "12:00")] == [Code.LICENCE_NONE_FREE]
        assert seats(meeting) == [span("10:00", "12:00")]

    def test_nobody_came_and_it_is_given_back(self, office: Office, meeting: Occurrence) -> None:
        request = ask(office.manager, office.room("TAB/A"), start=at(9, 55), minutes=5)
        hold(meeting, "9:30", "12:00")
        entry = services.join_waitlist(request, by=office.manager, now=clock("9:31"))
        services.give_back_early_seats(meeting, now=clock("9:35"))
        assert seats(meeting) == [span("10:00", "12:00")]
        services.give_back_early_seats(meeting, now=clock("9:36"))
        assert seats(meeting) == [span("10:00", "12:00")]
        entry.refresh_from_db()
        assert entry.state == WaitlistEntry.State.OFFERED

    def test_not_while_somebody_is_in_it(self, meeting: Occurrence) -> None:
        hold(meeting, "9:45", "12:00")
        start(meeting, "9:46")
        services.give_back_early_seats(meeting, now=clock("9:50"))
        assert seats(meeting) == [span("9:45", "12:00")]

    def test_nor_once_it_has_begun(self, meeting: Occurrence) -> None:
        hold(meeting, "9:45", "12:00")
        services.give_back_early_seats(meeting, now=clock("10:00"))
        assert seats(meeting) == [span("9:45", "12:00")]

    def test_who_looked_in_and_left_before_the_start_gives_it_back(self, office: Office, meeting: Occurrence) -> None:
        hold(meeting, "9:15", "12:00")
        start(meeting, "9:16")
        end(meeting, "9:20")
        assert services.free_seats(clock("9:24")) == 0
        assert services.free_seats(clock("9:25")) == 1
        assert seats(meeting) == [span("10:00", "12:00")]
        book(office, "TAB/A", "9:30", "10:00")

    def test_whoever_opened_it_and_did_not_come_gives_it_back_too(self, meeting: Occurrence) -> None:
        """The server may never say that it closed it."""
        hold(meeting, "9:15", "12:00")
        assert services.free_seats(clock("9:19")) == 0
        assert services.free_seats(clock("9:20")) == 1
        assert services.free_seats(clock("9:21")) == 0
        assert seats(meeting) == [span("10:00", "12:00")]

    def test_who_joins_unasked_before_the_start_needs_a_seat(self, office: Office, meeting: Occurrence) -> None:
        other = book(office, "TAB/A", "9:00", "10:00")
        with pytest.raises(services.Refused):
            start(meeting, "9:50")
        assert not meeting.conference_runs.exists()
        services.cancel(other.booking, by=office.it_admin, now=NOW)
        start(meeting, "9:51")
        assert seats(meeting) == [span("9:51", "12:00")]


class TestRunningOn:
    def test_the_end_is_stretched_step_by_step(self, meeting: Occurrence) -> None:
        start(meeting, "10:00")
        assert hold(meeting, "12:00", "12:05") == clock("12:05")
        assert hold(meeting, "12:04", "12:10") == clock("12:10")
        assert seats(meeting) == [span("10:00", "12:10")]

    def test_as_far_as_there_is_a_seat(self, office: Office, meeting: Occurrence) -> None:
        book(office, "TAB/A", "12:20", "13:00")
        assert hold(meeting, "11:59", "12:30") == clock("12:20")
        assert seats(meeting) == [span("10:00", "12:20")]
        assert hold(meeting, "12:10", "12:30") == clock("12:20"), "no further, and no refusal before it is over"
        assert [item.code for item in refusals(meeting, "12:20", "12:30")] == [Code.LICENCE_NONE_FREE]

    def test_not_at_all_where_somebody_follows(self, office: Office, meeting: Occurrence) -> None:
        book(office, "TAB/A", "12:00", "13:00")
        assert hold(meeting, "11:00", "12:15") == clock("12:00")
        assert seats(meeting) == [span("10:00", "12:00")]

    def test_whoever_books_then_finds_it_taken(self, office: Office, meeting: Occurrence) -> None:
        hold(meeting, "12:00", "12:15")
        with pytest.raises(services.Refused):
            book(office, "TAB/A", "12:10", "13:00")
        book(office, "TAB/A", "12:15", "13:00")

    def test_it_comes_free_after_the_last_one_left(self, meeting: Occurrence) -> None:
        start(meeting, "10:00")
        hold(meeting, "11:00", "13:00")
        end(meeting, "12:10")
        assert services.free_seats(clock("12:15")) == 1
        assert seats(meeting) == [span("10:00", "12:10")]

    def test_no_hold_is_longer_than_holds_may_be(self, meeting: Occurrence) -> None:
        until = services.hold_for_conference(meeting, until=clock("10:00") + timedelta(days=3), now=clock("10:00"))
        assert until == clock("10:00") + timedelta(hours=36)
        later = clock("20:00")
        until = services.hold_for_conference(meeting, until=later + timedelta(days=3), now=later)
        assert until == later + timedelta(hours=36)

    def test_a_seat_of_another_pool_has_to_be_free_too(self, office: Office) -> None:
        other = make_pool(1, name="Tłumacze", is_default=False)
        Room.objects.filter(pk=office.room("TAB/A").pk).update(licence_pool=other)
        both = services.book(
            ask(office.it_admin, office.room("KOS/2.14"), office.room("TAB/A"), minutes=120),
            by=office.it_admin,
            now=NOW,
        ).occurrences.get()
        Room.objects.filter(pk=office.room("TAB/B").pk).update(licence_pool=other)
        book(office, "TAB/B", "12:10", "13:00")
        assert hold(both, "9:45", "12:30") == clock("12:10")
        assert seats(both) == [span("9:45", "12:10")] * 2


class TestAgain:
    """The seat came free, and the conference is opened once more."""

    @pytest.fixture
    def left(self, meeting: Occurrence) -> Occurrence:
        start(meeting, "10:00")
        end(meeting, "10:40")
        assert services.free_seats(clock("10:45")) == 1
        return meeting

    def test_it_takes_one_again(self, left: Occurrence) -> None:
        assert hold(left, "10:50", "12:15") == clock("12:15")
        assert seats(left) == [span("10:00", "12:15")]
        start(left, "10:51")
        assert seats(left) == [span("10:00", "12:15")]

    def test_as_long_as_there_is_one(self, office: Office, left: Occurrence) -> None:
        book(office, "TAB/A", "11:30", "12:00")
        assert hold(left, "10:50", "12:00") == clock("11:30")
        start(left, "10:51")
        assert seats(left) == [span("10:00", "11:30")]

    def test_for_somebody_who_then_does_not_come_it_is_free_again(self, office: Office, left: Occurrence) -> None:
        book(office, "TAB/A", "10:46", "10:48")
        hold(left, "10:50", "12:00")
        assert seats(left) == [span("10:50", "12:00")]
        services.free_seats(clock("10:54"))
        assert seats(left) == [span("10:50", "12:00")]
        assert services.free_seats(clock("10:55")) == 1
        assert seats(left) == [span("10:50", "10:55")]


class TestSources:
    """What was lent, given for an emergency, named or kept stays what it was."""

    def test_a_named_licence(self, office: Office) -> None:
        named = NamedLicence.objects.create(pool=office.pool, user=office.it_admin, valid_from=SINCE)
        mine = book(office, "", "10:00", "12:00")
        assert hold(mine, "9:45", "12:15") == clock("12:15")
        row = mine.licence_holds.get(live=True)
        assert (row.named, row.interval) == (named, span("9:45", "12:15"))

    def test_a_named_licence_that_is_needed_next_gives_way_to_one_of_all(self, office: Office) -> None:
        NamedLicence.objects.create(pool=office.pool, user=office.staff, valid_from=SINCE)
        mine, next_one = (
            book(office, "", begins, ends, by=office.staff) for begins, ends in (("10:00", "12:00"), ("12:00", "13:00"))
        )
        assert hold(mine, "11:00", "12:15") == clock("12:15")
        rows = mine.licence_holds.filter(live=True).order_by("period")
        assert [(row.source, row.interval) for row in rows] == [
            ("named", span("10:00", "12:00")),
            ("share", span("12:00", "12:15")),
        ]
        assert next_one.licence_holds.get(live=True).source == "named"
        assert hold(mine, "12:10", "12:20") == clock("12:20")

    def test_an_emergency_licence(self, office: Office) -> None:
        seats_of_all(1)
        EmergencySeats.objects.create(pool=office.pool, seats=1, valid_from=SINCE)
        wish = LicenceWish(emergency_reason="Sprawa pilna")
        urgent = book(office, "", "10:00", "12:00", licence=wish)
        book(office, "", "12:20", "13:00", licence=wish)
        until = hold(urgent, "9:45", "12:30")
        assert clock("12:10") <= until <= clock("12:20"), "of emergency seats the judge only says yes or no"
        row = urgent.licence_holds.get(live=True)
        assert (row.source, row.interval.start_at, row.interval.end_at) == ("emergency", clock("9:45"), until)

    def test_a_borrowed_one(self, office: Office) -> None:
        seats_of_all(1)
        SiteShare.objects.create(pool=office.pool, site=office.taborowa, seats=1, valid_from=SINCE)
        mine = book(office, "KOS/2.14", "10:00", "12:00", licence=LicenceWish(borrow_from=office.taborowa.pk))
        assert hold(mine, "9:45", "12:15") == clock("12:15")
        row = mine.licence_holds.get(live=True)
        assert (row.site, row.borrowed_by) == (office.taborowa, office.koszykowa)
        assert row.interval == span("9:45", "12:15")

    def test_a_kept_one_keeps_its_time_in_a_pool_too_small_for_it(self, office: Office) -> None:
        seats_of_all(2)
        first, second = book(office, "KOS/2.14", "10:00", "12:00"), book(office, "TAB/A", "10:00", "12:00")
        LicenceHold.objects.filter(occurrence=second).update(kept=True)
        LicenceGrant.objects.update(seats=1)
        assert hold(second, "9:45", "12:15") == clock("12:15")
        row = second.licence_holds.get(live=True)
        assert (row.kept, row.interval) == (True, span("9:45", "12:15"))
        assert hold(first, "11:00", "12:15") == clock("12:00")


def test_a_meeting_of_a_series_holds_its_own_seats(office: Office) -> None:
    booking = services.book(ask_series(office.it_admin, office.room("KOS/2.14")), by=office.it_admin, now=NOW)
    first, second = booking.occurrences.order_by("starts_at")[:2]
    begins = first.starts_at
    early = begins - timedelta(minutes=15)
    assert services.hold_for_conference(first, until=first.ends_at, now=early) == first.ends_at
    assert [item.start_at for item in seats(first)] == [early]
    assert seats(second) == [second.interval]


def test_the_page_of_a_session_shows_what_it_holds_in_its_own_time(office: Office) -> None:
    NamedLicence.objects.create(pool=office.pool, user=office.staff, valid_from=SINCE)
    mine = book(office, "", "10:00", "12:00", by=office.staff)
    book(office, "", "12:00", "13:00", by=office.staff)
    hold(mine, "11:00", "12:15")
    assert mine.licence_holds.filter(live=True).count() == 2
    details = details_for(office.staff, mine.booking.number, now=clock("11:00"))
    assert [licence.source for licence in details.licences] == ["named"]
