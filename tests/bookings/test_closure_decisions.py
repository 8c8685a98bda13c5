"""Sessions that stand in a closure: what is proposed for them, what becomes of them, who is told."""

from __future__ import annotations

import uuid
from datetime import UTC, timedelta
from typing import Any

import pytest

from bookings import events, services
from bookings.models import RoomHold
from bookings.recurrence import Frequency, Pattern
from bookings.rules import Code, Series
from bookings.services import ClosureDecision, Refused
from rooms.interval import Interval
from rooms.models import Closure, Room
from tests.bookings.closing import book, closing, covered, held_by
from tests.bookings.requests import DAY, NOW, ask, at
from tests.factories import Office, make_room

pytestmark = pytest.mark.django_db
ROOM, TIME, CANCEL = ClosureDecision.ROOM, ClosureDecision.TIME, ClosureDecision.CANCEL


@pytest.fixture
def notices() -> Any:
    found: list[events.Notice] = []

    def listen(notice: events.Notice, **_: object) -> None:
        found.append(notice)

    events.noticed.connect(listen)
    yield found
    events.noticed.disconnect(listen)


class TestImpact:
    def test_other_room_has_the_seats_and_is_nobodys_else(self, office: Office) -> None:
        first, second = book(office, "KOS/2.16"), book(office, "KOS/2.16", start=at(11))
        book(office, "KOS/0.07", start=at(10, 30), by=office.manager)
        impact = services.find_impact(closing(office.room("KOS/2.16")), by=office.manager, now=NOW)
        assert [hit.occurrence.booking for hit in impact.hits] == [first, second]
        assert [hit.rooms for hit in impact.hits] == [(office.room("KOS/2.16"),)] * 2
        # 0.07 is the smallest and taken; 1.03 and 3.01 need approval.
        assert [hit.other_room for hit in impact.hits] == [office.room("KOS/2.14")] * 2
        assert impact.spans == (Interval(*(DAY.replace(hour=hour - 1, tzinfo=UTC) for hour in (9, 13))),)

    def test_two_meetings_at_once_are_not_sent_to_one_room(self, office: Office) -> None:
        for code in ("KOS/2.14", "KOS/2.16"):
            book(office, code)
        make_room(office.koszykowa, "4.01", seats=20)
        rooms = [office.room(code).pk for code in ("KOS/0.07", "KOS/1.03", "KOS/3.01", "KOS/2.16")]
        Room.objects.filter(pk__in=rooms[:3]).update(is_active=False)
        impact = services.find_impact(closing(office.room("KOS/2.14")), by=office.manager, now=NOW)
        assert [hit.other_room.code for hit in impact.hits if hit.other_room] == ["4.01"]

    def test_where_no_other_room_is_another_time_is_found(self, office: Office) -> None:
        booking = book(office, "BIA/5")
        impact = services.find_impact(closing(site_id=office.biala.pk), by=office.it_admin, now=NOW)
        (hit,) = impact.hits
        assert (hit.occurrence.booking, hit.other_room) == (booking, None)
        # The closure ends at 13:00, the meeting lasts an hour, and 8:00 is further from 10:00 than nothing before it.
        assert hit.other_time == (at(8), at(9))

    def test_other_times_keep_out_of_each_others_way(self, office: Office) -> None:
        book(office, "BIA/5")
        book(office, "BIA/5", start=at(11))
        impact = services.find_impact(closing(site_id=office.biala.pk), by=office.it_admin, now=NOW)
        assert [hit.other_time for hit in impact.hits] == [(at(8), at(9)), (at(13), at(14))]

    def test_set_up_before_a_session_is_hit_too(self, office: Office) -> None:
        booking = book(office, "KOS/1.03", by=office.manager, start=at(13, 5))
        impact = services.find_impact(closing(office.room("KOS/1.03")), by=office.manager, now=NOW)
        assert [hit.occurrence.booking for hit in impact.hits] == [booking]
        assert services.find_impact(closing(office.room("KOS/1.03"), hours=3.8), by=office.manager, now=NOW).hits == ()


class TestDecisions:
    def test_meeting_moves_to_the_other_room_and_the_closure_has_this_one(self, office: Office) -> None:
        booking = book(office, "KOS/2.16")
        room = office.room("KOS/2.16")
        impact = services.find_impact(closing(room), by=office.manager, now=NOW)
        (hit,) = impact.hits
        done = services.close(
            closing(room),
            by=office.manager,
            now=NOW,
            decisions={hit.occurrence.pk: ROOM},
            seen={hit.occurrence.pk},
            targets={hit.occurrence.pk: hit.target},
        )
        assert (done.moved, done.left, done.failed) == (1, 0, ())
        live = RoomHold.objects.get(occurrence__booking=booking, live=True)
        assert live.room == hit.other_room
        assert covered(done.closure, room) == timedelta(hours=4)
        assert booking.events.order_by("pk").last().kind == "rooms_changed"  # type: ignore[union-attr]  # just moved

    def test_meeting_moves_to_the_other_time(self, office: Office) -> None:
        booking = book(office, "BIA/5")
        done = services.close(
            closing(site_id=office.biala.pk),
            by=office.it_admin,
            now=NOW,
            decisions={booking.occurrences.get().pk: TIME},
        )
        assert done.moved == 1
        assert booking.occurrences.get().local_start == "2026-11-24T08:00"
        assert covered(done.closure, office.room("BIA/5")) == timedelta(hours=4)

    def test_meeting_is_cancelled_with_the_reason(self, office: Office) -> None:
        booking = book(office, "KOS/2.16")
        room = office.room("KOS/2.16")
        done = services.close(
            closing(room), by=office.manager, now=NOW, decisions={booking.occurrences.get().pk: CANCEL}
        )
        booking.refresh_from_db()
        assert (done.cancelled, booking.status, booking.cancel_reason) == (1, "cancelled", "Wymiana kabli")
        assert covered(done.closure, room) == timedelta(hours=4)

    def test_meeting_of_a_series_moves_alone(self, office: Office) -> None:
        room = office.room("KOS/2.16")
        series = book(office, "KOS/2.16", series=Series(Pattern(Frequency.WEEKLY, weekdays=(1,), count=3)))
        second = series.occurrences.order_by("starts_at")[1]
        draft = closing(room, start=at(9) + timedelta(weeks=1))
        done = services.close(draft, by=office.manager, now=NOW, decisions={second.pk: ROOM})
        assert done.moved == 1
        rooms = RoomHold.objects.filter(occurrence__booking=series, live=True).order_by("period")
        assert [hold.room_id == room.pk for hold in rooms] == [True, False, True]
        second.refresh_from_db()
        assert second.has_own_rooms

    def test_meeting_that_stays_keeps_its_room_until_it_goes(
        self, office: Office, notices: list[events.Notice]
    ) -> None:
        room = office.room("KOS/2.16")
        booking = book(office, "KOS/2.16")
        done = services.close(closing(room), by=office.manager, now=NOW)
        assert (done.left, done.failed) == (1, ())
        assert [when for _room, when in held_by(done.closure)] == ["24 09:00–24 10:00", "24 11:00–24 13:00"]
        (notice,) = [notice for notice in notices if notice.topic == events.Topic.CLOSURE_HITS]
        assert (notice.user_ids, notice.booking) == ((office.staff.pk,), booking)
        assert notice.data == {"closure": done.closure.pk, "occurrences": [booking.occurrences.get().pk]}
        services.cancel(booking, by=office.staff, now=NOW)
        assert covered(done.closure, room) == timedelta(hours=4)

    def test_proposal_that_works_no_more_leaves_the_meeting_and_says_so(self, office: Office) -> None:
        booking = book(office, "KOS/2.16")
        (occurrence,) = booking.occurrences.all()
        room = office.room("KOS/2.16")
        book(office, "KOS/2.14", by=office.manager)
        done = services.close(
            closing(room),
            by=office.manager,
            now=NOW,
            decisions={occurrence.pk: ROOM},
            targets={occurrence.pk: f"room:{office.room('KOS/2.14').pk}"},
        )
        assert (done.moved, done.left, done.failed) == (0, 1, (occurrence,))
        assert RoomHold.objects.get(occurrence=occurrence, live=True).room == room

    @pytest.mark.parametrize(
        "target", ["room:0", "room:x", "time:", "time:x/y", "elsewhere", "room:99999999999999999999"]
    )
    def test_target_that_nobody_proposed_leaves_the_meeting(self, office: Office, target: str) -> None:
        (occurrence,) = book(office, "KOS/2.16").occurrences.all()
        decisions, targets = {occurrence.pk: ROOM}, {occurrence.pk: target}
        draft = closing(office.room("KOS/2.16"))
        done = services.close(draft, by=office.manager, now=NOW, decisions=decisions, targets=targets)
        assert done.failed == (occurrence,)

    def test_meeting_that_nobody_was_shown_is_told_instead_of_hit(self, office: Office) -> None:
        book(office, "KOS/2.16")
        with pytest.raises(Refused) as refused:
            services.close(closing(office.room("KOS/2.16")), by=office.manager, now=NOW, seen=set())
        assert [refusal.code for refusal in refused.value.refusals] == [Code.CHANGED_MEANWHILE]
        assert not Closure.objects.exists()

    def test_open_form_and_its_hold_give_way(self, office: Office) -> None:
        room = office.room("KOS/2.16")
        request = ask(office.staff, room)
        state = services.hold_draft(request, submission=uuid.uuid4(), user=office.staff, now=NOW)
        assert state.held
        done = services.close(closing(room), by=office.manager, now=NOW)
        assert held_by(done.closure) == [(room.pk, "24 09:00–24 13:00")]
