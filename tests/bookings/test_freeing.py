"""Rooms that nobody is in any more come free as licences do, a little later, and are taken again by who comes back."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import override_settings

from bookings import services
from bookings.models import EquipmentHold, LicenceHold, Occurrence, WaitlistEntry
from bookings.rules import Wishes
from rooms.models import MovableEquipment, Room
from tests.bookings.closing import closing
from tests.bookings.conferencing import book, clock, end, rooms, seats, seats_of_all, span, start
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office


@pytest.fixture
def meeting(office: Office) -> Occurrence:
    seats_of_all(3)
    return book(office, "KOS/2.14", "10:00", "12:00", by=office.staff)


@pytest.fixture
def left(meeting: Occurrence) -> Occurrence:
    """Everybody left at 10:40; licence and room came free."""
    start(meeting, "10:00")
    end(meeting, "10:40")
    assert services.free_seats(clock("10:50")) == 1
    return meeting


class TestFreeing:
    def test_the_room_is_free_ten_minutes_after_the_last_one_left(self, office: Office, meeting: Occurrence) -> None:
        start(meeting, "10:00")
        end(meeting, "10:40")
        services.free_seats(clock("10:49"))
        assert rooms(meeting) == [span("10:00", "12:00")]
        assert services.free_seats(clock("10:50")) == 1
        assert services.free_seats(clock("10:51")) == 0
        assert rooms(meeting) == [span("10:00", "10:50")]
        assert meeting.booking.occurrences.get().interval == span("10:00", "12:00")
        book(office, "KOS/2.14", "10:50", "12:00")

    def test_it_is_cleared_first(self, office: Office, meeting: Occurrence) -> None:
        services.cancel(meeting.booking, by=office.staff, now=NOW)
        Room.objects.filter(pk=office.room("KOS/2.14").pk).update(clearing=timedelta(minutes=15))
        other = book(office, "KOS/2.14", "10:00", "12:00")
        start(other, "10:00")
        end(other, "11:40")
        services.free_seats(clock("11:50"))
        assert rooms(other) == [span("10:00", "12:05")]
        start(other, "11:51")
        assert rooms(other) == [span("10:00", "12:05")], "to its end, and a little less to clear it"

    @override_settings(FREE_SEAT_AFTER_MINUTES=15, FREE_ROOM_AFTER_MINUTES=0)
    def test_or_before_the_licence_where_the_office_says_so(self, meeting: Occurrence) -> None:
        start(meeting, "10:00")
        end(meeting, "10:40")
        assert services.free_seats(clock("10:40")) == 1
        assert (rooms(meeting), seats(meeting)) == ([span("10:00", "10:40")], [span("10:00", "12:00")])

    def test_while_anybody_is_there_it_stays(self, meeting: Occurrence) -> None:
        start(meeting, "10:00")
        end(meeting, "10:40")
        start(meeting, "10:48")
        services.free_seats(clock("11:30"))
        assert rooms(meeting) == [span("10:00", "12:00")]

    def test_of_a_session_that_nobody_joined_or_only_tried_it_stays(self, office: Office, meeting: Occurrence) -> None:
        other = book(office, "TAB/A", "10:00", "12:00")
        start(meeting, "9:50")
        end(meeting, "9:55")
        services.free_seats(clock("11:30"))
        assert rooms(meeting) == rooms(other) == [span("10:00", "12:00")]

    def test_rooms_without_video_stay(self, office: Office) -> None:
        Room.objects.filter(pk=office.room("TAB/A").pk).update(needs_licence=False)
        request = ask(office.it_admin, office.room("TAB/B"), office.room("TAB/A"), minutes=120)
        both = services.book(request, by=office.it_admin, now=NOW).occurrences.get()
        start(both, "10:00")
        end(both, "10:40")
        services.free_seats(clock("10:50"))
        assert rooms(both) == [span("10:00", "10:50"), span("10:00", "12:00")]

    def test_rooms_of_sessions_that_held_no_licence_stay(self, meeting: Occurrence) -> None:
        LicenceHold.objects.all().delete()
        start(meeting, "10:00")
        end(meeting, "10:40")
        assert services.free_seats(clock("10:50")) == 0
        assert rooms(meeting) == [span("10:00", "12:00")]

    def test_rooms_of_other_calendars_stay(self, meeting: Occurrence) -> None:
        type(meeting.booking).objects.update(is_outside=True)
        start(meeting, "10:00")
        end(meeting, "10:40")
        services.free_seats(clock("10:50"))
        assert rooms(meeting) == [span("10:00", "12:00")]

    def test_equipment_goes_with_the_room(self, office: Office) -> None:
        camera = MovableEquipment.objects.create(site=office.koszykowa, name="kamera", quantity=1)
        wishes = Wishes(movable=((camera.pk, 1),))
        filmed = book(office, "KOS/2.14", "10:00", "12:00", wishes=wishes)
        start(filmed, "10:00")
        end(filmed, "10:40")
        services.free_seats(clock("10:50"))
        assert EquipmentHold.objects.get(live=True).interval == span("10:00", "10:50")
        start(filmed, "10:55")
        assert EquipmentHold.objects.get(live=True).interval.end_at == clock("12:00")

    def test_who_waits_is_served_and_who_closes_comes_first(self, office: Office, meeting: Occurrence) -> None:
        entries = [
            services.join_waitlist(
                ask(office.manager, office.room("KOS/2.14"), start=at(hour, minute), minutes=30),
                by=office.manager,
                now=NOW,
            )
            for hour, minute in ((11, 0), (11, 30))
        ]
        services.close(
            closing(office.room("KOS/2.14"), start=at(11, 30), hours=0.5), by=office.it_admin, now=NOW, decisions={}
        )
        start(meeting, "10:00")
        end(meeting, "10:20")
        services.free_seats(clock("10:30"))
        for entry in entries:
            entry.refresh_from_db()
        assert [entry.state for entry in entries] == [WaitlistEntry.State.OFFERED, WaitlistEntry.State.WAITING]

    def test_nothing_due_costs_one_query(self, left: Occurrence, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(1):
            services.free_seats(clock("11:00"))


class TestBack:
    def test_the_room_is_taken_again(self, left: Occurrence) -> None:
        start(left, "11:00")
        assert (rooms(left), seats(left)) == ([span("10:00", "12:00")], [span("10:00", "12:00")])

    def test_who_comes_back_is_let_in_without_it(self, office: Office, left: Occurrence) -> None:
        book(office, "KOS/2.14", "11:30", "12:00")
        start(left, "11:00")
        assert (rooms(left), seats(left)) == ([span("10:00", "10:50")], [span("10:00", "12:00")])

    def test_closed_by_then_it_stays_closed(self, office: Office, left: Occurrence) -> None:
        services.close(
            closing(office.room("KOS/2.14"), start=at(11), hours=1),
            by=office.it_admin,
            now=clock("10:55"),
            decisions={},
        )
        start(left, "10:56")
        assert rooms(left) == [span("10:00", "10:50")]

    def test_an_open_form_whose_time_is_over_is_in_nobodys_way(self, office: Office, left: Occurrence) -> None:
        request = ask(office.manager, office.room("KOS/2.14"), start=at(11))
        services.hold_draft(request, submission=uuid.UUID(int=1), user=office.manager, now=clock("10:50"))
        start(left, "11:00")
        assert rooms(left) == [span("10:00", "12:00")]

    def test_taken_again_and_then_ended_by_hand(self, office: Office, left: Occurrence) -> None:
        start(left, "11:00")
        services.end_at(left, clock("11:30"), by=office.staff, now=clock("11:10"))
        assert (rooms(left), seats(left)) == ([span("10:00", "11:30")], [span("10:00", "11:30")])

    def test_ended_by_hand_while_it_is_free(self, office: Office, left: Occurrence) -> None:
        services.end_at(left, clock("11:30"), by=office.staff, now=clock("11:00"))
        assert (rooms(left), seats(left)) == ([span("10:00", "10:50")], [span("10:00", "10:40")])
