"""The week's facts: days, hours, what is free longest, licences at their peak."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bookings import services
from bookings.board_office import office_at
from bookings.closure_times import ClosureDraft
from bookings.week import DayClock, LicencePeak, Week, load_week, longest_free
from rooms.models import LicenceGrant, LicencePool, OpeningHours, Room, SiteShare
from tests.bookings.requests import NOW, ask, at
from tests.factories import Office, make_pool

_WARSAW = ZoneInfo("Europe/Warsaw")
_TUESDAY = date(2026, 11, 24)
_SATURDAY, _SUNDAY = datetime(2026, 11, 28), datetime(2026, 11, 29)


def week_of(office: Office, day: date = _TUESDAY, *, now: datetime = NOW) -> Week:
    return load_week(office.staff, day, office_at(""), zone=_WARSAW, now=now)


def free(week: Week, room: Room, day: date = _TUESDAY, *, now: datetime = NOW) -> str:
    found = longest_free(week, room, day, now=int(now.timestamp()))
    if found is None:
        return ""
    start, end = (datetime.fromtimestamp(at, _WARSAW) for at in found)
    return f"{start:%H:%M}–{end:%H:%M}"


@pytest.mark.parametrize("day", [date(2026, 11, 23), _TUESDAY, date(2026, 11, 29)])
def test_any_day_leads_to_the_working_days_of_its_week(office: Office, day: date) -> None:
    assert week_of(office, day).days == tuple(date(2026, 11, n) for n in range(23, 28))


def test_the_weekend_is_shown_as_far_as_a_site_opens(office: Office) -> None:
    OpeningHours.objects.create(site=office.koszykowa, weekday=5, opens=time(9), closes=time(12))
    assert week_of(office).days[-1] == date(2026, 11, 28)


def test_the_weekend_is_shown_as_far_as_something_is_booked(office: Office) -> None:
    OpeningHours.objects.create(site=office.koszykowa, weekday=6, opens=time(9), closes=time(12))
    services.book(ask(office.it_admin, office.room("KOS/2.14"), start=at(9, day=_SUNDAY)), by=office.it_admin, now=NOW)
    OpeningHours.objects.filter(weekday=6).delete()
    assert week_of(office).days[-2:] == (date(2026, 11, 28), date(2026, 11, 29))


def test_a_closure_alone_makes_no_day_of_the_weekend(office: Office) -> None:
    room = office.room("KOS/2.14")
    draft = ClosureDraft("maintenance", "malowanie", _SATURDAY, _SATURDAY + timedelta(hours=5), room_id=room.pk)
    services.close(draft, by=office.manager, now=NOW)
    assert len(week_of(office).days) == 5


def test_hours_reach_from_the_earliest_opening_to_the_latest_session(office: Office) -> None:
    assert (week_of(office).first_hour, week_of(office).last_hour) == (7, 18)
    OpeningHours.objects.filter(site=office.koszykowa, weekday=3).update(closes=time(20, 15))
    services.book(
        ask(office.it_admin, office.room("KOS/2.14"), start=datetime(2026, 11, 26, 19), minutes=75),
        by=office.it_admin,
        now=NOW,
    )
    OpeningHours.objects.filter(weekday=3).update(opens=time(8), closes=time(16))
    assert (week_of(office).first_hour, week_of(office).last_hour) == (7, 21)


def test_an_office_without_opening_hours_has_the_usual_ones(office: Office) -> None:
    OpeningHours.objects.all().delete()
    assert (week_of(office).first_hour, week_of(office).last_hour) == (8, 16)


def test_the_longest_free_stretch_lies_between_sessions_and_within_opening_hours(office: Office) -> None:
    room = office.room("KOS/2.14")
    OpeningHours.objects.filter(site=office.koszykowa).update(opens=time(8), closes=time(16))
    for hour, minutes in ((8, 60), (10, 90), (15, 30)):
        services.book(ask(office.staff, room, start=at(hour), minutes=minutes), by=office.staff, now=NOW)
    assert free(week_of(office), room) == "11:30–15:00"


def test_of_two_stretches_as_long_the_first_is_offered(office: Office) -> None:
    room = office.room("KOS/2.14")
    OpeningHours.objects.filter(site=office.koszykowa).update(opens=time(8), closes=time(13))
    services.book(ask(office.staff, room, start=at(10)), by=office.staff, now=NOW)
    assert free(week_of(office), room) == "08:00–10:00"


def test_today_offers_what_is_still_to_come_from_a_full_quarter(office: Office) -> None:
    room = office.room("KOS/2.14")
    services.book(ask(office.staff, room, start=at(12)), by=office.staff, now=NOW)
    now = datetime(2026, 11, 24, 9, 42, tzinfo=UTC)
    assert free(week_of(office), room, now=now) == "13:00–18:00"
    late = datetime(2026, 11, 24, 12, 42, tzinfo=UTC)
    assert free(week_of(office), room, now=late) == "13:45–18:00"


def test_a_past_day_and_the_last_minutes_of_one_offer_nothing(office: Office) -> None:
    room = office.room("KOS/2.14")
    for minute in (50, 59):
        assert free(week_of(office), room, now=datetime(2026, 11, 24, 16, minute, tzinfo=UTC)) == ""
    assert free(week_of(office), room, date(2026, 11, 23), now=datetime(2026, 11, 24, 9, tzinfo=UTC)) == ""


def test_what_a_session_needs_before_and_after_is_not_free(office: Office) -> None:
    room = office.room("KOS/2.14")
    Room.objects.filter(pk=room.pk).update(setup=timedelta(minutes=30), clearing=timedelta(minutes=15))
    room.refresh_from_db()
    services.book(ask(office.staff, room, start=at(10)), by=office.staff, now=NOW)
    # Held 9:30–11:15; a session before needs 15 minutes more, one after half an hour.
    assert free(week_of(office), room) == "11:45–18:00"
    assert free(week_of(office), office.room("KOS/2.16")) == "07:00–18:00"


def test_what_holds_a_room_across_midnight_is_on_both_days(office: Office) -> None:
    room = office.room("KOS/2.14")
    Room.objects.filter(pk=room.pk).update(clearing=timedelta(minutes=30))
    OpeningHours.objects.filter(site=office.koszykowa).update(opens=time(0), closes=time(23, 59))
    booked = services.book(ask(office.staff, room, start=at(22), minutes=115), by=office.staff, now=NOW)
    week = week_of(office)
    assert [item.booking_id for item in week.taken[room.pk, _TUESDAY]] == [booked.pk]
    assert [item.booking_id for item in week.taken[room.pk, date(2026, 11, 25)]] == [booked.pk]


def test_who_is_free_at_an_instant(office: Office) -> None:
    taken, other = office.room("KOS/2.14"), office.room("KOS/2.16")
    services.book(ask(office.staff, taken, start=at(10)), by=office.staff, now=NOW)
    week = week_of(office)
    moment = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
    assert [week.is_free_at(room, moment) for room in (taken, other)] == [False, True]
    assert not week.is_free_at(other, datetime(2026, 11, 24, 3, tzinfo=UTC))


def test_licences_are_counted_at_their_peak_on_each_day(office: Office) -> None:
    SiteShare.objects.all().delete()
    LicenceGrant.objects.update(seats=5)
    rooms = [office.room(code) for code in ("KOS/2.14", "KOS/2.16", "TAB/A")]
    for room, hour in zip(rooms, (9, 9, 11), strict=True):
        services.book(ask(office.it_admin, room, start=at(hour)), by=office.it_admin, now=NOW)
    week = week_of(office)
    assert week.peaks[_TUESDAY] == LicencePeak(2, 5)
    assert week.peaks[date(2026, 11, 25)] == LicencePeak(0, 5)
    assert week.pool == ""


def test_of_several_pools_the_default_one_is_counted_and_named(office: Office) -> None:
    make_pool(3, name="Drugi serwer", is_default=False)
    assert week_of(office).pool == office.pool.name


def test_an_office_without_licences_has_no_peaks(office: Office) -> None:
    LicencePool.objects.update(is_default=False)
    assert week_of(office).peaks == {}


def test_a_day_on_which_clocks_change_is_told_by_the_wall() -> None:
    clock = DayClock(date(2026, 10, 25), _WARSAW)
    # 3:00 comes twice; 10:00 in Warsaw is 9:00 UTC, ten hours and one more after midnight.
    assert clock.minutes(int(datetime(2026, 10, 25, 9, tzinfo=UTC).timestamp())) == 600
    assert clock.minutes(clock.begins - 1) == 0
    assert clock.minutes(clock.ends) == 1440
