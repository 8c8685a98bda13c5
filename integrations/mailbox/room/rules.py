"""Turns the RRULE of somebody else's calendar into a pattern of ours, or says why that can't be done. Never guesses."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from bookings import recurrence
from bookings.recurrence import Frequency, Pattern, PatternRefused

_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


class Unheld(StrEnum):
    """Why a meeting can't be held as it was sent. The words are in `wording`."""

    YEARLY = "yearly"
    PATTERN = "pattern"
    ENDLESS = "endless"
    FIRST_DAY = "first_day"
    ALL_DAY = "all_day"
    ZONE = "zone"
    NO_TIME = "no_time"
    CHANGED_DATES = "changed_dates"
    #: What the reader could not make out (`ReadEvent.fault`).
    FAULT = "fault"


class NotHeld(Exception):
    def __init__(self, why: Unheld) -> None:
        super().__init__(str(why))
        self.why = why


def read_pattern(rrule: str, *, first: date, at: time, zone: ZoneInfo) -> Pattern:
    """Return the pattern of the rule. `first`, `at`: day and time of DTSTART on the wall clock of `zone`.

    Raises: NotHeld, also where DTSTART is no date of the rule, since calendars differ about that (RFC 5545 3.8.5.3).
    """
    parts = dict(piece.split("=", 1) for piece in rrule.split(";") if "=" in piece)
    frequency = parts.pop("FREQ", "")
    if frequency == "YEARLY":
        raise NotHeld(Unheld.YEARLY)
    if frequency not in set(Frequency):
        raise NotHeld(Unheld.PATTERN)
    interval = int(parts.pop("INTERVAL", "1"))
    week_start = parts.pop("WKST", "MO")
    until, count = _read_end(parts, at=at, zone=zone)
    read = {"DAILY": _read_daily, "WEEKLY": _read_weekly, "MONTHLY": _read_monthly}[frequency]
    pattern = read(parts, interval, first)
    if parts:
        raise NotHeld(Unheld.PATTERN)
    _check_week(pattern, week_start)
    pattern = Pattern(
        pattern.frequency, pattern.interval, pattern.weekdays, pattern.month_day, pattern.nth, until, count
    )
    _check_first(pattern, first)
    return pattern


def _read_end(parts: dict[str, str], *, at: time, zone: ZoneInfo) -> tuple[date | None, int | None]:
    """Return the last day or the number of dates. UNTIL is an instant: of its day only dates that began by then."""
    count, until = parts.pop("COUNT", ""), parts.pop("UNTIL", "")
    if count:
        return None, int(count)
    if not until:
        raise NotHeld(Unheld.ENDLESS)
    if "T" not in until:
        return datetime.strptime(until, "%Y%m%d").date(), None  # noqa: DTZ007  a day has no zone
    local = datetime.strptime(until.rstrip("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007  made aware below
    if until.endswith("Z"):
        local = local.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
    return (local.date() if local.time() >= at else local.date() - timedelta(days=1)), None


def _read_daily(parts: dict[str, str], interval: int, first: date) -> Pattern:
    days = parts.pop("BYDAY", "")
    if not days:
        return Pattern(Frequency.DAILY, interval)
    if interval != 1:
        raise NotHeld(Unheld.PATTERN)
    # „Every weekday”, as Thunderbird writes it: a weekly rule in other words.
    return Pattern(Frequency.WEEKLY, 1, _weekdays(days))


def _read_weekly(parts: dict[str, str], interval: int, first: date) -> Pattern:
    days = parts.pop("BYDAY", "")
    return Pattern(Frequency.WEEKLY, interval, _weekdays(days) if days else (first.weekday(),))


def _read_monthly(parts: dict[str, str], interval: int, first: date) -> Pattern:
    days, by_date, place = parts.pop("BYDAY", ""), parts.pop("BYMONTHDAY", ""), parts.pop("BYSETPOS", "")
    if days and not by_date:
        number, weekday = days[:-2], days[-2:]
        if "," in days or weekday not in _DAYS or bool(number) == bool(place):
            raise NotHeld(Unheld.PATTERN)
        # The third of all Thursdays (BYSETPOS) is the third Thursday.
        return Pattern(Frequency.MONTHLY, interval, (_DAYS.index(weekday),), nth=_number(number or place))
    if place or days:
        raise NotHeld(Unheld.PATTERN)
    return Pattern(Frequency.MONTHLY, interval, month_day=_number(by_date) if by_date else first.day)


def _weekdays(text: str) -> tuple[int, ...]:
    names = text.split(",")
    if any(name not in _DAYS for name in names):
        raise NotHeld(Unheld.PATTERN)
    return tuple(sorted({_DAYS.index(name) for name in names}))


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise NotHeld(Unheld.PATTERN)


def _check_week(pattern: Pattern, week_start: str) -> None:
    """Refuse rules whose dates depend on where the week begins, where that is not Monday."""
    if pattern.frequency != Frequency.WEEKLY or pattern.interval == 1 or week_start == "MO":
        return
    if len(pattern.weekdays) > 1 and (week_start != "SU" or 6 in pattern.weekdays):
        raise NotHeld(Unheld.PATTERN)


def _check_first(pattern: Pattern, first: date) -> None:
    try:
        dates = recurrence.dates(pattern, first=first)
    except PatternRefused as refused:
        if refused.problem.reason in {recurrence.Reason.TOO_MANY, recurrence.Reason.TOO_LONG}:
            # The judge says it with its limits.
            return
        raise NotHeld(Unheld.PATTERN)
    if dates[0] != first:
        raise NotHeld(Unheld.FIRST_DAY)
