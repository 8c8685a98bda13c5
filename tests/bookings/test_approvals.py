"""Requests for rooms that need approval: who answers, what an answer does, and what happens when nobody does."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from accounts.models import User
from bookings import approval_queries, services
from bookings.approval_terms import approvals_due
from bookings.models import Approval, Booking, BookingEvent, LicenceHold, RoomHold
from bookings.nav_counts import NavCounts, nav_counts
from bookings.services import AlreadyDecided, NotAllowed, Overdue
from rooms.models import BookingRule, Deputy, SiteRole
from rooms.permissions import SiteRoles
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office, make_user

State = Approval.State
#: Between the escalation and the end of a request made at NOW.
LATER = NOW + timedelta(days=2)


def request(office: Office, *codes: str, by: User | None = None, **fields: Any) -> Booking:
    by = by or office.staff
    return services.book(ask(by, *map(office.room, codes or ("KOS/1.03",)), **fields), by=by, now=NOW)


def live_holds(booking: Booking) -> int:
    rooms = RoomHold.objects.filter(occurrence__booking=booking, live=True)
    return rooms.count() + LicenceHold.objects.filter(occurrence__booking=booking, live=True).count()


def kinds(booking: Booking) -> list[str]:
    return list(booking.events.order_by("pk").values_list("kind", flat=True))


@pytest.mark.django_db
class TestAnswers:
    def test_request_holds_the_room_and_waits(self, office: Office) -> None:
        booking = request(office)
        assert booking.is_requested
        assert live_holds(booking) == 2
        (approval,) = booking.approvals.all()
        assert (approval.site, approval.state) == (office.koszykowa, State.PENDING)
        assert kinds(booking) == ["requested"]
        assert services.approvers_of(booking, now=NOW) == [office.manager.pk]

    def test_approval_books_it(self, office: Office) -> None:
        booking = request(office)
        booked = services.approve(booking.approvals.get(), by=office.manager, now=LATER, answer=" Proszę bardzo\n")
        approval = booking.approvals.get()
        assert (booked.status, booked.version, booked.sequence) == (Booking.Status.CONFIRMED, booking.version + 1, 0)
        assert (approval.state, approval.decided_by, approval.decided_at) == (State.APPROVED, office.manager, LATER)
        assert approval.answer == "Proszę bardzo"
        assert kinds(booking) == ["requested", "approved"]
        assert live_holds(booking) == 2

    def test_declining_frees_everything_and_says_why(self, office: Office) -> None:
        booking = request(office)
        services.decline(booking.approvals.get(), by=office.it_admin, now=LATER, answer="Remont")
        booking.refresh_from_db()
        assert (booking.status, booking.cancelled_at, booking.cancel_reason) == ("cancelled", LATER, "Remont")
        assert live_holds(booking) == 0
        assert kinds(booking) == ["requested", "declined"]
        services.book(ask(office.manager, office.room("KOS/1.03")), by=office.manager, now=LATER)

    def test_every_site_has_to_agree(self, office: Office) -> None:
        lounge = office.room("TAB/A")
        lounge.needs_approval = True
        lounge.save()
        host = make_user("szef.taborowej@urzad.example", manages=[office.taborowa])
        booking = request(office, "KOS/1.03", "TAB/A")
        here, there = booking.approvals.order_by("site__position")
        assert services.approvers_of(booking, now=NOW) == sorted([office.manager.pk, host.pk])
        with pytest.raises(NotAllowed):
            services.approve(there, by=office.manager, now=LATER)
        assert services.approve(here, by=office.manager, now=LATER).is_requested
        assert services.approve(there, by=host, now=LATER).status == Booking.Status.CONFIRMED
        assert kinds(booking) == ["requested", "approved"]

    def test_one_site_is_enough_to_decline(self, office: Office) -> None:
        BookingRule.objects.create(kind="approval", value=1, room=office.room("TAB/A"))
        booking = request(office, "KOS/1.03", "TAB/A")
        here, there = booking.approvals.order_by("site__position")
        services.decline(here, by=office.manager, now=LATER)
        there.refresh_from_db()
        assert there.state == State.WITHDRAWN
        with pytest.raises(AlreadyDecided):
            services.approve(there, by=office.it_admin, now=LATER)

    def test_nobody_answers_their_own_request(self, office: Office) -> None:
        booking = request(office)
        SiteRole.objects.filter(user=office.staff).update(role=SiteRole.Role.MANAGER)
        with pytest.raises(NotAllowed):
            services.approve(booking.approvals.get(), by=User.objects.get(pk=office.staff.pk), now=LATER)

    @pytest.mark.parametrize("who", ["staff", "colleague", "newcomer"])
    def test_who_does_not_manage_the_site_may_not_answer(self, office: Office, who: str) -> None:
        booking = request(office)
        for answer in (services.approve, services.decline):
            with pytest.raises(NotAllowed):
                answer(booking.approvals.get(), by=getattr(office, who), now=LATER)
        assert booking.approvals.get().state == State.PENDING

    def test_second_answer_is_told_of_the_first(self, office: Office) -> None:
        approval = request(office).approvals.get()
        services.approve(approval, by=office.manager, now=LATER)
        with pytest.raises(AlreadyDecided):
            services.decline(approval, by=office.it_admin, now=LATER)

    def test_asker_may_take_the_request_back(self, office: Office) -> None:
        booking = request(office)
        services.withdraw(booking, by=office.staff, now=LATER)
        assert booking.approvals.get().state == State.WITHDRAWN
        assert live_holds(booking) == 0
        with pytest.raises(AlreadyDecided):
            services.withdraw(booking, by=office.staff, now=LATER)
        with pytest.raises(AlreadyDecided):
            services.approve(booking.approvals.get(), by=office.manager, now=LATER)


@pytest.mark.django_db
class TestDeputies:
    def stand_in(self, office: Office, first: date, last: date) -> User:
        Deputy.objects.create(manager=office.manager, deputy=office.colleague, valid_from=first, valid_to=last)
        return office.colleague

    def test_deputy_in_force_answers_and_is_asked(self, office: Office) -> None:
        booking = request(office)
        deputy = self.stand_in(office, LATER.date(), LATER.date())
        assert services.approvers_of(booking, now=LATER) == sorted([office.manager.pk, deputy.pk])
        assert [item.booking for item in approval_queries.pending_for(deputy, now=LATER)] == [booking]
        assert nav_counts(deputy, now=LATER) == NavCounts(requests=1)
        services.approve(booking.approvals.get(), by=deputy, now=LATER)

    @pytest.mark.parametrize("days", [-1, 1])
    def test_deputy_of_another_day_does_not(self, office: Office, days: int) -> None:
        booking = request(office)
        day = LATER.date() + timedelta(days=days)
        deputy = self.stand_in(office, day, day)
        assert services.approvers_of(booking, now=LATER) == [office.manager.pk]
        assert nav_counts(deputy, now=LATER).requests == 0
        with pytest.raises(NotAllowed):
            services.approve(booking.approvals.get(), by=deputy, now=LATER)

    def test_deputy_of_a_manager_who_left_does_not(self, office: Office) -> None:
        booking = request(office)
        deputy = self.stand_in(office, LATER.date(), LATER.date())
        office.manager.site_roles.all().delete()
        assert services.approvers_of(booking, now=LATER) == [office.it_admin.pk]
        assert nav_counts(deputy, now=LATER).requests == 0
        with pytest.raises(NotAllowed):
            services.approve(booking.approvals.get(), by=deputy, now=LATER)


@pytest.mark.django_db
class TestTime:
    def test_unanswered_request_escalates_once_and_expires_once(self, office: Office) -> None:
        booking = request(office)
        approval = booking.approvals.get()
        assert services.escalate_and_expire(approval.escalates_at - timedelta(seconds=1)) == Overdue()
        assert services.escalate_and_expire(approval.escalates_at) == Overdue(escalated=1)
        assert services.escalate_and_expire(approval.escalates_at) == Overdue()
        assert services.escalate_and_expire(approval.expires_at) == Overdue(expired=1)
        assert services.escalate_and_expire(approval.expires_at) == Overdue()
        booking.refresh_from_db()
        approval.refresh_from_db()
        assert (booking.status, approval.state, approval.decided_by) == ("cancelled", State.EXPIRED, None)
        assert live_holds(booking) == 0
        assert kinds(booking) == ["requested", "expired"]

    def test_answer_after_the_end_comes_too_late_even_before_the_clock_says_so(self, office: Office) -> None:
        approval = request(office).approvals.get()
        with pytest.raises(AlreadyDecided):
            services.approve(approval, by=office.manager, now=approval.expires_at)

    @pytest.mark.parametrize(
        ("now", "start", "escalates", "expires"),
        [
            # Monday: a working day, three working days.
            ("2026-11-16 10:00", "2026-12-20 10:00", "2026-11-17 10:00", "2026-11-19 10:00"),
            # Friday before a weekend.
            ("2026-11-20 10:00", "2026-12-20 10:00", "2026-11-23 10:00", "2026-11-25 10:00"),
            # 11 November, Independence Day, is no working day.
            ("2026-11-10 10:00", "2026-12-20 10:00", "2026-11-12 10:00", "2026-11-16 10:00"),
            # Never after the start, and IT admins hear of it in the middle at the latest.
            ("2026-11-16 10:00", "2026-11-16 14:00", "2026-11-16 12:00", "2026-11-16 14:00"),
            # Wall clock across the change of clocks in March.
            ("2027-03-25 10:00", "2027-05-01 10:00", "2027-03-26 10:00", "2027-03-31 10:00"),
        ],
    )
    def test_terms_are_working_days(self, now: str, start: str, escalates: str, expires: str) -> None:
        def warsaw(text: str) -> datetime:
            return timezone.make_aware(datetime.fromisoformat(text)).astimezone(UTC)

        assert approvals_due(warsaw(now), warsaw(start)) == (warsaw(escalates), warsaw(expires))


@pytest.mark.django_db
class TestReading:
    def test_inbox_of_each_role(self, office: Office) -> None:
        booking = request(office)
        request(office, "KOS/3.01", by=office.colleague)
        for who, count in (("manager", 2), ("it_admin", 2), ("staff", 0), ("colleague", 0), ("newcomer", 0)):
            user = getattr(office, who)
            assert nav_counts(user, now=NOW).requests == count
            assert nav_counts(user, now=NOW).manages_a_site == (who in {"manager", "it_admin"})
            assert len(approval_queries.pending_for(user, now=NOW)) == count
        assert [item.booking for item in approval_queries.requests_of(office.staff, now=NOW)] == [booking]
        approval = booking.approvals.get()
        assert approval_queries.approval_for(office.manager, approval.pk, now=NOW) == approval
        for stranger in (office.staff, office.colleague):
            with pytest.raises(Approval.DoesNotExist):
                approval_queries.approval_for(stranger, approval.pk, now=NOW)

    @pytest.mark.parametrize("count", [1, 3])
    def test_inbox_takes_the_same_queries_however_full(
        self, office: Office, count: int, django_assert_num_queries: Callable[..., object]
    ) -> None:
        for hour in range(count):
            request(office, start=at(8 + 2 * hour))
        manager = User.objects.get(pk=office.manager.pk)
        with django_assert_num_queries(3):  # type: ignore[attr-defined]  # a fixture without types
            found = approval_queries.pending_for(manager, now=NOW)
            shown = [
                (item.booking.organizer.name, item.site.name, hold.room.site.name)
                for item in found
                for meeting in item.booking.occurrences.all()
                for hold in meeting.room_holds.all()
            ]
        assert len(shown) == count
        assert SiteRoles.of(manager).managed_sites
        with django_assert_num_queries(1):  # type: ignore[attr-defined]  # a fixture without types
            assert nav_counts(manager, now=NOW).requests == count


@pytest.mark.django_db(transaction=True)
@pytest.mark.race
def test_approving_declining_and_expiring_at_once_gives_one_answer(office: Office) -> None:
    managers = [make_user(f"kierownik{n}@urzad.example", manages=[office.koszykowa]) for n in range(4)]
    for round_ in range(4):
        start = at(8) + timedelta(days=round_)
        booking = services.book(ask(office.staff, office.room("KOS/1.03"), start=start), by=office.staff, now=NOW)
        approval = booking.approvals.get()
        actions = _every_answer(booking, approval, managers, office.staff)
        random.Random(round_).shuffle(actions)
        _all_at_once(actions)
        booking.refresh_from_db()
        approval.refresh_from_db()
        last = BookingEvent.objects.filter(booking=booking).exclude(kind="requested").values_list("kind", flat=True)
        assert list(last) == [
            {"approved": "approved", "declined": "declined", "expired": "expired", "withdrawn": "cancelled"}[
                approval.state
            ]
        ]
        assert (booking.status == Booking.Status.CONFIRMED) == (approval.state == State.APPROVED)
        assert live_holds(booking) == (2 if approval.state == State.APPROVED else 0)


def _every_answer(
    booking: Booking, approval: Approval, managers: list[User], asker: User
) -> list[Callable[[], object]]:
    due = approval.expires_at
    just_before = due - timedelta(seconds=1)
    answers = [
        lambda user=user, answer=answer: answer(approval, by=user, now=just_before)
        for user in managers
        for answer in (services.approve, services.decline)
    ]
    return [
        *answers,
        *[lambda: services.escalate_and_expire(due)] * 6,
        *[lambda: services.withdraw(booking, by=asker, now=just_before)] * 2,
    ]


def _all_at_once(actions: list[Callable[[], object]]) -> None:
    gate = threading.Barrier(len(actions))

    def run(action: Callable[[], object]) -> None:
        gate.wait()
        try:
            action()
        except AlreadyDecided:
            pass
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(actions)) as pool:
        list(pool.map(run, actions))
