"""The form of the search for sessions: a line of text, and what narrows it. The address is the whole search."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from bookings import when
from bookings.search_queries import CANCELLED, COMING, PAST, Place, Wanted
from bookings.search_text import MAX_LENGTH, SearchText, understand
from bookings.typed_times import TypedTimesForm
from rooms.interval import Interval
from rooms.models import Room

_AFTER = re.compile(r"(?P<side>[cp])(?P<at>[0-9]{1,18})-(?P<pk>[0-9]{1,18})")
_MICROSECOND = timedelta(microseconds=1)
_BEGAN, _ENDS = date(2000, 1, 1), date(2199, 12, 31)
_STATES = (
    ("", pgettext_lazy("sessions", "all")),
    (COMING, pgettext_lazy("sessions", "to come")),
    (PAST, pgettext_lazy("sessions", "past")),
    (CANCELLED, pgettext_lazy("sessions", "cancelled")),
)


class SearchForm(TypedTimesForm):
    """What is looked for. Nothing is required; read the answer with `wanted`, None where nothing was asked.

    `rooms`: all that can be chosen, with their sites. `today`: what „jutro” counts from, in `zone`.
    """

    day_fields = frozenset({"since", "until"})

    q = forms.CharField(label=gettext_lazy("Title, person, institution, room, day or number"), required=False)
    since = forms.CharField(label=pgettext_lazy("first day", "From"), required=False)
    until = forms.CharField(label=pgettext_lazy("last day", "To"), required=False)
    place = forms.CharField(label=gettext_lazy("Room or site"), required=False)
    state = forms.CharField(label=gettext_lazy("State"), required=False)
    mine = forms.BooleanField(label=gettext_lazy("only those I take part in"), required=False)

    def __init__(
        self, data: QueryDict, *, rooms: Sequence[Room], codes: frozenset[str], now: datetime, zone: ZoneInfo
    ) -> None:
        # PostgreSQL's text has no zero byte, and nobody types one.
        typed = {name: data.get(name, "").replace("\0", " ") for name in self.base_fields}
        super().__init__({**typed, "q": typed["q"][:MAX_LENGTH]})
        self.rooms, self.today, self._zone, self._codes = rooms, now.astimezone(zone).date(), zone, codes
        self.text = SearchText()

    def clean_state(self) -> str:
        """An address with a state that there is none of finds all."""
        state = self.cleaned_data["state"]
        return state if state in dict(_STATES) else ""

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        self.text = understand(data.get("q", ""), today=self.today, codes=self._codes)
        for name in ("since", "until"):
            if data.get(name):
                data[name] = self.read(name, lambda text: when.parse_day(text, today=self.today))
        since, until = data.get("since") or None, data.get("until") or None
        if since and until and until < since:
            self.add_error("until", ValidationError(_("The last day is before the first. Choose a later one.")))
        return data

    @property
    def too_short(self) -> bool:
        """Say whether something was typed of which nothing can be looked for."""
        return bool(self.is_valid() and self.cleaned_data["q"].strip() and not self.text)

    def wanted(self) -> Wanted | None:
        if not self.is_valid() or self.too_short:
            return None
        data = self.cleaned_data
        wanted = Wanted(
            words=self.text.words,
            numbers=self.text.numbers,
            spans=tuple(self._span(first, last) for first, last in self.text.spans),
            within=self._span(data["since"] or _BEGAN, data["until"] or _ENDS)
            if data["since"] or data["until"]
            else None,
            room_ids=self._room_ids(data["place"]),
            state=data["state"],
            with_me=data["mine"],
        )
        return None if wanted == Wanted() else wanted

    @property
    def is_narrowed(self) -> bool:
        """Say whether anything but the text limits the search."""
        return any(self.data[name] for name in ("since", "until", "place", "state", "mine"))

    @property
    def days(self) -> list[tuple[forms.BoundField, str]]:
        return [(self[name], self.data[name]) for name in ("since", "until")]

    @property
    def states(self) -> tuple[tuple[str, Any], ...]:
        return _STATES

    def places(self) -> list[tuple[str, str, list[tuple[str, str]]]]:
        """Return sites with their rooms, each with the value that stands for it in the address."""
        return [
            (f"s{site.pk}", site.label, [(f"r{room.pk}", room.name) for room in group])
            for site, group in groupby(self.rooms, key=lambda room: room.site)
        ]

    def _span(self, first: date, last: date) -> Interval:
        ends = datetime.combine(last + timedelta(days=1), time(), self._zone)
        return Interval(datetime.combine(first, time(), self._zone), ends)

    def _room_ids(self, place: str) -> tuple[int, ...] | None:
        """Return the rooms that were chosen; an address with a room that is gone searches everywhere."""
        found = [room.pk for room in self.rooms if place in {f"s{room.site_id}", f"r{room.pk}"}]
        return tuple(found) if found else None


def read_place(text: str) -> Place | None:
    """Read where a page begins, as `write_place` wrote it; whatever else it is, the search begins at its beginning."""
    match = _AFTER.fullmatch(text)
    if not match:
        return None
    try:
        at = datetime.fromtimestamp(0, UTC) + int(match["at"]) * _MICROSECOND
    except OverflowError:
        return None
    return Place(match["side"] == "p", at, int(match["pk"]))


def write_place(place: Place) -> str:
    at = (place.at - datetime.fromtimestamp(0, UTC)) // _MICROSECOND
    return f"{'p' if place.is_past else 'c'}{at}-{place.pk}"
