"""Reads a VTIMEZONE and says which instant a wall clock is by its rules alone (RFC 5545 3.6.5).

Only rules that repeat every year are run, and only for the years around the question: nothing here can be made to
loop.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta

from integrations.mailbox import limits
from integrations.mailbox.reader.lines import Component, Line
from integrations.mailbox.reader.moments import Malformed, parse_moment

_OFFSET = re.compile(r"([+-])(\d\d)(\d\d)(\d\d)?")
_WEEKDAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_RULE_PARTS = {"FREQ", "INTERVAL", "BYMONTH", "BYDAY", "BYMONTHDAY", "UNTIL", "WKST"}
_MAX_OFFSET = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Yearly:
    """Comes every year from `first` (wall clock before the change) until `until` (the same), on one day of a month."""

    first: datetime
    until: datetime | None
    month: int
    #: The n-th such weekday of the month, from its end where negative; or None.
    nth: int | None
    weekday: int | None
    monthdays: tuple[int, ...]

    def onset(self, year: int) -> datetime | None:
        day = self._day(year)
        if day is None:
            return None
        at = datetime.combine(datetime(year, self.month, day), self.first.time())  # noqa: DTZ001  wall clock
        return at if at >= self.first and (self.until is None or at <= self.until) else None

    def _day(self, year: int) -> int | None:
        days = range(1, calendar.monthrange(year, self.month)[1] + 1)
        fitting = [
            day
            for day in days
            if (self.weekday is None or calendar.weekday(year, self.month, day) == self.weekday)
            and (not self.monthdays or day in self.monthdays or day - len(days) - 1 in self.monthdays)
        ]
        if self.nth is None:
            return fitting[0] if fitting else None
        place = self.nth - 1 if self.nth > 0 else self.nth
        return fitting[place] if -len(fitting) <= place < len(fitting) else None


@dataclass(frozen=True, slots=True)
class _Observance:
    """A STANDARD or DAYLIGHT: from each onset on, clocks are `offset` from UTC; before it they were `before`."""

    before: timedelta
    offset: timedelta
    rules: tuple[Yearly, ...]
    dates: tuple[datetime, ...]

    def onsets(self, year: int) -> Iterable[datetime]:
        """Yield the wall clocks, before the change, of the onsets in a year."""
        for rule in self.rules:
            if (at := rule.onset(year)) is not None:
                yield at
        yield from (at for at in self.dates if at.year == year)

    def last_onsets(self, year: int) -> Iterable[datetime]:
        """Yield all single dates, and the last onset of each rule until that year."""
        yield from self.dates
        for rule in self.rules:
            last = min(year, rule.until.year if rule.until else year)
            found = (rule.onset(each) for each in range(last, max(last - 9, 1), -1))
            yield from [at for at in found if at is not None][:1]


@dataclass(slots=True)
class FileZone:
    """A zone as its file says it is. `fault`: why it can't be used, in plain English, or nothing."""

    observances: tuple[_Observance, ...] = ()
    fault: str = ""
    _by_year: dict[int, list[tuple[datetime, timedelta, timedelta]]] = field(default_factory=dict)

    def instants(self, local: datetime) -> tuple[datetime, ...]:
        """Return as `zones` does: one instant; two of a doubled hour; in a gap that by the clock before it, then after.

        None at all where the rules say nothing.
        """
        if self.fault:
            return ()
        guesses = {local - offset for one in self.observances for offset in (one.before, one.offset)}
        right = sorted(at for at in guesses if self._offset(at) == local - at)
        if not right:
            right = self._around_gap(local)
        return tuple(at.replace(tzinfo=UTC) for at in right[:2])

    def offset_at(self, at: datetime) -> timedelta | None:
        """Return how far the clocks are from UTC at this aware instant."""
        return self._offset(at.astimezone(UTC).replace(tzinfo=None))

    def probes(self, years: Iterable[int]) -> list[datetime]:
        """Return aware instants at which any other zone would show that it is another: months, and each change."""
        second = timedelta(seconds=1)
        found = []
        for year in years:
            found += [datetime(year, month, 15, tzinfo=UTC) for month in range(1, 13)]
            for at, _before, _offset in self._changes(year):
                found += [at.replace(tzinfo=UTC) - second, at.replace(tzinfo=UTC)]
        return found

    def _around_gap(self, local: datetime) -> list[datetime]:
        for at, before, offset in self._changes(local.year):
            if at + before <= local < at + offset:
                return [local - before, local - offset]
        return []

    def _offset(self, at: datetime) -> timedelta | None:
        """Return the offset at a naive UTC instant: that of the last change before it."""
        for year in (at.year, at.year - 1):
            past = [change for change in self._changes(year) if change[0] <= at]
            if past:
                return past[-1][2]
        return self._long_ago(at)

    def _long_ago(self, at: datetime) -> timedelta | None:
        """Return the offset where neither this year nor the last had a change: rules that ended, single dates."""
        onsets = [(when - one.before, one) for one in self.observances for when in one.last_onsets(at.year)]
        past = [(when, one.offset) for when, one in onsets if when <= at]
        if past:
            return max(past)[1]
        return min((when, one.before) for when, one in onsets)[1] if onsets else None

    def _changes(self, year: int) -> list[tuple[datetime, timedelta, timedelta]]:
        """Return instant (naive UTC), offset before and after, of every change in this year, in order."""
        if year not in self._by_year:
            found = [
                (at - one.before, one.before, one.offset)
                for one in self.observances
                for at in (one.onsets(year) if MINYEAR < year < MAXYEAR else ())
            ]
            self._by_year[year] = sorted(found)
        return self._by_year[year]


def read_zone(component: Component) -> FileZone:
    """Return the zone; one that asks for too much, or says nothing, has a fault."""
    try:
        if len(component.parts) > limits.MAX_ONSETS:
            raise Malformed("it has too many parts")
        parts = tuple(_observance(part) for part in component.parts if part.name in {"STANDARD", "DAYLIGHT"})
        return FileZone(parts) if parts else FileZone(fault="its VTIMEZONE is empty")
    except Malformed as fault:
        return FileZone(fault=str(fault))


def _observance(part: Component) -> _Observance:
    begins = part.first("DTSTART")
    if begins is None:
        raise Malformed("a part of its VTIMEZONE has no DTSTART")
    first = parse_moment(begins.value, years=range(1, 2200)).local
    rules, dates = part.all("RRULE"), part.all("RDATE")
    stamps = [stamp for line in dates for stamp in line.value.split(",", limits.MAX_ONSETS + 1)]
    if len(stamps) > limits.MAX_ONSETS or len(rules) > 1:
        raise Malformed("its VTIMEZONE has too many rules or dates")
    before = _offset(part.first("TZOFFSETFROM"))
    return _Observance(
        before=before,
        offset=_offset(part.first("TZOFFSETTO")),
        rules=tuple(_yearly(line.value, first, before) for line in rules),
        dates=(first, *(parse_moment(stamp.partition("/")[0], years=range(1, 2200)).local for stamp in stamps)),
    )


def _offset(line: Line | None) -> timedelta:
    found = _OFFSET.fullmatch(line.value.strip()) if line else None
    if not found:
        raise Malformed("its VTIMEZONE has no usable offset")
    hours, minutes, seconds = int(found[2]), int(found[3]), int(found[4] or 0)
    span = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if span >= _MAX_OFFSET or minutes > 59 or seconds > 59:
        raise Malformed("its VTIMEZONE has an offset of a day or more")
    return -span if found[1] == "-" else span


def _yearly(rule: str, first: datetime, before: timedelta) -> Yearly:
    """Read `FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU` and what few others programs write."""
    parts = dict(piece.partition("=")[::2] for piece in rule.upper().replace(" ", "").split(";") if piece)
    if parts.get("FREQ") != "YEARLY" or parts.get("INTERVAL", "1") != "1" or set(parts) - _RULE_PARTS:
        raise Malformed("its VTIMEZONE has a rule that is not a plain yearly one")
    until = None
    if "UNTIL" in parts:
        ends = parse_moment(parts["UNTIL"], years=range(1, 10_000))
        # UNTIL is in UTC, onsets are wall clock before the change. Some programs write it without the Z.
        until = ends.local + before if ends.is_utc else ends.local
    day = _WEEKDAY.fullmatch(parts["BYDAY"]) if "BYDAY" in parts else None
    if "BYDAY" in parts and day is None:
        raise Malformed("its VTIMEZONE has a rule with several weekdays")
    monthdays = _numbers(parts.get("BYMONTHDAY", "" if day else str(first.day)), -31, 31)
    month = _numbers(parts.get("BYMONTH", str(first.month)), 1, 12)
    if len(month) != 1 or (day and day[1] and not 1 <= abs(int(day[1])) <= 5):
        raise Malformed("its VTIMEZONE has a rule of several months, or of a week that no month has")
    nth = int(day[1]) if day and day[1] else None
    return Yearly(first, until, month[0], nth, _WEEKDAYS.index(day[2]) if day else None, monthdays)


def _numbers(text: str, least: int, most: int) -> tuple[int, ...]:
    try:
        numbers = tuple(int(piece) for piece in text.split(",")[:40] if piece)
    except ValueError:
        raise Malformed("its VTIMEZONE has a rule that can't be read")
    if not all(least <= number <= most and number for number in numbers):
        raise Malformed("its VTIMEZONE has a rule that can't be read")
    return numbers
