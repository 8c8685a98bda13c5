"""What is refused about a series as a whole, in words: its rule, its dates, their order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.rules import Code, Refusal
from bookings.wording.dates import long_date, short_date

_DATES_NAMED = 6


def _pattern_invalid(refusal: Refusal) -> str:
    said = _PATTERN.get(refusal.data.get("reason", ""))
    if said is None:
        return _("The series can't be repeated like that. Choose how often it repeats from the list.")
    return said() % refusal.data


_PATTERN: dict[str, Callable[[], str]] = {
    "interval": lambda: _("That is repeated too seldom: %(limit)d is the most. Repeat it more often."),
    "weekdays": lambda: _("Choose the days of the week on which the series is held."),
    "month_day": lambda: _(
        "Calendars of participants hold one day of the month, or one weekday such as the second Tuesday. Choose one of "
        "these."
    ),
    "ending": lambda: _("Say when the series ends: on a day, or after a number of dates."),
}


def _series_empty(refusal: Refusal) -> str:
    if refusal.data.get("count"):
        return _("The series has no meeting left. Write a larger number of dates, or keep a date that is left out.")
    return _("The series has no meeting left. Choose a later last day, or keep a date that is left out.")


def _series_too_many(refusal: Refusal) -> str:
    return _(
        "A series has at most %(limit)d dates. End it earlier or repeat it less often; book the rest as a second "
        "series."
    ) % {"limit": refusal.data["limit"]}


def _series_too_long(refusal: Refusal) -> str:
    until = refusal.data.get("until")
    if isinstance(until, date):
        return _("A series lasts at most two years, this one until %(day)s. Choose an earlier last day.") % {
            "day": long_date(until)
        }
    return _("A series lasts at most two years. Choose an earlier last day.")


def _dates_out_of_order(refusal: Refusal) -> str:
    return _(
        "A meeting on %(day)s does not stay clear of the one on %(other)s: each begins on a day of its own, in the "
        "order of the series, when the one before is over. Give it another time, or leave it out."
    ) % {"day": short_date(refusal.data["day"]), "other": short_date(refusal.data["other"])}


def _dates_changed(refusal: Refusal) -> str:
    added, missing = refusal.data.get("added", ()), refusal.data.get("missing", ())
    parts = [_("The dates are no longer those that you were shown.")]
    if added:
        parts.append(_("New: %(dates)s.") % {"dates": _dates(added)})
    if missing:
        parts.append(_("Without: %(dates)s.") % {"dates": _dates(missing)})
    return " ".join([*parts, _("Nothing was booked: look at them again.")])


def _dates(days: Sequence[date]) -> str:
    named = ", ".join(short_date(day) for day in days[:_DATES_NAMED])
    more = len(days) - _DATES_NAMED
    if more <= 0:
        return named
    said = ngettext("%(dates)s and %(count)d more", "%(dates)s and %(count)d more", more)
    return said % {"dates": named, "count": more}


def _date_unknown(refusal: Refusal) -> str:
    return _("The series has no such date any more. Look at its dates again.")


SERIES_SENTENCES: dict[Code, Callable[[Refusal], str]] = {
    Code.PATTERN_INVALID: _pattern_invalid,
    Code.SERIES_EMPTY: _series_empty,
    Code.SERIES_TOO_MANY: _series_too_many,
    Code.SERIES_TOO_LONG: _series_too_long,
    Code.DATES_OUT_OF_ORDER: _dates_out_of_order,
    Code.DATES_CHANGED: _dates_changed,
    Code.DATE_UNKNOWN: _date_unknown,
}
