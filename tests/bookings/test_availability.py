"""The one judge: all reasons at once, as much about the holder as the asker may know, and ways out that work."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bookings import services
from bookings.availability import find_refusals
from bookings.rules import BookingRequest, Code, Fix, Participant
from rooms.models import LicenceGrant, OpeningHours, SiteShare
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office

pytestmark = pytest.mark.django_db


def codes(office: Office, request: BookingRequest, **kwargs: object) -> list[Code]:
    return [refusal.code for refusal in find_refusals(request, by=office.staff, now=NOW, **kwargs)]


def test_free_rooms_are_not_refused(office: Office) -> None:
    assert codes(office, ask(office.staff, office.room("KOS/2.14"), office.room("BIA/5"))) == []


def test_every_reason_is_given_at_once(office: Office) -> None:
    services.book(ask(office.staff, office.room("KOS/2.14")), by=office.staff, now=NOW)
    request = ask(
        office.staff,
        office.room("KOS/2.14"),
        office.room("KOS/1.03"),
        title=" ",
        participants=(Participant(email="nie adres"), Participant(contact_id=999_999)),
    )
    request = replace(request, room_ids=(*request.room_ids, 10**9))
    assert set(codes(office, request)) == {
        Code.TITLE_MISSING,
        Code.ADDRESS_INVALID,
        Code.PARTICIPANT_UNKNOWN,
        Code.ROOM_TAKEN,
        Code.ROOM_UNKNOWN,
    }


@pytest.mark.parametrize(
    ("start", "minutes", "expected"),
    [
        (at(7), 60, []),
        (at(6, 45), 60, [Code.SITE_CLOSED]),
        (at(17), 60, []),
        (at(17, 15), 60, [Code.SITE_CLOSED]),
        (datetime(2026, 11, 28, 10), 60, [Code.SITE_CLOSED]),
        (datetime(2026, 11, 9, 7, 59), 60, [Code.IN_PAST]),
        (datetime(2026, 11, 9, 8, 0), 60, []),
        (datetime(2028, 11, 9, 10), 60, [Code.TOO_FAR]),
    ],
)
def test_times_of_the_site(office: Office, start: datetime, minutes: int, expected: list[Code]) -> None:
    assert codes(office, ask(office.staff, office.room("KOS/2.14"), start=start, minutes=minutes)) == expected


def test_each_site_has_its_own_hours(office: Office) -> None:
    request = ask(office.staff, office.room("KOS/2.14"), office.room("BIA/5"), start=at(15, 30))
    (refusal,) = find_refusals(request, by=office.staff, now=NOW)
    assert (refusal.code, refusal.data["site"]) == (Code.SITE_CLOSED, office.biala.name)


def test_site_without_opening_hours_is_closed(office: Office) -> None:
    OpeningHours.objects.filter(site=office.taborowa).delete()
    assert codes(office, ask(office.staff, office.room("TAB/A"))) == [Code.SITE_CLOSED]


def test_holder_is_named_with_telephone(office: Office) -> None:
    services.book(ask(office.staff, office.room("KOS/2.14"), title="Szkolenie BHP"), by=office.staff, now=NOW)
    request = ask(office.colleague, office.room("KOS/2.14"), start=at(10, 30))
    (refusal,) = find_refusals(request, by=office.colleague, now=NOW)
    assert refusal.holder is not None
    assert (refusal.holder.title, refusal.holder.organizer, refusal.holder.phone) == (
        "Szkolenie BHP",
        "Anna Wrzesińska",
        "4412",
    )
    assert refusal.interval is not None
    assert refusal.interval.end_at == datetime(2026, 11, 24, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asker", "sees"), [("staff", True), ("manager", True), ("it_admin", True), ("colleague", False)]
)
def test_closed_session_is_named_to_insiders_only(office: Office, asker: str, sees: bool) -> None:
    request = ask(office.staff, office.room("KOS/0.07"), title="Przesłuchanie", is_private=True)
    services.book(request, by=office.staff, now=NOW)
    user = getattr(office, asker)
    (refusal,) = find_refusals(ask(user, office.room("KOS/0.07")), by=user, now=NOW)
    assert refusal.holder is not None
    assert bool(refusal.holder.title) is sees
    assert bool(refusal.holder.organizer) is sees


def test_number_of_participants_is_limited(office: Office) -> None:
    people = tuple(Participant(email=f"p{n}@x.example") for n in range(500))
    (refusal,) = find_refusals(ask(office.staff, participants=people), by=office.staff, now=NOW)
    assert (refusal.code, refusal.data) == (Code.TOO_MANY_PARTICIPANTS, {"count": 501, "limit": 200})


def test_licence_is_refused_by_peak_use_not_by_counting_sessions(office: Office) -> None:
    """Six half-hour sessions one after the other overlap a long one, but never use more than two seats at once."""
    SiteShare.objects.all().delete()
    LicenceGrant.objects.update(seats=2)
    for n in range(6):
        start = at(9) + timedelta(minutes=30 * n)
        services.book(ask(office.staff, start=start, minutes=30), by=office.staff, now=NOW)
    long = ask(office.staff, start=at(9), minutes=180)
    assert codes(office, long) == []
    services.book(long, by=office.staff, now=NOW)
    assert codes(office, ask(office.staff, start=at(11, 45))) == [Code.LICENCE_NONE_FREE]


def test_share_of_another_site_stays_free(office: Office) -> None:
    for _n in range(5):
        services.book(ask(office.staff), by=office.staff, now=NOW)
    (refusal,) = find_refusals(ask(office.staff), by=office.staff, now=NOW)
    assert refusal.code == Code.LICENCE_NONE_FREE
    assert {key: refusal.data[key] for key in ("granted", "in_use", "needed", "site_use", "site_share")} == {
        "granted": 10,
        "in_use": 5,
        "needed": 1,
        "site_use": 5,
        "site_share": 4,
    }
    assert codes(office, ask(office.staff, office.room("BIA/5"))) == []


def test_office_without_a_pool_needs_no_licence(office: Office) -> None:
    office.pool.is_default = False
    office.pool.save()
    assert codes(office, ask(office.staff)) == []


def test_taken_room_comes_with_other_rooms_and_other_times(office: Office) -> None:
    services.book(ask(office.staff, office.room("TAB/B")), by=office.staff, now=NOW)
    request = ask(office.staff, office.room("TAB/B"))
    (refusal,) = find_refusals(request, by=office.staff, now=NOW)
    assert [(fix.kind, fix.room_name or fix.local_start) for fix in refusal.fixes] == [
        ("room", "Sala wideo A"),
        ("room", "Sala szkoleniowa 1.12"),
        ("time", at(9)),
        ("time", at(11)),
        ("time", datetime(2026, 11, 25, 10)),
        ("waitlist", "Sala wideo B"),
    ]


def test_weekend_is_offered_the_same_hour_on_monday(office: Office) -> None:
    saturday = datetime(2026, 11, 28, 10)
    (refusal,) = find_refusals(ask(office.staff, office.room("KOS/2.14"), start=saturday), by=office.staff, now=NOW)
    assert refusal.fixes[0] == Fix("time", local_start=datetime(2026, 11, 30, 10), local_end=datetime(2026, 11, 30, 11))


@pytest.mark.long
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    taken=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40), st.integers(1, 8)), max_size=12),
    wanted=st.tuples(st.sets(st.integers(0, 3), min_size=1, max_size=2), st.integers(0, 40), st.integers(1, 8)),
)
def test_every_way_out_that_is_offered_works(
    office: Office, taken: list[tuple[int, int, int]], wanted: tuple[set[int], int, int]
) -> None:
    rooms = [office.room(code) for code in ("KOS/2.14", "KOS/2.16", "TAB/1.12", "BIA/5")]
    with transaction.atomic():
        for room, quarter, length in taken:
            start = at(7) + timedelta(minutes=15 * quarter)
            try:
                services.book(
                    ask(office.staff, rooms[room], start=start, minutes=15 * length), by=office.staff, now=NOW
                )
            except services.Refused:
                continue
        chosen, quarter, length = wanted
        start = at(7) + timedelta(minutes=15 * quarter)
        request = ask(office.staff, *(rooms[n] for n in sorted(chosen)), start=start, minutes=15 * length)
        refusals = find_refusals(request, by=office.staff, now=NOW)
        for refusal in refusals:
            for fix in refusal.fixes:
                if fix.kind != "waitlist":
                    left = codes(office, apply(request, refusal.room_id, fix))
                    assert left == [] if fix.kind in {"time", "shorter"} else len(left) < len(refusals)
        transaction.set_rollback(True)


def apply(request: BookingRequest, room_id: int | None, fix: Fix) -> BookingRequest:
    if fix.kind in {"time", "shorter"}:
        assert fix.local_start is not None
        assert fix.local_end is not None
        return request.at(fix.local_start, fix.local_end)
    assert fix.room_id is not None
    if fix.kind == "split":
        return replace(request, room_ids=tuple(pk for pk in request.room_ids if pk != room_id))
    return replace(request, room_ids=tuple(fix.room_id if pk == room_id else pk for pk in request.room_ids))


def test_times_offered_for_a_changed_session_ignore_its_own_holds(office: Office) -> None:
    request = ask(office.staff, office.room("KOS/2.14"))
    booking = services.book(request, by=office.staff, now=NOW)
    services.book(ask(office.staff, office.room("KOS/2.14"), start=at(11)), by=office.staff, now=NOW)
    moved = request.at(at(10, 30), at(11, 30))
    (refusal,) = find_refusals(moved, by=office.staff, now=NOW, changing=booking)
    assert Fix("time", local_start=at(10), local_end=at(11)) in refusal.fixes


def test_judging_asks_the_database_a_fixed_number_of_questions(office: Office) -> None:
    request = ask(office.staff, office.room("KOS/2.14"), office.room("BIA/5"))

    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            find_refusals(request, by=office.staff, now=NOW)
        return len(captured)

    find_refusals(request, by=office.staff, now=NOW)  # reads the user's roles, which stay with the user
    services.book(ask(office.staff, office.room("KOS/2.14")), by=office.staff, now=NOW)
    one = count()
    for hour in (8, 9, 11, 12, 13):
        services.book(ask(office.staff, office.room("KOS/2.14"), start=at(hour)), by=office.staff, now=NOW)
    services.book(ask(office.staff, office.room("BIA/5"), start=at(10, 30)), by=office.staff, now=NOW)
    assert count() == one
