"""A closure as a person enters it: what, from when to when, how often, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from bookings import recurrence, when
from bookings.closure_times import ClosureDraft
from bookings.recurrence import Frequency, Pattern, PatternRefused, Reason
from bookings.rules import clean_line
from bookings.typed_times import TypedTimesForm
from rooms.models import Closure, MovableEquipment, Room, Site

_LONGEST_TITLE = 120
_WHOLE_DAY = time()


class ClosureForm(TypedTimesForm):
    """Read it with `draft` once it is valid. `today`: the day that „jutro” counts from, at the office.

    `sites`, `rooms`, `equipment`: what the user may close; anything else is no choice.
    """

    day_fields = frozenset({"first", "last", "until"})

    what = forms.ChoiceField(
        label=gettext_lazy("What is closed"),
        help_text=gettext_lazy("A whole site, a room, or movable equipment."),
        error_messages={"required": gettext_lazy("Choose what is closed.")},
    )
    quantity = forms.IntegerField(
        label=gettext_lazy("How many pieces"),
        help_text=gettext_lazy("For movable equipment only."),
        required=False,
        min_value=1,
        max_value=1000,
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        choices=Closure.Kind.choices,
        initial=Closure.Kind.CLOSURE,
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose what kind it is.")},
    )
    title = forms.CharField(
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy("Everybody sees it on the board, for example: painting of the walls."),
        max_length=_LONGEST_TITLE,
        error_messages={"required": gettext_lazy("Say why, in a few words.")},
    )
    title_en = forms.CharField(
        label=gettext_lazy("Reason in English"),
        help_text=gettext_lazy("For those who read Narada in English."),
        max_length=_LONGEST_TITLE,
        required=False,
    )
    first = forms.CharField(label=gettext_lazy("First day"), required=False)
    last = forms.CharField(label=gettext_lazy("Last day"), required=False)
    start = forms.CharField(label=pgettext_lazy("time of a session", "From"), required=False)
    end = forms.CharField(label=pgettext_lazy("time of a session", "To"), required=False)
    repeat = forms.ChoiceField(
        label=gettext_lazy("How often"),
        choices=[
            ("", pgettext_lazy("repeats", "once")),
            (Frequency.DAILY, pgettext_lazy("repeats", "every day")),
            (Frequency.WEEKLY, pgettext_lazy("repeats", "every week")),
            (Frequency.MONTHLY, pgettext_lazy("repeats", "every month")),
        ],
        required=False,
    )
    until = forms.CharField(label=gettext_lazy("Again until"), required=False)

    def __init__(
        self,
        data: Any,
        *,
        today: date,
        sites: Sequence[Site],
        rooms: Sequence[Room],
        equipment: Sequence[MovableEquipment],
        initial: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=initial)
        self.today = today
        groups = [
            (
                site.name,
                [(f"site:{site.pk}", _("the whole site"))]
                + [(f"room:{room.pk}", room.name) for room in rooms if room.site_id == site.pk]
                + [(f"equipment:{item.pk}", item.name) for item in equipment if item.site_id == site.pk],
            )
            for site in sites
        ]
        self.fields["what"].choices = [("", _("Choose")), *groups]  # type: ignore[attr-defined]  # a ChoiceField
        for name in ("first", "last", "start", "end", "until"):
            self.fields[name].widget.attrs["autocomplete"] = "off"

    def clean_title(self) -> str:
        return clean_line(self.cleaned_data["title"])

    def clean_title_en(self) -> str:
        return clean_line(self.cleaned_data["title_en"])

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        first = self.read("first", self._day)
        last = self.read("last", self._day) if cleaned.get("last") else first
        starts, ends = self._times(last)
        if first and last and starts is not None and ends is not None:
            cleaned["local_start"], cleaned["local_end"] = datetime.combine(first, starts), ends
            if ends <= cleaned["local_start"]:
                self.add_error("last", ValidationError(_("It ends before it starts. Choose a later end.")))
            elif cleaned.get("repeat"):
                cleaned["pattern"] = self._pattern(Frequency(cleaned["repeat"]), first, ends - cleaned["local_start"])
        if str(cleaned.get("what", "")).startswith("equipment:"):
            cleaned["quantity"] = cleaned.get("quantity") or 1
        else:
            cleaned["quantity"] = None
        return cleaned

    def draft(self) -> ClosureDraft:
        """Return the closure that was entered. The form has to be valid."""
        cleaned = self.cleaned_data
        kind, _colon, pk = cleaned["what"].partition(":")
        return ClosureDraft(
            kind=cleaned["kind"],
            title=cleaned["title"],
            title_en=cleaned["title_en"],
            site_id=int(pk) if kind == "site" else None,
            room_id=int(pk) if kind == "room" else None,
            equipment_id=int(pk) if kind == "equipment" else None,
            quantity=cleaned["quantity"],
            local_start=cleaned["local_start"],
            local_end=cleaned["local_end"],
            pattern=cleaned.get("pattern"),
        )

    def _day(self, text: str) -> date:
        return when.parse_day(text, today=self.today)

    def _times(self, last: date | None) -> tuple[time | None, datetime | None]:
        """Return the first instant's time and the wall-clock end; without times whole days are meant."""
        day = last or self.today
        if not self.cleaned_data.get("start") and not self.cleaned_data.get("end"):
            return _WHOLE_DAY, datetime.combine(day, _WHOLE_DAY) + timedelta(days=1)
        starts = self.read("start", when.parse_time)
        return starts, self.read("end", lambda text: when.parse_end(text, day=day, today=self.today))

    def _pattern(self, frequency: Frequency, first: date, length: timedelta) -> Pattern | None:
        until = self.read("until", self._day)
        if until is None:
            return None
        every = {Frequency.DAILY: timedelta(days=1), Frequency.WEEKLY: timedelta(days=7)}.get(frequency)
        if length > (every or timedelta(days=28)):
            self.add_error("repeat", ValidationError(_("It begins again before it is over. Let it repeat less often.")))
            return None
        pattern = Pattern(
            frequency,
            weekdays=(first.weekday(),) if frequency == Frequency.WEEKLY else (),
            month_day=first.day if frequency == Frequency.MONTHLY else None,
            until=until,
        )
        try:
            recurrence.dates(pattern, first=first)
        except PatternRefused as refused:
            self.add_error("until", ValidationError(_too_far(refused.problem.reason)))
            return None
        return pattern


def _too_far(reason: Reason) -> str:
    if reason == Reason.EMPTY:
        return _("The last day is before the first one. Choose a later last day.")
    return _("A closure repeats at most 400 times within two years. Choose an earlier last day.")
