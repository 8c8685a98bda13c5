"""A month to choose a day from: the calendar beside the date fields of the boards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from bookings.holidays import holidays_between
from bookings.views.board_filters import Filters
from bookings.views.board_tools import Places
from bookings.wording import long_date, short_date

_WEEKDAYS = 7
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """`words`: the whole date and what is special about it. `typed`: as it is written into a date field."""

    number: int
    iso: str
    typed: str
    url: str
    words: str
    is_other_month: bool
    is_off: bool
    is_today: bool
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class CalendarWeek:
    number: int
    days: tuple[CalendarDay, ...]


@require_safe
def month_show(request: HttpRequest, day: date) -> HttpResponseBase:
    """Show the month of a day, which is the one chosen. Days lead to the day board, with `?range=week` to the week.

    The filters of rooms are kept for them. Everybody who is signed in may read it: it tells of no room and no session.
    """
    today = timezone.localdate()
    places = Places(Filters.of(request.GET), today, is_week=request.GET.get("range") == "week")
    first = day.replace(day=1)
    before, after = first - timedelta(days=1), first + timedelta(days=31)
    context = {
        "heading": _month_name(first),
        "weekdays": [_weekday(n) for n in range(_WEEKDAYS)],
        "weeks": list(_weeks(day, places)),
        "previous_url": places.calendar(_same_day(day, before)),
        "next_url": places.calendar(_same_day(day, after)),
        "back_url": places.to(day),
        "is_week": places.is_week,
    }
    return render(request, "bookings/month_show.html", context)


def _month_name(day: date) -> str:
    """„grudzień 2026”, “December 2026”."""
    name = date_format(day, pgettext("Django date format: month and year", "F Y"))
    return name.lower() if get_language() == "pl" else name


def _weekday(number: int) -> tuple[str, str]:
    """Return the short and the full name; 0 is Monday."""
    day = date(2024, 1, 1 + number)  # 1 January 2024 was a Monday
    return short_date(day).split()[0], long_date(day).partition(",")[0]


def _same_day(day: date, month: date) -> date:
    """Return the day of that number in the month of `month`, or the last one it has."""
    last = (month.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return last.replace(day=min(day.day, last.day))


def _weeks(chosen: date, places: Places) -> Iterable[CalendarWeek]:
    """Yield whole weeks, from the Monday before the month begins or on its first day."""
    first = chosen.replace(day=1)
    monday = first - timedelta(days=first.weekday())
    holidays = holidays_between(monday, monday + timedelta(weeks=6), get_language() or "pl")
    while (monday.year, monday.month) <= (chosen.year, chosen.month):
        days = (monday + timedelta(days=n) for n in range(_WEEKDAYS))
        yield CalendarWeek(
            monday.isocalendar().week, tuple(_day(day, chosen, places, holidays.get(day, "")) for day in days)
        )
        monday += timedelta(weeks=1)


def _day(day: date, chosen: date, places: Places, holiday: str) -> CalendarDay:
    words = [long_date(day)]
    if day == places.today:
        words.append(_("today"))
    if holiday:
        words.append(_("public holiday: %(name)s") % {"name": holiday})
    return CalendarDay(
        number=day.day,
        iso=day.isoformat(),
        typed=f"{day:%d.%m.%Y}",
        url=places.to(day),
        words=", ".join(words),
        is_other_month=(day.year, day.month) != (chosen.year, chosen.month),
        is_off=bool(holiday) or day.weekday() >= _SATURDAY,
        is_today=day == places.today,
        is_chosen=day == chosen,
    )
