"""The questions of the booking form about how a session repeats, with what is answered so far."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.translation import ngettext, pgettext

from bookings import when
from bookings.forms import BookingForm
from bookings.recurrence import Frequency, Pattern
from bookings.series_form import EVERY
from bookings.series_words import rhythm

_MOST = {Frequency.DAILY: 14, Frequency.WEEKLY: 12, Frequency.MONTHLY: 12}


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str
    is_chosen: bool
    #: In full, where the label is short.
    name: str = ""


@dataclass(frozen=True, slots=True)
class Every:
    """The choice of every how many days, weeks or months."""

    field: str
    frequency: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    choices: tuple[Choice, ...]
    every: tuple[Every, ...]
    weekdays: tuple[Choice, ...]
    weekday_of: str
    monthly: tuple[Choice, ...]
    ending: str
    #: The last day or the number of dates is there, whether or not it can be read.
    has_ending: bool

    @property
    def ticked(self) -> str:
        return "".join(choice.value for choice in self.weekdays if choice.is_chosen)


def questions(form: BookingForm) -> Repeat:
    form.is_valid()
    day = _day(form)
    data = form.data
    repeat = str(data.get("repeat") or "no")
    names = [
        ("no", pgettext("how often a session repeats", "Once")),
        ("daily", pgettext("how often a session repeats", "Daily")),
        ("weekly", pgettext("how often a session repeats", "Weekly")),
        ("monthly", pgettext("how often a session repeats", "Monthly")),
    ]
    if repeat not in dict(names):
        repeat = "no"
    ticked = form.weekdays(day)
    ending = "count" if data.get("ending") == "count" else "until"
    return Repeat(
        choices=tuple(Choice(value, label, value == repeat) for value, label in names),
        every=tuple(_every(frequency, str(data.get(field) or "1")) for frequency, field in EVERY.items()),
        weekdays=tuple(Choice(str(n), str(WEEKDAYS_ABBR[n]), n in ticked, str(WEEKDAYS[n])) for n in range(7)),
        weekday_of=str(day.weekday()),
        monthly=_monthly(day, str(data.get("monthly") or "date")),
        ending=ending,
        has_ending=bool(str(data.get(ending) or "").strip()),
    )


def _day(form: BookingForm) -> date:
    with suppress(ValueError):
        return when.parse_day(str(form.data.get("day", "")), today=form.today)
    return form.today


def _every(frequency: Frequency, chosen: str) -> Every:
    numbers = list(range(1, _MOST[frequency] + 1))
    if chosen.isascii() and chosen.isdigit() and len(chosen) < 4 and int(chosen) not in numbers and int(chosen):
        numbers.append(int(chosen))
    choices = tuple(Choice(str(n), _every_label(frequency, n), str(n) == chosen) for n in numbers)
    return Every(EVERY[frequency], frequency.lower(), choices)


def _every_label(frequency: Frequency, count: int) -> str:
    words = {
        Frequency.DAILY: ngettext("every day", "every %(count)d days", count),
        Frequency.WEEKLY: ngettext("every week", "every %(count)d weeks", count),
        Frequency.MONTHLY: ngettext("every month", "every %(count)d months", count),
    }
    return words[frequency] % {"count": count}


def _monthly(day: date, chosen: str) -> tuple[Choice, ...]:
    """Return by date, by the place of the weekday, and by the last one where the day is in the last week."""
    nth, weekdays = (day.day - 1) // 7 + 1, (day.weekday(),)
    patterns = {"date": Pattern(Frequency.MONTHLY, month_day=day.day)}
    if nth < 5:
        patterns["nth"] = Pattern(Frequency.MONTHLY, weekdays=weekdays, nth=nth)
    patterns["last"] = Pattern(Frequency.MONTHLY, weekdays=weekdays, nth=-1)
    if chosen not in patterns:
        chosen = "last" if chosen == "nth" else "date"
    return tuple(Choice(value, rhythm(pattern), value == chosen) for value, pattern in patterns.items())
