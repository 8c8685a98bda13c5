"""Forms with days and times typed by people: each that can't be read gets a sentence saying how to write it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bookings import when
from bookings.wording import long_date

T = TypeVar("T")


class TypedTimesForm(forms.Form):
    #: Fields that take a day; the others that are read take a time.
    day_fields: frozenset[str] = frozenset({"day"})

    def read(self, name: str, parse: Callable[[str], T]) -> T | None:
        """Return what stands in the field, read by `parse`, or None with an error that says what to write instead."""
        text = self.cleaned_data.get(name)
        if text is None:
            return None
        try:
            return parse(text)
        except (when.Unreadable, when.NoSuchDay, when.WrongWeekday) as mistake:
            self.add_error(name, ValidationError(mistake_text(text, mistake, is_day=name in self.day_fields)))
        return None


def mistake_text(text: str, mistake: ValueError, *, is_day: bool = True) -> str:
    """Say what to write in place of `text`, a day or a time, which `bookings.when` has refused with `mistake`."""
    if isinstance(mistake, when.NoSuchDay):
        return _("There is no %(text)s in the calendar. Check the day and the month.") % {"text": text}
    if isinstance(mistake, when.WrongWeekday):
        return _wrong_weekday(mistake)
    return _unreadable(text, is_day=is_day)


def _unreadable(text: str, *, is_day: bool) -> str:
    if is_day:
        if not text:
            return _("Say on which day: 3.12, Thu 3.12, 3.12.2026, 3 December or tomorrow.")
        shown = {"text": text[:40]}
        return _("“%(text)s” is not a day. Write 3.12, Thu 3.12, 3.12.2026, 3 December or tomorrow.") % shown
    if not text:
        return _("Say at what time: 10, 10:00 or 10.30.")
    return _("“%(text)s” is not a time. Write 10, 10:00 or 10.30.") % {"text": text[:40]}


def _wrong_weekday(wrong: when.WrongWeekday) -> str:
    said = date_format(date(2024, 1, 1 + wrong.said), "l")  # 1 January 2024 was a Monday
    # Translators: „3.12.2026 to czwartek, a nie piątek.” Both are names of weekdays.
    text = pgettext("weekday", "%(day)s is a %(weekday)s, not a %(said)s. Correct the date or leave the weekday out.")
    weekday, _comma, rest = long_date(wrong.day).partition(", ")
    names = {"day": rest, "weekday": weekday, "said": said.lower() if weekday.islower() else said}
    return text % names
