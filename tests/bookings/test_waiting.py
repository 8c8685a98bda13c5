"""Who waits is offered what comes free, first come first, for a while; accepted in time, exactly that is booked."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from accounts.models import User
from bookings import availability, events, services
from bookings.models import Booking, BookingEvent, LicenceHold, RoomHold, WaitlistEntry
from bookings.recurrence import Frequency, Pattern
from bookings.rules import BookingRequest, Code, Decision, Scope, Series
from rooms.interval import Interval
from rooms.models import OpeningHours
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office

State = WaitlistEntry.State
TWO_HOURS = timedelta(hours=2)
STARTS_AT = datetime.fromisoformat("2026-11-24T10:00+01:00")


@pytest.fixture
def taken(office: Office) -> Booking:
    """The manager has the room that everybody waits for."""
    return services.book(ask(office.manager, office.room("KOS/2.14")), by=office.manager, now=NOW)


@pytest.fixture
def told() -> Iterator[list[tuple[str, int, int]]]:
    """Notices as topic, user and entry."""
    found: list[tuple[str, int, int]] = []

    def note(*, notice: events.Notice, **_signal: Any) -> None:
        found.extend((notice.topic, user_id, notice.data["entry"]) for user_id in notice.user_ids)

    events.noticed.connect(note)
    yield found
    events.noticed.disconnect(note)


def wish(office: Office, user: User | None = None, **fields: Any) -> BookingRequest:
    return ask(user or office.staff, office.room("KOS/2.14"), **fields)


def join(office: Office, user: User | None = None, **fields: Any) -> WaitlistEntry:
    user = user or office.staff
    return services.join_waitlist(wish(office, user, **fields), by=user, now=NOW)


def states(*entries: WaitlistEntry) -> list[str]:
    return [WaitlistEntry.objects.get(pk=entry.pk).state for entry in entries]


def free(booking: Booking, now: datetime = NOW) -> None:
    services.cancel(booking, by=booking.created_by, now=now)


def test_the_first_in_line_is_offered_what_comes_free(
    office: Office, taken: Booking, told: list[tuple[str, int, int]]
) -> None:
    first, second = join(office), join(office, office.colleague)
    assert states(first, second) == [State.WAITING, State.WAITING]
    free(taken)
    assert states(first, second) == [State.OFFERED, State.WAITING]
    first.refresh_from_db()
    assert (first.offered_at, first.offer_expires_at) == (NOW, NOW + TWO_HOURS)
    assert told == [("waitlist_offer", office.staff.pk, first.pk)]
    assert RoomHold.objects.get(live=True).offer_id == first.pk
    assert LicenceHold.objects.get(live=True).offer_id == first.pk


def test_an_offer_is_tentatively_taken_for_others(office: Office, taken: Booking) -> None:
    join(office)
    free(taken)
    (refusal,) = availability.find_refusals(wish(office, office.manager), by=office.manager, now=NOW)
    assert refusal.holder is not None
    assert (refusal.holder.kind, refusal.holder.until) == ("offer", NOW + TWO_HOURS)


def test_accepting_books_what_was_held(office: Office, taken: Booking) -> None:
    entry = join(office)
    free(taken)
    booking = services.accept(entry, by=office.staff, now=NOW + timedelta(hours=1))
    assert (booking.title, booking.organizer) == ("Konsultacje z Mazowieckim UW", office.staff)
    assert states(entry) == [State.ACCEPTED]
    hold = RoomHold.objects.get(live=True)
    assert hold.occurrence is not None
    assert (hold.occurrence.booking, hold.offer, hold.expires_at) == (booking, None, None)
    assert LicenceHold.objects.filter(live=True).count() == 1
    with pytest.raises(services.AlreadyBooked) as twice:
        services.accept(entry, by=office.staff, now=NOW)
    assert twice.value.booking == booking


def test_an_offer_that_nobody_takes_goes_to_the_next(
    office: Office, taken: Booking, told: list[tuple[str, int, int]]
) -> None:
    first, second = join(office), join(office, office.colleague)
    free(taken)
    late = NOW + TWO_HOURS
    with pytest.raises(services.OfferLapsed):
        services.accept(first, by=office.staff, now=late)
    assert services.lapse_offers(late) == 1
    assert states(first, second) == [State.LAPSED, State.OFFERED]
    assert [topic for topic, _user, _entry in told] == ["waitlist_offer", "waitlist_lapsed", "waitlist_offer"]
    assert services.lapse_offers(late) == 0
    services.accept(second, by=office.colleague, now=late)


def test_a_lapsed_offer_is_free_for_everybody_even_while_no_worker_runs(office: Office, taken: Booking) -> None:
    entry = join(office)
    free(taken)
    services.book(wish(office, office.manager), by=office.manager, now=NOW + TWO_HOURS)
    with pytest.raises(services.OfferLapsed):
        services.accept(entry, by=office.staff, now=NOW + TWO_HOURS)


def test_turning_an_offer_down_makes_it_the_next_ones_turn(office: Office, taken: Booking) -> None:
    first, second = join(office), join(office, office.colleague)
    free(taken)
    with pytest.raises(services.NotAllowed):
        services.leave(first, by=office.manager, now=NOW)
    services.leave(first, by=office.staff, now=NOW)
    services.leave(first, by=office.staff, now=NOW)
    assert states(first, second) == [State.WITHDRAWN, State.OFFERED]


def test_only_who_waits_accepts(office: Office, taken: Booking) -> None:
    entry = join(office)
    free(taken)
    with pytest.raises(services.NotAllowed):
        services.accept(entry, by=office.manager, now=NOW)


def test_who_wants_more_than_came_free_is_passed_over(office: Office, taken: Booking) -> None:
    services.book(ask(office.manager, office.room("TAB/A")), by=office.manager, now=NOW)
    both = ask(office.staff, office.room("KOS/2.14"), office.room("TAB/A"))
    first = services.join_waitlist(both, by=office.staff, now=NOW)
    second = join(office, office.colleague)
    free(taken)
    assert states(first, second) == [State.WAITING, State.OFFERED]


def test_who_may_no_longer_sign_in_is_passed_over(office: Office, taken: Booking) -> None:
    first, second = join(office), join(office, office.colleague)
    User.objects.filter(pk=office.staff.pk).update(is_active=False)
    free(taken)
    assert states(first, second) == [State.WAITING, State.OFFERED]


def test_asking_who_waits_costs_one_query_when_nobody_does(
    office: Office, taken: Booking, django_assert_num_queries: Callable[[int], Any]
) -> None:
    join(office, start=at(14))
    with django_assert_num_queries(1):
        services.promote([Interval(STARTS_AT, STARTS_AT + TWO_HOURS)], now=NOW)


def test_an_offer_ends_a_quarter_of_an_hour_before_the_start(office: Office, taken: Booking) -> None:
    entry = join(office)
    free(taken, STARTS_AT - timedelta(hours=1))
    entry.refresh_from_db()
    assert entry.offer_expires_at == STARTS_AT - timedelta(minutes=15)


def test_nothing_is_offered_when_there_is_no_time_left_to_accept(office: Office, taken: Booking) -> None:
    entry = join(office)
    free(taken, STARTS_AT - timedelta(minutes=15))
    assert states(entry) == [State.WAITING]


def test_when_its_time_has_come_waiting_ends(office: Office, taken: Booking) -> None:
    entry = join(office)
    assert services.lapse_offers(STARTS_AT - timedelta(seconds=1)) == 0
    assert services.lapse_offers(STARTS_AT) == 1
    assert states(entry) == [State.PASSED]


def test_what_is_free_already_is_offered_at_once(office: Office) -> None:
    assert join(office).state == State.OFFERED


def test_waiting_for_what_never_opens_is_refused(office: Office) -> None:
    OpeningHours.objects.filter(site=office.koszykowa).delete()
    with pytest.raises(services.Refused) as refused:
        join(office)
    assert [refusal.code for refusal in refused.value.refusals] == [Code.SITE_CLOSED]


def test_asking_for_the_same_twice_waits_once(office: Office, taken: Booking) -> None:
    assert join(office) == join(office)
    assert join(office) != join(office, start=at(10, 15))


def test_a_room_that_came_free_by_itself_is_found_by_the_next_run(office: Office) -> None:
    """Somebody's open form held it; nobody is told when that ends."""
    services.hold_draft(wish(office, office.manager), submission=uuid.UUID(int=1), user=office.manager, now=NOW)
    entry = join(office)
    services.lapse_offers(NOW + timedelta(minutes=9))
    assert states(entry) == [State.WAITING]
    services.lapse_offers(NOW + timedelta(minutes=10))
    assert states(entry) == [State.OFFERED]


def test_a_licence_that_comes_free_is_offered(office: Office) -> None:
    office.pool.shares.all().delete()
    office.pool.grants.update(seats=1)
    booking = services.book(ask(office.manager, office.room("TAB/A")), by=office.manager, now=NOW)
    entry = join(office)
    assert entry.state == State.WAITING
    free(booking)
    assert states(entry) == [State.OFFERED]


# --- Dates of a series -----------------------------------------------------------------------------------------------
SKIPPED = date(2026, 12, 1)


def weekly(office: Office, *decisions: Decision) -> BookingRequest:
    pattern = Pattern(Frequency.WEEKLY, weekdays=(1,), count=4)
    return wish(office, series=Series(pattern, skip_holidays=False, decisions=decisions))


@pytest.fixture
def series(office: Office) -> tuple[Booking, Booking]:
    """A weekly series that was booked without the one date on which the manager has the room, and that session."""
    other = services.book(wish(office, office.manager, start=at(10) + timedelta(days=7)), by=office.manager, now=NOW)
    skipping = weekly(office, Decision(SKIPPED, "skip"))
    return services.book(skipping, by=office.staff, now=NOW), other


def test_a_date_of_a_series_becomes_a_meeting_of_it(office: Office, series: tuple[Booking, Booking]) -> None:
    booking, other = series
    entry = services.join_waitlist(weekly(office), by=office.staff, now=NOW, booking=booking, on=SKIPPED)
    free(other)
    accepted = services.accept(entry, by=office.staff, now=NOW)
    booking.refresh_from_db()
    assert (accepted, booking.skipped, booking.version, booking.sequence) == (booking, [], 2, 1)
    meeting = booking.occurrences.get(original_start_at=STARTS_AT + timedelta(days=7))
    assert (meeting.starts_at, meeting.has_own_time, meeting.has_own_rooms) == (meeting.original_start_at, False, False)
    assert meeting.room_holds.get(live=True).expires_at is None
    event = BookingEvent.objects.get(booking=booking, kind=BookingEvent.Kind.MEETING_ADDED)
    assert event.occurrence == meeting
    with pytest.raises(services.AlreadyBooked):
        services.accept(entry, by=office.staff, now=NOW)


def test_a_date_that_uses_a_licence_of_another_site_says_so_in_the_history(
    office: Office, series: tuple[Booking, Booking]
) -> None:
    booking, other = series
    entry = services.join_waitlist(weekly(office), by=office.staff, now=NOW, booking=booking, on=SKIPPED)
    free(other)
    held = LicenceHold.objects.get(offer=entry)
    LicenceHold.objects.filter(pk=held.pk).update(borrowed_by=held.site_id, site=office.taborowa)
    services.accept(entry, by=office.staff, now=NOW)
    event = BookingEvent.objects.get(booking=booking, kind=BookingEvent.Kind.BORROWED)
    assert event.data == {"sites": [office.taborowa.pk], "seats": 1, "dates": [SKIPPED.isoformat()]}
    assert event.occurrence == booking.occurrences.get(original_start_at=STARTS_AT + timedelta(days=7))


def test_a_cancelled_date_comes_back_as_the_same_meeting(office: Office, series: tuple[Booking, Booking]) -> None:
    booking, _other = series
    meeting = booking.occurrences.get(original_start_at=STARTS_AT + timedelta(days=14))
    services.cancel(booking, by=office.staff, now=NOW, scope=Scope.ONE, occurrence=meeting)
    entry = services.join_waitlist(weekly(office), by=office.staff, now=NOW, booking=booking, on=date(2026, 12, 8))
    services.accept(entry, by=office.staff, now=NOW)
    meeting.refresh_from_db()
    assert (meeting.status, booking.occurrences.count()) == ("confirmed", 3)


def test_a_series_waits_date_by_date(office: Office, series: tuple[Booking, Booking]) -> None:
    with pytest.raises(ValueError, match="date by date"):
        services.join_waitlist(weekly(office), by=office.staff, now=NOW)


def test_when_the_series_is_cancelled_nobody_waits_for_its_date(
    office: Office, series: tuple[Booking, Booking]
) -> None:
    booking, _other = series
    entry = services.join_waitlist(weekly(office), by=office.staff, now=NOW, booking=booking, on=SKIPPED)
    services.cancel(booking, by=office.staff, now=NOW)
    services.lapse_offers(NOW)
    assert states(entry) == [State.WITHDRAWN]
