"""Searches: free rooms for dates, the nearest common slots, rooms free now; against models that try everything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from bookings import services
from bookings.availability import assess, people_busy, search
from bookings.availability.search import RoomFilter, free_now, free_rooms, nearest_slots
from bookings.models import Absence, Attendee, Occurrence
from bookings.rules import Participant
from rooms.interval import Interval
from rooms.models import BookingRule, LicenceGrant, Room, SiteShare
from tests.bookings.requests import DAY, NOW, ask, at
from tests.bookings.series import ask_series, meetings
from tests.factories import Office

pytestmark = pytest.mark.django_db
WARSAW = ZoneInfo("Europe/Warsaw")


def span(start: datetime, minutes: int = 60) -> Interval:
    begins = start.replace(tzinfo=WARSAW)
    return Interval(begins, begins + timedelta(minutes=minutes))


def weeks(count: int) -> list[Interval]:
    return [span(at(10) + timedelta(days=7 * n)) for n in range(count)]


def test_rooms_are_free_on_so_many_of_the_dates(office: Office) -> None:
    room = office.room("KOS/2.14")
    for n in (1, 3):
        services.book(ask(office.staff, room, start=at(10, 30) + timedelta(days=7 * n)), by=office.staff, now=NOW)
    found = free_rooms(weeks(5), by=office.staff, now=NOW)
    assert len(found) == 12
    assert (found[-1].room, found[-1].free_on, found[-1].of, found[-1].taken) == (room, 3, 5, (1, 3))
    # Rooms that are free as often stand in the order of lists.
    assert [item.room.code for item in found[:4]] == ["2.16", "1.03", "3.01", "0.07"]


def test_filters_are_met_all_of_them(office: Office) -> None:
    camera = office.room("KOS/2.14").equipment.get(code="kamera-dokumentowa")

    def names(**fields: object) -> list[str]:
        found = free_rooms([span(at(10))], by=office.staff, now=NOW, filters=RoomFilter(**fields))
        return sorted(f"{item.room.site.code}/{item.room.code}" for item in found)

    assert names(site_ids=(office.biala.pk,)) == ["BIA/5", "BIA/SW"]
    assert names(seats=24) == ["BIA/SW", "KOS/1.03", "TAB/1.12"]
    assert names(equipment_ids=(camera.pk,), seats=8) == ["BIA/5", "KOS/2.14", "TAB/A"]
    assert names(step_free=True, site_ids=(office.taborowa.pk,)) == ["TAB/0.18", "TAB/B"]
    assert office.room("TAB/B").equipment.get().code == search.STEP_FREE


def test_closed_sites_and_rules_make_a_room_taken(office: Office) -> None:
    BookingRule.objects.create(kind="window", value=20, room=office.room("KOS/2.16"))
    BookingRule.objects.create(kind="any_hour", value=1, site=office.taborowa)
    evening, far = span(at(20)), span(at(10) + timedelta(days=28))
    found = {item.room: item.taken for item in free_rooms([span(at(10)), evening, far], by=office.staff, now=NOW)}
    assert found[office.room("KOS/2.14")] == (1,)
    assert found[office.room("KOS/2.16")] == (1, 2)
    assert found[office.room("TAB/A")] == ()


def test_rooms_come_with_site_and_equipment_in_as_many_queries_for_all_dates(office: Office) -> None:
    def count(spans: Sequence[Interval]) -> int:
        user = User.objects.get(pk=office.staff.pk)
        with CaptureQueriesContext(connection) as captured:
            for item in free_rooms(spans, by=user, now=NOW):
                assert item.room.site.name
                assert isinstance([equipment.name for equipment in item.room.equipment.all()], list)
        return len(captured)

    count(weeks(1))  # what binds the office is read once
    assert count(weeks(1)) == count(weeks(52)) <= 5


@pytest.mark.parametrize("minutes", [15, 60, 75, 180, 195, 600])
@pytest.mark.parametrize("code", ["KOS/2.14", "TAB/1.12"])
def test_a_room_is_taken_from_set_up_to_clearing_however_long_the_session(
    office: Office, code: str, minutes: int
) -> None:
    room, minute = office.room(code), timedelta(minutes=1)
    services.book(ask(office.staff, room, start=at(7, 30), minutes=minutes), by=office.staff, now=NOW)
    begins = at(7, 30) - room.setup - room.clearing
    ends = at(7, 30) + timedelta(minutes=minutes) + room.clearing + room.setup
    around = [begins - 5 * minute, begins - 4 * minute, ends - minute, ends]
    found = {
        item.room: item.taken for item in free_rooms([span(start, 5) for start in around], by=office.it_admin, now=NOW)
    }
    shut = {n for n, start in enumerate(around) if start < at(7) or start + 5 * minute > at(18)}
    assert set(found[room]) - shut == {1, 2} - shut


def test_what_has_expired_takes_no_room_nor_does_the_open_form_itself(office: Office) -> None:
    form, room = UUID(int=7), office.room("KOS/2.14")
    services.hold_draft(ask(office.staff, room), submission=form, user=office.staff, now=NOW)

    def is_free(**fields: Any) -> bool:
        found = free_rooms([span(at(10))], by=office.staff, **{"now": NOW, **fields})
        return next(item.free_on for item in found if item.room == room) == 1

    assert not is_free()
    assert is_free(draft=form)
    assert is_free(now=NOW + timedelta(minutes=11))


def test_nearest_slots_need_every_room_and_a_licence(office: Office) -> None:
    SiteShare.objects.all().delete()
    LicenceGrant.objects.update(seats=1)
    one, two = office.room("KOS/2.14"), office.room("TAB/1.12")  # the second with a quarter before and after
    services.book(ask(office.staff, one, start=at(9)), by=office.staff, now=NOW)
    services.book(ask(office.staff, office.room("BIA/5"), start=at(13)), by=office.staff, now=NOW)
    found = nearest_slots(
        [one.pk, two.pk],
        duration=timedelta(minutes=90),
        around=at(11).replace(tzinfo=WARSAW),
        organizer_id=office.staff.pk,
        by=office.staff,
        now=NOW,
        days=1,
        limit=3,
    )
    assert found == [span(at(11), 90), span(at(14), 90), span(at(7, 30), 90)]


def test_people_are_busy_in_their_own_sessions_unless_they_declined(office: Office) -> None:
    with_colleague = ask(
        office.staff, office.room("TAB/A"), start=at(10), participants=(Participant(user_id=office.colleague.pk),)
    )
    services.book(with_colleague, by=office.staff, now=NOW)

    def first() -> Interval:
        return nearest_slots(
            [office.room("KOS/2.14").pk],
            duration=timedelta(hours=1),
            around=at(10).replace(tzinfo=WARSAW),
            organizer_id=office.staff.pk,
            user_ids=[office.colleague.pk],
            by=office.staff,
            now=NOW,
        )[0]

    assert first() == span(at(9))
    Attendee.objects.filter(user=office.colleague).update(partstat=Attendee.PartStat.DECLINED)
    assert first() == span(at(10))


def test_people_are_busy_in_those_meetings_of_a_series_that_they_take_part_in(office: Office) -> None:
    people = (Participant(user_id=office.colleague.pk),)
    booking = services.book(
        ask_series(office.staff, office.room("TAB/A"), participants=people), by=office.staff, now=NOW
    )
    one, two, three, *_others = meetings(booking)
    whole = Interval(one.starts_at - timedelta(days=1), three.ends_at)

    def starts() -> list[int]:
        return sorted(start for start, _end in people_busy.load([office.colleague.pk], whole))

    def seconds_of(*found: Occurrence) -> list[int]:
        return [int(meeting.starts_at.timestamp()) for meeting in found]

    assert starts() == seconds_of(one, two, three)
    attendee = Attendee.objects.get(user=office.colleague)
    Absence.objects.create(attendee=attendee, occurrence=two)
    assert starts() == seconds_of(one, three)
    Attendee.objects.filter(pk=attendee.pk).update(occurrence=three)
    assert starts() == seconds_of(three)
    Attendee.objects.filter(pk=attendee.pk).update(removed_at=NOW)
    assert starts() == []


def test_free_now_is_free_for_the_whole_time_and_has_a_licence(office: Office) -> None:
    now = datetime(2026, 11, 24, 9, tzinfo=UTC)
    services.book(ask(office.staff, office.room("BIA/5"), start=at(10, 15)), by=office.staff, now=NOW)
    found = free_now(office.biala.pk, by=office.staff, now=now)
    assert [item.room for item in found] == [office.room("BIA/SW")]
    assert free_now(office.biala.pk, minutes=15, by=office.staff, now=now)[0].room == office.room("BIA/5")
    SiteShare.objects.all().delete()
    LicenceGrant.objects.update(seats=1)
    assert free_now(None, by=office.staff, now=now) == []


# --- Against models that try everything ------------------------------------------------------------------------------
CODES = ("KOS/2.14", "TAB/1.12", "BIA/SW")
_sessions = st.lists(
    st.tuples(st.sets(st.integers(0, 2), max_size=2), st.integers(0, 2), st.integers(0, 40), st.integers(1, 8)),
    max_size=12,
)


def fill(office: Office, sessions: list[tuple[set[int], int, int, int]]) -> None:
    for rooms, day, quarter, length in sessions:
        start = at(7) + timedelta(days=day, minutes=15 * quarter)
        chosen = [office.room(CODES[n]) for n in sorted(rooms)]
        request = ask(office.staff, *chosen, start=start, minutes=15 * length)
        try:
            services.book(request, by=office.staff, now=NOW)
        except services.Refused:
            continue


def is_bookable(office: Office, rooms: Sequence[Room], wanted: Interval) -> bool:
    start, end = (item.astimezone(WARSAW).replace(tzinfo=None) for item in (wanted.start_at, wanted.end_at))
    request = ask(office.staff, *rooms).at(start, end)
    return assess(request, by=office.staff, now=NOW).refusals == ()


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sessions=_sessions,
    # Not the one with ten minutes of preparation: where no quarter fits between sessions, other minutes are offered.
    rooms=st.sets(st.integers(0, 1), min_size=1, max_size=2),
    around=st.integers(0, 44),
    length=st.integers(1, 6),
    seats=st.integers(1, 3),
)
def test_nearest_slots_are_those_that_trying_every_quarter_finds(
    office: Office,
    sessions: list[tuple[set[int], int, int, int]],
    rooms: set[int],
    around: int,
    length: int,
    seats: int,
) -> None:
    chosen = [office.room(CODES[n]) for n in sorted(rooms)]
    with transaction.atomic():
        SiteShare.objects.all().delete()
        LicenceGrant.objects.update(seats=seats)
        fill(office, sessions)
        wanted = at(7) + timedelta(minutes=15 * around)
        quarters = [DAY + timedelta(minutes=15 * n) for n in range(7 * 4, 18 * 4)]
        quarters.sort(key=lambda start: (abs(start - wanted), start))
        expected: list[Interval] = []
        for start in quarters:
            slot = span(start, 15 * length)
            if not any(slot.overlaps(other) for other in expected) and is_bookable(office, chosen, slot):
                expected.append(slot)
            if len(expected) == 3:
                break
        found = nearest_slots(
            [room.pk for room in chosen],
            duration=timedelta(minutes=15 * length),
            around=wanted.replace(tzinfo=WARSAW),
            organizer_id=office.staff.pk,
            by=office.staff,
            now=NOW,
            days=1,
            limit=3,
        )
        assert found == expected
        transaction.set_rollback(True)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sessions=_sessions, quarter=st.integers(-2, 44), length=st.integers(1, 6))
def test_free_rooms_are_those_that_can_be_booked(
    office: Office, sessions: list[tuple[set[int], int, int, int]], quarter: int, length: int
) -> None:
    with transaction.atomic():
        fill(office, sessions)
        spans = [span(at(7) + timedelta(days=n, minutes=15 * quarter), 15 * length) for n in range(3)]
        found = {item.room: item for item in free_rooms(spans, by=office.staff, now=NOW)}
        for code in CODES:
            room = office.room(code)
            taken = tuple(n for n, wanted in enumerate(spans) if not is_bookable(office, [room], wanted))
            assert (found[room].taken, found[room].free_on) == (taken, 3 - len(taken))
        transaction.set_rollback(True)
