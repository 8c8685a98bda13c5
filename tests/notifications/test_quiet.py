"""When reminders leave in spite of quiet hours: by the clock of who is reminded, over midnight and clock changes."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bookings.models import Attendee, Booking, Occurrence
from notifications.models import Message
from notifications.quiet import QuietHours, due_at, nearest_due
from notifications.reminders import queue_due
from rooms.interval import Interval
from tests.bookings.requests import NOW
from tests.factories import Office
from tests.notifications.outbox_rows import book

WARSAW = ZoneInfo("Europe/Warsaw")
NIGHT = QuietHours(time(21), time(6), WARSAW)
DAY, HOUR, QUARTER = timedelta(hours=24), timedelta(hours=1), timedelta(minutes=15)
MINUTE = timedelta(minutes=1)


def utc(month: int, day: int, hour: int, minute: int = 0, *, year: int = 2027) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def warsaw(month: int, day: int, hour: int, minute: int = 0, *, fold: int = 0) -> datetime:
    return datetime(2027, month, day, hour, minute, tzinfo=WARSAW, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "span"),
    [
        (warsaw(2, 1, 20, 59), None),
        (warsaw(2, 1, 21), Interval(warsaw(2, 1, 21), warsaw(2, 2, 6))),
        (warsaw(2, 2, 5, 59), Interval(warsaw(2, 1, 21), warsaw(2, 2, 6))),
        (warsaw(2, 2, 6), None),
    ],
)
def test_quiet_hours_reach_over_midnight_and_end_before_their_end(moment: datetime, span: Interval | None) -> None:
    assert NIGHT.span_at(moment) == span


def test_quiet_hours_within_a_day() -> None:
    lunch = QuietHours(time(12), time(13, 30), WARSAW)
    assert lunch.span_at(warsaw(2, 1, 12)) == Interval(warsaw(2, 1, 12), warsaw(2, 1, 13, 30))
    assert [lunch.span_at(warsaw(2, 1, *at)) for at in ((11, 59), (13, 30), (0, 15))] == [None, None, None]


@pytest.mark.parametrize(
    ("hours", "night", "length"),
    [
        # The night of 28 March is an hour short, that of 31 October an hour long.
        ((time(21), time(6)), Interval(utc(3, 27, 20), utc(3, 28, 4)), 8),
        ((time(21), time(6)), Interval(utc(10, 30, 19), utc(10, 31, 5)), 10),
        # 2:30 does not exist: 3:30. It comes twice: the second one.
        ((time(21), time(2, 30)), Interval(utc(3, 27, 20), utc(3, 28, 1, 30)), 5.5),
        ((time(21), time(2, 30)), Interval(utc(10, 30, 19), utc(10, 31, 1, 30)), 6.5),
        ((time(2, 30), time(6)), Interval(utc(3, 28, 1, 30), utc(3, 28, 4)), 2.5),
        ((time(2, 30), time(6)), Interval(utc(10, 31, 1, 30), utc(10, 31, 5)), 3.5),
    ],
)
def test_quiet_hours_in_the_nights_in_which_the_clock_changes(
    hours: tuple[time, time], night: Interval, length: float
) -> None:
    quiet = QuietHours(*hours, WARSAW)
    assert quiet.span_at(night.end_at - MINUTE) == quiet.span_at(night.start_at) == night
    assert quiet.span_at(night.start_at - MINUTE) is None is quiet.span_at(night.end_at)
    assert night.duration == timedelta(hours=length)


def test_quiet_hours_that_the_clock_skips_are_none() -> None:
    assert QuietHours(time(2, 30), time(3), WARSAW).span_at(utc(3, 28, 1)) is None


@pytest.mark.parametrize(
    ("start", "lead", "now", "at"),
    [
        # By day nothing is in the way.
        (warsaw(2, 2, 10), DAY, warsaw(1, 1, 0), warsaw(2, 1, 10)),
        # The night holds it back until the morning.
        (warsaw(2, 2, 22), DAY, warsaw(1, 1, 0), warsaw(2, 2, 6)),
        (warsaw(2, 2, 7), HOUR + MINUTE, warsaw(1, 1, 0), warsaw(2, 2, 6)),
        # The morning is in time to the minute, and a minute too late.
        (warsaw(2, 2, 6, 15), HOUR, warsaw(1, 1, 0), warsaw(2, 2, 6)),
        (warsaw(2, 2, 6, 14), HOUR, warsaw(1, 1, 0), warsaw(2, 1, 21)),
        # Booked in the night: in the morning, if that is in time, else at once.
        (warsaw(2, 2, 10), DAY, warsaw(2, 2, 1), warsaw(2, 2, 6)),
        (warsaw(2, 2, 6), DAY, warsaw(2, 2, 1), warsaw(2, 2, 1)),
        # A worker that was away through the evening does not make up for it in the night.
        (warsaw(2, 2, 10), DAY, warsaw(2, 1, 23), warsaw(2, 2, 6)),
        # Over the short night and the long one: of the wall clock, not of hours.
        (warsaw(3, 29, 5), DAY, warsaw(1, 1, 0), warsaw(3, 28, 6)),
        (warsaw(10, 31, 23), DAY, warsaw(1, 1, 0), warsaw(10, 31, 6)),
    ],
)
def test_a_reminder_leaves_in_the_morning_or_before_the_night(
    start: datetime, lead: timedelta, now: datetime, at: datetime
) -> None:
    assert due_at(start, lead, NIGHT, now=now) == at


def test_of_two_that_the_night_brings_together_the_nearest_leaves() -> None:
    start = warsaw(2, 2, 6)
    assert nearest_due(start, [DAY, HOUR, QUARTER], NIGHT, now=warsaw(2, 1, 21)) == (QUARTER, warsaw(2, 1, 21))


ZONES = ["Europe/Warsaw", "Europe/London", "Europe/Kyiv", "America/New_York", "Asia/Kathmandu"]
#: A day in each kind of night: short, long, and like any other, in Europe and in New York.
DAYS = [utc(3, 28, 0), utc(10, 31, 0), utc(3, 14, 0), utc(11, 7, 0), utc(6, 15, 0)]
LEADS = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 16, 60, 480, 1440, 4320)]

minutes_of_day = st.integers(0, 287).map(lambda fives: time(fives // 12, fives % 12 * 5))
starts = st.builds(
    lambda day, minutes: day + minutes * timedelta(minutes=5), st.sampled_from(DAYS), st.integers(-288, 576)
)
looks = st.one_of(st.integers(-60, 600), st.integers(-60, 26 * 3600), st.integers(-60, 4 * 86400)).map(
    lambda seconds: timedelta(seconds=seconds)
)


@pytest.mark.long
@pytest.mark.django_db
@hypothesis_settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    zone=st.sampled_from(ZONES),
    hours=st.none() | st.tuples(minutes_of_day, minutes_of_day).filter(lambda pair: pair[0] != pair[1]),
    start=starts,
    leads=st.lists(st.sampled_from(LEADS), max_size=4, unique=True),
    before=looks,
    # None: at any time. Else at the moment at which the first lead is due, or so much beside it.
    beside=st.none() | st.sampled_from([-60, -1, 0, 1]).map(lambda seconds: timedelta(seconds=seconds)),
    ahead=st.sampled_from([timedelta(0), timedelta(seconds=60)]),
)
@example("Europe/Warsaw", (time(21), time(6)), utc(10, 31, 0, 30), [QUARTER], DAY, timedelta(0), timedelta(0))
@example("Europe/Warsaw", (time(21), time(2, 30)), utc(10, 31, 1, 45), [QUARTER], DAY, timedelta(0), timedelta(0))
@example("Europe/Warsaw", (time(2, 30), time(2, 25)), utc(3, 28, 8), [HOUR], DAY, timedelta(0), timedelta(0))
def test_the_statement_does_what_the_rule_says(
    office: Office,
    settings: object,
    zone: str,
    hours: tuple[time, time] | None,
    start: datetime,
    leads: list[timedelta],
    before: timedelta,
    beside: timedelta | None,
    ahead: timedelta,
) -> None:
    Booking.objects.exists() or book(office)
    settings.REMINDER_LEADS, settings.REMINDER_QUIET = tuple(leads), hours
    Occurrence.objects.update(starts_at=start, ends_at=start + HOUR)
    Attendee.objects.update(time_zone=zone)
    Message.objects.filter(kind="reminder").delete()
    quiet = QuietHours(*hours, ZoneInfo(zone)) if hours else None
    now = start - before
    if beside is not None and leads:
        now = due_at(start, leads[0], quiet, now=NOW) + beside
    queue_due(now, ahead=ahead)
    found = Message.objects.filter(kind="reminder").values_list("lead", "due_at")
    wanted = nearest_due(start, leads, quiet, now=now, ahead=ahead)
    assert list(found) == ([wanted] if wanted else [])
