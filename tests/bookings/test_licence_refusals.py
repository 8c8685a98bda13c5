"""Every wish refused for lack of a licence is kept once, with what became of it; nobody's answer depends on it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from bookings import services
from bookings.models import Booking, LicenceRefusal, WaitlistEntry, as_interval
from bookings.rules import BookingRequest, Decision, LicenceWish, clean_line
from rooms.interval import Interval
from rooms.models import EmergencySeats, LicenceGrant, SiteShare
from tests.bookings.requests import NOW, ask, at
from tests.bookings.series import ask_series, weekly
from tests.bookings.views.booking_posts import NEW, fields
from tests.factories import Office, make_user

Outcome = LicenceRefusal.Outcome
FORM, OTHER_FORM = uuid.UUID(int=1), uuid.UUID(int=2)
STARTS_AT = datetime.fromisoformat("2026-11-24T10:00+01:00")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def one_seat(office: Office) -> Office:
    """The office has one licence and no shares."""
    SiteShare.objects.all().delete()
    LicenceGrant.objects.update(seats=1)
    return office


@pytest.fixture
def taken(one_seat: Office) -> Booking:
    """The manager has the only licence on Tuesday from 10 to 11."""
    return services.book(ask(one_seat.manager, one_seat.room("KOS/2.16")), by=one_seat.manager, now=NOW)


def wish(office: Office, **fields: Any) -> BookingRequest:
    return ask(office.staff, office.room("KOS/2.14"), **fields)


def refuse(request: BookingRequest, by: User, *, now: datetime = NOW, form: uuid.UUID | None = FORM) -> None:
    with pytest.raises(services.Refused):
        services.book(request, by=by, now=now, submission=form)


def outcomes() -> list[tuple[date, str, int | None]]:
    return list(LicenceRefusal.objects.order_by("pk").values_list("on", "outcome", "booking"))


def only() -> LicenceRefusal:
    return LicenceRefusal.objects.get()


class TestLog:
    def test_a_form_that_is_refused_leaves_one_row(self, one_seat: Office, taken: Booking) -> None:
        refuse(wish(one_seat, is_private=True), one_seat.staff)
        row = only()
        assert (row.pool, row.site, row.seats, row.on) == (one_seat.pool, one_seat.koszykowa, 1, date(2026, 11, 24))
        assert as_interval(row.period) == Interval(STARTS_AT, STARTS_AT + HOUR)
        assert (row.at, row.user, row.submission, row.outcome) == (NOW, one_seat.staff, FORM, Outcome.OPEN)
        assert (row.title, row.is_private, row.booking, row.closed_at) == (wish(one_seat).title, True, None, None)

    def test_what_the_preview_of_the_form_shows_is_the_same_wish(self, one_seat: Office, taken: Booking) -> None:
        for later, title in enumerate(["", "Narada", "Narada kierownictwa"]):
            request = wish(one_seat, title=title, is_private=later == 2)
            moment = NOW + timedelta(minutes=later)
            services.hold_draft(request, submission=FORM, user=one_seat.staff, now=moment)
        refuse(wish(one_seat, title="Narada kierownictwa", is_private=True), one_seat.staff, now=NOW + HOUR)
        row = only()
        assert (row.at, row.title, row.is_private) == (NOW, "Narada kierownictwa", True)

    def test_other_times_tried_in_the_same_form_add_nothing(self, one_seat: Office, taken: Booking) -> None:
        services.book(
            ask(one_seat.manager, one_seat.room("KOS/2.16"), start=datetime(2026, 11, 25, 9)),
            by=one_seat.manager,
            now=NOW,
        )
        refuse(wish(one_seat), one_seat.staff)
        refuse(wish(one_seat, start=at(10, 30)), one_seat.staff)
        refuse(wish(one_seat, start=datetime(2026, 11, 25, 9)), one_seat.staff)
        assert as_interval(only().period).start_at == STARTS_AT

    def test_two_forms_are_two_wishes(self, one_seat: Office, taken: Booking) -> None:
        refuse(wish(one_seat), one_seat.staff)
        refuse(wish(one_seat), one_seat.staff, form=OTHER_FORM)
        assert LicenceRefusal.objects.count() == 2

    def test_without_a_form_the_same_counts_once_an_hour(self, one_seat: Office, taken: Booking) -> None:
        for minutes in (0, 10, 59, 61):
            refuse(wish(one_seat), one_seat.staff, now=NOW + timedelta(minutes=minutes), form=None)
        refuse(wish(one_seat, start=at(10, 15)), one_seat.staff, form=None)
        refuse(ask(one_seat.colleague), one_seat.colleague, form=None)
        found = LicenceRefusal.objects.order_by("pk").values_list("user", "at")
        minute = timedelta(minutes=1)
        assert list(found) == [
            (one_seat.staff.pk, NOW),
            (one_seat.staff.pk, NOW + 61 * minute),
            (one_seat.staff.pk, NOW),
            (one_seat.colleague.pk, NOW),
        ]

    @pytest.mark.parametrize(
        "fields", [{"start": datetime(2026, 11, 24, 5)}, {"minutes": 60 * 13}], ids=["closed", "long"]
    )
    def test_what_more_licences_would_not_have_helped_is_no_such_wish(
        self, one_seat: Office, fields: dict[str, Any]
    ) -> None:
        LicenceGrant.objects.all().delete()
        refuse(wish(one_seat, **fields), one_seat.staff)
        assert not LicenceRefusal.objects.exists()

    def test_a_missing_title_hides_no_lack_of_licences(self, one_seat: Office, taken: Booking) -> None:
        refuse(wish(one_seat, title=""), one_seat.staff)
        assert only().title == ""

    def test_a_taken_room_is_no_lack_of_licences(self, one_seat: Office, taken: Booking) -> None:
        refuse(ask(one_seat.staff, one_seat.room("KOS/2.16")), one_seat.staff)
        assert not LicenceRefusal.objects.exists()

    def test_the_dates_of_a_series_are_one_statement(self, one_seat: Office) -> None:
        LicenceGrant.objects.all().delete()

        def cost(count: int, form: uuid.UUID) -> int:
            request = ask_series(one_seat.staff, one_seat.room("KOS/2.14"), series=weekly(count))
            with CaptureQueriesContext(connection) as queries:
                services.hold_draft(request, submission=form, user=one_seat.staff, now=NOW)
            assert LicenceRefusal.objects.filter(submission=form).count() == count
            return len(queries)

        cost(2, uuid.UUID(int=3))  # What is prepared once in a session is prepared now.
        assert cost(3, FORM) == cost(60, OTHER_FORM)

    @pytest.mark.parametrize(
        "title",
        ["'); DROP TABLE bookings_licencerefusal; --", "%(user)s %s {0} \\x00", "Narada\x00\u202e ukryta", "ż" * 5000],
    )
    def test_hostile_titles_are_only_texts(self, one_seat: Office, taken: Booking, title: str) -> None:
        refuse(wish(one_seat, title=title), one_seat.staff)
        assert only().title == clean_line(title)[:200]

    def test_what_no_database_can_store_changes_no_answer(self, one_seat: Office, taken: Booking) -> None:
        request = wish(one_seat, title="Narada \ud800")
        refuse(request, one_seat.staff)
        state = services.hold_draft(request, submission=FORM, user=one_seat.staff, now=NOW)
        assert (state.held, state.expires_at is not None) == (False, True), "the room is held all the same"

    def test_a_log_that_is_gone_changes_no_answer(self, one_seat: Office, taken: Booking) -> None:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE bookings_licencerefusal RENAME TO elsewhere")
        refuse(wish(one_seat), one_seat.staff)
        assert services.hold_draft(wish(one_seat), submission=FORM, user=one_seat.staff, now=NOW).refusals


class TestOutcome:
    def test_a_refused_wish_that_is_moved_says_so(self, one_seat: Office, taken: Booking) -> None:
        services.hold_draft(wish(one_seat), submission=FORM, user=one_seat.staff, now=NOW)
        refuse(wish(one_seat), one_seat.staff)
        booking = services.book(wish(one_seat, start=at(11)), by=one_seat.staff, now=NOW + HOUR, submission=FORM)
        assert outcomes() == [(date(2026, 11, 24), Outcome.MOVED, booking.pk)]
        assert only().closed_at == NOW + HOUR

    def test_booked_at_the_wanted_time_after_all(self, one_seat: Office, taken: Booking) -> None:
        refuse(wish(one_seat, title=""), one_seat.staff)
        services.cancel(taken, by=one_seat.manager, now=NOW)
        booking = services.book(wish(one_seat), by=one_seat.staff, now=NOW, submission=FORM)
        assert outcomes() == [(date(2026, 11, 24), Outcome.BOOKED, booking.pk)]
        assert only().title == booking.title, "typed later"

    def test_with_an_emergency_licence(self, one_seat: Office, taken: Booking) -> None:
        LicenceGrant.objects.update(seats=2)
        EmergencySeats.objects.create(pool=one_seat.pool, seats=1, valid_from=date(2026, 1, 1))
        request = wish(one_seat)
        refuse(request, one_seat.it_admin)
        urgent = replace(request, licence=LicenceWish(emergency_reason="Sprawa pilna"))
        services.book(urgent, by=one_seat.it_admin, now=NOW, submission=FORM)
        assert only().outcome == Outcome.EMERGENCY

    def test_with_a_licence_of_another_site(self, one_seat: Office, taken: Booking) -> None:
        LicenceGrant.objects.update(seats=2)
        SiteShare.objects.create(pool=one_seat.pool, site=one_seat.taborowa, seats=1, valid_from=date(2026, 1, 1))
        request = wish(one_seat)
        refuse(request, one_seat.it_admin)
        borrowing = replace(request, licence=LicenceWish(borrow_from=one_seat.taborowa.pk))
        services.book(borrowing, by=one_seat.it_admin, now=NOW, submission=FORM)
        assert only().outcome == Outcome.BORROWED

    def test_dates_of_a_series_end_each_in_its_own_way(self, one_seat: Office) -> None:
        """The first is moved, the second left out, the third free by then."""
        days = [datetime(2026, 11, 24, 10), datetime(2026, 12, 1, 10), datetime(2026, 12, 8, 10)]
        others = [
            services.book(ask(one_seat.manager, one_seat.room("KOS/2.16"), start=day), by=one_seat.manager, now=NOW)
            for day in days
        ]
        request = ask_series(one_seat.staff, one_seat.room("KOS/2.14"), series=weekly(3))
        refuse(request, one_seat.staff)
        services.cancel(others[2], by=one_seat.manager, now=NOW)
        decisions = (
            Decision(days[0].date(), "change", days[0].replace(hour=12), days[0].replace(hour=13)),
            Decision(days[1].date(), "skip"),
        )
        decided = ask_series(one_seat.staff, one_seat.room("KOS/2.14"), series=weekly(3, decisions=decisions))
        booking = services.book(decided, by=one_seat.staff, now=NOW, submission=FORM)
        assert outcomes() == [
            (date(2026, 11, 24), Outcome.MOVED, booking.pk),
            (date(2026, 12, 1), Outcome.GAVE_UP, None),
            (date(2026, 12, 8), Outcome.BOOKED, booking.pk),
        ]
        entry = services.join_waitlist(request, by=one_seat.staff, now=NOW, booking=booking, on=date(2026, 12, 1))
        assert LicenceRefusal.objects.get(on="2026-12-01").outcome == Outcome.WAITING
        services.cancel(others[1], by=one_seat.manager, now=NOW)
        services.accept(entry, by=one_seat.staff, now=NOW)
        row = LicenceRefusal.objects.get(on="2026-12-01")
        assert (row.outcome, row.booking) == (Outcome.BOOKED, booking)

    def test_a_series_that_becomes_one_session_was_moved_once(self, one_seat: Office) -> None:
        LicenceGrant.objects.all().delete()
        refuse(ask_series(one_seat.staff, one_seat.room("KOS/2.14"), series=weekly(3)), one_seat.staff)
        LicenceGrant.objects.create(pool=one_seat.pool, seats=1, valid_from=date(2019, 1, 1))
        services.book(wish(one_seat, start=at(12)), by=one_seat.staff, now=NOW, submission=FORM)
        assert [outcome for _on, outcome, _pk in outcomes()] == [Outcome.MOVED, Outcome.GAVE_UP, Outcome.GAVE_UP]

    def test_a_booking_costs_no_statement_more(self, office: Office) -> None:
        def cost(hour: int, form: uuid.UUID | None) -> int:
            with CaptureQueriesContext(connection) as queries:
                services.book(wish(office, start=at(hour)), by=office.staff, now=NOW, submission=form)
            return len(queries)

        cost(10, uuid.UUID(int=3))
        # The lock of the form goes with the other locks, what became of the form with the mails that are queued.
        assert cost(11, FORM) == cost(12, None)

    def test_a_change_that_is_refused_and_then_made_otherwise(self, one_seat: Office, taken: Booking) -> None:
        booking = services.book(wish(one_seat, start=at(14)), by=one_seat.staff, now=NOW)
        change = {"by": one_seat.staff, "now": NOW, "version": booking.version}
        for _twice in range(2):
            with pytest.raises(services.Refused):
                services.change(booking, wish(one_seat), **change)
        assert outcomes() == [(date(2026, 11, 24), Outcome.OPEN, None)]
        services.change(booking, wish(one_seat, start=at(14)), **change)
        assert only().outcome == Outcome.OPEN, "nothing was changed"
        services.change(booking, wish(one_seat, start=at(11)), **change)
        assert outcomes() == [(date(2026, 11, 24), Outcome.MOVED, booking.pk)]


def test_over_the_pages_a_refused_form_is_moved_and_the_log_says_so(
    one_seat: Office, taken: Booking, staff_client: Client
) -> None:
    with time_machine.travel(NOW + HOUR, tick=False):
        wanted = fields(one_seat, title="<script>alert(1)</script>")
        shown = staff_client.post(NEW, wanted | {"do": "open"})
        assert (shown.status_code, only().outcome) == (200, Outcome.OPEN), "the form that is only looked at"
        refused = staff_client.post(NEW, wanted)
        assert (refused.status_code, Booking.objects.count()) == (422, 1)
        moved = staff_client.post(NEW, wanted | {"start": "11:00", "end": "12:00"})
        assert moved.status_code == 302
    booking = Booking.objects.exclude(pk=taken.pk).get()
    assert outcomes() == [(date(2026, 11, 24), Outcome.MOVED, booking.pk)]
    assert only().title == "<script>alert(1)</script>", "kept as it is, escaped where it is shown"


class TestWaiting:
    def test_waiting_and_then_booked(self, one_seat: Office, taken: Booking) -> None:
        refuse(wish(one_seat), one_seat.staff)
        entry = services.join_waitlist(wish(one_seat), by=one_seat.staff, now=NOW + HOUR)
        assert (only().outcome, only().closed_at) == (Outcome.WAITING, NOW + HOUR)
        services.cancel(taken, by=one_seat.manager, now=NOW + HOUR)
        booking = services.accept(entry, by=one_seat.staff, now=NOW + HOUR)
        assert outcomes() == [(date(2026, 11, 24), Outcome.BOOKED, booking.pk)]

    def test_waiting_for_another_time_is_another_matter(self, one_seat: Office, taken: Booking) -> None:
        refuse(wish(one_seat), one_seat.staff)
        services.join_waitlist(wish(one_seat, start=at(10, 30)), by=one_seat.staff, now=NOW)
        assert only().outcome == Outcome.OPEN

    @pytest.mark.parametrize("way", ["left", "passed", "lapsed"])
    def test_waiting_in_vain(self, one_seat: Office, taken: Booking, way: str) -> None:
        refuse(wish(one_seat), one_seat.staff)
        entry = services.join_waitlist(wish(one_seat), by=one_seat.staff, now=NOW)
        if way == "left":
            services.leave(entry, by=one_seat.staff, now=NOW + HOUR)
        if way == "lapsed":
            services.cancel(taken, by=one_seat.manager, now=NOW)
        services.lapse_offers(STARTS_AT)
        assert WaitlistEntry.objects.get().state not in WaitlistEntry.OPEN
        assert only().outcome == Outcome.GAVE_UP

    def test_nothing_closes_a_wish_that_is_still_waited_for(self, one_seat: Office, taken: Booking) -> None:
        refuse(wish(one_seat), one_seat.staff)
        first = services.join_waitlist(wish(one_seat), by=one_seat.staff, now=NOW)
        services.join_waitlist(ask(one_seat.staff, one_seat.room("TAB/A")), by=one_seat.staff, now=NOW)
        services.leave(first, by=one_seat.staff, now=NOW)
        assert services.settle_refusals(NOW + 2 * DAY) == 0
        assert only().outcome == Outcome.WAITING


class TestByTheClock:
    def test_what_nothing_comes_of_for_a_day_was_given_up(self, one_seat: Office, taken: Booking) -> None:
        refuse(wish(one_seat), one_seat.staff)
        assert services.settle_refusals(NOW + DAY - timedelta(seconds=1)) == 0
        assert services.settle_refusals(NOW + DAY) == 1
        assert (only().outcome, only().closed_at) == (Outcome.GAVE_UP, NOW + DAY)
        assert services.settle_refusals(NOW + DAY) == 0

    def test_and_what_has_begun(self, one_seat: Office, taken: Booking) -> None:
        refuse(wish(one_seat), one_seat.staff, now=STARTS_AT - HOUR)
        assert services.settle_refusals(STARTS_AT - timedelta(seconds=1)) == 0
        assert services.settle_refusals(STARTS_AT) == 1

    @pytest.mark.parametrize(
        ("start", "title", "outcome"),
        [
            (at(12), "Konsultacje z Mazowieckim UW", Outcome.MOVED),
            (at(12, day=datetime(2026, 12, 8)), "Konsultacje z Mazowieckim UW", Outcome.GAVE_UP),
            (at(12, day=datetime(2026, 12, 7)), "Konsultacje z Mazowieckim UW", Outcome.MOVED),
            (at(12), "Coś innego", Outcome.GAVE_UP),
        ],
    )
    def test_the_same_title_soon_after_was_booked_instead(
        self, one_seat: Office, taken: Booking, start: datetime, title: str, outcome: str
    ) -> None:
        services.book(wish(one_seat, start=at(15)), by=one_seat.staff, now=NOW - HOUR)
        refuse(wish(one_seat), one_seat.staff)
        services.book(wish(one_seat, start=start, title=title), by=one_seat.staff, now=NOW + HOUR)
        services.settle_refusals(NOW + DAY)
        assert only().outcome == outcome
        assert (only().booking is not None) == (outcome == Outcome.MOVED)

    def test_asked_again_without_a_form_it_was_booked_after_all(self, one_seat: Office, taken: Booking) -> None:
        refuse(wish(one_seat), one_seat.staff, form=None)
        services.cancel(taken, by=one_seat.manager, now=NOW)
        booking = services.book(wish(one_seat), by=one_seat.staff, now=NOW + HOUR)
        services.settle_refusals(NOW + DAY)
        assert outcomes() == [(date(2026, 11, 24), Outcome.BOOKED, booking.pk)]

    def test_a_form_that_books_a_day_later_knows_better(self, one_seat: Office, taken: Booking) -> None:
        refuse(wish(one_seat), one_seat.staff)
        services.settle_refusals(NOW + DAY)
        services.book(wish(one_seat, start=at(11)), by=one_seat.staff, now=NOW + 2 * DAY, submission=FORM)
        assert only().outcome == Outcome.MOVED

    def test_one_statement_however_many(
        self, one_seat: Office, taken: Booking, django_assert_num_queries: Callable[[int], Any]
    ) -> None:
        for number in range(5):
            refuse(wish(one_seat), one_seat.staff, form=uuid.UUID(int=number))
        with django_assert_num_queries(1):
            assert services.settle_refusals(NOW + DAY) == 5


class TestByHand:
    def test_the_manager_of_the_site_and_it_admins_note_what_became_of_it(
        self, one_seat: Office, taken: Booking
    ) -> None:
        refuse(wish(one_seat), one_seat.staff)
        services.note_outcome(only(), Outcome.BY_PHONE, by=one_seat.manager, now=NOW + HOUR)
        services.note_outcome(only(), Outcome.BY_PHONE, by=one_seat.it_admin, now=NOW + DAY)
        assert (only().outcome, only().closed_at) == (Outcome.BY_PHONE, NOW + HOUR)
        services.settle_refusals(NOW + DAY)
        assert only().outcome == Outcome.BY_PHONE

    def test_nobody_else_does(self, one_seat: Office, taken: Booking) -> None:
        refuse(wish(one_seat), one_seat.staff)
        elsewhere = make_user("k.nowak@urzad.example", manages=[one_seat.taborowa])
        for user in (one_seat.staff, one_seat.colleague, one_seat.newcomer, elsewhere):
            with pytest.raises(services.NotAllowed):
                services.note_outcome(only(), Outcome.GAVE_UP, by=user, now=NOW)
        with pytest.raises(services.NotAllowed):
            services.note_outcome(only(), Outcome.BOOKED, by=one_seat.it_admin, now=NOW)
        assert only().outcome == Outcome.OPEN

    def test_what_was_booked_stays(self, one_seat: Office, taken: Booking) -> None:
        refuse(wish(one_seat), one_seat.staff)
        services.book(wish(one_seat, start=at(11)), by=one_seat.staff, now=NOW, submission=FORM)
        with pytest.raises(services.NotAllowed):
            services.note_outcome(only(), Outcome.GAVE_UP, by=one_seat.it_admin, now=NOW)
