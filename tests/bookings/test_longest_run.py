"""Until when a conference may run on, and what follows in its rooms or needs its licence."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from bookings import services
from bookings.models import LicenceHold, Occurrence
from rooms.models import Room
from tests.bookings.closing import closing
from tests.bookings.conferencing import book, clock, seats_of_all
from tests.bookings.requests import NOW, at
from tests.factories import Office


@pytest.fixture
def meeting(office: Office) -> Occurrence:
    """Tuesday from 10 to 12, on the office's only licence."""
    seats_of_all(1)
    return book(office, "KOS/2.14", "10:00", "12:00")


def hold(meeting: Occurrence, now: str, until: str) -> datetime:
    return services.hold_for_conference(meeting, until=clock(until), now=clock(now))


class TestLongestRun:
    def longest(self, meeting: Occurrence, most: str, now: str = "11:00") -> datetime:
        return services.longest_run(meeting, most=clock(most), now=clock(now))

    def test_while_nothing_follows(self, meeting: Occurrence, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(6):
            assert self.longest(meeting, "13:00") == clock("13:00")

    def test_never_before_the_planned_end(self, meeting: Occurrence) -> None:
        assert self.longest(meeting, "11:30") == clock("12:00")

    def test_until_the_last_licence_is_needed(self, office: Office, meeting: Occurrence) -> None:
        book(office, "TAB/A", "12:20", "13:00")
        assert self.longest(meeting, "13:00") == clock("12:20")

    def test_until_the_room_is_set_up_for_the_next_and_cleared_after_this(
        self, office: Office, meeting: Occurrence
    ) -> None:
        seats_of_all(5)
        room = office.room("KOS/2.14")
        Room.objects.filter(pk=room.pk).update(setup=timedelta(minutes=10))
        book(office, "KOS/2.14", "13:00", "14:00")
        assert self.longest(meeting, "14:00") == clock("12:50")
        Room.objects.filter(pk=room.pk).update(clearing=timedelta(minutes=15))
        assert self.longest(meeting, "14:00") == clock("12:35")

    def test_until_a_room_is_closed(self, office: Office, meeting: Occurrence) -> None:
        services.close(
            closing(office.room("KOS/2.14"), start=at(12, 30), hours=1), by=office.it_admin, now=NOW, decisions={}
        )
        assert self.longest(meeting, "13:00") == clock("12:30")

    def test_as_far_as_it_holds_them_already(self, office: Office, meeting: Occurrence) -> None:
        hold(meeting, "11:00", "12:15")
        book(office, "TAB/A", "12:15", "13:00")
        assert self.longest(meeting, "13:00") == clock("12:15")

    def test_without_licence_and_without_room_as_long_as_one_likes(self, office: Office) -> None:
        LicenceHold.objects.all().delete()
        plain = book(office, "", "10:00", "12:00")
        assert self.longest(plain, "13:00") == clock("13:00")

    def test_what_follows(self, office: Office, meeting: Occurrence) -> None:
        quarter = timedelta(minutes=15)
        assert services.follows_in(meeting, within=quarter, now=clock("11:00")) is None
        next_one = book(office, "TAB/A", "12:15", "13:00")
        assert services.follows_in(meeting, within=quarter, now=clock("11:00")) == clock("12:15")
        assert services.follows_in(meeting, within=quarter / 2, now=clock("11:00")) is None
        services.cancel(next_one.booking, by=office.it_admin, now=NOW)
        book(office, "KOS/2.14", "12:00", "13:00")
        assert services.follows_in(meeting, within=quarter, now=clock("11:00")) == clock("12:00")
