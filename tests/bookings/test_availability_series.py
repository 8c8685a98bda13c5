"""Series before the judge: date by date, against a model that looks at every minute, and every way out that works."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bookings import services
from bookings.availability import Assessment, SkippedDate, assess, find_refusals
from bookings.models import Draft, LicenceHold, RoomHold, as_range
from bookings.recurrence import Frequency, Pattern
from bookings.rules import BookingRequest, Code, Decision, Fix, Refusal, Series, Why
from rooms.interval import Interval
from rooms.models import Closure, LicenceGrant, MovableEquipment, Room, SiteShare
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office

pytestmark = pytest.mark.django_db
WARSAW = ZoneInfo("Europe/Warsaw")
#: Ten Tuesdays from 24 November 2026.
TUESDAYS = [date(2026, 11, 24) + timedelta(days=7 * n) for n in range(10)]


def weekly(count: int = 10, *, weekdays: tuple[int, ...] = (1,), **fields: object) -> Series:
    return Series(Pattern(Frequency.WEEKLY, weekdays=weekdays, count=count), **fields)


def judge(office: Office, request: BookingRequest, **kwargs: object) -> Assessment:
    return assess(request, by=office.staff, now=NOW, **kwargs)


def told(refusals: Iterable[Refusal]) -> list[tuple[Code, date | None]]:
    return [(refusal.code, refusal.on) for refusal in refusals]


def on(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute)


def test_free_series_has_a_meeting_on_every_date(office: Office) -> None:
    found = judge(office, ask(office.staff, office.room("KOS/2.14"), series=weekly(4)))
    assert found.refusals == ()
    assert [meeting.on for meeting in found.meetings] == TUESDAYS[:4] == list(found.dates)
    assert [meeting.interval for meeting in found.meetings] == [
        Interval(on(day, 10).replace(tzinfo=WARSAW), on(day, 11).replace(tzinfo=WARSAW)) for day in TUESDAYS[:4]
    ]


def test_every_clash_is_named_with_its_date(office: Office) -> None:
    for day in (TUESDAYS[1], TUESDAYS[3]):
        services.book(ask(office.staff, office.room("BIA/5"), start=on(day, 10, 30)), by=office.staff, now=NOW)
    request = ask(office.staff, office.room("KOS/2.14"), office.room("BIA/5"), series=weekly(5))
    assert told(judge(office, request).refusals) == [
        (Code.ROOM_TAKEN, TUESDAYS[1]),
        (Code.ROOM_TAKEN, TUESDAYS[3]),
    ]


def test_wall_clock_is_kept_when_the_clocks_change(office: Office) -> None:
    start = datetime(2027, 3, 23, 10)
    found = judge(office, ask(office.staff, office.room("KOS/2.14"), start=start, series=weekly(2)))
    assert [meeting.interval.start_at for meeting in found.meetings] == [
        datetime(2027, 3, 23, 9, tzinfo=UTC),
        datetime(2027, 3, 30, 8, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    ("start", "code", "day"),
    [
        (datetime(2027, 3, 27, 2, 30), Code.NO_SUCH_TIME, date(2027, 3, 28)),
        (datetime(2026, 10, 24, 2, 30), Code.TWICE_THAT_TIME, date(2026, 10, 25)),
    ],
)
def test_a_date_without_that_hour_is_refused_by_name(office: Office, start: datetime, code: Code, day: date) -> None:
    series = Series(Pattern(Frequency.DAILY, count=3), skip_holidays=False)
    request = ask(office.staff, start=start, series=series)
    found = assess(request, by=office.staff, now=datetime(2026, 10, 1, tzinfo=UTC))
    assert (code, day) in told(found.refusals)


def test_holidays_are_left_out_unless_they_are_kept(office: Office) -> None:
    # Fridays: Christmas Day and New Year's Day.
    start = datetime(2026, 12, 18, 10)
    request = ask(office.staff, office.room("KOS/2.14"), start=start, series=weekly(3, weekdays=(4,)))
    found = judge(office, request)
    assert [meeting.on for meeting in found.meetings] == [date(2026, 12, 18)]
    assert [(item.on, item.why) for item in found.skipped] == [
        (date(2026, 12, 25), Why.HOLIDAY),
        (date(2027, 1, 1), Why.HOLIDAY),
    ]
    keep = (Decision(date(2026, 12, 25), "change"),)
    kept = judge(office, replace(request, series=weekly(3, weekdays=(4,), decisions=keep)))
    assert [meeting.on for meeting in kept.meetings] == [date(2026, 12, 18), date(2026, 12, 25)]


def test_decisions_skip_move_and_swap_rooms(office: Office) -> None:
    other = office.room("KOS/2.16")
    decisions = (
        Decision(TUESDAYS[0], "skip"),
        Decision(TUESDAYS[1], "change", local_start=on(TUESDAYS[1], 12), local_end=on(TUESDAYS[1], 13)),
        Decision(TUESDAYS[2], "change", room_ids=(other.pk,)),
    )
    found = judge(office, ask(office.staff, office.room("KOS/2.14"), series=weekly(4, decisions=decisions)))
    assert found.refusals == ()
    assert found.skipped == (SkippedDate(TUESDAYS[0], Why.CHOSEN),)
    assert [(item.local_start, item.rooms, item.has_own_time, item.has_own_rooms) for item in found.meetings] == [
        (on(TUESDAYS[1], 12), (office.room("KOS/2.14"),), True, False),
        (on(TUESDAYS[2], 10), (other,), False, True),
        (on(TUESDAYS[3], 10), (office.room("KOS/2.14"),), False, False),
    ]


def test_meetings_stay_between_their_neighbours(office: Office) -> None:
    late = Decision(TUESDAYS[1], "change", local_start=on(TUESDAYS[2], 8), local_end=on(TUESDAYS[2], 9))
    found = judge(office, ask(office.staff, office.room("KOS/2.14"), series=weekly(3, decisions=(late,))))
    assert told(found.refusals) == [(Code.DATES_OUT_OF_ORDER, TUESDAYS[1])]
    # Without the neighbour there is nothing to collide with.
    gone = (late, Decision(TUESDAYS[2], "skip"))
    assert judge(office, ask(office.staff, office.room("KOS/2.14"), series=weekly(3, decisions=gone))).refusals == ()


def test_dates_that_were_not_agreed_are_named(office: Office) -> None:
    request = ask(office.staff, office.room("KOS/2.14"), series=weekly(3, agreed=frozenset(TUESDAYS[1:4])))
    (refusal,) = judge(office, request).refusals
    assert (refusal.code, refusal.data) == (
        Code.DATES_CHANGED,
        {"added": [TUESDAYS[0]], "missing": [TUESDAYS[3]]},
    )


def test_a_decision_about_no_date_of_the_series_is_refused(office: Office) -> None:
    series = weekly(2, decisions=(Decision(date(2026, 11, 25), "skip"),))
    assert told(judge(office, ask(office.staff, series=series)).refusals) == [(Code.DATE_UNKNOWN, date(2026, 11, 25))]


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        (Pattern(Frequency.WEEKLY, count=3), Code.PATTERN_INVALID),
        (Pattern(Frequency.DAILY, count=401), Code.SERIES_TOO_MANY),
        (Pattern(Frequency.WEEKLY, weekdays=(1,), interval=20, count=20), Code.SERIES_TOO_LONG),
        (Pattern(Frequency.DAILY, until=date(2026, 11, 1)), Code.SERIES_EMPTY),
    ],
)
def test_a_rule_that_can_not_be_is_refused(office: Office, pattern: Pattern, code: Code) -> None:
    found = judge(office, ask(office.staff, office.room("KOS/2.14"), series=Series(pattern)))
    assert told(found.refusals) == [(code, None)]
    assert found.meetings == ()


def close(office: Office, room: Room, day: date) -> Closure:
    closure = Closure.objects.create(
        room=room, title="Malowanie", local_start="x", local_end="y", created_by=office.it_admin, created_at=NOW
    )
    whole = Interval(on(day, 7).replace(tzinfo=WARSAW), on(day, 18).replace(tzinfo=WARSAW))
    RoomHold.objects.create(closure=closure, room=room, period=as_range(whole))
    return closure


def test_closures_are_left_out_where_that_is_wanted_and_refused_where_not(office: Office) -> None:
    room = office.room("KOS/2.14")
    close(office, room, TUESDAYS[1])
    skipping = judge(office, ask(office.staff, room, series=weekly(3, skip_closures=True)))
    assert (skipping.refusals, skipping.skipped) == ((), (SkippedDate(TUESDAYS[1], Why.CLOSURE, "Malowanie"),))
    (refusal,) = judge(office, ask(office.staff, room, series=weekly(3))).refusals
    assert (refusal.code, refusal.on) == (Code.ROOM_CLOSED, TUESDAYS[1])
    assert refusal.holder is not None
    assert (refusal.holder.kind, refusal.holder.title) == ("closure", "Malowanie")


def test_an_open_form_holds_until_its_time_is_over(office: Office) -> None:
    room = office.room("KOS/2.14")
    until = NOW + timedelta(minutes=10)
    draft = Draft.objects.create(
        submission="7d2f7b3e-6f0c-4b57-9d44-2f0f4a3f8f11", user=office.colleague, created_at=NOW, expires_at=until
    )
    period = as_range(Interval(at(10).replace(tzinfo=WARSAW), at(11).replace(tzinfo=WARSAW)))
    RoomHold.objects.create(draft=draft, room=room, period=period, expires_at=until)
    (refusal,) = judge(office, ask(office.staff, room)).refusals
    assert refusal.holder is not None
    assert (refusal.code, refusal.holder.kind, refusal.holder.until) == (Code.ROOM_TAKEN, "draft", until)
    assert judge(office, ask(office.staff, room), draft=draft.pk).refusals == ()
    assert assess(ask(office.staff, room), by=office.staff, now=until).refusals == ()


def test_licences_of_every_date_are_counted_at_their_peak(office: Office) -> None:
    SiteShare.objects.all().delete()
    LicenceGrant.objects.update(seats=1)
    services.book(ask(office.staff, start=on(TUESDAYS[2], 10, 30)), by=office.staff, now=NOW)
    found = judge(office, ask(office.staff, office.room("KOS/2.14"), series=weekly(4)))
    assert told(found.refusals) == [(Code.LICENCE_NONE_FREE, TUESDAYS[2])]


def test_movable_equipment_is_held_like_a_room(office: Office) -> None:
    camera = MovableEquipment.objects.create(site=office.koszykowa, name="kamera", quantity=1)
    wishes = {"wishes": replace(ask(office.staff).wishes, movable=((camera.pk, 1),))}
    request = ask(office.staff, office.room("KOS/2.14"), **wishes)
    assert judge(office, request).refusals == ()
    services.book(request, by=office.staff, now=NOW)
    other = ask(office.staff, office.room("KOS/2.16"), start=at(10, 30), **wishes)
    (refusal,) = find_refusals(other, by=office.staff, now=NOW)
    assert (refusal.code, refusal.data["in_use"]) == (Code.EQUIPMENT_NONE_FREE, 1)
    assert [(fix.kind, fix.local_start) for fix in refusal.fixes] == [
        ("time", at(11)),
        ("time", at(9)),
        ("time", datetime(2026, 11, 25, 10, 30)),
    ]
    elsewhere = ask(office.staff, office.room("TAB/A"), start=at(14), **wishes)
    assert told(judge(office, elsewhere).refusals) == [(Code.EQUIPMENT_UNKNOWN, None)]


def test_seats_and_features_are_warnings(office: Office) -> None:
    room = office.room("KOS/2.16")
    loop = office.room("TAB/A").equipment.get(code="petla-indukcyjna")
    wishes = replace(ask(office.staff).wishes, seats=((office.koszykowa.pk, 7),), features=(loop.pk,))
    found = judge(office, ask(office.staff, room, series=weekly(5), wishes=wishes))
    assert found.refusals == ()
    assert [(item.code, item.data) for item in found.warnings] == [
        (Code.SEATS_TOO_FEW, {"site": "Koszykowa", "people": 7, "seats": 6}),
        (Code.FEATURE_MISSING, {"missing": ["pętla indukcyjna"]}),
    ]


def count_queries(office: Office, request: BookingRequest) -> int:
    find_refusals(request, by=office.staff, now=NOW)
    with CaptureQueriesContext(connection) as captured:
        find_refusals(request, by=office.staff, now=NOW)
    return len(captured)


def test_queries_do_not_grow_with_the_dates(office: Office) -> None:
    rooms = [office.room("KOS/2.14"), office.room("BIA/5")]
    for day in TUESDAYS[:8]:
        services.book(ask(office.staff, rooms[1], start=on(day, 10, 30)), by=office.staff, now=NOW)
    counts = [count_queries(office, ask(office.staff, *rooms, series=weekly(count))) for count in (2, 8)]
    assert counts[0] == counts[1] <= 15


# --- Against the minutes ---------------------------------------------------------------------------------------------
ROOMS = ("KOS/2.14", "TAB/1.12", "BIA/5")
_sessions = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 6), st.integers(0, 40), st.integers(1, 8), st.booleans()), max_size=14
)


@st.composite
def _series(draw: st.DrawFn) -> tuple[list[int], int, int, Series]:
    """Rooms, quarter after seven, length in quarters, and a daily series with decisions about some dates."""
    rooms = sorted(draw(st.sets(st.integers(0, 2), min_size=1, max_size=3)))
    start, length = draw(st.integers(0, 40)), draw(st.integers(1, 8))
    decisions = []
    for n in draw(st.sets(st.integers(0, 6), max_size=3)):
        day = TUESDAYS[0] + timedelta(days=n)
        if draw(st.booleans()):
            decisions.append(Decision(day, "skip"))
        else:
            begins = on(day, 7) + timedelta(minutes=15 * draw(st.integers(0, 40)))
            ends = begins + timedelta(minutes=15 * draw(st.integers(1, 8)))
            decisions.append(Decision(day, "change", local_start=begins, local_end=ends))
    pattern = Pattern(Frequency.DAILY, count=draw(st.integers(2, 7)))
    in_series = [item for item in decisions if (item.on - TUESDAYS[0]).days < (pattern.count or 0)]
    return rooms, start, length, Series(pattern, skip_holidays=False, decisions=tuple(in_series))


def fill(office: Office, sessions: list[tuple[int, int, int, int, bool]]) -> None:
    for room, day, quarter, length, is_cancelled in sessions:
        start = on(TUESDAYS[0] + timedelta(days=day), 7) + timedelta(minutes=15 * quarter)
        request = ask(office.staff, office.room(ROOMS[room]), start=start, minutes=15 * length)
        try:
            booking = services.book(request, by=office.staff, now=NOW)
        except services.Refused:
            continue
        if is_cancelled:
            services.cancel(booking, by=office.staff, now=NOW)


def minutes(interval: Interval) -> set[int]:
    first = int(interval.start_at.timestamp()) // 60
    return set(range(first, first + interval.duration // timedelta(minutes=1)))


def naive(office: Office, request: BookingRequest) -> set[tuple[Code, date, int | None]]:
    """Every date minute by minute: rooms held (preparation included), sites closed."""
    assert request.series is not None
    assert request.series.pattern.count is not None
    decisions = {item.on: item for item in request.series.decisions}
    held: dict[int, set[int]] = {}
    for hold in RoomHold.objects.filter(live=True):
        held.setdefault(hold.room_id, set()).update(minutes(hold.interval))
    found: set[tuple[Code, date, int | None]] = set()
    for n in range(request.series.pattern.count):
        day = request.local_start.date() + timedelta(days=n)
        start, end = (item + timedelta(days=n) for item in (request.local_start, request.local_end))
        if day in decisions:
            if decisions[day].kind == "skip":
                continue
            start, end = decisions[day].local_start or start, decisions[day].local_end or end
        wanted = Interval(start.replace(tzinfo=WARSAW), end.replace(tzinfo=WARSAW))
        for room in Room.objects.filter(pk__in=request.room_ids).select_related("site"):
            if minutes(wanted.widened(before=room.setup, after=room.clearing)) & held.get(room.pk, set()):
                found.add((Code.ROOM_TAKEN, day, room.pk))
            hours = [(item.weekday, item.opens, item.closes) for item in room.site.opening_hours.all()]
            if not any(
                weekday == start.weekday() and opens <= start.time() and end.time() <= closes and end.date() == day
                for weekday, opens, closes in hours
            ):
                found.add((Code.SITE_CLOSED, day, None))
    return found


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sessions=_sessions, series=_series())
def test_series_are_judged_as_minute_by_minute(
    office: Office, sessions: list[tuple[int, int, int, int, bool]], series: tuple[list[int], int, int, Series]
) -> None:
    rooms, start, length, rule = series
    with transaction.atomic():
        fill(office, sessions)
        begins = on(TUESDAYS[0], 7) + timedelta(minutes=15 * start)
        chosen = [office.room(ROOMS[n]) for n in rooms]
        request = ask(office.staff, *chosen, start=begins, minutes=15 * length, series=rule)
        found = {
            (item.code, item.on, item.room_id)
            for item in judge(office, request).refusals
            if item.code in {Code.ROOM_TAKEN, Code.SITE_CLOSED}
        }
        assert found == naive(office, request)
        transaction.set_rollback(True)


def decided(request: BookingRequest, refusal: Refusal, fix: Fix) -> BookingRequest:
    """Return the request with the way out taken for the refusal's date."""
    assert request.series is not None
    assert refusal.on is not None
    earlier = {item.on: item for item in request.series.decisions}
    before = earlier.get(refusal.on, Decision(refusal.on, "change"))
    room_ids = before.room_ids if before.room_ids is not None else request.room_ids
    if fix.kind == "skip":
        after = Decision(refusal.on, "skip")
    elif fix.kind in {"time", "shorter"}:
        after = replace(before, local_start=fix.local_start, local_end=fix.local_end)
    elif fix.kind == "split":
        after = replace(before, room_ids=tuple(pk for pk in room_ids if pk != refusal.room_id))
    else:
        after = replace(before, room_ids=tuple(fix.room_id or 0 if pk == refusal.room_id else pk for pk in room_ids))
    decisions = tuple({**earlier, refusal.on: after}.values())
    return replace(request, series=replace(request.series, decisions=decisions))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sessions=_sessions, series=_series(), is_short=st.booleans())
def test_every_way_out_of_a_date_works(
    office: Office,
    sessions: list[tuple[int, int, int, int, bool]],
    series: tuple[list[int], int, int, Series],
    is_short: bool,
) -> None:
    rooms, start, length, rule = series
    with transaction.atomic():
        if is_short:
            SiteShare.objects.all().delete()
            LicenceGrant.objects.update(seats=2)
        fill(office, sessions)
        begins = on(TUESDAYS[0], 7) + timedelta(minutes=15 * start)
        chosen = [office.room(ROOMS[n]) for n in rooms]
        request = ask(office.staff, *chosen, start=begins, minutes=15 * length, series=rule)
        refusals = find_refusals(request, by=office.staff, now=NOW)
        for refusal in refusals:
            for fix in refusal.fixes:
                if fix.kind == "waitlist":
                    continue
                left = judge(office, decided(request, refusal, fix)).refusals
                if fix.kind in {"time", "shorter", "skip"}:
                    assert refusal.on not in {item.on for item in left}, (refusal, fix, left)
                assert len(left) < len(refusals), (refusal, fix, left)
        transaction.set_rollback(True)


def test_holds_are_booked_as_they_were_judged(office: Office) -> None:
    """What the judge let pass is what is held: rooms with their preparation, one licence for each meeting."""
    request = ask(office.staff, office.room("TAB/1.12"), series=weekly(3))
    booking = services.book(request, by=office.staff, now=NOW)
    found = judge(office, request, changing=booking)
    quarter = timedelta(minutes=15)
    holds = RoomHold.objects.filter(occurrence__booking=booking, live=True).order_by("period")
    assert [hold.interval for hold in holds] == [
        meeting.interval.widened(before=quarter, after=quarter) for meeting in found.meetings
    ]
    licences = LicenceHold.objects.filter(occurrence__booking=booking, live=True)
    assert sorted(hold.interval for hold in licences) == [meeting.interval for meeting in found.meetings]
    assert told(judge(office, request).refusals) == [(Code.ROOM_TAKEN, day) for day in TUESDAYS[:3]]
