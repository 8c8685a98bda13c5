"""What conferences really did is kept; a seat is free at the real end, and taken again when people come back."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import override_settings
from django.utils import timezone

from accounts.models import User
from bookings import licence_queries, services
from bookings.models import (
    Booking,
    ConferenceRun,
    LicenceHold,
    LicenceRefusal,
    Occurrence,
    RoomHold,
    WaitlistEntry,
    as_range,
)
from bookings.rules import Code, LicenceWish
from notifications import tasks
from notifications.models import Message
from rooms import licences, terms
from rooms.interval import Interval
from rooms.models import EmergencySeats, LicenceGrant, NamedLicence, SiteShare
from tests.bookings.conferencing import clock, end, seats, seats_of_all, span, start
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office, make_room, make_user


@pytest.fixture
def meeting(office: Office) -> Occurrence:
    """Tuesday from 10 to 12, on the office's only licence."""
    seats_of_all(1)
    request = ask(office.staff, office.room("KOS/2.14"), minutes=120)
    return services.book(request, by=office.staff, now=NOW).occurrences.get()


def runs(meeting: Occurrence) -> list[tuple[datetime, datetime | None]]:
    return list(meeting.conference_runs.order_by("started_at").values_list("started_at", "ended_at"))


class TestRuns:
    def test_starts_and_ends_are_kept_once(self, meeting: Occurrence) -> None:
        first = start(meeting, "10:01")
        assert start(meeting, "10:02") == first
        assert end(meeting, "11:30", people_peak=7) == first
        assert end(meeting, "11:45", people_peak=9) == first
        assert start(meeting, "10:01", now="11:46") == first, "told again, late"
        assert runs(meeting) == [(clock("10:01"), clock("11:30"))]
        assert ConferenceRun.objects.get().people_peak == 7

    def test_who_comes_back_begins_another_run(self, meeting: Occurrence) -> None:
        start(meeting, "10:00")
        end(meeting, "10:30")
        second = start(meeting, "10:31")
        assert end(ConferenceRun.objects.earliest("started_at"), "10:40") != second
        assert runs(meeting) == [(clock("10:00"), clock("10:30")), (clock("10:31"), None)]

    def test_an_end_before_the_start_is_not_about_it(self, meeting: Occurrence) -> None:
        start(meeting, "10:10")
        end(meeting, "10:05")
        assert runs(meeting) == [(clock("10:10"), None)]

    def test_a_clock_that_is_fast_says_nothing_of_the_future(self, meeting: Occurrence) -> None:
        start(meeting, "10:05", now="10:00")
        assert runs(meeting) == [(clock("10:00"), None)]

    def test_nobody_came(self, meeting: Occurrence) -> None:
        assert end(meeting, "10:30") is None
        assert not ConferenceRun.objects.exists()

    def test_a_conference_of_a_cancelled_session_is_kept_and_holds_nothing(
        self, office: Office, meeting: Occurrence
    ) -> None:
        services.cancel(meeting.booking, by=office.staff, now=NOW)
        start(meeting, "10:00")
        assert seats(meeting) == []


class TestSeats:
    def test_the_seat_is_free_five_minutes_after_the_last_one_left(self, office: Office, meeting: Occurrence) -> None:
        start(meeting, "10:00")
        end(meeting, "10:40")
        assert services.free_seats(clock("10:44")) == 0
        assert services.free_seats(clock("10:45")) == 1
        assert services.free_seats(clock("10:45")) == 0
        assert seats(meeting) == [span("10:00", "10:40")]
        request = ask(office.manager, office.room("TAB/A"), start=at(11))
        services.book(request, by=office.manager, now=clock("10:45"))

    def test_all_else_stays(self, meeting: Occurrence) -> None:
        mails = Message.objects.count()
        start(meeting, "10:00")
        end(meeting, "10:40", people_peak=3)
        services.free_seats(clock("10:45"))
        before = meeting.booking
        meeting.refresh_from_db()
        booking = Booking.objects.get()
        assert meeting.interval == span("10:00", "12:00")
        assert RoomHold.objects.get(live=True).interval == span("10:00", "12:00")
        assert (booking.version, booking.sequence) == (before.version, before.sequence)
        assert [event.kind for event in booking.events.order_by("pk")] == [
            "booked",
            "conference_started",
            "conference_ended",
        ]
        assert Message.objects.count() == mails, "nobody is mailed about it"

    @override_settings(FREE_SEAT_AFTER_MINUTES=0)
    def test_or_at_once_where_the_office_says_so(self, meeting: Occurrence) -> None:
        start(meeting, "10:00")
        end(meeting, "10:40")
        assert services.free_seats(clock("10:40")) == 1

    def test_while_anybody_is_there_it_stays(self, meeting: Occurrence) -> None:
        start(meeting, "10:00")
        end(meeting, "10:40")
        start(meeting, "10:42")
        assert services.free_seats(clock("11:30")) == 0
        end(meeting, "11:31")
        assert services.free_seats(clock("11:35")) == 0
        assert services.free_seats(clock("11:36")) == 1
        assert seats(meeting) == [span("10:00", "11:31")]

    def test_a_meeting_that_nobody_ever_joined_is_left_alone(self, meeting: Occurrence) -> None:
        assert services.free_seats(clock("11:30")) == 0
        assert seats(meeting) == [span("10:00", "12:00")]

    @pytest.mark.parametrize("ended", ["9:20", "10:00"])
    def test_who_only_tried_it_before_the_start_will_come_back(self, meeting: Occurrence, ended: str) -> None:
        start(meeting, "9:10")
        end(meeting, ended)
        assert services.free_seats(clock("10:30")) == 0
        assert seats(meeting) == [span("9:10", "12:00")]

    def test_who_waits_is_served(self, office: Office, meeting: Occurrence) -> None:
        request = ask(office.manager, office.room("TAB/A"), start=at(11, 30), minutes=30)
        entry = services.join_waitlist(request, by=office.manager, now=NOW)
        start(meeting, "10:00")
        end(meeting, "10:40")
        services.free_seats(clock("10:45"))
        entry.refresh_from_db()
        assert entry.state == WaitlistEntry.State.OFFERED

    def test_nothing_due_costs_one_query(
        self, meeting: Occurrence, django_assert_num_queries: Callable[[int], Any]
    ) -> None:
        start(meeting, "10:00")
        with django_assert_num_queries(1):
            services.free_seats(clock("10:45"))

    def test_ended_early_by_a_person_it_is_free_at_once(self, office: Office, meeting: Occurrence) -> None:
        start(meeting, "10:00")
        services.end_at(meeting, clock("10:40"), by=office.staff, now=clock("10:40"))
        assert seats(meeting) == [span("10:00", "10:40")]
        request = ask(office.manager, office.room("KOS/2.14"), start=at(10, 45))
        services.book(request, by=office.manager, now=clock("10:40"))


class TestBack:
    """The conference of a meeting begins again after its seat came free."""

    @pytest.fixture
    def left(self, meeting: Occurrence) -> Occurrence:
        """Everybody left at 10:40; the seat came free at 10:45."""
        start(meeting, "10:00")
        end(meeting, "10:40")
        assert services.free_seats(clock("10:45")) == 1
        return meeting

    def take(self, office: Office, begins: str, minutes: int) -> Booking:
        wanted = clock(begins).replace(tzinfo=None)
        request = ask(office.manager, office.room("TAB/A"), start=wanted, minutes=minutes)
        return services.book(request, by=office.manager, now=clock("10:45"))

    def test_who_then_ends_it_by_hand_ends_it(self, office: Office, left: Occurrence) -> None:
        services.end_at(left, clock("10:50"), by=office.staff, now=clock("10:50"))
        assert seats(left) == [span("10:00", "10:40")]

    def test_it_takes_its_seat_again(self, left: Occurrence) -> None:
        start(left, "10:50")
        assert seats(left) == [span("10:00", "12:00")]
        end(left, "11:00")
        assert services.free_seats(clock("11:05")) == 1
        assert seats(left) == [span("10:00", "11:00")]

    def test_it_is_refused_where_somebody_else_has_it(self, office: Office, left: Occurrence) -> None:
        self.take(office, "11:00", 30)
        with pytest.raises(services.Refused) as refused:
            start(left, "10:50")
        (refusal,) = refused.value.refusals
        assert (refusal.code, refusal.data["pool_id"]) == (Code.LICENCE_NONE_FREE, office.pool.pk)
        assert refusal.data["frees_at"] == clock("11:30")
        assert runs(left) == [(clock("10:00"), clock("10:40"))]

    def test_not_where_somebody_else_had_it_meanwhile(self, office: Office, left: Occurrence) -> None:
        self.take(office, "10:45", 15)
        start(left, "11:05")
        assert seats(left) == [span("11:05", "12:00")]

    def test_an_open_form_whose_time_is_over_is_in_nobodys_way(self, office: Office, left: Occurrence) -> None:
        request = ask(office.manager, office.room("TAB/A"), start=at(11))
        services.hold_draft(request, submission=uuid.UUID(int=1), user=office.manager, now=clock("10:46"))
        with pytest.raises(services.Refused):
            start(left, "10:50")
        start(left, "10:56")
        assert seats(left) == [span("10:00", "12:00")]

    def test_after_its_time_it_takes_none(self, left: Occurrence) -> None:
        start(left, "12:10")
        assert seats(left) == [span("10:00", "10:40")]

    def test_a_kept_seat_is_free_like_any_other(self, office: Office, left: Occurrence) -> None:
        LicenceHold.objects.update(kept=True)
        LicenceGrant.objects.all().delete()
        with pytest.raises(services.Refused):
            start(left, "10:50")
        LicenceGrant.objects.create(pool=office.pool, seats=1, valid_from=date(2026, 11, 24))
        start(left, "10:51")
        assert [hold.end_at for hold in seats(left)] == [clock("12:00")]


class TestSources:
    """Named, emergency and borrowed seats come free and are taken again as what they were."""

    def again(self, meeting: Occurrence) -> LicenceHold:
        start(meeting, "10:00")
        end(meeting, "10:40")
        assert services.free_seats(clock("10:45")) == 1
        start(meeting, "10:50")
        hold = meeting.licence_holds.get(live=True)
        assert hold.interval == span("10:00", "11:00")
        return hold

    def test_a_named_licence(self, office: Office) -> None:
        named = NamedLicence.objects.create(pool=office.pool, user=office.staff, valid_from=date(2026, 1, 1))
        booking = services.book(ask(office.staff), by=office.staff, now=NOW)
        assert self.again(booking.occurrences.get()).named == named

    def test_an_emergency_licence(self, office: Office) -> None:
        seats_of_all(1)
        EmergencySeats.objects.create(pool=office.pool, seats=1, valid_from=date(2026, 1, 1))
        request = ask(office.staff, licence=LicenceWish(emergency_reason="Sprawa pilna"))
        booking = services.book(request, by=office.it_admin, now=NOW)
        assert self.again(booking.occurrences.get()).source == LicenceHold.Source.EMERGENCY

    def test_a_borrowed_one(self, office: Office) -> None:
        seats_of_all(1)
        SiteShare.objects.create(pool=office.pool, site=office.taborowa, seats=1, valid_from=date(2026, 1, 1))
        request = ask(office.staff, licence=LicenceWish(borrow_from=office.taborowa.pk))
        booking = services.book(request, by=office.it_admin, now=NOW)
        hold = self.again(booking.occurrences.get())
        assert (hold.site, hold.borrowed_by) == (office.taborowa, office.koszykowa)


class TestReading:
    def test_how_many_seats_were_really_in_use_at_once(
        self, office: Office, django_assert_num_queries: Callable[[int], Any]
    ) -> None:
        first, second = (
            services.book(ask(office.staff, office.room(code)), by=office.staff, now=NOW).occurrences.get()
            for code in ("KOS/2.14", "TAB/A")
        )
        start(first, "10:00")
        end(first, "10:30", people_peak=3)
        start(second, "10:20")
        start(first, "10:50")
        end(first, "10:55")
        with django_assert_num_queries(3):
            found = licence_queries.runs_between(office.pool, clock("10:25"), clock("10:52"))
        assert [(run.occurrence_id, run.interval, run.people_peak, run.is_on) for run in found] == [
            (first.pk, span("10:00", "10:30"), 3, False),
            (second.pk, span("10:20", "10:52"), None, True),
            (first.pk, span("10:50", "10:55"), None, False),
        ]
        uses = [use for run in found for use in run.uses]
        assert licences.peak_use(uses, span=span("10:25", "10:30")) == 2
        assert licences.peak_use(uses, span=span("10:30", "10:50")) == 1
        assert {use.site_id for use in uses} == {office.koszykowa.pk, office.taborowa.pk}

    def test_a_conference_that_nobody_saw_end_does_not_run_for_ever(self, office: Office, meeting: Occurrence) -> None:
        start(meeting, "10:00")
        week = timedelta(days=7)
        assert licence_queries.runs_between(office.pool, clock("10:00") + week, clock("12:00") + week) == []

    def test_conferences_on_other_systems_are_not_among_them(self, office: Office, meeting: Occurrence) -> None:
        start(meeting, "10:00")
        LicenceHold.objects.all().delete()
        assert licence_queries.runs_between(office.pool, clock("10:00"), clock("12:00")) == []


def test_the_clock_frees_seats_and_settles_refusals(office: Office, meeting: Occurrence) -> None:
    now = timezone.now()
    hour = timedelta(hours=1)
    with pytest.raises(services.Refused):
        services.book(ask(office.manager, office.room("TAB/A"), start=at(11)), by=office.manager, now=NOW)
    LicenceRefusal.objects.update(at=now - timedelta(days=2))
    LicenceHold.objects.update(period=as_range(Interval(now - hour, now + hour)))
    ConferenceRun.objects.create(occurrence=meeting, started_at=now - hour, ended_at=now - hour / 4)
    for _twice in range(2):
        tasks.run_job("free_seats", woken=True)
        tasks.run_job("settle_refusals", woken=True)
    assert seats(meeting) == [Interval(now - hour, now - hour / 4)]
    assert LicenceRefusal.objects.get().outcome == LicenceRefusal.Outcome.GAVE_UP


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(4))
def test_the_seat_that_comes_free_goes_to_one(transactional_db: None, office: Office, round_: int) -> None:
    """Everybody has left, sixteen people want the only seat, and the conference begins again: one has it."""
    seats_of_all(1)
    meeting = services.book(ask(office.staff, minutes=120), by=office.staff, now=NOW).occurrences.get()
    start(meeting, "10:00")
    end(meeting, "10:40")
    people = [make_user(f"osoba.{n}@urzad.example", staff_of=[office.koszykowa]) for n in range(16)]
    rooms = [make_room(office.koszykowa, f"9.{n}") for n in range(16)]
    now = clock("10:45")
    actions: list[Callable[[], Any]] = [
        lambda: services.free_seats(now),
        lambda: services.record_started(meeting, now, now=now),
    ]

    def book(user: User, room: Any) -> Callable[[], Any]:
        return lambda: services.book(ask(user, room, start=at(11)), by=user, now=now)

    actions += [book(user, room) for user, room in zip(people, rooms, strict=True)]
    gate = threading.Barrier(len(actions))

    def run(action: Callable[[], Any]) -> Any:
        gate.wait()
        try:
            return action()
        except services.Refused as refused:
            return refused
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(actions)) as pool:
        freed, started, *booked = list(pool.map(run, actions))
    winners = [item for item in booked if isinstance(item, Booking)]
    has_seat = LicenceHold.objects.filter(occurrence=meeting, live=True, period__endswith__gt=now).exists()
    assert len(winners) + has_seat <= 1
    assert len(winners) <= freed
    assert has_seat or isinstance(started, services.Refused)
    uses = [licences.Use(h.site_id, h.seats, h.interval) for h in LicenceHold.objects.filter(live=True)]
    allocation = terms.load_pools()[office.pool.pk].allocation
    assert licences.first_overuse(allocation, uses, span=span("9:00", "13:00")) is None
