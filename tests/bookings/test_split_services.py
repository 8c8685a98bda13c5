"""This and following, and what calendars can't take as a change: a new booking in the place of the old."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings import services
from bookings.models import Absence, Booking, LicenceHold, RoomHold
from bookings.rules import Code, Participant, Scope
from tests.bookings.requests import NOW, ask, at
from tests.bookings.series import ask_series, at_day, held, local_starts, meetings, weekly
from tests.factories import Office

pytestmark = pytest.mark.django_db
ROOM = "KOS/2.14"
WEEK = timedelta(days=7)
DATES = ["11-24", "12-01", "12-08", "12-15", "12-22"]


@pytest.fixture
def booking(office: Office) -> Booking:
    """A weekly series in room 2.14, five Tuesdays at 10:00, with the Finnish guests."""
    people = (Participant(contact_id=office.migri.pk),)
    return services.book(ask_series(office.staff, office.room(ROOM), participants=people), by=office.staff, now=NOW)


def split(office: Office, booking: Booking, place: int, *, version: int = 1, **fields: object) -> Booking:
    """Change the series from the meeting of this place on."""
    first = meetings(booking)[place]
    start = at_day(first.starts_at.month, first.starts_at.day, 10)
    people = (Participant(contact_id=office.migri.pk),)
    rest = {"start": start, "series": weekly(5 - place), "participants": people} | fields
    request = ask_series(office.staff, office.room(ROOM), **rest)
    return services.change(
        booking, request, by=office.staff, now=NOW, version=version, scope=Scope.FOLLOWING, occurrence=first
    )


def test_split_cuts_the_old_series_and_starts_a_new_one(office: Office, booking: Booking) -> None:
    new = split(office, booking, 2, start=at_day(12, 8, 14))
    booking.refresh_from_db()
    assert held(booking) == [(f"{day} 10:00", ROOM) for day in DATES[:2]]
    assert held(new) == [(f"{day} 14:00", ROOM) for day in DATES[2:]]
    assert (booking.rrule, new.rrule) == ("FREQ=WEEKLY;BYDAY=TU;UNTIL=20261201T090000Z", "FREQ=WEEKLY;BYDAY=TU;COUNT=3")
    assert (booking.sequence, new.sequence, new.version, new.follows) == (1, 0, 1, booking)
    assert new.uid != booking.uid
    assert new.conference_name != booking.conference_name
    cut = booking.events.latest("pk")
    assert (cut.kind, cut.data["before"], cut.data["by"]) == ("series_cut", "2026-12-08", new.pk)
    assert len(cut.data["cancelled"]) == 3
    (event,) = new.events.all()
    assert (event.kind, event.data["follows"]) == ("booked", booking.pk)
    assert sorted(new.attendees.values_list("email", flat=True)) == sorted(
        booking.attendees.values_list("email", flat=True)
    )
    assert LicenceHold.objects.filter(live=True).count() == 5


def test_split_by_half_an_hour_does_not_clash_with_its_own_old_times(office: Office, booking: Booking) -> None:
    new = split(office, booking, 1, start=at_day(12, 1, 10, 30))
    assert held(new) == [(f"{day} 10:30", ROOM) for day in DATES[1:]]


def test_split_takes_single_changes_along(office: Office, booking: Booking) -> None:
    third, fourth = meetings(booking)[2:4]
    own = ask(
        office.staff,
        office.room(ROOM),
        start=at_day(12, 15, 15),
        title="Inaczej",
        participants=(Participant(email="gosc@x.example"),),
    )
    services.change(booking, own, by=office.staff, now=NOW, version=1, scope=Scope.ONE, occurrence=fourth)
    new = split(office, booking, 2, version=2, title="Dalszy ciąg")
    assert third.original_start_at == meetings(new)[0].original_start_at
    carried = meetings(new)[1]
    assert (carried.local_start, carried.has_own_time, carried.own_title) == ("2026-12-15T15:00", True, "Inaczej")
    assert carried.original_start_at == fourth.original_start_at
    assert Absence.objects.get(occurrence=carried).attendee.contact == office.migri
    assert new.attendees.get(email="gosc@x.example").occurrence == carried


def test_split_that_moves_the_times_says_which_single_changes_are_dropped(office: Office, booking: Booking) -> None:
    fourth = meetings(booking)[3]
    own = ask(office.staff, office.room(ROOM), start=at_day(12, 15, 15), participants=(
        Participant(contact_id=office.migri.pk),
    ))  # fmt: skip
    services.change(booking, own, by=office.staff, now=NOW, version=1, scope=Scope.ONE, occurrence=fourth)
    new = split(office, booking, 2, version=2, start=at_day(12, 8, 9))
    assert local_starts(new) == ["2026-12-08T09:00", "2026-12-15T09:00", "2026-12-22T09:00"]
    assert new.events.get().data["dropped"] == [fourth.pk]


def test_split_that_changes_nothing_splits_nothing(office: Office, booking: Booking) -> None:
    assert split(office, booking, 2) == booking
    assert Booking.objects.count() == 1


def test_split_at_the_first_meeting_changes_the_series_itself(office: Office, booking: Booking) -> None:
    changed = split(office, booking, 0, start=at(13))
    assert changed == booking
    assert held(changed) == [(f"{day} 13:00", ROOM) for day in DATES]


def test_refused_split_leaves_the_series_whole(office: Office, booking: Booking) -> None:
    services.book(ask(office.manager, office.room(ROOM), start=at_day(12, 15, 14)), by=office.manager, now=NOW)
    with pytest.raises(services.Refused) as refused:
        split(office, booking, 2, start=at_day(12, 8, 14))
    assert [refusal.code for refusal in refused.value.refusals] == [Code.ROOM_TAKEN]
    booking.refresh_from_db()
    assert (booking.version, len(held(booking)), Booking.objects.count()) == (1, 5, 2)


def test_split_of_a_series_before_a_meeting_that_has_begun_is_too_late(office: Office, booking: Booking) -> None:
    second = meetings(booking)[1]
    request = ask_series(office.staff, office.room(ROOM), start=at_day(12, 1, 14), series=weekly(4))
    with pytest.raises(services.AlreadyOver):
        services.change(
            booking,
            request,
            by=office.staff,
            now=second.starts_at,
            version=1,
            scope=Scope.FOLLOWING,
            occurrence=second,
        )


def test_single_session_that_becomes_a_series_is_booked_anew(office: Office) -> None:
    single = services.book(ask(office.staff, office.room(ROOM)), by=office.staff, now=NOW)
    new = services.change(single, ask_series(office.staff, office.room(ROOM)), by=office.staff, now=NOW, version=1)
    single.refresh_from_db()
    assert (single.status, new.status, new.follows) == ("cancelled", "confirmed", single)
    assert single.uid != new.uid
    assert len(held(new)) == 5
    assert RoomHold.objects.filter(live=True).count() == 5
    event = single.events.latest("pk")
    assert (event.kind, event.data) == ("cancelled", {"reason": "", "rebooked": new.pk})


def test_series_that_becomes_a_single_session_is_booked_anew(office: Office, booking: Booking) -> None:
    new = services.change(booking, ask(office.staff, office.room(ROOM)), by=office.staff, now=NOW, version=1)
    booking.refresh_from_db()
    assert (booking.status, new.rrule, held(new)) == ("cancelled", "", [("11-24 10:00", ROOM)])


def test_series_in_another_time_zone_is_booked_anew(office: Office, booking: Booking) -> None:
    request = ask_series(office.staff, office.room(ROOM), start=at(11), time_zone="Europe/Helsinki")
    new = services.change(booking, request, by=office.staff, now=NOW, version=1)
    assert new != booking
    assert (new.time_zone, meetings(new)[0].starts_at) == (
        "Europe/Helsinki",
        datetime(2026, 11, 24, 9, tzinfo=UTC),
    )


def test_refused_rebooking_keeps_the_old_session(office: Office) -> None:
    single = services.book(ask(office.staff, office.room(ROOM)), by=office.staff, now=NOW)
    services.book(ask(office.manager, office.room(ROOM), start=at_day(12, 8, 10)), by=office.manager, now=NOW)
    with pytest.raises(services.Refused):
        services.change(single, ask_series(office.staff, office.room(ROOM)), by=office.staff, now=NOW, version=1)
    single.refresh_from_db()
    assert (single.status, single.version, held(single)) == ("confirmed", 1, [("11-24 10:00", ROOM)])


# --- Requests that wait for an answer --------------------------------------------------------------------------------


def test_room_that_needs_approval_is_held_and_asked_for(office: Office) -> None:
    request = services.book(ask(office.staff, office.room("KOS/1.03")), by=office.staff, now=NOW)
    assert (request.status, [event.kind for event in request.events.all()]) == ("requested", ["requested"])
    approval = request.approvals.get()
    assert (approval.site, approval.state) == (office.koszykowa, "pending")
    assert NOW < approval.escalates_at <= approval.expires_at <= meetings(request)[0].starts_at
    with pytest.raises(services.Refused) as refused:
        services.book(ask(office.manager, office.room("KOS/1.03")), by=office.manager, now=NOW)
    (refusal,) = refused.value.refusals
    assert (refusal.code, refusal.holder and refusal.holder.kind) == (Code.ROOM_TAKEN, "request")


def test_request_that_changes_is_asked_again_and_one_without_need_is_booked(office: Office) -> None:
    request = services.book(ask(office.staff, office.room("KOS/1.03")), by=office.staff, now=NOW)
    later = ask(office.staff, office.room("KOS/1.03"), start=at(13))
    services.change(request, later, by=office.staff, now=NOW, version=1)
    assert [event.kind for event in request.events.order_by("pk")] == ["requested", "requested", "moved"]
    services.change(request, ask(office.staff, office.room(ROOM), start=at(13)), by=office.staff, now=NOW, version=2)
    request.refresh_from_db()
    assert (request.status, request.approvals.get().state) == ("confirmed", "withdrawn")
    assert "booked" in [event.kind for event in request.events.all()]


def test_session_that_stands_does_not_become_a_request(office: Office) -> None:
    booking = services.book(ask(office.staff, office.room(ROOM)), by=office.staff, now=NOW)
    with pytest.raises(services.Refused) as refused:
        services.change(booking, ask(office.staff, office.room("KOS/1.03")), by=office.staff, now=NOW, version=1)
    assert [refusal.code for refusal in refused.value.refusals] == [Code.APPROVAL_NEEDED]
    booking.refresh_from_db()
    assert held(booking) == [("11-24 10:00", ROOM)]


def test_cancelled_request_asks_nobody_any_more(office: Office) -> None:
    request = services.book(ask(office.staff, office.room("KOS/1.03")), by=office.staff, now=NOW)
    services.cancel(request, by=office.staff, now=NOW)
    assert request.approvals.get().state == "withdrawn"
    assert not RoomHold.objects.filter(live=True).exists()


# --- What it costs ----------------------------------------------------------------------------------------------------


def test_number_of_statements_of_changes_does_not_depend_on_dates(office: Office) -> None:
    def count(dates: int, what: str) -> int:
        room, start = office.room({"all": ROOM, "following": "KOS/2.16", "cancel": "TAB/A"}[what]), at(7 + dates)
        series = services.book(
            ask_series(office.staff, room, series=weekly(dates), start=start, minutes=30), by=office.staff, now=NOW
        )
        later = ask_series(office.staff, room, series=weekly(dates), start=start + timedelta(minutes=15), minutes=30)
        first = meetings(series)[1]
        tail = replace(later.at(later.local_start + WEEK, later.local_end + WEEK), series=weekly(dates - 1))
        change = partial(services.change, series, by=office.staff, now=NOW, version=1)
        calls = {
            "all": partial(change, later),
            "following": partial(change, tail, scope=Scope.FOLLOWING, occurrence=first),
            "cancel": partial(services.cancel, series, by=office.staff, now=NOW),
        }
        with CaptureQueriesContext(connection) as captured:
            calls[what]()
        return len(captured)

    count(2, "all")
    for what in ("all", "following", "cancel"):
        assert count(3, what) == count(7, what), what
