"""The part of the booking form about a series: how it repeats, until when, and what was decided about its dates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bookings import recurrence, when
from bookings.recurrence import Frequency, Pattern, PatternRefused
from bookings.rules import BookingRequest, Decision, Scope, Series
from bookings.typed_times import TypedTimesForm

#: The field for each frequency that says every how many days, weeks or months.
EVERY = {Frequency.DAILY: "every_day", Frequency.WEEKLY: "every_week", Frequency.MONTHLY: "every_month"}
#: What a date of the series that needs a decision sends, „choice-2026-12-10”.
CHOICE = "choice-"
_MOST = 2 * recurrence.MAX_OCCURRENCES
_LONGEST = 2_000


class ListField(forms.Field):
    """Any number of short texts, each once."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Iterable[str] | None) -> tuple[str, ...]:
        return tuple(dict.fromkeys(list(value or ())[:_MOST]))


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen for a date that could not be held as the series has it.

    `rooms`: which room another one replaces, 0 where none does. `start`, `end`: another time, wall clock. Nothing of
    both: no meeting; `waits`: unless the waiting list comes to it.
    """

    rooms: tuple[tuple[int, int], ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    waits: bool = False

    @property
    def is_skip(self) -> bool:
        return not self.rooms and self.start is None

    @property
    def value(self) -> str:
        """What the radio button sends; `read_choice` is the inverse."""
        if self.start is not None and self.end is not None:
            return f"time {self.start:%Y-%m-%dT%H:%M}/{self.end:%Y-%m-%dT%H:%M}"
        if self.rooms:
            return "rooms " + ",".join(f"{old}:{new}" for old, new in self.rooms)
        return "wait" if self.waits else "skip"

    def decision(self, on: date, room_ids: tuple[int, ...]) -> Decision:
        if self.is_skip:
            return Decision(on, "skip")
        if self.start is not None:
            return Decision(on, "change", local_start=self.start, local_end=self.end)
        taken = dict(self.rooms)
        rooms = dict.fromkeys(taken.get(pk, pk) for pk in room_ids)
        return Decision(on, "change", room_ids=tuple(pk for pk in rooms if pk))


def read_choice(text: str) -> Choice | None:
    """Return what a radio button has sent, or None where it is nothing that one sends."""
    kind, _space, about = text[:_LONGEST].partition(" ")
    if kind in {"skip", "wait"}:
        return Choice(waits=kind == "wait")
    with suppress(ValueError):
        if kind == "time":
            start, end = (datetime.fromisoformat(part) for part in about.split("/"))
            if start.tzinfo is None and end.tzinfo is None and start < end and start.year in when.YEARS:
                return Choice(start=start, end=end)
        if kind == "rooms":
            pairs = [pair.split(":") for pair in about.split(",")]
            return Choice(rooms=tuple((int(old[:18]), int(new[:18])) for old, new in pairs))
    return None


class SeriesForm(TypedTimesForm):
    day_fields = frozenset({"day", "until"})

    #: How much of a series is changed (`bookings.rules.Scope`); one meeting alone does not repeat.
    scope = forms.CharField(required=False)
    repeat = forms.CharField(required=False)
    every_day = forms.CharField(required=False)
    every_week = forms.CharField(required=False)
    every_month = forms.CharField(required=False)
    weekday = ListField(required=False)
    #: The weekday of the day at the last look: a series on that one alone follows the day.
    weekday_of = forms.CharField(required=False)
    monthly = forms.CharField(required=False)
    ending = forms.CharField(required=False)
    until = forms.CharField(label=gettext_lazy("Last day of the series"), required=False)
    count = forms.CharField(label=gettext_lazy("How many dates"), required=False)
    skip_holidays = forms.BooleanField(required=False)
    skip_closures = forms.BooleanField(required=False)
    #: Dates left out, and dates held in spite of a holiday or closure, whatever else is said about them.
    skip = ListField(required=False)
    keep = ListField(required=False)
    #: For which time and rooms the choices were offered, and the dates that the user was shown a meeting on.
    basis = forms.CharField(required=False)
    agreed = forms.CharField(required=False)

    @property
    def frequency(self) -> Frequency | None:
        if self.cleaned_data.get("scope") == Scope.ONE:
            return None
        with suppress(ValueError):
            return Frequency(self.cleaned_data.get("repeat", "").upper())
        return None

    def read_pattern(self, day: date) -> Pattern | None:
        """Return the rule of a series on `day` and after it, or None with errors on what can't be read."""
        frequency = self.frequency
        assert frequency is not None
        values: dict[str, Any] = {"interval": self._every(frequency)}
        if frequency == Frequency.WEEKLY:
            values["weekdays"] = self.weekdays(day)
        elif frequency == Frequency.MONTHLY:
            values |= _monthly(self.cleaned_data.get("monthly", ""), day)
        if self.cleaned_data.get("ending") == "count":
            values["count"] = self._count()
        else:
            values["until"] = self.read("until", lambda text: when.parse_day(text, today=day))
        if self.errors.keys() & {"until", "count"}:
            return None
        return Pattern(frequency, **values)

    def weekdays(self, day: date) -> tuple[int, ...]:
        """Return the weekdays that were ticked; none, or the day's old one alone, means the day's own."""
        ticked = [text for text in self.cleaned_data.get("weekday", ()) if text in "0123456" and len(text) == 1]
        if not ticked or ticked == [self.cleaned_data.get("weekday_of")]:
            return (day.weekday(),)
        return tuple(sorted(int(text) for text in ticked))

    def to_series(self, pattern: Pattern, *, first: date, basis: str, room_ids: tuple[int, ...]) -> Series:
        """Return the series with all that was decided; what was chosen for other rooms or times counts no more."""
        cleaned = self.cleaned_data
        decided = self.explicit()
        if cleaned.get("basis") == basis:
            choices = self.choices()
            decided = {on: choice.decision(on, room_ids) for on, choice in choices.items()} | decided
        try:
            named = set(recurrence.dates(pattern, first=first))
        except PatternRefused:
            named = set()
        return Series(
            pattern=pattern,
            skip_holidays=cleaned.get("skip_holidays", False),
            skip_closures=cleaned.get("skip_closures", False),
            # Who repeats something daily means the days of work; who names a Saturday is told that it is closed then.
            skip_closed_weekdays=pattern.frequency == Frequency.DAILY,
            decisions=tuple(decided[on] for on in sorted(decided) if on in named),
            agreed=frozenset(_days(cleaned.get("agreed", "").split(",")[:_MOST])),
        )

    def choices(self) -> dict[date, Choice]:
        """Return what was chosen for each date that needed it."""
        data: Mapping[str, Any] = self.data
        texts = {name.removeprefix(CHOICE): data[name] for name in data if name.startswith(CHOICE)}
        found = {on: read_choice(str(texts[on.isoformat()])) for on in _days(list(texts)[:_MOST])}
        return {on: choice for on, choice in found.items() if choice is not None}

    def awaited(self, request: BookingRequest) -> list[date]:
        """Return the dates that the request leaves out and that the waiting list is to be asked for."""
        left_out = {item.on for item in request.series.decisions if item.kind == "skip"} if request.series else set()
        return [on for on, choice in self.choices().items() if choice.waits and on in left_out]

    def explicit(self) -> dict[date, Decision]:
        """Return what was said about dates whether or not they can be held: left out, or held on a holiday."""
        kept = {on: Decision(on, "change") for on in _days(self.cleaned_data.get("keep", ()))}
        return kept | {on: Decision(on, "skip") for on in _days(self.cleaned_data.get("skip", ()))}

    def _every(self, frequency: Frequency) -> int:
        text = self.cleaned_data.get(EVERY[frequency]) or "1"
        return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0

    def _count(self) -> int | None:
        text = (self.cleaned_data.get("count") or "").strip()
        if text.isascii() and text.isdigit() and len(text) < 6 and int(text):
            return int(text)
        limit = {"limit": recurrence.MAX_OCCURRENCES}
        self.add_error("count", ValidationError(_("Write how many dates, a number from 1 to %(limit)d.") % limit))
        return None


def without_decision(request: BookingRequest, on: date) -> BookingRequest:
    """Return a series with a date as the rule gives it."""
    assert request.series is not None
    decisions = tuple(item for item in request.series.decisions if item.on != on)
    return replace(request, series=replace(request.series, decisions=decisions, agreed=None))


def _monthly(chosen: str, day: date) -> dict[str, Any]:
    nth = (day.day - 1) // 7 + 1
    if chosen == "last" or (chosen == "nth" and nth == 5):
        return {"nth": -1, "weekdays": (day.weekday(),)}
    if chosen == "nth":
        return {"nth": nth, "weekdays": (day.weekday(),)}
    return {"month_day": day.day}


def _days(texts: Iterable[str]) -> list[date]:
    found = []
    for text in texts:
        with suppress(ValueError):
            found.append(date.fromisoformat(text))
    return found
