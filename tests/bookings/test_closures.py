"""Closing sites, rooms and equipment: what is held, what can be no closure, changing and lifting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from bookings import closure_queries, services
from bookings.models import Booking, EquipmentHold, RoomHold
from bookings.recurrence import Frequency, Pattern
from bookings.rules import Code, Wishes
from bookings.services import AlreadyOver, ClosureDecision, NotAllowed, Refused
from rooms.models import Closure, MovableEquipment
from tests.bookings.closing import book, closing, covered, held_by
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office, make_room

pytestmark = pytest.mark.django_db
THURSDAYS = Pattern(Frequency.WEEKLY, weekdays=(3,), count=4)


class TestClosing:
    def test_room_is_held_and_booking_it_names_the_closure(self, office: Office) -> None:
        room = office.room("KOS/2.14")
        done = services.close(closing(room), by=office.manager, now=NOW)
        assert (done.moved, done.cancelled, done.left, done.failed) == (0, 0, 0, ())
        assert held_by(done.closure) == [(room.pk, "24 09:00–24 13:00")]
        with pytest.raises(Refused) as refused:
            book(office, "KOS/2.14")
        (refusal,) = [item for item in refused.value.refusals if item.room_id == room.pk]
        assert refusal.code in {Code.ROOM_CLOSED, Code.ROOM_TAKEN}
        assert refusal.holder is not None
        assert (refusal.holder.kind, refusal.holder.title) == ("closure", "Wymiana kabli")

    def test_site_is_held_room_by_room_and_day_by_day(self, office: Office) -> None:
        start = datetime(2026, 12, 24)
        draft = closing(start=start, hours=72, site_id=office.biala.pk)
        done = services.close(draft, by=office.it_admin, now=NOW)
        rooms = sorted(office.room(code).pk for code in ("BIA/5", "BIA/SW"))
        days = ["24 00:00–25 00:00", "25 00:00–26 00:00", "26 00:00–27 00:00"]
        assert held_by(done.closure) == [(room, day) for room in rooms for day in days]
        assert (done.closure.local_start, done.closure.local_end) == ("2026-12-24T00:00", "2026-12-27T00:00")

    def test_recurring_closure_is_stored_with_its_rule(self, office: Office) -> None:
        room = office.room("KOS/2.14")
        done = services.close(closing(room, pattern=THURSDAYS), by=office.manager, now=NOW)
        # The 24th is a Tuesday: the first Thursday follows.
        assert (done.closure.local_start, done.closure.rrule) == (
            "2026-11-26T09:00",
            "FREQ=WEEKLY;BYDAY=TH;COUNT=4",
        )
        assert [when for _room, when in held_by(done.closure)] == [
            "26 09:00–26 13:00",
            "03 09:00–03 13:00",
            "10 09:00–10 13:00",
            "17 09:00–17 13:00",
        ]

    def test_closure_that_has_begun_holds_from_now(self, office: Office) -> None:
        now = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
        done = services.close(closing(office.room("KOS/2.14")), by=office.manager, now=now)
        assert [when for _room, when in held_by(done.closure)] == ["24 10:30–24 13:00"]

    def test_two_closures_of_one_room_share_it_and_lifting_one_gives_the_other_the_rest(self, office: Office) -> None:
        room = office.room("KOS/2.14")
        first = services.close(closing(room), by=office.manager, now=NOW).closure
        second = services.close(closing(room, start=at(8), hours=8), by=office.manager, now=NOW).closure
        assert [when for _room, when in held_by(second)] == ["24 08:00–24 09:00", "24 13:00–24 16:00"]
        services.lift(first, by=office.manager, now=NOW)
        assert [when for _room, when in held_by(second)] == [
            "24 08:00–24 09:00",
            "24 09:00–24 13:00",
            "24 13:00–24 16:00",
        ]

    @pytest.mark.parametrize(
        ("changed", "code"),
        [
            ({"title": " \n"}, Code.CLOSURE_TITLE_MISSING),
            ({"title": "x" * 121}, Code.TITLE_TOO_LONG),
            ({"local_end": at(9)}, Code.ENDS_BEFORE_START),
            ({"local_start": datetime(2026, 11, 1), "local_end": datetime(2026, 11, 2)}, Code.IN_PAST),
            ({"room_id": 0}, Code.ROOM_UNKNOWN),
            ({"room_id": None}, Code.ROOM_UNKNOWN),
            ({"room_id": None, "equipment_id": 0}, Code.EQUIPMENT_UNKNOWN),
            ({"pattern": Pattern(Frequency.DAILY, until=date(2026, 11, 1))}, Code.SERIES_EMPTY),
            ({"pattern": Pattern(Frequency.DAILY, until=date(2028, 11, 1))}, Code.SERIES_TOO_MANY),
            ({"pattern": Pattern(Frequency.WEEKLY, count=3)}, Code.PATTERN_INVALID),
            ({"local_end": datetime(2029, 1, 1)}, Code.SERIES_TOO_LONG),
        ],
    )
    def test_what_can_be_no_closure_is_refused_with_the_reason(
        self, office: Office, changed: dict[str, Any], code: Code
    ) -> None:
        draft = replace(closing(office.room("KOS/2.14")), **changed)
        for act in (services.find_impact, services.close):
            with pytest.raises(Refused) as refused:
                act(draft, by=office.it_admin, now=NOW)
            assert [refusal.code for refusal in refused.value.refusals] == [code]
        assert not Closure.objects.exists()

    def test_absurd_size_is_refused_before_anything_is_written(self, office: Office) -> None:
        for number in range(28):
            make_room(office.biala, f"X{number}")
        draft = closing(start=datetime(2026, 12, 1), hours=24 * 700, site_id=office.biala.pk)
        with pytest.raises(Refused) as refused:
            services.close(draft, by=office.it_admin, now=NOW)
        (refusal,) = refused.value.refusals
        assert (refusal.code, refusal.data) == (Code.CLOSURE_TOO_LARGE, {"count": 21_000, "limit": 20_000})

    def test_room_that_is_new_at_a_closed_site_is_closed_too(
        self, office: Office, django_assert_num_queries: Callable[[int], Any]
    ) -> None:
        here, elsewhere = (
            services.close(closing(site_id=site.pk), by=office.it_admin, now=NOW).closure
            for site in (office.biala, office.taborowa)
        )
        with django_assert_num_queries(1):
            assert services.close_new_rooms(NOW) == 0
        room = make_room(office.biala, "X1")
        assert services.close_new_rooms(NOW) == 1
        assert covered(here, room) == timedelta(hours=4)
        assert covered(elsewhere, room) == timedelta(0)
        assert services.close_new_rooms(NOW) == 0
        services.lift(here, by=office.it_admin, now=NOW)
        make_room(office.biala, "X2")
        assert services.close_new_rooms(NOW) == 0

    def test_statements_do_not_grow_with_rooms_and_dates(self, office: Office) -> None:
        for number in range(58):
            make_room(office.biala, f"X{number}")
        weekly = Pattern(Frequency.WEEKLY, weekdays=(5,), until=date(2028, 11, 1))
        draft = closing(site_id=office.biala.pk, pattern=weekly)
        with CaptureQueriesContext(connection) as queries:
            done = services.close(draft, by=office.it_admin, now=NOW)
        assert RoomHold.objects.filter(closure=done.closure).count() == 60 * 101
        inserts = [query for query in queries if query["sql"].startswith("INSERT")]
        assert len(inserts) <= 2
        assert len(queries) - len(inserts) <= 20

    @pytest.mark.parametrize(
        ("who", "may"), [("it_admin", True), ("manager", True), ("staff", False), ("colleague", False)]
    )
    def test_managers_close_at_their_site(self, office: Office, who: str, may: bool) -> None:
        user = getattr(office, who)
        assert _allowed(lambda: services.close(closing(office.room("KOS/2.14")), by=user, now=NOW)) == may
        assert _allowed(lambda: services.close(closing(site_id=office.taborowa.pk), by=user, now=NOW)) == (
            who == "it_admin"
        )


def _allowed(act: Callable[[], object]) -> bool:
    try:
        act()
    except NotAllowed:
        return False
    return True


class TestEquipment:
    @pytest.fixture
    def camera(self, office: Office) -> MovableEquipment:
        return MovableEquipment.objects.create(site=office.koszykowa, name="Kamera przenośna", quantity=2)

    def request(self, office: Office, camera: MovableEquipment, *, quantity: int = 1, **fields: Any) -> Booking:
        return book(office, "KOS/2.14", wishes=Wishes(movable=((camera.pk, quantity),)), **fields)

    def test_one_piece_away_leaves_the_other(self, office: Office, camera: MovableEquipment) -> None:
        booking = self.request(office, camera)
        draft = closing(equipment_id=camera.pk, quantity=1)
        assert services.find_impact(draft, by=office.manager, now=NOW).hits == ()
        services.close(draft, by=office.manager, now=NOW)
        with pytest.raises(Refused) as refused:
            book(office, "KOS/2.16", wishes=Wishes(movable=((camera.pk, 1),)))
        assert Code.EQUIPMENT_NONE_FREE in [refusal.code for refusal in refused.value.refusals]
        services.cancel(booking, by=office.staff, now=NOW)
        book(office, "KOS/2.16", wishes=Wishes(movable=((camera.pk, 1),)))

    def test_both_pieces_away_hit_who_has_one_and_take_it_when_it_comes_back(
        self, office: Office, camera: MovableEquipment
    ) -> None:
        booking = self.request(office, camera)
        draft = closing(equipment_id=camera.pk, quantity=2)
        (hit,) = services.find_impact(draft, by=office.manager, now=NOW).hits
        assert (hit.occurrence.booking, hit.rooms, hit.other_room) == (booking, (), None)
        done = services.close(draft, by=office.manager, now=NOW)
        assert self.piece_hours(done.closure) == 3 * 2 + 1
        services.cancel(booking, by=office.staff, now=NOW)
        assert self.piece_hours(done.closure) == 4 * 2

    @pytest.mark.parametrize("quantity", [0, 3, None])
    def test_more_pieces_than_there_are_is_refused(
        self, office: Office, camera: MovableEquipment, quantity: int | None
    ) -> None:
        with pytest.raises(Refused) as refused:
            services.close(closing(equipment_id=camera.pk, quantity=quantity), by=office.manager, now=NOW)
        assert [refusal.code for refusal in refused.value.refusals] == [Code.CLOSURE_QUANTITY]

    def piece_hours(self, closure: Closure) -> float:
        rows = EquipmentHold.objects.filter(closure=closure, live=True)
        return sum(row.quantity * (row.interval.duration / timedelta(hours=1)) for row in rows)


class TestChangingAndLifting:
    def test_lifting_frees_the_future_and_keeps_the_past(self, office: Office) -> None:
        room = office.room("KOS/2.14")
        daily = Pattern(Frequency.DAILY, count=3)
        closure = services.close(closing(room, pattern=daily), by=office.manager, now=NOW).closure
        during = datetime(2026, 11, 25, 9, tzinfo=UTC)
        services.lift(closure, by=office.manager, now=during)
        closure.refresh_from_db()
        assert closure.lifted_at == during
        assert [when for _room, when in held_by(closure)] == ["24 09:00–24 13:00", "25 09:00–25 10:00"]
        services.book(ask(office.staff, room, start=at(11) + timedelta(days=1)), by=office.staff, now=during)
        with pytest.raises(AlreadyOver):
            services.lift(closure, by=office.manager, now=during)

    def test_lifting_is_for_managers_of_the_site(self, office: Office) -> None:
        closure = services.close(closing(site_id=office.biala.pk), by=office.it_admin, now=NOW).closure
        for user in (office.manager, office.staff, office.colleague):
            with pytest.raises(NotAllowed):
                services.lift(closure, by=user, now=NOW)

    def test_change_moves_what_is_held_and_deals_with_what_it_hits_now(self, office: Office) -> None:
        room = office.room("KOS/2.16")
        booking = book(office, "KOS/2.16", start=at(15))
        closure = services.close(closing(room), by=office.manager, now=NOW).closure
        draft = closing(room, start=at(12))
        impact = services.find_impact(draft, by=office.manager, now=NOW, changing=closure)
        assert [hit.occurrence.booking for hit in impact.hits] == [booking]
        decisions = {booking.occurrences.get().pk: ClosureDecision.ROOM}
        done = services.change_closure(closure, draft, by=office.manager, now=NOW, decisions=decisions)
        assert (done.closure, done.moved) == (closure, 1)
        assert covered(closure, room) == timedelta(hours=4)
        assert Closure.objects.get().local_start == "2026-11-24T12:00"
        book(office, "KOS/2.16", start=at(9))

    def test_closures_are_read_by_who_manages_the_site(
        self, office: Office, django_assert_num_queries: Callable[[int], Any]
    ) -> None:
        here = services.close(closing(office.room("KOS/2.14")), by=office.manager, now=NOW).closure
        there = services.close(closing(site_id=office.biala.pk), by=office.it_admin, now=NOW).closure
        manager = User.objects.get(pk=office.manager.pk)
        manager.site_roles.all()
        with django_assert_num_queries(2):
            found = closure_queries.closures_for(manager, now=NOW)
            assert [closure.room.site.name for closure in found if closure.room] == ["Koszykowa 16"]
        assert closure_queries.closures_for(office.it_admin, now=NOW) == [here, there]
        assert closure_queries.closures_for(office.staff, now=NOW) == []
        assert closure_queries.closure_for(office.manager, here.pk) == here
        with pytest.raises(Closure.DoesNotExist):
            closure_queries.closure_for(office.manager, there.pk)
        services.lift(here, by=office.manager, now=NOW)
        assert closure_queries.closures_for(office.manager, now=NOW) == []
        assert closure_queries.closures_for(office.manager, now=NOW, past=True) == [here]
