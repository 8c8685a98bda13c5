"""Reads DATE, DATE-TIME and DURATION as RFC 5545 spells them (3.3.4, 3.3.5, 3.3.6)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from integrations.mailbox import limits

_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z)?)?", re.ASCII)
_DURATION = re.compile(
    r"\+?P(?:(?P<weeks>\d{1,3})W|(?:(?P<days>\d{1,4})D)?"
    r"(?:T(?:(?P<hours>\d{1,5})H)?(?:(?P<minutes>\d{1,6})M)?(?:(?P<seconds>\d{1,8})S)?)?)",
    re.ASCII,
)
_YEARS = range(limits.FIRST_YEAR, limits.LAST_YEAR + 1)


class Malformed(Exception):
    """A value that can't be read; what is wrong with it, in plain English."""


@dataclass(frozen=True, slots=True)
class Moment:
    """`local`: the wall clock, naive; `is_utc`: it is UTC's. `is_date`: a day without a time of day."""

    local: datetime
    is_utc: bool
    is_date: bool


@dataclass(frozen=True, slots=True)
class Span:
    """Days as the calendar counts them, and time as a clock does: a day may have 23 hours."""

    days: int
    time: timedelta


def parse_moment(text: str, *, years: range = _YEARS) -> Moment:
    """Raises: Malformed, also outside of `years`."""
    found = _MOMENT.fullmatch(text.strip().upper())
    if not found:
        raise Malformed(f"{text[:40]!r} is no date")
    year, month, day, hour, minute, second = (int(piece or 0) for piece in found.groups()[:6])
    if year not in years:
        raise Malformed(f"the year {year} is out of bounds")
    try:
        # A leap second is the last second that clocks show.
        local = datetime(year, month, day, hour, minute, min(second, 59))  # noqa: DTZ001  wall clock
    except ValueError:
        raise Malformed(f"{text[:40]!r} is no date")
    return Moment(local, is_utc=bool(found[7]), is_date=found[4] is None)


def parse_duration(text: str) -> Span:
    """Raises: Malformed, also for one that is negative or empty."""
    found = _DURATION.fullmatch(text.strip().upper())
    if not found or not any(found.groups()):
        raise Malformed(f"{text[:40]!r} is no duration")
    numbers = {name: int(value or 0) for name, value in found.groupdict().items()}
    time = timedelta(hours=numbers["hours"], minutes=numbers["minutes"], seconds=numbers["seconds"])
    return Span(numbers["weeks"] * 7 + numbers["days"], time)
