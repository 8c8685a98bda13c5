"""Reads days and times as people type them, in Polish and in English. Pure: no Django, no clock of its own."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

from accounts.alphabet import folded

#: Further than anybody books, and near enough for every zone's arithmetic.
YEARS = range(2000, 2200)


class Unreadable(ValueError):
    """The text is neither a day nor a time in any of the forms that people use."""


class NoSuchDay(ValueError):
    """The text reads well and names a day that no calendar has, such as 31.11."""


class WrongWeekday(ValueError):
    """The text names a day and another weekday than that day has. `said`: 0 is Monday, as in `date.weekday()`."""

    def __init__(self, day: date, said: int) -> None:
        super().__init__(f"{day} is not weekday {said}")
        self.day = day
        self.said = said


_WEEKDAY_NAMES = (
    "pn pon poniedzialek mon monday",
    "wt wto wtorek tu tue tues tuesday",
    "sr sro sroda srode we wed weds wednesday",
    "cz czw czwartek th thu thur thurs thursday",
    "pt pia piatek fr fri friday",
    "so sb sob sobota sobote sat saturday",
    "nd ndz nie niedz niedziela niedziele su sun sunday",
)
_MONTH_NAMES = (
    "i sty styczen stycznia jan january",
    "ii lut luty lutego feb february",
    "iii mar marzec marca march",
    "iv kwi kwiecien kwietnia apr april",
    "v maj maja may",
    "vi cze czerwiec czerwca jun june",
    "vii lip lipiec lipca jul july",
    "viii sie sierpien sierpnia aug august",
    "ix wrz wrzesien wrzesnia sep sept september",
    "x paz pazdziernik pazdziernika oct october",
    "xi lis listopad listopada nov november",
    "xii gru grudzien grudnia dec december",
)
_WEEKDAYS = {name: number for number, names in enumerate(_WEEKDAY_NAMES) for name in names.split()}
_MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, start=1) for name in names.split()}
_DAYS_AHEAD = {"dzis": 0, "dzisiaj": 0, "today": 0, "jutro": 1, "tomorrow": 1, "pojutrze": 2}

_LONGEST = 60
_YEAR = r"(?:(?P<year>[0-9]{4}|[0-9]{2})(?: ?(?:r|roku))?\.?)?"
_DAY_FORMS = tuple(
    re.compile(form)
    for form in (
        r"(?P<year>[0-9]{4})[-./](?P<month>[0-9]{1,2})[-./](?P<day>[0-9]{1,2})",
        rf"(?P<day>[0-9]{{1,2}})[-./ ] ?(?P<month>[0-9]{{1,2}})(?:[-./ ] ?{_YEAR})?",
        rf"(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?\.?[- ]?(?:of )?(?P<name>[a-z]+)\.?[- ]?{_YEAR}",
        rf"(?P<name>[a-z]+)\.? ?(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?,?(?: {_YEAR})?",
    )
)
_WEEKDAY_FIRST = re.compile(r"(?:(?:w|we|on) )?(?P<weekday>[a-z]+)\.?,? ?(?P<rest>.*)")
_TIME_FORMS = tuple(
    re.compile(form)
    for form in (
        r"(?P<hour>[0-9]{1,2})(?: ?(?P<half>[ap])\.?m\.?)?",
        r"(?P<hour>[0-9]{1,2}) ?[:.,h ] ?(?P<minute>[0-9]{2})(?: ?(?P<half>[ap])\.?m\.?)?",
        r"(?P<hour>[0-9]{1,2})(?P<minute>[0-9]{2})",
    )
)
_BEFORE_TIME = re.compile(r"^(?:o |at |godz\.? ?|g\. ?)|(?: ?h)$")
_DAY_AND_TIME = re.compile(r"(?P<day>.*[^\s,]),? +(?P<time>[0-9]{1,2}(?:[:.][0-9]{2})?)")


def parse_day(text: str, *, today: date) -> date:
    """Return the day meant by „3.12”, „czw. 3.12”, “2026-12-03”, „3 grudnia”, “3 Dec”, „jutro” or „piątek”.

    Day before month, as in Poland and Britain. Without a year it is the next such day, `today` included.
    Raises: Unreadable, NoSuchDay, WrongWeekday.
    """
    plain = _plain(text)
    if plain in _DAYS_AHEAD:
        return today + timedelta(days=_DAYS_AHEAD[plain])
    weekday, rest = _split_weekday(plain)
    if weekday is None:
        return _read_day(plain, today)
    if not rest:
        return today + timedelta(days=(weekday - today.weekday()) % 7)
    day = _read_day(rest, today)
    if day.weekday() != weekday:
        raise WrongWeekday(day, weekday)
    return day


def parse_time(text: str) -> time:
    """Return the time meant by „10”, „10:00”, „10.30”, „1030”, „godz. 10” or “2 pm”.

    Raises: Unreadable, also for 24:00, which is no time of this day.
    """
    hour, minute = _read_time(_plain(text))
    if hour == 24:
        raise Unreadable(text)
    return time(hour, minute)


def parse_end(text: str, *, day: date, today: date) -> datetime:
    """Return the wall-clock end of a session on `day`: a time, „24:00” for midnight, or „pt. 4.12, 1:00”.

    Raises: Unreadable, NoSuchDay, WrongWeekday.
    """
    plain = _plain(text)
    try:
        hour, minute = _read_time(plain)
    except Unreadable:
        match = _DAY_AND_TIME.fullmatch(plain)
        if not match:
            raise
        day = parse_day(match["day"], today=today)
        hour, minute = _read_time(match["time"])
    return datetime.combine(day, time()) + timedelta(hours=hour, minutes=minute)


def _plain(text: str) -> str:
    """Return `text` without accents and capitals, blanks folded. Raises: Unreadable where there is too much of it."""
    if len(text) > _LONGEST:
        raise Unreadable(text[:_LONGEST])
    return " ".join(folded(text).replace("\u2013", "-").split())


def _split_weekday(plain: str) -> tuple[int | None, str]:
    match = _WEEKDAY_FIRST.fullmatch(plain)
    if not match or match["weekday"] not in _WEEKDAYS:
        return None, plain
    return _WEEKDAYS[match["weekday"]], match["rest"].strip()


def _read_day(plain: str, today: date) -> date:
    for form in _DAY_FORMS:
        match = form.fullmatch(plain)
        if match:
            break
    else:
        raise Unreadable(plain)
    parts = match.groupdict()
    month = _MONTHS.get(parts["name"]) if "name" in parts else int(parts["month"])
    if month is None:
        raise Unreadable(plain)
    return _to_date(parts["year"], month, int(parts["day"]), today=today)


def _to_date(year: str | None, month: int, day: int, *, today: date) -> date:
    """Return the date; without a year the next one, which for 29 February may be years ahead."""
    if year is None:
        years = range(today.year, today.year + 9)
    else:
        known = int(year) if len(year) == 4 else 2000 + int(year)
        years = range(known, known + 1)
    for candidate in years:
        try:
            found = date(candidate, month, day)
        except ValueError:
            continue
        if candidate in YEARS and (year is not None or found >= today):
            return found
    raise NoSuchDay


def _read_time(plain: str) -> tuple[int, int]:
    bare = _BEFORE_TIME.sub("", plain)
    for form in _TIME_FORMS:
        match = form.fullmatch(bare)
        if match:
            break
    else:
        raise Unreadable(plain)
    parts = match.groupdict()
    hour, minute = int(parts["hour"]), int(parts.get("minute") or 0)
    if half := parts.get("half"):
        if not 1 <= hour <= 12:
            raise Unreadable(plain)
        hour = hour % 12 + (12 if half == "p" else 0)
    if minute > 59 or hour > 24 or (hour == 24 and minute):
        raise Unreadable(plain)
    return hour, minute
