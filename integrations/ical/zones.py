"""Says in which zone a meeting is written, and writes the VTIMEZONE that goes with it.

A single meeting may stand in UTC; a series never, or it would drift by an hour at every change of clocks (C6).
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

WARSAW = "Europe/Warsaw"

_DAY = timedelta(days=1)
#: A series lasts two years at most; its block is checked for one year more at either end.
_YEARS_BEFORE, _YEARS_AFTER = 1, 4


@dataclass(frozen=True, slots=True)
class Clock:
    """The zone of a series as its calendar part says it: wall clock, TZID and VTIMEZONE agree.

    `zone`: what turns wall clock into instants exactly as a reader of `block` does.
    """

    tzid: str
    zone: tzinfo
    block: bytes

    def instant(self, local: datetime) -> datetime:
        """Return the UTC instant at which a reader of the block sees this naive wall-clock time."""
        return local.replace(tzinfo=self.zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class _Change:
    """A change of clocks that comes every year: „a Sunday of March, 2:00 by the clock before it, from +1 to +2”."""

    month: int
    weekday: int
    hour: int
    minute: int
    offset_from: timedelta
    offset_to: timedelta
    name: str


@dataclass(frozen=True, slots=True)
class _Seen:
    """A change as it came in one year, and which such weekday of its month that was, from either end."""

    change: _Change
    nth: int
    nth_last: int


@cache
def clock_of_series(time_zone: str, *, year: int) -> Clock:
    """Return how a series of this IANA zone is written whose first date is in `year`.

    Warsaw has its fixed block. Any other zone gets one of the same shape as long as its clocks change by one rule for
    summer and one for winter. A zone that changes by decree (Morocco) can't be said so that every reader
    understands it: such a series keeps the offset of January of its first year, under a name that no reader can look
    up, and each meeting at another instant is written out as an exception by whoever renders it.
    """
    if time_zone == WARSAW:
        return Clock(WARSAW, ZoneInfo(WARSAW), warsaw_vtimezone())
    zone = ZoneInfo(time_zone)
    changes = _yearly_changes(zone, year)
    if changes is None:
        offset = _offset(datetime(year, 1, 1, tzinfo=UTC), zone)
        tzid = f"Narada-{'minus' if offset < timedelta() else 'plus'}-{_shown(offset)[1:]}"
        return Clock(tzid, timezone(offset), _block(tzid, [_standing(offset, tzid)]))
    if not changes:
        now = datetime(year, 1, 1, tzinfo=UTC).astimezone(zone)
        return Clock(time_zone, zone, _block(time_zone, [_standing(_offset(now, zone), now.tzname() or time_zone)]))
    return Clock(time_zone, zone, _block(time_zone, [_changing(change, nth) for change, nth in changes]))


def in_fold(instant: datetime, zone: tzinfo) -> bool:
    """Say whether the instant falls into the hour that the autumn change repeats: two instants, one wall clock (C5)."""
    local = instant.astimezone(zone)
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


@cache
def warsaw_vtimezone() -> bytes:
    """Return the fixed VTIMEZONE of Europe/Warsaw, byte for byte (C1), with the line ends of RFC 5545."""
    text = Path(__file__).with_name("vtimezone_warsaw.ics").read_text(encoding="ascii")
    return _with_line_ends(text.splitlines())


def _yearly_changes(zone: ZoneInfo, year: int) -> list[tuple[_Change, int]] | None:
    """Return the two changes of every year with the number of their weekday; none where clocks never change.

    None where years differ, or a change can't be told by one numbered weekday of its month (C2).
    """
    years = [_changes_in(zone, each) for each in range(year - _YEARS_BEFORE, year + _YEARS_AFTER)]
    if not any(years):
        return []
    if any(len(seen) != 2 for seen in years):
        return None
    found = []
    for same in zip(*years, strict=True):
        nth = _number(same)
        if nth is None or len({seen.change for seen in same}) > 1:
            return None
        found.append((same[0].change, nth))
    return found


def _number(same: tuple[_Seen, ...]) -> int | None:
    if {seen.nth_last for seen in same} == {1}:
        return -1
    numbers = {seen.nth for seen in same}
    return numbers.pop() if len(numbers) == 1 else None


def _changes_in(zone: ZoneInfo, year: int) -> list[_Seen]:
    found = []
    at, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    while at < end:
        if _offset(at, zone) != _offset(at + _DAY, zone):
            found.append(_change_after(at, zone))
        at += _DAY
    return found


def _change_after(at: datetime, zone: ZoneInfo) -> _Seen:
    """Find the change within the day after `at`, to the minute."""
    early, late = 0, 24 * 60
    while late - early > 1:
        middle = (early + late) // 2
        if _offset(at + timedelta(minutes=middle), zone) == _offset(at, zone):
            early = middle
        else:
            late = middle
    changed = at + timedelta(minutes=late)
    before, after = _offset(at, zone), _offset(changed, zone)
    # The onset is told by the clock before it (RFC 5545 3.6.5).
    local = changed.replace(tzinfo=None) + before
    days = calendar.monthrange(local.year, local.month)[1]
    name = changed.astimezone(zone).tzname() or ""
    change = _Change(local.month, local.weekday(), local.hour, local.minute, before, after, name)
    return _Seen(change, nth=(local.day + 6) // 7, nth_last=(days - local.day) // 7 + 1)


def _block(tzid: str, parts: list[list[str]]) -> bytes:
    lines = [line for part in parts for line in part]
    return _with_line_ends(
        ["BEGIN:VTIMEZONE", f"TZID:{tzid}", f"X-LIC-LOCATION:{tzid}", *lines, "END:VTIMEZONE"],
    )


def _standing(offset: timedelta, name: str) -> list[str]:
    shown = _shown(offset)
    return [
        "BEGIN:STANDARD",
        f"TZNAME:{name}",
        f"TZOFFSETFROM:{shown}",
        f"TZOFFSETTO:{shown}",
        "DTSTART:19700101T000000",
        "END:STANDARD",
    ]


def _changing(change: _Change, nth: int) -> list[str]:
    part = "DAYLIGHT" if change.offset_to > change.offset_from else "STANDARD"
    weekday = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")[change.weekday]
    onset = datetime(1970, change.month, _day_in_1970(change, nth), change.hour, change.minute)  # noqa: DTZ001  wall clock
    return [
        f"BEGIN:{part}",
        f"TZNAME:{change.name}",
        f"TZOFFSETFROM:{_shown(change.offset_from)}",
        f"TZOFFSETTO:{_shown(change.offset_to)}",
        f"DTSTART:{onset:%Y%m%dT%H%M%S}",
        f"RRULE:FREQ=YEARLY;BYMONTH={change.month};BYDAY={nth}{weekday}",
        f"END:{part}",
    ]


def _day_in_1970(change: _Change, nth: int) -> int:
    days = calendar.monthrange(1970, change.month)[1]
    such = [day for day in range(1, days + 1) if calendar.weekday(1970, change.month, day) == change.weekday]
    return such[-1] if nth == -1 else such[nth - 1]


def _shown(offset: timedelta) -> str:
    minutes = int(offset.total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02d}{rest:02d}"


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def _with_line_ends(lines: list[str]) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode()
