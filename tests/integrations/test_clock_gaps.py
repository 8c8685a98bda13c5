"""Weeks in which two countries' clocks are not as far apart as usual, held against a count of single days."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.clock_gaps import Gap, unusual_gap

WARSAW = ZoneInfo("Europe/Warsaw")
ZONES = [
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Jerusalem",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Australia/Sydney",
    "Africa/Casablanca",
    "Europe/Helsinki",
    "Europe/Kyiv",
    "Europe/London",
    "Europe/Moscow",
    "Pacific/Auckland",
    "UTC",
]


def gap(at: datetime, zone: ZoneInfo) -> timedelta:
    here, there = at.astimezone(zone).utcoffset(), at.astimezone(WARSAW).utcoffset()
    assert here is not None
    assert there is not None
    return here - there


@pytest.mark.parametrize(
    ("day", "zone", "expected"),
    [
        # America changes its clocks two or three weeks before Europe does, and one week after it.
        ((2027, 3, 16), "America/New_York", Gap(timedelta(hours=-5), timedelta(hours=-6))),
        ((2026, 10, 28), "America/New_York", Gap(timedelta(hours=-5), timedelta(hours=-6))),
        ((2027, 3, 30), "America/New_York", None),
        ((2026, 11, 24), "America/New_York", None),
        ((2027, 3, 27), "Asia/Jerusalem", Gap(timedelta(hours=2), timedelta(hours=1))),
        # Where clocks are never changed, summer is as usual as winter.
        ((2026, 7, 1), "Asia/Tokyo", None),
        ((2026, 12, 1), "Asia/Tokyo", None),
        ((2027, 3, 16), "Europe/Helsinki", None),
        ((2027, 3, 16), "Europe/Warsaw", None),
    ],
)
def test_weeks_between_two_changes_of_clocks_are_found(
    day: tuple[int, int, int], zone: str, expected: Gap | None
) -> None:
    assert unusual_gap(datetime(*day, 12, tzinfo=UTC), zone=ZoneInfo(zone), office_zone=WARSAW) == expected


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 730 * 24), st.sampled_from(ZONES))
def test_it_agrees_with_a_count_of_days(hours: int, zone_name: str) -> None:
    at, zone = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours), ZoneInfo(zone_name)
    days = Counter(gap(at + timedelta(days=day), zone) for day in range(-182, 183))
    now, share = gap(at, zone), days[gap(at, zone)] / days.total()
    found = unusual_gap(at, zone=zone, office_zone=WARSAW)
    if found is not None:
        assert found == Gap(now, days.most_common(1)[0][0])
        assert share < 0.2
    elif share < 0.1:
        # Rare, and not named: only a gap that is the usual one would do.
        assert now == days.most_common(1)[0][0]
