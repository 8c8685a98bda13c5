"""Recurrence: the dates of a rule against a naive model, python-dateutil and the wall clock across clock changes."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import assume, given
from hypothesis import strategies as st

from bookings.recurrence import (
    MAX_DAYS,
    MAX_OCCURRENCES,
    Frequency,
    Pattern,
    PatternRefused,
    Reason,
    cut,
    dates,
    find_pattern_problem,
    parse,
    rest,
    rrule,
)

WARSAW = ZoneInfo("Europe/Warsaw")
THURSDAY = date(2026, 12, 3)
TEN = datetime(2026, 12, 3, 10)


@st.composite
def patterns(draw: st.DrawFn) -> tuple[Pattern, date]:
    """Any rule that can be written down, with the day it is asked from; not every one gives dates."""
    first = draw(st.dates(date(2024, 1, 1), date(2032, 12, 31)))
    frequency = draw(st.sampled_from(list(Frequency)))
    interval = draw(st.sampled_from([1, 1, 2, 3, 4, 12, 13]))
    weekdays: tuple[int, ...] = ()
    month_day = nth = None
    if frequency == Frequency.WEEKLY:
        weekdays = tuple(draw(st.lists(st.integers(0, 6), min_size=1, max_size=7, unique=True)))
    elif frequency == Frequency.MONTHLY and draw(st.booleans()):
        month_day = draw(st.integers(1, 31))
    elif frequency == Frequency.MONTHLY:
        nth, weekdays = draw(st.sampled_from([1, 2, 3, 4, -1])), (draw(st.integers(0, 6)),)
    until = draw(st.none() | st.integers(0, MAX_DAYS).map(lambda days: first + timedelta(days=days)))
    count = draw(st.integers(1, 60)) if until is None else None
    return Pattern(frequency, interval, weekdays, month_day, nth, until, count), first


def is_named(pattern: Pattern, day: date) -> bool:
    """Say whether the rule names a day, whatever the interval."""
    if pattern.frequency == Frequency.WEEKLY:
        return day.weekday() in pattern.weekdays
    if pattern.month_day is not None:
        return day.day == pattern.month_day
    if pattern.nth is not None and pattern.nth < 0:
        return day.weekday() in pattern.weekdays and (day + timedelta(days=7)).month != day.month
    if pattern.nth is not None:
        return day.weekday() in pattern.weekdays and (day.day - 1) // 7 + 1 == pattern.nth
    return True


def periods_apart(pattern: Pattern, start: date, day: date) -> int:
    if pattern.frequency == Frequency.DAILY:
        return (day - start).days
    if pattern.frequency == Frequency.WEEKLY:
        mondays = [at - timedelta(days=at.weekday()) for at in (start, day)]
        return (mondays[1] - mondays[0]).days // 7
    return (day.year - start.year) * 12 + day.month - start.month


def naive_dates(pattern: Pattern, first: date) -> list[date]:
    """Walk day by day through more years than a series may take."""
    found: list[date] = []
    for offset in range(366 * 14):
        day = first + timedelta(days=offset)
        if (pattern.until and day > pattern.until) or len(found) == pattern.count:
            break
        if is_named(pattern, day) and periods_apart(pattern, found[0] if found else day, day) % pattern.interval == 0:
            found.append(day)
    return found


@given(patterns())
def test_dates_are_those_of_a_walk_day_by_day(drawn: tuple[Pattern, date]) -> None:
    pattern, first = drawn
    expected = naive_dates(pattern, first)
    problem = find_pattern_problem(pattern, first=first)
    if not expected:
        assert problem is not None
        assert problem.reason == Reason.EMPTY
    elif (expected[-1] - expected[0]).days > MAX_DAYS or len(expected) < (pattern.count or 0):
        assert problem is not None
        assert problem.reason == Reason.TOO_LONG
    elif len(expected) > MAX_OCCURRENCES:
        assert problem is not None
        assert problem.reason == Reason.TOO_MANY
    else:
        assert problem is None
        assert dates(pattern, first=first) == expected


@given(patterns(), st.times(time(3), time(23, 45)).map(lambda at: at.replace(microsecond=0)))
def test_dateutil_reads_the_rule_as_the_same_dates(drawn: tuple[Pattern, date], at: time) -> None:
    pattern, first = drawn
    assume(find_pattern_problem(pattern, first=first) is None)
    found = dates(pattern, first=first)
    text = rrule(pattern, first=first, local_start=datetime.combine(first, at), zone=WARSAW)
    starts = datetime.combine(found[0], at, tzinfo=WARSAW)
    assert [start.date() for start in rrulestr(text, dtstart=starts)] == found


@given(patterns(), st.sampled_from(["Europe/Warsaw", "Europe/Helsinki", "America/New_York", "Asia/Tokyo"]))
def test_a_stored_rule_is_read_back(drawn: tuple[Pattern, date], name: str) -> None:
    pattern, first = drawn
    assume(find_pattern_problem(pattern, first=first) is None)
    zone = ZoneInfo(name)
    found = dates(pattern, first=first)
    again = parse(rrule(pattern, first=first, local_start=TEN.replace(hour=23, minute=30), zone=zone), zone=zone)
    assert dates(again, first=found[0]) == found
    expected = replace(pattern, weekdays=tuple(sorted(pattern.weekdays)), until=pattern.until and found[-1])
    assert again == expected


@given(patterns(), st.data())
def test_both_sides_of_a_cut_make_the_whole(drawn: tuple[Pattern, date], data: st.DataObject) -> None:
    pattern, first = drawn
    assume(find_pattern_problem(pattern, first=first) is None)
    whole = dates(pattern, first=first)
    assume(len(whole) > 1)
    place = data.draw(st.integers(1, len(whole) - 1))
    # A cut may be asked for on any day after the last one kept, up to the first one of the rest.
    day = data.draw(st.dates(whole[place - 1] + timedelta(days=1), whole[place]))
    head, tail = cut(pattern, before=day, first=first), rest(pattern, since=day, first=first)
    assert dates(head, first=whole[0]) == whole[:place]
    assert dates(tail, first=whole[place]) == whole[place:]
    assert head.until == whole[place - 1]
    with pytest.raises(PatternRefused):
        cut(pattern, before=whole[0], first=first)
    with pytest.raises(PatternRefused):
        rest(pattern, since=whole[-1] + timedelta(days=1), first=first)


@given(patterns())
def test_dates_rise_and_do_not_depend_on_whether_first_is_the_start(drawn: tuple[Pattern, date]) -> None:
    pattern, first = drawn
    assume(find_pattern_problem(pattern, first=first) is None)
    found = dates(pattern, first=first)
    assert all(before < after for before, after in pairwise(found))
    assert found[0] >= first
    assert dates(pattern, first=found[0]) == found


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        # Clocks go forward on 28 March 2027 and back on 31 October 2027.
        (date(2027, 3, 27), "FREQ=DAILY;UNTIL=20270327T090000Z"),
        (date(2027, 3, 28), "FREQ=DAILY;UNTIL=20270328T080000Z"),
        (date(2027, 10, 30), "FREQ=DAILY;UNTIL=20271030T080000Z"),
        (date(2027, 10, 31), "FREQ=DAILY;UNTIL=20271031T090000Z"),
    ],
)
def test_until_is_the_start_of_the_last_date_by_that_days_clock(until: date, expected: str) -> None:
    pattern = Pattern(Frequency.DAILY, until=until)
    first = until - timedelta(days=2)
    text = rrule(pattern, first=first, local_start=TEN, zone=WARSAW)
    assert text == expected
    starts = list(rrulestr(text, dtstart=datetime.combine(first, TEN.time(), tzinfo=WARSAW)))
    assert {start.time() for start in starts} == {TEN.time()}
    assert len(starts) == 3


@pytest.mark.parametrize("until", [date(2027, 4, 2), date(2027, 11, 5)])
def test_a_rule_past_midnight_in_utc_keeps_its_last_date(until: date) -> None:
    pattern = Pattern(Frequency.DAILY, until=until)
    text = rrule(pattern, first=until - timedelta(days=9), local_start=datetime(2027, 1, 1, 0, 15), zone=WARSAW)
    assert parse(text, zone=WARSAW) == pattern


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (Pattern(Frequency.DAILY, count=10), "FREQ=DAILY;COUNT=10"),
        (Pattern(Frequency.WEEKLY, weekdays=(3,), count=2), "FREQ=WEEKLY;BYDAY=TH;COUNT=2"),
        (
            Pattern(Frequency.WEEKLY, 2, (3, 1), until=date(2027, 6, 30)),
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH;WKST=MO;UNTIL=20270629T080000Z",
        ),
        (Pattern(Frequency.MONTHLY, month_day=31, count=7), "FREQ=MONTHLY;BYMONTHDAY=31;COUNT=7"),
        (Pattern(Frequency.MONTHLY, 3, (4,), nth=-1, count=4), "FREQ=MONTHLY;INTERVAL=3;BYDAY=-1FR;COUNT=4"),
    ],
)
def test_the_rule_is_written_as_outlook_reads_it(pattern: Pattern, text: str) -> None:
    assert rrule(pattern, first=date(2026, 12, 1), local_start=TEN, zone=WARSAW) == text
    last = dates(pattern, first=date(2026, 12, 1))[-1]
    assert parse(text, zone=WARSAW) == replace(
        pattern, weekdays=tuple(sorted(pattern.weekdays)), until=pattern.until and last
    )


def test_months_without_the_day_have_no_meeting() -> None:
    pattern = Pattern(Frequency.MONTHLY, month_day=31, until=date(2027, 8, 31))
    assert dates(pattern, first=date(2026, 12, 1)) == [
        date(2026, 12, 31),
        date(2027, 1, 31),
        date(2027, 3, 31),
        date(2027, 5, 31),
        date(2027, 7, 31),
        date(2027, 8, 31),
    ]


def test_every_second_week_counts_weeks_from_monday_of_the_first_date() -> None:
    pattern = Pattern(Frequency.WEEKLY, 2, (0, 3), count=4)
    assert dates(pattern, first=THURSDAY) == [THURSDAY, date(2026, 12, 14), date(2026, 12, 17), date(2026, 12, 28)]


def test_the_first_date_is_the_next_one_that_the_rule_names() -> None:
    assert dates(Pattern(Frequency.WEEKLY, 2, (3,), count=2), first=date(2026, 12, 4)) == [
        date(2026, 12, 10),
        date(2026, 12, 24),
    ]


UNTIL = date(2027, 6, 30)
REFUSED = [
    (Pattern(Frequency.DAILY, until=date(2026, 12, 2)), Reason.EMPTY),
    (Pattern(Frequency.DAILY, count=0), Reason.EMPTY),
    (Pattern(Frequency.WEEKLY, weekdays=(2,), until=date(2026, 12, 8)), Reason.EMPTY),
    (Pattern(Frequency.DAILY, count=401), Reason.TOO_MANY),
    (Pattern(Frequency.DAILY, until=THURSDAY + timedelta(days=400)), Reason.TOO_MANY),
    (Pattern(Frequency.WEEKLY, weekdays=(3,), until=date(2028, 12, 31)), Reason.TOO_LONG),
    (Pattern(Frequency.MONTHLY, month_day=3, count=26), Reason.TOO_LONG),
    (Pattern(Frequency.DAILY, 999, count=2), Reason.TOO_LONG),
    (Pattern(Frequency.DAILY, until=date.max), Reason.TOO_MANY),
    (Pattern(Frequency.DAILY, 0, until=UNTIL), Reason.INTERVAL),
    (Pattern(Frequency.WEEKLY, 100, (3,), until=UNTIL), Reason.INTERVAL),
    (Pattern(Frequency.DAILY, weekdays=(1,), until=UNTIL), Reason.WEEKDAYS),
    (Pattern(Frequency.WEEKLY, until=UNTIL), Reason.WEEKDAYS),
    (Pattern(Frequency.WEEKLY, weekdays=(3, 3), until=UNTIL), Reason.WEEKDAYS),
    (Pattern(Frequency.WEEKLY, weekdays=(7,), until=UNTIL), Reason.WEEKDAYS),
    (Pattern(Frequency.WEEKLY, weekdays=(3,), nth=1, until=UNTIL), Reason.MONTH_DAY),
    (Pattern(Frequency.MONTHLY, until=UNTIL), Reason.MONTH_DAY),
    (Pattern(Frequency.MONTHLY, month_day=-1, until=UNTIL), Reason.MONTH_DAY),
    (Pattern(Frequency.MONTHLY, month_day=32, until=UNTIL), Reason.MONTH_DAY),
    (Pattern(Frequency.MONTHLY, month_day=3, weekdays=(3,), nth=1, until=UNTIL), Reason.MONTH_DAY),
    (Pattern(Frequency.MONTHLY, weekdays=(3, 4), nth=1, until=UNTIL), Reason.MONTH_DAY),
    (Pattern(Frequency.MONTHLY, weekdays=(3,), nth=5, until=UNTIL), Reason.MONTH_DAY),
    (Pattern(Frequency.MONTHLY, weekdays=(3,), until=UNTIL), Reason.MONTH_DAY),
    (Pattern(Frequency.DAILY), Reason.ENDING),
    (Pattern(Frequency.DAILY, until=UNTIL, count=3), Reason.ENDING),
]


@pytest.mark.parametrize(("pattern", "reason"), REFUSED)
def test_what_a_calendar_cannot_hold_is_refused_with_its_reason(pattern: Pattern, reason: Reason) -> None:
    problem = find_pattern_problem(pattern, first=THURSDAY)
    assert problem is not None
    assert problem.reason == reason
    with pytest.raises(PatternRefused) as refused:
        dates(pattern, first=THURSDAY)
    assert refused.value.problem == problem


@pytest.mark.parametrize(
    "pattern",
    [
        Pattern(Frequency.DAILY, count=400),
        Pattern(Frequency.DAILY, until=THURSDAY + timedelta(days=399)),
        Pattern(Frequency.DAILY, MAX_DAYS, count=2),
        Pattern(Frequency.MONTHLY, month_day=3, count=25),
        Pattern(Frequency.DAILY, count=1),
    ],
)
def test_the_largest_and_the_smallest_series_are_allowed(pattern: Pattern) -> None:
    assert find_pattern_problem(pattern, first=THURSDAY) is None


def test_the_end_of_the_calendar_is_no_error() -> None:
    assert dates(Pattern(Frequency.DAILY, until=date.max), first=date.max) == [date.max]
    for pattern in (
        Pattern(Frequency.WEEKLY, weekdays=(0,), count=3),
        Pattern(Frequency.MONTHLY, month_day=30, until=date.max),
    ):
        problem = find_pattern_problem(pattern, first=date.max)
        assert problem is not None
        assert problem.reason == Reason.EMPTY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "FREQ=YEARLY;COUNT=2",
        "FREQ=DAILY",
        "FREQ=DAILY;COUNT=2;UNTIL=20270630T080000Z",
        "FREQ=DAILY;UNTIL=20270630",
        "FREQ=DAILY;INTERVAL=0;COUNT=2",
        "FREQ=WEEKLY;COUNT=2",
        "FREQ=WEEKLY;BYDAY=XX;COUNT=2",
        "FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=2",
        "FREQ=MONTHLY;BYDAY=1MO,1TU;COUNT=2",
        "FREQ=DAILY;BYHOUR=9;COUNT=2",
    ],
)
def test_a_rule_of_another_kind_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        parse(text, zone=WARSAW)


def test_an_hour_of_the_day_stays_across_both_changes_of_the_clock() -> None:
    pattern = Pattern(Frequency.WEEKLY, weekdays=(3,), until=date(2027, 11, 30))
    found = dates(pattern, first=THURSDAY)
    hours = {datetime.combine(day, TEN.time(), tzinfo=WARSAW).astimezone(UTC).hour for day in found}
    assert hours == {8, 9}
    assert {(after - before).days for before, after in pairwise(found)} == {7}
