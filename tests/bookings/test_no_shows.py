"""Sessions that nobody came to: what they hold is free for others, and who joins after all takes again what is left."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings

from bookings import services
from bookings.events import Topic
from bookings.models import BookingEvent, EquipmentHold, Occurrence, WaitlistEntry
from bookings.rules import Wishes
from notifications.models import Message
from rooms.models import MovableEquipment, Room
from tests.bookings.conferencing import book, clock, end, rooms, seats, seats_of_all, span, start
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office

KIND = BookingEvent.Kind


@pytest.fixture
def meeting(office: Office) -> Occurrence:
    """Tuesday from 10 to 12, on the office's only licence, with a camera."""
    seats_of_all(1)
    camera = MovableEquipment.objects.create(site=office.koszykowa, name="kamera", quantity=1)
    return book(office, "KOS/2.14", "10:00", "12:00", by=office.staff, wishes=Wishes(movable=((camera.pk, 1),)))


def note(now: str, *watched: Occurrence) -> int:
    return services.note_no_shows(clock(now), watched=[meeting.pk for meeting in watched])


def pieces(meeting: Occurrence) -> list[Any]:
    return [hold.interval for hold in EquipmentHold.objects.filter(occurrence=meeting, live=True)]


class TestNoting:
    def test_after_twenty_minutes_all_of_it_is_free_once(self, office: Office, meeting: Occurrence) -> None:
        assert note("10:19", meeting) == 0
        assert note("10:20", meeting) == 1
        assert note("10:21", meeting) == 0
        meeting.refresh_from_db()
        assert meeting.no_show_at == clock("10:20")
        until = span("10:00", "10:20")
        assert (seats(meeting), rooms(meeting), pieces(meeting)) == ([until], [until], [until])
        book(office, "KOS/2.14", "10:20", "12:00")

    def test_nothing_else_changes_and_the_organizer_is_told(self, office: Office, meeting: Occurrence) -> None:
        before = meeting.booking
        Message.objects.all().delete()
        note("10:20", meeting)
        meeting.refresh_from_db()
        booking = meeting.booking
        booking.refresh_from_db()
        assert (meeting.interval, meeting.status) == (span("10:00", "12:00"), "confirmed")
        assert (booking.version, booking.sequence, booking.status) == (before.version, before.sequence, "confirmed")
        assert [(event.kind, event.actor) for event in booking.events.order_by("pk")][1:] == [(KIND.NO_SHOW, None)]
        (message,) = Message.objects.all()
        assert (message.topic, message.user) == (Topic.NO_SHOW, office.staff)
        assert message.data == {"occurrence": meeting.pk}

    def test_who_waits_is_served(self, office: Office, meeting: Occurrence) -> None:
        request = ask(office.manager, office.room("KOS/2.14"), start=at(11), minutes=60)
        entry = services.join_waitlist(request, by=office.manager, now=NOW)
        note("10:20", meeting)
        entry.refresh_from_db()
        assert entry.state == WaitlistEntry.State.OFFERED

    def test_not_where_somebody_came(self, meeting: Occurrence) -> None:
        start(meeting, "10:19")
        assert note("10:20", meeting) == 0
        end(meeting, "10:21")
        assert note("10:40", meeting) == 0, "they were there, and left: that is another matter"

    def test_moved_to_later_after_a_first_try_it_is_another_session(self, office: Office, meeting: Occurrence) -> None:
        start(meeting, "10:00")
        end(meeting, "10:10")
        request = ask(office.staff, office.room("KOS/2.14"), start=at(14), minutes=60)
        services.change(meeting.booking, request, by=office.staff, now=clock("10:11"), version=None)
        assert note("14:20", meeting) == 1

    def test_who_tried_it_before_the_start_was_there(self, meeting: Occurrence) -> None:
        start(meeting, "9:50")
        end(meeting, "9:55")
        assert note("10:30", meeting) == 0

    def test_only_where_the_server_was_heard_of(self, meeting: Occurrence) -> None:
        assert services.note_no_shows(clock("10:30"), watched=[]) == 0
        assert services.note_no_shows(clock("10:30"), watched=[meeting.pk + 1000]) == 0

    @override_settings(NO_SHOW_MINUTES=0)
    def test_never_where_the_office_says_so(self, meeting: Occurrence) -> None:
        assert note("11:30", meeting) == 0

    def test_not_after_its_end(self, meeting: Occurrence) -> None:
        assert note("12:00", meeting) == 0

    def test_nothing_due_costs_one_query(self, meeting: Occurrence, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(1):
            note("10:10", meeting)

    @pytest.mark.parametrize("changes", [{"is_outside": True}, {"status": "requested"}])
    def test_not_of_other_calendars_and_not_before_they_are_approved(
        self, meeting: Occurrence, changes: dict[str, Any]
    ) -> None:
        type(meeting.booking).objects.update(**changes)
        assert note("10:30", meeting) == 0

    def test_not_of_cancelled_ones(self, office: Office, meeting: Occurrence) -> None:
        services.cancel(meeting.booking, by=office.staff, now=NOW)
        assert note("10:30", meeting) == 0

    def test_people_who_meet_without_video_are_left_alone(self, office: Office) -> None:
        Room.objects.filter(pk=office.room("KOS/2.14").pk).update(needs_licence=False)
        plain = book(office, "KOS/2.14", "10:00", "12:00")
        assert note("10:30", plain) == 0
        assert rooms(plain) == [span("10:00", "12:00")]

    def test_of_several_rooms_those_without_video_stay(self, office: Office, meeting: Occurrence) -> None:
        seats_of_all(3)
        Room.objects.filter(pk=office.room("TAB/A").pk).update(needs_licence=False)
        request = ask(office.it_admin, office.room("TAB/B"), office.room("TAB/A"), minutes=120)
        both = services.book(request, by=office.it_admin, now=NOW).occurrences.get()
        assert note("10:20", both) == 1
        assert rooms(both) == [span("10:00", "10:20"), span("10:00", "12:00")]

    def test_a_session_without_rooms_gives_its_licence_back(self, office: Office) -> None:
        seats_of_all(1)
        remote = book(office, "", "10:00", "12:00")
        assert note("10:20", remote) == 1
        assert seats(remote) == [span("10:00", "10:20")]

    def test_several_at_once_each_on_its_own(self, office: Office) -> None:
        seats_of_all(2)
        found = [book(office, code, "10:00", "12:00") for code in ("KOS/2.14", "TAB/A")]
        assert note("10:25", *found) == 2


class TestJoiningAfterAll:
    @pytest.fixture
    def missed(self, meeting: Occurrence) -> Occurrence:
        assert note("10:20", meeting) == 1
        return meeting

    def test_everything_is_taken_again(self, missed: Occurrence) -> None:
        start(missed, "10:30")
        missed.refresh_from_db()
        assert missed.no_show_at is None
        whole = span("10:00", "12:00")
        assert (seats(missed), rooms(missed)) == ([whole], [whole])
        assert pieces(missed)[0].end_at == clock("12:00")

    def test_the_door_takes_the_licence_first(self, missed: Occurrence) -> None:
        assert services.hold_for_conference(missed, until=clock("12:00"), now=clock("10:30")) == clock("12:00")
        missed.refresh_from_db()
        assert missed.no_show_at is not None, "to ask is not to join"
        assert rooms(missed) == [span("10:00", "10:20")]

    def test_without_the_room_where_somebody_else_has_it(self, office: Office, missed: Occurrence) -> None:
        seats_of_all(2)
        book(office, "KOS/2.14", "11:00", "12:00")
        start(missed, "10:30")
        missed.refresh_from_db()
        assert missed.no_show_at is None
        assert seats(missed) == [span("10:00", "12:00")]
        assert rooms(missed) == [span("10:00", "10:20")]

    def test_from_now_on_where_somebody_had_the_room_in_between(self, office: Office, missed: Occurrence) -> None:
        seats_of_all(2)
        book(office, "KOS/2.14", "10:25", "10:35")
        start(missed, "10:40")
        assert rooms(missed) == [span("10:40", "12:00")]

    def test_without_the_camera_where_somebody_else_has_it(self, office: Office, missed: Occurrence) -> None:
        seats_of_all(2)
        wishes = Wishes(movable=((MovableEquipment.objects.get().pk, 1),))
        book(office, "KOS/2.16", "11:00", "12:00", wishes=wishes)
        start(missed, "10:30")
        assert pieces(missed) == [span("10:00", "10:20")]

    def test_refused_without_a_licence(self, office: Office, missed: Occurrence) -> None:
        book(office, "TAB/A", "11:00", "12:00")
        with pytest.raises(services.Refused):
            start(missed, "10:30")
        missed.refresh_from_db()
        assert missed.no_show_at is not None
        assert not missed.conference_runs.exists()

    def test_moved_to_another_day_it_is_missed_no_longer(self, office: Office, missed: Occurrence) -> None:
        request = ask(office.staff, office.room("KOS/2.14"), start=at(14), minutes=60)
        services.change(missed.booking, request, by=office.staff, now=clock("10:30"), version=None)
        missed.refresh_from_db()
        assert missed.no_show_at is None
        assert (seats(missed), rooms(missed)) == ([span("14:00", "15:00")], [span("14:00", "15:00")])
        assert note("14:20", missed) == 1

    def test_ended_early_by_a_person_it_holds_nothing_more(self, office: Office, missed: Occurrence) -> None:
        services.end_at(missed, clock("10:30"), by=office.staff, now=clock("10:30"))
        assert (seats(missed), rooms(missed)) == ([span("10:00", "10:20")], [span("10:00", "10:20")])

    def test_cancelled_it_frees_what_is_left(self, office: Office, missed: Occurrence) -> None:
        services.cancel(missed.booking, by=office.staff, now=clock("10:30"))
        assert (seats(missed), rooms(missed)) == ([], [])
