"""What becomes of sessions that are booked when a pool gets smaller: nothing is lost, the admin says what happens."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from bookings import services
from bookings.events import Topic
from bookings.licence_impact import Held, LicenceImpact, Settled, settle
from bookings.models import Booking, BookingEvent, LicenceHold, WaitlistEntry
from bookings.rules import Code
from bookings.services import LicenceDecision, LicencesChanged
from notifications.compose.notice import read_notice
from notifications.models import Message
from rooms.interval import Interval
from rooms.licence_changes import AllocationRefused
from rooms.licence_lending import AssignNamed, EndLoan, EndNamed, Lend
from rooms.licence_services import AddGrant, LicenceChange, SetEmergency, SetShares, carry_out
from rooms.licences import Allocation, NamedSeat, Seats
from rooms.models import LicenceLoan, LicencePool, NamedLicence, SiteShare
from rooms.terms import PoolTerms
from tests.bookings.requests import ask
from tests.factories import Office

#: Monday, 8:00 in Warsaw; the sessions are on a Tuesday, a fortnight later.
NOW = datetime(2031, 11, 10, 7, 0, tzinfo=UTC)
TOMORROW = date(2031, 11, 11)
DAY = datetime(2031, 11, 25)


def at(hour: int, minute: int = 0) -> datetime:
    return DAY.replace(hour=hour, minute=minute)


def book(office: Office, code: str, *, by: Any = None, start: datetime | None = None, **fields: Any) -> Booking:
    by = by or office.staff
    return services.book(ask(by, office.room(code), start=start or at(10), **fields), by=by, now=NOW)


def hold(booking: Booking) -> LicenceHold:
    return LicenceHold.objects.get(occurrence__booking=booking, live=True)


def meeting(booking: Booking) -> int:
    return booking.occurrences.get().pk


def impact(office: Office, *changes: LicenceChange, by: Any = None) -> LicenceImpact:
    return services.find_licence_impact(office.pool, changes, by=by or office.it_admin, now=NOW)


def change(office: Office, *changes: LicenceChange, by: Any = None, **choices: Any) -> LicencesChanged:
    return services.change_licences(office.pool, changes, by=by or office.it_admin, now=NOW, **choices)


def small(office: Office, seats: int = 1) -> SetShares:
    """Leave so many seats in the pool's share of Koszykowa, and nothing in the reserve: it goes to Taborowa."""
    return SetShares(office.pool, {office.koszykowa: seats, office.taborowa: 8 - seats}, TOMORROW)


@pytest.fixture
def three(office: Office) -> list[Booking]:
    """Three sessions of Koszykowa at once, in the order of booking."""
    return [book(office, code, title=code) for code in ("KOS/2.14", "KOS/2.16", "KOS/0.07")]


def test_who_booked_first_keeps_the_seat_and_nothing_is_written_by_looking(office: Office, three: Any) -> None:
    found = impact(office, small(office))
    assert [hit.occurrence.booking for hit in found.hits] == three[1:]
    assert list(office.pool.shares.order_by("pk").values_list("seats", flat=True)) == [4, 3, 2]
    assert not LicenceHold.objects.filter(kept=True).exists()
    assert impact(office, small(office, 3)).hits == ()


def test_other_time_that_is_proposed_works_under_the_new_terms(office: Office, three: Any) -> None:
    found = impact(office, small(office))
    for hit in found.hits:
        assert hit.other_time is not None
        assert not at(9) < hit.other_time[0] < at(11), "the one seat is taken then"
    decisions = {hit.occurrence.pk: LicenceDecision.MOVE for hit in found.hits[:1]}
    targets = {hit.occurrence.pk: hit.target for hit in found.hits}
    seen = {hit.occurrence.pk for hit in found.hits}
    done = change(office, small(office), decisions=decisions, targets=targets, seen=seen)
    assert done == LicencesChanged(kept=1, moved=1)
    moved = found.hits[0].occurrence.booking.occurrences.get()
    assert datetime.fromisoformat(moved.local_start) == found.hits[0].other_time[0]
    assert [hold(booking).kept for booking in three] == [False, False, True]


def test_sessions_stay_when_nothing_is_decided_and_history_says_so(office: Office, three: Any) -> None:
    assert change(office, small(office)) == LicencesChanged(kept=2)
    assert [hold(booking).kept for booking in three] == [False, True, True]
    assert SiteShare.objects.get(site=office.koszykowa, valid_from=TOMORROW).seats == 1
    said = BookingEvent.objects.filter(kind=BookingEvent.Kind.LICENCE_KEPT).order_by("pk")
    assert [(event.booking, event.actor) for event in said] == [(booking, office.it_admin) for booking in three[1:]]
    with pytest.raises(services.Refused) as refused:
        book(office, "KOS/3.01", by=office.manager)
    assert Code.LICENCE_NONE_FREE in [item.code for item in refused.value.refusals], "kept seats count for who comes"
    assert impact(office, small(office)).hits == (), "what was decided is not asked again"


def test_organizer_and_who_booked_are_told(office: Office, three: Any) -> None:
    Message.objects.all().delete()
    decisions = {meeting(three[1]): LicenceDecision.NOTIFY}
    assert change(office, small(office), decisions=decisions) == LicencesChanged(kept=1, told=1)
    message = Message.objects.get()
    assert (message.topic, message.user, message.booking) == (Topic.LICENCE_SHORT, office.staff, three[1])
    assert hold(three[1]).kept


def test_move_that_is_no_longer_possible_keeps_the_session_and_says_so(office: Office, three: Any) -> None:
    (first, second) = impact(office, small(office)).hits
    book(office, "KOS/2.16", start=first.other_time[0], title="szybsza")
    decisions = {first.occurrence.pk: LicenceDecision.MOVE, second.occurrence.pk: LicenceDecision.MOVE}
    done = change(office, small(office), decisions=decisions, targets={first.occurrence.pk: first.target})
    assert (done.kept, done.moved) == (2, 0)
    assert [item.pk for item in done.failed] == [first.occurrence.pk, second.occurrence.pk]
    assert [hold(booking).kept for booking in three] == [False, True, True]


@pytest.mark.parametrize(
    "target",
    [
        "",
        "jutro",
        "a/b/c",
        "2031-11-25T12:00",
        "2031-11-25T12:00/2031-11-25T11:00",
        "2031-11-09T12:00/2031-11-09T13:00",
        "2031-11-25T12:00+01:00/2031-11-25T13:00+01:00",
        "0001-01-01T00:00/0001-01-01T01:00",
    ],
)
def test_move_to_what_is_no_time_to_come_keeps_the_session(office: Office, three: Any, target: str) -> None:
    pk = meeting(three[2])
    done = change(office, small(office), decisions={pk: LicenceDecision.MOVE}, targets={pk: target})
    assert [item.pk for item in done.failed] == [pk]
    assert hold(three[2]).kept


def test_other_sessions_by_now_are_shown_first(office: Office, three: Any) -> None:
    seen = {hit.occurrence.pk for hit in impact(office, small(office)).hits}
    late = book(office, "KOS/3.01", by=office.manager)
    with pytest.raises(services.Refused) as refused:
        change(office, small(office), seen=seen)
    assert [item.code for item in refused.value.refusals] == [Code.CHANGED_MEANWHILE]
    assert not SiteShare.objects.filter(valid_from=TOMORROW).exists()
    assert {hit.occurrence.pk for hit in impact(office, small(office)).hits} - seen == {meeting(late)}
    assert change(office, small(office), seen={*seen, meeting(late)}).kept == 3


def test_what_is_kept_is_let_go_when_the_pool_grows_again(office: Office, three: Any) -> None:
    change(office, small(office))
    change(office, SetShares(office.pool, {office.taborowa: 6}, TOMORROW))
    assert [hold(booking).kept for booking in three] == [False, False, True]
    change(office, AddGrant(office.pool, 5, TOMORROW))
    assert not LicenceHold.objects.filter(kept=True).exists()


def test_who_waits_is_served_when_the_pool_grows(office: Office, three: Any) -> None:
    change(office, small(office))
    wanted = ask(office.manager, office.room("KOS/3.01"), start=at(10))
    entry = services.join_waitlist(wanted, by=office.manager, now=NOW)
    change(office, AddGrant(office.pool, 1, TOMORROW))
    entry.refresh_from_db()
    assert entry.state == WaitlistEntry.State.WAITING, "the new seat is that of a session that was kept"
    change(office, AddGrant(office.pool, 2, TOMORROW))
    entry.refresh_from_db()
    assert entry.state == WaitlistEntry.State.OFFERED


def test_terms_that_contradict_each_other_are_refused_before_any_session_is_shown(office: Office, three: Any) -> None:
    grow = SetShares(office.pool, {office.koszykowa: 1, office.taborowa: 9}, TOMORROW)
    with pytest.raises(AllocationRefused, match="12"):
        impact(office, grow)
    with pytest.raises(AllocationRefused, match="12"):
        change(office, grow)


def test_session_past_the_last_day_of_a_loan_is_shown(office: Office) -> None:
    carry_out(
        [Lend(office.pool, office.taborowa, office.biala, 2, TOMORROW, date(2031, 12, 31))],
        by=office.it_admin,
        now=NOW,
    )
    carry_out([SetShares(office.pool, {office.koszykowa: 5}, TOMORROW)], by=office.it_admin, now=NOW)
    booked = [book(office, "BIA/5", by=office.colleague, start=at(9, 15 * n), minutes=15) for n in range(2)]
    LicenceHold.objects.filter(occurrence__booking__in=booked).update(seats=3)
    loan = EndLoan(LicenceLoan.objects.get(), date(2031, 11, 20))
    assert [hit.occurrence.booking for hit in impact(office, loan).hits] == booked
    early = EndLoan(LicenceLoan.objects.get(), date(2031, 11, 26))
    assert impact(office, early).hits == ()


def test_open_form_gives_way_and_an_offer_waits_again(office: Office, three: Any) -> None:
    taken = ask(office.manager, office.room("KOS/2.14"), title="czeka", start=at(10))
    entry = services.join_waitlist(taken, by=office.manager, now=NOW)
    services.cancel(three[0], by=office.staff, now=NOW)
    entry.refresh_from_db()
    assert entry.state == WaitlistEntry.State.OFFERED
    assert LicenceHold.objects.filter(offer=entry).exists()
    change(office, small(office))
    entry.refresh_from_db()
    assert entry.state == WaitlistEntry.State.WAITING
    assert not LicenceHold.objects.filter(offer=entry).exists()
    assert [hold(booking).kept for booking in three[1:]] == [False, True], "sessions come before offers"


def test_session_takes_an_ordinary_seat_when_its_named_licence_ends(office: Office) -> None:
    named = AssignNamed(office.pool, office.staff, None, office.koszykowa, TOMORROW)
    carry_out([named], by=office.it_admin, now=NOW)
    booked = book(office, "KOS/2.14")
    assert hold(booked).source == "named"
    found = EndNamed(NamedLicence.objects.get(), date(2031, 11, 20))
    assert impact(office, found).hits == ()
    change(office, found)
    own = hold(booked)
    assert (own.source, own.named, own.site, own.kept) == ("share", None, office.koszykowa, False)


def test_named_licence_that_ends_beside_other_changes_leaves_its_session_kept(office: Office, three: Any) -> None:
    carry_out([AssignNamed(office.pool, office.manager, None, None, TOMORROW)], by=office.it_admin, now=NOW)
    mine = book(office, "KOS/3.01", by=office.manager)
    assert hold(mine).source == "named"
    carry_out([SetShares(office.pool, {office.koszykowa: 3}, TOMORROW)], by=office.it_admin, now=NOW)
    seats = {office.koszykowa: 3, office.taborowa: 5}
    away = [
        EndNamed(NamedLicence.objects.get(), date(2031, 11, 20)),
        SetShares(office.pool, seats, date(2031, 11, 21)),
    ]
    assert [hit.occurrence.booking for hit in impact(office, *away).hits] == [mine]
    change(office, *away)
    assert (hold(mine).source, hold(mine).kept) == ("share", True)


def test_emergency_seats_that_sessions_use_are_guarded_alike(office: Office) -> None:
    carry_out([SetEmergency(office.pool, 1, TOMORROW)], by=office.it_admin, now=NOW)
    booked = book(office, "KOS/2.14")
    LicenceHold.objects.filter(occurrence__booking=booked).update(source="emergency")
    change(office, SetEmergency(office.pool, 0, TOMORROW))
    assert hold(booked).kept
    change(office, SetEmergency(office.pool, 1, TOMORROW))
    assert not hold(booked).kept


def test_others_may_neither_look_nor_change(office: Office, three: Any) -> None:
    for who in (office.manager, office.staff, office.newcomer):
        with pytest.raises(services.NotAllowed):
            impact(office, small(office), by=who)
        with pytest.raises(services.NotAllowed):
            change(office, small(office), by=who)


def test_looking_costs_the_same_for_one_session_and_for_many(office: Office) -> None:
    def cost(hits: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert len(impact(office, small(office, 0)).hits) == hits
        return len(queries)

    def book_without_a_room(number: int) -> None:
        services.book(ask(office.staff, start=at(10), title=str(number)), by=office.staff, now=NOW)

    book_without_a_room(1)
    cost(1)
    one = cost(1)
    for number in (2, 3, 4):
        book_without_a_room(number)
    assert cost(4) == one


MONDAY = datetime(2031, 11, 10, tzinfo=UTC)
_HOURS = st.integers(0, 23)
_HELD = st.lists(
    st.tuples(
        st.sampled_from([1, 2, None]), st.integers(1, 3), _HOURS, st.integers(1, 8), st.booleans(), st.booleans()
    ),
    max_size=12,
)


def _held(rows: Any) -> list[Held]:
    return [
        Held(
            pk,
            site,
            seats,
            Interval(MONDAY + timedelta(hours=start), MONDAY + timedelta(hours=start + length)),
            is_kept=kept and not temporary,
            occurrence_id=None if temporary else pk,
        )
        for pk, (site, seats, start, length, kept, temporary) in enumerate(rows, 1)
    ]


def _fits(held: list[Held], hour: int, granted: int, shares: dict[Any, int]) -> bool:
    """The rule of the pool, counted at one hour."""
    now = MONDAY + timedelta(hours=hour)
    use: dict[Any, int] = {}
    for item in held:
        if item.interval.contains(now):
            use[item.site_id] = use.get(item.site_id, 0) + item.seats
    beyond = sum(max(0, seats - shares.get(site, 0)) for site, seats in use.items())
    return beyond <= granted - sum(shares.values())


@settings(max_examples=300, deadline=None)
@given(rows=_HELD, first=st.integers(0, 4), second=st.integers(0, 4), reserve=st.integers(0, 3), cut=_HOURS)
def test_settled_as_somebody_would_who_goes_through_all_one_by_one(
    rows: Any, first: int, second: int, reserve: int, cut: int
) -> None:
    """From hour `cut` on the pool has one seat of the second site less."""
    held, whole = _held(rows), first + second + reserve
    changes_at = MONDAY + timedelta(hours=cut)
    terms = PoolTerms(
        LicencePool(pk=1, name="", time_zone="UTC"),
        Allocation(
            (Seats(whole, MONDAY, changes_at), Seats(whole - min(1, second), changes_at))
            if cut
            else (Seats(whole - min(1, second), MONDAY),),
            (
                Seats(first, MONDAY, None, 1),
                *((Seats(second, MONDAY, changes_at, 2),) if cut else ()),
                Seats(max(0, second - 1), changes_at, None, 2),
            ),
        ),
    )
    by_hour = {
        hour: (whole - min(1, second), {1: first, 2: max(0, second - 1)})
        if hour >= cut
        else (whole, {1: first, 2: second})
        for hour in range(32)
    }
    seated: list[Held] = []
    without: list[Held] = []
    for item in sorted(held, key=lambda item: (item.is_temporary, item.is_kept, item.pk)):
        fits = all(_fits([*seated, item], hour, *by_hour[hour]) for hour in range(32))
        (seated if fits else without).append(item)
    got = settle(terms, held, now=MONDAY)
    assert {item.pk for item in got.excess} == {item.pk for item in without if not item.is_temporary}
    assert {item.pk for item in got.gives_way} == {item.pk for item in without if item.is_temporary}
    assert {item.pk for item in got.let_go} == {item.pk for item in seated if item.is_kept}


def test_named_licence_in_force_covers_and_one_that_ends_does_not() -> None:
    interval = Interval(MONDAY + timedelta(hours=9), MONDAY + timedelta(hours=11))
    held = [Held(1, 7, 1, interval, "named", 5, occurrence_id=1, host_site_id=8)]
    have = Allocation((Seats(1, MONDAY),), (Seats(1, MONDAY, None, 7),))
    pool = LicencePool(pk=1, name="", time_zone="UTC")
    in_force = PoolTerms(pool, have, named=(NamedSeat(5, 1, 7, MONDAY, MONDAY + timedelta(days=1)),))
    assert settle(in_force, held, now=MONDAY) == Settled()
    ended = settle(PoolTerms(pool, have, named=(NamedSeat(5, 1, 7, MONDAY, interval.start_at),)), held, now=MONDAY)
    (turned,) = ended.turned
    assert (turned.source, turned.site_id, turned.borrower_id, ended.excess) == ("share", 7, 8, ())


def test_notice_says_that_the_session_stays(office: Office, three: Any) -> None:
    Message.objects.all().delete()
    change(office, small(office), decisions={meeting(three[1]): LicenceDecision.NOTIFY})
    with translation.override("en"):
        letter = read_notice(Message.objects.get(), now=NOW)
    assert letter.subject == "There are fewer licences at the time of your session: KOS/2.16"
    assert "Yours stays and keeps its licence." in letter.paragraphs[0]
    assert three[1].number in letter.url
