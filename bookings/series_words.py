"""A series in words, in the active language: the sentence that says exactly what will happen.

Polish names of days stand in the accusative everywhere („co środę”, „we wtorek i czwartek”, „w każdą ostatnią środę
miesiąca”), so each is one text to translate, and ordinals come once for days of either gender.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta

from django.utils.formats import date_format
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from bookings.recurrence import Frequency, Pattern
from bookings.rules import Why
from bookings.series_tally import Difference, Rooms, Skipped, Tally, Time
from bookings.wording import clock

_WORKING_DAYS = (0, 1, 2, 3, 4)
#: So far ahead a day is clear without its year; further on it reads like one of this month, or one that is over.
_CLEAR = timedelta(days=300)


def sentence(pattern: Pattern, *, local_start: datetime, local_end: datetime, tally: Tally) -> str:
    """Return „co czwartek 10:00–11:00 do 30 czerwca, 28 spotkań, w tym 1 w innej sali; pomija 2 święta”.

    `local_start`, `local_end`: the first meeting by the rule, wall clock.
    """
    parts = [_span(pattern, local_start, local_end, tally)]
    parts.append(ngettext("%(count)d meeting", "%(count)d meetings", tally.meetings) % {"count": tally.meetings})
    changes = own_meetings(tally)
    if changes:
        # Translators: after „28 spotkań”: „w tym 1 w innej sali i 2 o innej porze”
        parts.append(pgettext("meetings of a series", "including %(meetings)s") % {"meetings": listed(changes)})
    text = ", ".join(parts)
    skipped = _skipped(tally.skipped)
    if not skipped:
        return text
    # What is left out is said of the series, not of the meetings that differ.
    return ("; " if changes else ", ").join([text, _("leaves out %(dates)s") % {"dates": skipped}])


def rhythm(pattern: Pattern) -> str:
    """Return how often: „co czwartek”, „co 2 tygodnie we wtorek i czwartek”, „w każdy ostatni piątek miesiąca”."""
    if pattern.frequency == Frequency.DAILY:
        return ngettext("every day", "every %(count)d days", pattern.interval) % {"count": pattern.interval}
    if pattern.frequency == Frequency.WEEKLY:
        return _weekly(pattern)
    return _monthly(pattern)


def own_meetings(tally: Tally) -> list[str]:
    """Return the meetings that differ: „1 w innej sali”, „2 o innej porze”."""
    return [
        # Translators: „1 w innej sali i o innej porze”
        pgettext("meetings of a series", "%(count)d %(how)s") % {"count": count, "how": difference(kind)}
        for kind, count in sorted(tally.own.items())
    ]


def difference(kind: Difference) -> str:
    """Return „w innej sali i o innej porze”."""
    parts = [room_difference(kind.rooms), _time_difference(kind.time)]
    return listed([part for part in parts if part])


def room_difference(rooms: Rooms) -> str:
    """Return „w innej sali” only where another room is taken, or „bez jednej z sal”."""
    words = {
        Rooms.AS_USUAL: "",
        Rooms.ANOTHER: pgettext("meeting of a series", "in another room"),
        Rooms.ONE_LESS: pgettext("meeting of a series", "without one of the rooms"),
        Rooms.SOME_LESS: pgettext("meeting of a series", "without some of the rooms"),
        Rooms.NONE: pgettext("meeting of a series", "without a room"),
        Rooms.MORE: pgettext("meeting of a series", "with more rooms"),
        Rooms.IN_OTHER_ORDER: pgettext("meeting of a series", "with the rooms in another order"),
    }
    return words[rooms]


def _time_difference(kind: Time) -> str:
    words = {
        Time.AS_USUAL: "",
        Time.ANOTHER_HOUR: pgettext("meeting of a series", "at another hour"),
        Time.ANOTHER_DAY: pgettext("meeting of a series", "on another day"),
    }
    return words[kind]


def first_and_last(first: date, last: date) -> str:
    """Return „Pierwsze 3 grudnia 2026, ostatnie 24 czerwca 2027.”"""
    if first == last:
        return _("Only on %(day)s.") % {"day": full_day(first)}
    return _("First on %(first)s, last on %(last)s.") % {"first": full_day(first), "last": full_day(last)}


def left_out(skipped: Sequence[Skipped]) -> str:
    """Return „Pominięte: 24 grudnia (Wigilia Bożego Narodzenia), 27 maja (Dzień Bożego Ciała).”, or nothing.

    Of weekdays on which the sites never open the number says enough.
    """
    named = [item for item in skipped if item.why != Why.WEEKDAY]
    if not named:
        return ""
    days = [f"{day_of_year(item.on)} ({item.name})" if item.name else day_of_year(item.on) for item in named]
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
    weekdays = counts.get(Why.WEEKDAY, 0)
    chosen, cancelled = counts.get(Why.CHOSEN, 0), counts.get(Why.CANCELLED, 0)
    words = [
        (holidays, ngettext("%(count)d holiday", "%(count)d holidays", holidays)),
        (weekdays, ngettext("%(count)d non-working day", "%(count)d non-working days", weekdays)),
        (closed, ngettext("%(count)d closed day", "%(count)d closed days", closed)),
        (chosen, ngettext("%(count)d chosen date", "%(count)d chosen dates", chosen)),
        (cancelled, ngettext("%(count)d cancelled meeting", "%(count)d cancelled meetings", cancelled)),
    ]
    return listed([text % {"count": count} for count, text in words if count])
