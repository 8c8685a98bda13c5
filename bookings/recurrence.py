"""Recurrence: rules that Outlook can hold, and the dates that they give. Pure: no Django, no clock of its own."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from itertools import count as counting
from typing import Any
from zoneinfo import ZoneInfo

MAX_OCCURRENCES = 400
MAX_DAYS = 731

_LAST_ORDINAL = date.max.toordinal()
_NAMES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_NAME = f"(?:{'|'.join(_NAMES)})"
_RULE = re.compile(
    r"FREQ=(?P<frequency>DAILY|WEEKLY|MONTHLY)(;INTERVAL=(?P<interval>\d{1,3}))?"
    rf"(;BYMONTHDAY=(?P<month_day>\d{{1,2}}))?(;BYDAY=(?P<nth>-1|[1-4])?(?P<weekdays>{_NAME}(,{_NAME}){{0,6}}))?"
    r"(;WKST=MO)?(;UNTIL=(?P<until>\d{8}T\d{6})Z|;COUNT=(?P<count>\d{1,3}))",
    re.ASCII,
)


class Frequency(StrEnum):
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"


#: The longest interval that Outlook's own dialog takes.
MAX_INTERVAL = {Frequency.DAILY: 999, Frequency.WEEKLY: 99, Frequency.MONTHLY: 99}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A recurrence rule within what Outlook can hold (calendar-mail.md D1).

    `interval`: every n-th day, week or month. WEEKLY: `weekdays`, 0 is Monday, at least one. MONTHLY: either
    `month_day` (1 to 31; months without it have no meeting) or `nth` (1 to 4, or -1 for the last) of the one weekday in
    `weekdays`.
    Exactly one of `until` (last day, included) and `count` (dates of the rule, those without a meeting included).
    """

    frequency: Frequency
    interval: int = 1
    weekdays: tuple[int, ...] = ()
    month_day: int | None = None
    nth: int | None = None
    until: date | None = None
    count: int | None = None


class Reason(StrEnum):
    """Why a pattern is refused. The first three are about the dates, the others about the rule itself."""

    EMPTY = "empty"
    TOO_MANY = "too_many"
    TOO_LONG = "too_long"
    INTERVAL = "interval"
    WEEKDAYS = "weekdays"
    #: Not one day of the month, and not one numbered weekday: lists of them are what Outlook can't hold.
    MONTH_DAY = "month_day"
    ENDING = "ending"


@dataclass(frozen=True, slots=True)
class PatternProblem:
    """What can't be expressed, and why. `data`: figures for the sentence (`limit`, `count`, `until`)."""

    reason: Reason
    data: dict[str, Any] = field(default_factory=dict)


class PatternRefused(ValueError):
    def __init__(self, problem: PatternProblem) -> None:
        super().__init__(problem.reason)
        self.problem = problem


def find_pattern_problem(pattern: Pattern, *, first: date) -> PatternProblem | None:
    """Return the first thing that keeps `pattern` from being a series that starts on or after `first`, or None."""
    return _find_rule_problem(pattern) or _expand(pattern, first)[1]


def dates(pattern: Pattern, *, first: date) -> list[date]:
    """Return the dates of the rule, rising; the first is DTSTART: the first day from `first` on that the rule names.

    Intervals are counted from DTSTART, weeks start on Monday (RFC 5545 3.3.10 with WKST=MO), so the dates are the same
    whether `first` is DTSTART itself or a day shortly before it.

    Raises: PatternRefused
    """
    problem = _find_rule_problem(pattern)
    if problem is None:
        found, problem = _expand(pattern, first)
        if problem is None:
            return found
    raise PatternRefused(problem)


def rrule(pattern: Pattern, *, first: date, local_start: datetime, zone: ZoneInfo) -> str:
    """Return the rule as iCalendar has it, „FREQ=WEEKLY;INTERVAL=2;BYDAY=TH;WKST=MO;UNTIL=20270624T080000Z”.

    UNTIL is the start of the last date in UTC, by the rules of `zone` on that day (RFC 5545 3.3.10). Of `local_start`
    only the time of day counts.

    Raises: PatternRefused
    """
    parts = [f"FREQ={pattern.frequency}"]
    if pattern.interval > 1:
        parts.append(f"INTERVAL={pattern.interval}")
    if pattern.month_day is not None:
        parts.append(f"BYMONTHDAY={pattern.month_day}")
    if pattern.weekdays:
        names = ",".join(_NAMES[weekday] for weekday in sorted(pattern.weekdays))
        parts.append(f"BYDAY={pattern.nth or ''}{names}")
    if pattern.frequency == Frequency.WEEKLY and pattern.interval > 1:
        parts.append("WKST=MO")
    last = dates(pattern, first=first)[-1]
    if pattern.count is not None:
        parts.append(f"COUNT={pattern.count}")
    else:
        starts = datetime.combine(last, local_start.time(), tzinfo=zone).astimezone(UTC)
        parts.append(f"UNTIL={starts:%Y%m%dT%H%M%SZ}")
    return ";".join(parts)


def parse(text: str, *, zone: ZoneInfo) -> Pattern:
    """Return the pattern of a rule that `rrule` wrote; its `until` is the last date.

    Raises: ValueError where the text is no such rule.
    """
    match = _RULE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    until, limit = match["until"], match["count"]
    pattern = Pattern(
        frequency=Frequency(match["frequency"]),
        interval=int(match["interval"] or 1),
        weekdays=tuple(_NAMES.index(name) for name in (match["weekdays"] or "").split(",") if name),
        month_day=int(match["month_day"]) if match["month_day"] else None,
        nth=int(match["nth"]) if match["nth"] else None,
        until=datetime.strptime(until, "%Y%m%dT%H%M%S").replace(tzinfo=UTC).astimezone(zone).date() if until else None,
        count=int(limit) if limit else None,
    )
    if _find_rule_problem(pattern):
        raise ValueError(text)
    return pattern


def cut(pattern: Pattern, *, before: date, first: date) -> Pattern:
    """Return the part of the rule before a day: the same rule until its last date there (calendar-mail.md D7).

    Raises: PatternRefused, with EMPTY where no date is left.
    """
    whole = dates(pattern, first=first)
    kept = bisect_left(whole, before)
    if not kept:
        raise PatternRefused(PatternProblem(Reason.EMPTY))
    return replace(pattern, until=whole[kept - 1], count=None)


def rest(pattern: Pattern, *, since: date, first: date) -> Pattern:
    """Return the part of the rule from a day on. Its DTSTART is the first date of the whole rule from `since` on.

    Raises: PatternRefused, with EMPTY where no date is left.
    """
    whole = dates(pattern, first=first)
    left = len(whole) - bisect_left(whole, since)
    if not left:
        raise PatternRefused(PatternProblem(Reason.EMPTY))
    return pattern if pattern.count is None else replace(pattern, count=left)


def _find_rule_problem(pattern: Pattern) -> PatternProblem | None:
    limit = MAX_INTERVAL[pattern.frequency]
    if not 1 <= pattern.interval <= limit:
        return PatternProblem(Reason.INTERVAL, {"limit": limit})
    return _find_day_problem(pattern) or _find_ending_problem(pattern)


def _find_day_problem(pattern: Pattern) -> PatternProblem | None:
    weekdays, by_date, nth = pattern.weekdays, pattern.month_day, pattern.nth
    if len(set(weekdays)) < len(weekdays) or not all(0 <= weekday <= 6 for weekday in weekdays):
        return PatternProblem(Reason.WEEKDAYS)
    if pattern.frequency == Frequency.MONTHLY:
        is_date = by_date is not None and 1 <= by_date <= 31 and nth is None and not weekdays
        is_weekday = by_date is None and nth in (1, 2, 3, 4, -1) and len(weekdays) == 1
        return None if is_date or is_weekday else PatternProblem(Reason.MONTH_DAY)
    if by_date is not None or nth is not None:
        return PatternProblem(Reason.MONTH_DAY)
    if bool(weekdays) != (pattern.frequency == Frequency.WEEKLY):
        return PatternProblem(Reason.WEEKDAYS)
    return None


def _find_ending_problem(pattern: Pattern) -> PatternProblem | None:
    if (pattern.until is None) == (pattern.count is None):
        return PatternProblem(Reason.ENDING)
    if pattern.count is not None and pattern.count < 1:
        return PatternProblem(Reason.EMPTY)
    if pattern.count is not None and pattern.count > MAX_OCCURRENCES:
        return PatternProblem(Reason.TOO_MANY, {"limit": MAX_OCCURRENCES, "count": pattern.count})
    return None


def _expand(pattern: Pattern, first: date) -> tuple[list[date], PatternProblem | None]:
    """Return the dates of a sound rule, and what is wrong with them."""
    until = _LAST_ORDINAL if pattern.until is None else pattern.until.toordinal()
    wanted = pattern.count or MAX_OCCURRENCES + 1
    found: list[int] = []
    horizon = 0
    for day in _endless(pattern, first.toordinal()):
        if day > until or day > _LAST_ORDINAL:
            break
        if not found:
            horizon = day + MAX_DAYS
        elif day > horizon:
            data = {"limit": MAX_DAYS, "until": date.fromordinal(min(horizon, _LAST_ORDINAL))}
            return [], PatternProblem(Reason.TOO_LONG, data)
        found.append(day)
        if len(found) == wanted:
            break
    if not found:
        return [], PatternProblem(Reason.EMPTY, {"until": pattern.until})
    if len(found) > MAX_OCCURRENCES:
        return [], PatternProblem(Reason.TOO_MANY, {"limit": MAX_OCCURRENCES})
    return list(map(date.fromordinal, found)), None


def _endless(pattern: Pattern, first: int) -> Iterator[int]:
    """Yield the days of a sound rule as ordinals from `first` on, without an end."""
    if pattern.frequency == Frequency.DAILY:
        return counting(first, pattern.interval)
    if pattern.frequency == Frequency.WEEKLY:
        return _weekly(sorted(pattern.weekdays), pattern.interval, first)
    return _monthly(pattern, first)


def _weekly(weekdays: list[int], interval: int, first: int) -> Iterator[int]:
    today = (first - 1) % 7  # day 1 of the calendar was a Monday
    monday = first - today
    ahead = [weekday for weekday in weekdays if weekday >= today]
    if not ahead:
        monday, ahead = monday + 7, weekdays
    for weekday in ahead:
        yield monday + weekday
    for week in counting(monday + 7 * interval, 7 * interval):
        for weekday in weekdays:
            yield week + weekday


def _monthly(pattern: Pattern, first: int) -> Iterator[int]:
    start = date.fromordinal(first)
    month = start.year * 12 + start.month - 1
    step = 1  # until DTSTART is found
    while month < (date.max.year + 1) * 12:
        day = _day_in_month(pattern, month)
        if day is not None and day >= first:
            yield day
            step = pattern.interval
        month += step


def _day_in_month(pattern: Pattern, month: int) -> int | None:
    """Return the day that the rule names in a month counted from year 0, as an ordinal, or None if it has none."""
    start = date(month // 12, month % 12 + 1, 1).toordinal()
    following = _LAST_ORDINAL + 1 if month == 12 * date.max.year + 11 else _month_after(month)
    if pattern.month_day is not None:
        day = start + pattern.month_day - 1
        return day if day < following else None
    weekday = pattern.weekdays[0]
    if pattern.nth == -1:
        last = following - 1
        return last - (last - 1 - weekday) % 7
    return start + (weekday - start + 1) % 7 + 7 * ((pattern.nth or 1) - 1)


def _month_after(month: int) -> int:
    return date((month + 1) // 12, (month + 1) % 12 + 1, 1).toordinal()
