"""A series in words, in the active language: the sentence that says exactly what will happen.

Polish names of days stand in the accusative everywhere („co środę”, „we wtorek i czwartek”, „w każdą ostatnią środę
miesiąca”), so each is one text to translate, and ordinals come once for days of either gender.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Protocol

from django.utils.formats import date_format
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from bookings.recurrence import Frequency, Pattern
from bookings.rules import Why
from bookings.wording import clock

_WORKING_DAYS = (0, 1, 2, 3, 4)
#: So far ahead a day is clear without its year; further on it reads like one of this month, or one that is over.
_CLEAR = timedelta(days=300)


class Meeting(Protocol):
    @property
    def has_own_time(self) -> bool: ...

    @property
    def has_own_rooms(self) -> bool: ...


class Skipped(Protocol):
    @property
    def on(self) -> date: ...

    @property
    def why(self) -> Why: ...

    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of the rule's dates become what. `meetings` counts the three kinds of own ones as well."""

    meetings: int
    skipped: Mapping[Why, int] = field(default_factory=dict)
    other_time: int = 0
    other_rooms: int = 0
    other_both: int = 0

    @classmethod
    def of(cls, meetings: Iterable[Meeting], skipped: Iterable[Skipped]) -> Tally:
        kinds = Counter((meeting.has_own_time, meeting.has_own_rooms) for meeting in meetings)
        return cls(
            meetings=kinds.total(),
            skipped=Counter(item.why for item in skipped),
            other_time=kinds[True, False],
            other_rooms=kinds[False, True],
            other_both=kinds[True, True],
        )


def sentence(pattern: Pattern, *, local_start: datetime, local_end: datetime, tally: Tally) -> str:
    """Return „co czwartek 10:00–11:00 do 30 czerwca, 28 spotkań, pomija 2 święta, w tym 1 w innej sali”.

    `local_start`, `local_end`: the first meeting by the rule, wall clock.
    """
    parts = [_span(pattern, local_start, local_end, tally)]
    parts.append(ngettext("%(count)d meeting", "%(count)d meetings", tally.meetings) % {"count": tally.meetings})
    if skipped := _skipped(tally.skipped):
        parts.append(_("leaves out %(dates)s") % {"dates": skipped})
    if changes := own_meetings(tally):
        parts.append(_("of them %(meetings)s") % {"meetings": listed(changes)})
    return ", ".join(parts)


def rhythm(pattern: Pattern) -> str:
    """Return how often: „co czwartek”, „co 2 tygodnie we wtorek i czwartek”, „w każdy ostatni piątek miesiąca”."""
    if pattern.frequency == Frequency.DAILY:
        return ngettext("every day", "every %(count)d days", pattern.interval) % {"count": pattern.interval}
    if pattern.frequency == Frequency.WEEKLY:
        return _weekly(pattern)
    return _monthly(pattern)


def own_meetings(tally: Tally) -> list[str]:
    """Return the meetings that differ: „1 w innej sali”, „2 o innej porze”."""
    kinds = [
        (tally.other_rooms, _("%(count)d in another room")),
        (tally.other_time, _("%(count)d at another time")),
        (tally.other_both, _("%(count)d in another room and at another time")),
    ]
    return [words % {"count": count} for count, words in kinds if count]


def first_and_last(first: date, last: date) -> str:
    """Return „Pierwsze 3 grudnia 2026, ostatnie 24 czerwca 2027.”"""
    if first == last:
        return _("Only on %(day)s.") % {"day": full_day(first)}
    return _("First on %(first)s, last on %(last)s.") % {"first": full_day(first), "last": full_day(last)}


def left_out(skipped: Sequence[Skipped]) -> str:
    """Return „Pominięte: 24 grudnia (Wigilia Bożego Narodzenia), 27 maja (Dzień Bożego Ciała).”, or nothing."""
    if not skipped:
        return ""
    days = [f"{day_of_year(item.on)} ({item.name})" if item.name else day_of_year(item.on) for item in skipped]
    return _("Left out: %(days)s.") % {"days": ", ".join(days)}


def short_months(pattern: Pattern) -> str:
    """Return what happens in months without the day of the rule, or nothing where every month has it."""
    if pattern.month_day is None or pattern.month_day < 29:
        return ""
    return _("Months without day %(day)d have no meeting.") % {"day": pattern.month_day}


def listed(items: Sequence[str]) -> str:
    """Join words as a sentence has them: „wtorek, środę i czwartek”."""
    if len(items) < 2:
        return "".join(items)
    values = {"before": ", ".join(items[:-1]), "last": items[-1]}
    return pgettext("end of a list", "%(before)s and %(last)s") % values


def day_of_year(day: date) -> str:
    """Return „24 grudnia”."""
    return date_format(day, pgettext("Django date format: day, month", "j E"))


def full_day(day: date) -> str:
    """Return „24 grudnia 2026”."""
    return date_format(day, pgettext("Django date format: day, month, year", "j E Y"))


def _span(pattern: Pattern, local_start: datetime, local_end: datetime, tally: Tally) -> str:
    values = {"rhythm": rhythm(pattern), "times": _times(local_start, local_end)}
    if pattern.until is not None:
        is_near = pattern.until - local_start.date() < _CLEAR
        values["day"] = day_of_year(pattern.until) if is_near else full_day(pattern.until)
        return _("%(rhythm)s %(times)s until %(day)s") % values
    count = pattern.count or 0
    if count == tally.meetings:
        return _("%(rhythm)s %(times)s") % values
    values["dates"] = ngettext("%(count)d date", "%(count)d dates", count) % {"count": count}
    return _("%(rhythm)s %(times)s, %(dates)s") % values


def _times(start: datetime, end: datetime) -> str:
    days = (end.date() - start.date()).days
    if days == 0:
        return f"{clock(start)}–{clock(end)}"
    if days == 1 and end.time() == time():
        return f"{clock(start)}–24:00"
    values = {"count": days, "start": clock(start), "end": clock(end)}
    words = ngettext("%(start)s–%(end)s the next day", "%(start)s–%(end)s %(count)d days later", days)
    return words % values


def _weekly(pattern: Pattern) -> str:
    weekdays, weeks = tuple(sorted(pattern.weekdays)), {"count": pattern.interval}
    if pattern.interval == 1 and len(weekdays) == 1:
        return _("every %(weekday)s") % {"weekday": _weekday(weekdays[0])}
    if weekdays == _WORKING_DAYS:
        days = _("from Monday to Friday")
    elif len(weekdays) == 7:
        days = _("on all days")
    else:
        days = listed([on_weekday(weekdays[0]), *map(_weekday, weekdays[1:])])
    how_often = ngettext("every week", "every %(count)d weeks", pattern.interval) % weeks
    # Translators: „co 2 tygodnie we wtorek i czwartek”
    return pgettext("how often, on which days", "%(weeks)s %(days)s") % {"weeks": how_often, "days": days}


def _monthly(pattern: Pattern) -> str:
    months = ngettext("every month", "every %(count)d months", pattern.interval) % {"count": pattern.interval}
    if pattern.month_day is not None:
        values = {"day": _ordinal(pattern.month_day), "months": months}
        if pattern.interval == 1:
            return _("on the %(day)s of the month") % values
        return _("%(months)s on the %(day)s") % values
    weekday = pattern.weekdays[0]
    named = {"nth": _nth(pattern.nth or 1, weekday), "weekday": _weekday(weekday), "months": months}
    if pattern.interval > 1:
        return _("%(months)s on the %(nth)s %(weekday)s of the month") % named
    if _is_feminine(weekday):
        # Translators: before Wednesday, Saturday and Sunday: „w każdą ostatnią środę miesiąca”
        return pgettext("Wednesday, Saturday or Sunday", "every %(nth)s %(weekday)s of the month") % named
    return pgettext("Monday, Tuesday, Thursday or Friday", "every %(nth)s %(weekday)s of the month") % named


def _is_feminine(weekday: int) -> bool:
    """Say whether the Polish name of the day is feminine: środa, sobota, niedziela."""
    return weekday in (2, 5, 6)


def _nth(nth: int, weekday: int) -> str:
    if _is_feminine(weekday):
        names = {
            1: pgettext("Wednesday, Saturday or Sunday", "first"),
            2: pgettext("Wednesday, Saturday or Sunday", "second"),
            3: pgettext("Wednesday, Saturday or Sunday", "third"),
            4: pgettext("Wednesday, Saturday or Sunday", "fourth"),
            -1: pgettext("Wednesday, Saturday or Sunday", "last"),
        }
        return names[nth]
    names = {
        1: pgettext("Monday, Tuesday, Thursday or Friday", "first"),
        2: pgettext("Monday, Tuesday, Thursday or Friday", "second"),
        3: pgettext("Monday, Tuesday, Thursday or Friday", "third"),
        4: pgettext("Monday, Tuesday, Thursday or Friday", "fourth"),
        -1: pgettext("Monday, Tuesday, Thursday or Friday", "last"),
    }
    return names[nth]


def _ordinal(day: int) -> str:
    """Return „15.” or “15th”."""
    if get_language() == "pl":
        return f"{day}."
    suffix = "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{suffix}"


def _weekday(weekday: int) -> str:
    """Return the day as it stands after „co” or inside a list: „środę”."""
    return (
        pgettext("every weekday", "Monday"),
        pgettext("every weekday", "Tuesday"),
        pgettext("every weekday", "Wednesday"),
        pgettext("every weekday", "Thursday"),
        pgettext("every weekday", "Friday"),
        pgettext("every weekday", "Saturday"),
        pgettext("every weekday", "Sunday"),
    )[weekday]


def on_weekday(weekday: int) -> str:
    """Return the day with its preposition: „w środę”, „we wtorek”."""
    return (
        _("on Monday"),
        _("on Tuesday"),
        _("on Wednesday"),
        _("on Thursday"),
        _("on Friday"),
        _("on Saturday"),
        _("on Sunday"),
    )[weekday]


def _skipped(counts: Mapping[Why, int]) -> str:
    holidays, closed = counts.get(Why.HOLIDAY, 0), counts.get(Why.CLOSURE, 0)
    chosen, cancelled = counts.get(Why.CHOSEN, 0), counts.get(Why.CANCELLED, 0)
    words = [
        (holidays, ngettext("%(count)d holiday", "%(count)d holidays", holidays)),
        (closed, ngettext("%(count)d closed day", "%(count)d closed days", closed)),
        (chosen, ngettext("%(count)d chosen date", "%(count)d chosen dates", chosen)),
        (cancelled, ngettext("%(count)d cancelled meeting", "%(count)d cancelled meetings", cancelled)),
    ]
    return listed([text % {"count": count} for count, text in words if count])
