"""The rules that need no database: texts, addresses, and wall-clock times around the changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings import rules
from bookings.rules import BookingRequest, Code, Limits
from rooms.interval import Interval

WARSAW = ZoneInfo("Europe/Warsaw")
LIMITS = Limits(max_participants=200, max_duration=timedelta(hours=12), horizon=timedelta(days=730))


def request(start: datetime, end: datetime, **fields: object) -> BookingRequest:
    return BookingRequest(
        title=str(fields.pop("title", "Narada")),
        local_start=start,
        local_end=end,
        time_zone="Europe/Warsaw",
        organizer_id=1,
    )


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        (datetime(2026, 11, 24, 10), datetime(2026, 11, 24, 9, tzinfo=UTC)),
        (datetime(2026, 7, 1, 10), datetime(2026, 7, 1, 8, tzinfo=UTC)),
        # 28 March 2027: clocks go from 2:00 to 3:00.
        (datetime(2027, 3, 28, 1, 59), datetime(2027, 3, 28, 0, 59, tzinfo=UTC)),
        (datetime(2027, 3, 28, 2, 0), Code.NO_SUCH_TIME),
        (datetime(2027, 3, 28, 2, 30), Code.NO_SUCH_TIME),
        (datetime(2027, 3, 28, 2, 59), Code.NO_SUCH_TIME),
        (datetime(2027, 3, 28, 3, 0), datetime(2027, 3, 28, 1, 0, tzinfo=UTC)),
        # 25 October 2026: clocks go from 3:00 to 2:00.
        (datetime(2026, 10, 25, 1, 59), datetime(2026, 10, 24, 23, 59, tzinfo=UTC)),
        (datetime(2026, 10, 25, 2, 0), Code.TWICE_THAT_TIME),
        (datetime(2026, 10, 25, 2, 59), Code.TWICE_THAT_TIME),
        (datetime(2026, 10, 25, 3, 0), datetime(2026, 10, 25, 2, 0, tzinfo=UTC)),
        (datetime(2026, 12, 31, 23, 45), datetime(2026, 12, 31, 22, 45, tzinfo=UTC)),
    ],
)
def test_to_instant(local: datetime, expected: datetime | Code) -> None:
    assert rules.to_instant(local, WARSAW) == expected


@given(st.datetimes(datetime(2024, 1, 1), datetime(2040, 1, 1)).map(lambda at: at.replace(second=0, microsecond=0)))
def test_to_instant_agrees_with_a_search_through_all_instants(local: datetime) -> None:
    """The naive way: try every offset that Warsaw has and see which instants read as this wall clock."""
    readings = {
        instant
        for hours in (1, 2)
        if (instant := (local - timedelta(hours=hours)).replace(tzinfo=UTC)).astimezone(WARSAW).replace(tzinfo=None)
        == local
    }
    expected = {0: Code.NO_SUCH_TIME, 2: Code.TWICE_THAT_TIME}.get(len(readings)) or readings.pop()
    assert rules.to_instant(local, WARSAW) == expected


def test_both_ends_are_refused_when_neither_exists() -> None:
    interval, refusals = rules.find_interval(request(datetime(2027, 3, 28, 2, 5), datetime(2027, 3, 28, 2, 30)))
    assert interval is None
    assert [(refusal.code, refusal.form_field) for refusal in refusals] == [
        (Code.NO_SUCH_TIME, "start"),
        (Code.NO_SUCH_TIME, "end"),
    ]


@pytest.mark.parametrize("minutes", [0, -1, -600])
def test_end_that_is_not_after_the_start_is_refused(minutes: int) -> None:
    start = datetime(2026, 11, 24, 10)
    interval, (refusal,) = rules.find_interval(request(start, start + timedelta(minutes=minutes)))
    assert (interval, refusal.code, refusal.form_field) == (None, Code.ENDS_BEFORE_START, "end")


def test_session_over_the_spring_change_is_an_hour_shorter_than_its_clock() -> None:
    interval, refusals = rules.find_interval(request(datetime(2027, 3, 28, 1), datetime(2027, 3, 28, 4)))
    assert refusals == []
    assert interval is not None
    assert interval.duration == timedelta(hours=2)


NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("begins", "minutes", "expected"),
    [
        (timedelta(0), 60, []),
        (timedelta(seconds=-1), 60, [Code.IN_PAST]),
        (timedelta(hours=-2), 60, [Code.IN_PAST]),
        (timedelta(hours=1), 12 * 60, []),
        (timedelta(hours=1), 12 * 60 + 1, [Code.TOO_LONG]),
        (timedelta(days=730), 60, []),
        (timedelta(days=730, minutes=1), 60, [Code.TOO_FAR]),
    ],
)
def test_find_time_refusals(begins: timedelta, minutes: int, expected: list[Code]) -> None:
    interval = Interval(NOW + begins, NOW + begins + timedelta(minutes=minutes))
    assert [refusal.code for refusal in rules.find_time_refusals(interval, now=NOW, limits=LIMITS)] == expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Narada", []),
        ("  ", [Code.TITLE_MISSING]),
        ("\x00\n\u202e", [Code.TITLE_MISSING]),
        ("x" * 200, []),
        ("x" * 10_000, [Code.TITLE_TOO_LONG]),
        ("BEGIN:VEVENT", []),
    ],
)
def test_titles(title: str, expected: list[Code]) -> None:
    start = datetime(2026, 11, 24, 10)
    found = rules.find_text_refusals(request(start, start + timedelta(hours=1), title=title))
    assert [refusal.code for refusal in found] == expected


@given(st.text())
def test_clean_line_leaves_no_way_to_break_a_line(text: str) -> None:
    cleaned = rules.clean_line(text)
    assert cleaned.splitlines() in ([], [cleaned])
    assert rules.clean_line(cleaned) == cleaned
    assert not set(cleaned) & set("\r\n\x00\u2028\u2029\u202e")


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("wideo@mazowiecki.example", True),
        ("Jan.Kowalski+narada@udsc.gov.pl", True),
        ("żółw@x.example", False),
        ("o'neill/x=y@x.example", True),
        ("root@localhost", True),
        ("", False),
        ("jan", False),
        ("jan@", False),
        ("@x.example", False),
        ("jan@x..example", False),
        (".jan@x.example", False),
        ("jan@x.example\nBcc: all@x.example", False),
        ("jan@x.example\r\n", False),
        ("jan @x.example", False),
        ("a@b@c.example", False),
        ('"jan kowalski"@x.example', False),
        ("jan@x.example,ola@x.example", False),
        ("<jan@x.example>", False),
        ("j" * 65 + "@x.example", False),
        ("jan@" + "x" * 250 + ".pl", False),
        ("jan@x\x00.example", False),
    ],
)
def test_is_address(address: str, good: bool) -> None:
    assert rules.is_address(address) is good
