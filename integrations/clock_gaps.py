"""Finds the weeks in which two countries' clocks are not as far apart as usual, since they change on other days."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_WEEKS = 26
#: More of the year than this is no exception: where clocks are never changed, half of it is as usual as the other.
_RARE = 0.15


@dataclass(frozen=True, slots=True)
class Gap:
    """How far the clock of `zone` is ahead of the office's: just then, and in most of the year; negative: behind."""

    now: timedelta
    usual: timedelta


def unusual_gap(at: datetime, *, zone: ZoneInfo, office_zone: ZoneInfo) -> Gap | None:
    """Return the gap at this instant (aware) where it is rare within the half year before and after; else None."""
    if zone.key == office_zone.key:
        return None
    day = datetime(at.year, at.month, at.day, at.hour, tzinfo=at.tzinfo)
    return _find(day.astimezone(UTC), zone, office_zone)


@lru_cache(maxsize=512)
def _find(at: datetime, zone: ZoneInfo, office_zone: ZoneInfo) -> Gap | None:
    now = _gap(at, zone, office_zone)
    found = Counter(_gap(at + timedelta(weeks=week), zone, office_zone) for week in range(-_WEEKS, _WEEKS + 1))
    [(usual, _times)] = found.most_common(1)
    is_rare = found[now] <= _RARE * found.total()
    return Gap(now, usual) if usual != now and is_rare else None


def _gap(at: datetime, zone: ZoneInfo, office_zone: ZoneInfo) -> timedelta:
    here, there = at.astimezone(zone).utcoffset(), at.astimezone(office_zone).utcoffset()
    assert here is not None
    assert there is not None
    return here - there
