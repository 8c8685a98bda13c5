"""The search for a room, as it stands in the address: when, how often, and what the room must have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext as _

from bookings import holidays, recurrence, when
from bookings.forms import EntriesField, IdsField
from bookings.recurrence import Frequency, Pattern, PatternRefused, Reason
from bookings.rules import Code, to_instant
from bookings.typed_times import TypedTimesForm
from bookings.wording import clock, long_date
from rooms.interval import Interval
from rooms.models import Equipment, Site

MAX_SEATS = 1000
WEEKLY = "weekly"


@dataclass(frozen=True, slots=True)
class Slots:
    """What is searched for, as wall clock and as instants; `skipped`: public holidays that a series leaves out."""

    local_start: datetime
    local_end: datetime
    days: tuple[date, ...]
    spans: tuple[Interval, ...]
    skipped: dict[date, str]

    @property
    def duration(self) -> timedelta:
        return self.spans[0].duration


class FindForm(TypedTimesForm):
    """Which rooms are free at one time, or at the same time every week. Read the answer with `slots`.

    `now`, `zone`: what „jutro” counts from. Everything may be missing but the times.
    """

    day_fields = frozenset({"day", "until"})

    day = forms.CharField(label=gettext_lazy("Day"), required=False)
    start = forms.CharField(label=pgettext_lazy("time of a session", "From"), required=False)
    end = forms.CharField(label=pgettext_lazy("time of a session", "To"), required=False)
    repeat = forms.ChoiceField(
        label=gettext_lazy("How often"),
        choices=[("", pgettext_lazy("repeats", "once")), (WEEKLY, pgettext_lazy("repeats", "every week"))],
        required=False,
    )
    until = forms.CharField(label=gettext_lazy("Every week until"), required=False)
    site = forms.CharField(label=gettext_lazy("Site"), required=False)
    seats = forms.IntegerField(label=gettext_lazy("Seats, at least"), required=False, min_value=1, max_value=MAX_SEATS)
    equipment = IdsField(label=gettext_lazy("Equipment"), required=False)
    step_free = forms.BooleanField(label=gettext_lazy("step-free access"), required=False)
    rooms = IdsField(label=gettext_lazy("Rooms"), required=False)
    participants = EntriesField(label=gettext_lazy("Colleagues"), required=False)

    def __init__(
        self, data: Any, *, now: datetime, zone: ZoneInfo, sites: Sequence[Site], equipment: Sequence[Equipment]
    ) -> None:
        super().__init__(data)
        self.now, self.zone, self.today = now, zone, now.astimezone(zone).date()
        self._sites = {str(site.pk): site.pk for site in sites}
        self._equipment = {item.pk for item in equipment}
        self.slots: Slots | None = None
        seats = self.fields["seats"]
        seats.error_messages |= dict.fromkeys(
            ("invalid", "min_value", "max_value"),
            _("Write how many people need a seat, as a number from 1 to %(most)d.") % {"most": MAX_SEATS},
        )

    def clean_site(self) -> int | None:
        """An address with a site that is gone finds rooms of all sites."""
        return self._sites.get(self.cleaned_data["site"])

    def clean_equipment(self) -> tuple[int, ...]:
        return tuple(pk for pk in self.cleaned_data["equipment"] if pk in self._equipment)

    def clean(self) -> dict[str, Any]:
        day = self.read("day", lambda text: when.parse_day(text, today=self.today))
        ends = self.read("end", lambda text: when.parse_end(text, day=day or self.today, today=self.today))
        starts = self.read("start", when.parse_time)
        until = None
        if self.cleaned_data.get("repeat") == WEEKLY:
            until = self.read("until", lambda text: when.parse_day(text, today=self.today))
        if day and starts is not None and ends is not None and not self.errors.keys() & {"repeat", "until"}:
            self._read_slots(datetime.combine(day, starts), ends, until)
        return self.cleaned_data

    def _read_slots(self, start: datetime, end: datetime, until: date | None) -> None:
        if end <= start:
            self.add_error("end", ValidationError(_("The session ends before it starts. Choose a later end.")))
            return
        if end - start > timedelta(hours=24):
            self.add_error("end", ValidationError(_("Search for at most 24 hours at a time. Choose an earlier end.")))
            return
        days = self._days(start.date(), until)
        if days is None:
            return
        free_days = holidays.holidays_between(days[0], days[-1], get_language() or "pl") if until else {}
        skipped = {day: free_days[day] for day in days if day in free_days}
        kept = tuple(day for day in days if day not in skipped)
        if not kept:
            self.add_error("until", ValidationError(_("Every date is a public holiday. Choose a later last day.")))
            return
        spans = [self._span(start, end, day) for day in kept]
        if spans[0] and spans[0].start_at < self.now:
            self.add_error("start", ValidationError(_("That time has passed. Choose a later one.")))
        elif all(spans):
            self.slots = Slots(start, end, kept, tuple(span for span in spans if span), skipped)

    def _days(self, first: date, until: date | None) -> list[date] | None:
        if until is None:
            return [first]
        try:
            return recurrence.dates(Pattern(Frequency.WEEKLY, weekdays=(first.weekday(),), until=until), first=first)
        except PatternRefused as refused:
            self.add_error("until", ValidationError(_too_far(refused.problem.reason)))
        return None

    def _span(self, start: datetime, end: datetime, day: date) -> Interval | None:
        ahead = timedelta(days=(day - start.date()).days)
        instants = []
        for name, local in (("start", start + ahead), ("end", end + ahead)):
            instant = to_instant(local, self.zone)
            if isinstance(instant, Code):
                words = {"time": clock(local), "day": long_date(local.date())}
                text = _("Clocks change on %(day)s, so %(time)s is not one instant. Choose another time.") % words
                self.add_error(name, ValidationError(text))
                return None
            instants.append(instant)
        return Interval(*instants)


def _too_far(reason: Reason) -> str:
    if reason == Reason.EMPTY:
        return _("The last day is before the first one. Choose a later last day.")
    return _("A series has at most 400 dates within two years. Choose an earlier last day.")
