"""The forms that sessions are booked, changed and cancelled with. They read; the judge in `availability` decides."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

from django import forms
from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy, pgettext_lazy

from accounts.queries import Kind
from bookings import recurrence, when
from bookings.guests import Entry, read_token, read_tokens, to_participants
from bookings.licence_form import LicenceForm
from bookings.recurrence import Pattern, PatternRefused
from bookings.rules import MAX_TITLE_LENGTH, BookingRequest, Refusal, clean_line, clean_text, find_text_refusals
from bookings.series_form import SeriesForm
from bookings.services import MAX_REASON_LENGTH
from bookings.wishes_form import WishesForm

#: Stands for an id that no row has: the judge says that the room is not there.
NO_ROOM = 0
NOBODY = 0
_SALT = "bookings.submission"
_MAX_DIGITS = 18  # a bigint holds any of these


class IdsField(forms.Field):
    """Any number of ids. One that is none at all becomes NO_ROOM rather than an error of its own."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Iterable[str] | None) -> tuple[int, ...]:
        return tuple(dict.fromkeys(_to_id(text) for text in value or ()))


class EntriesField(forms.Field):
    """The participants, as tokens (`bookings.guests`)."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Iterable[str] | None) -> tuple[Entry, ...]:
        return read_tokens(value or ())


class BookingForm(LicenceForm, WishesForm, SeriesForm):
    """A session: title, when and how often, where, who. Read it with `to_request` once it is valid.

    `today`: the day that „jutro” counts from, in the zone of the session.
    """

    title = forms.CharField(
        label=gettext_lazy("Title of the session"),
        required=False,
        widget=forms.TextInput(attrs={"maxlength": MAX_TITLE_LENGTH}),
    )
    is_private = forms.BooleanField(required=False)
    description = forms.CharField(
        label=gettext_lazy("Description for the participants"), required=False, widget=forms.Textarea
    )
    day = forms.CharField(label=gettext_lazy("Day"), required=False)
    start = forms.CharField(label=pgettext_lazy("time of a session", "From"), required=False)
    end = forms.CharField(label=pgettext_lazy("time of a session", "To"), required=False)
    rooms = IdsField(label=gettext_lazy("Rooms"), required=False)
    #: In which order the rooms were chosen; the first one hosts.
    order = forms.CharField(required=False)
    #: For whom it is booked, as a token; empty: for whoever books.
    organizer = forms.CharField(required=False)
    participants = EntriesField(label=gettext_lazy("Participants"), required=False)
    version = forms.IntegerField(required=False)

    def __init__(self, data: Any, *, today: date) -> None:
        super().__init__(data)
        self.today = today
        self._participants: tuple[Any, ...] | None = None

    def _clean_fields(self) -> None:
        # As Django does it, but for what it makes of each of 31 fields to be drawn with, label and all.
        for name, reader in self.fields.items():
            try:
                self.cleaned_data[name] = reader.clean(reader.widget.value_from_datadict(self.data, self.files, name))
                if check := getattr(self, f"clean_{name}", None):
                    self.cleaned_data[name] = check()
            except ValidationError as error:
                self.add_error(name, error)

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        day = self.read("day", lambda text: when.parse_day(text, today=self.today))
        # The end is read on any day, so that a bad day and a bad end are named together.
        ends = self.read("end", lambda text: when.parse_end(text, day=day or self.today, today=self.today))
        starts = self.read("start", when.parse_time)
        if day and starts is not None and ends is not None:
            cleaned["local_start"] = datetime.combine(day, starts)
            cleaned["local_end"] = ends
        if day and self.frequency:
            cleaned["pattern"] = self.read_pattern(day)
        return cleaned

    @property
    def has_time(self) -> bool:
        return self.is_bound and not self.errors.keys() & {"day", "start", "end", "until", "count"}

    @property
    def entries(self) -> tuple[Entry, ...]:
        self.is_valid()
        return self.cleaned_data.get("participants", ())

    @property
    def room_ids(self) -> tuple[int, ...]:
        """The rooms in the order in which they were chosen; those of which nothing is known come last, as listed."""
        self.is_valid()
        listed = self.cleaned_data.get("rooms", ())
        order = [_to_id(text) for text in self.cleaned_data.get("order", "").split(",")[: 2 * len(listed) + 100]]
        places = {pk: place for place, pk in reversed(list(enumerate(order))) if pk != NO_ROOM}
        return tuple(sorted(listed, key=lambda pk: places.get(pk, len(order))))

    def organizer_id(self, *, user_id: int) -> int:
        """Return who is to lead the session; what names nobody is an id that no user has, for the judge to refuse."""
        self.is_valid()
        token = self.cleaned_data.get("organizer", "")
        entry = read_token(token) if token else None
        if entry is None:
            return user_id
        return entry.pk if entry.kind == Kind.USER else NOBODY

    def to_request(self, *, organizer_id: int, time_zone: str) -> BookingRequest:
        """Return the request. Raises: KeyError unless `has_time`."""
        self.is_valid()
        cleaned = self.cleaned_data
        request = self._request(cleaned["local_start"], cleaned["local_end"], organizer_id, time_zone)
        pattern = cleaned.get("pattern")
        return request if pattern is None else self._repeated(request, pattern)

    def find_text_refusals(self) -> list[Refusal]:
        """Return what is wrong with the texts, also while the time cannot be read."""
        self.is_valid()
        midnight = datetime.combine(self.today, time())
        return find_text_refusals(self._request(midnight, midnight, 0, ""))

    def _repeated(self, request: BookingRequest, pattern: Pattern) -> BookingRequest:
        """Return the request as a series, which begins on the first date that the rule names."""
        first = request.local_start.date()
        with suppress(PatternRefused):  # the judge says why
            ahead = recurrence.dates(pattern, first=first)[0] - first
            request = request.at(request.local_start + ahead, request.local_end + ahead)
        series = self.to_series(pattern, first=first, basis=basis_of(request), room_ids=request.room_ids)
        return replace(request, series=series)

    def _request(self, start: datetime, end: datetime, organizer_id: int, time_zone: str) -> BookingRequest:
        cleaned = self.cleaned_data
        if self._participants is None:
            self._participants = to_participants(self.entries)
        return BookingRequest(
            title=clean_line(cleaned.get("title", "")),
            description=clean_text(cleaned.get("description", "")),
            is_private=cleaned.get("is_private", False),
            local_start=start,
            local_end=end,
            time_zone=time_zone,
            organizer_id=organizer_id,
            room_ids=self.room_ids,
            participants=self._participants,
            wishes=self.wishes,
            licence=self.licence,
        )


class _Shared(dict[str, forms.Field]):
    """Fields that no form changes: to copy thirty of them for each takes longer than to read what was sent."""

    def __deepcopy__(self, _memo: object) -> _Shared:
        return self


BookingForm.base_fields = _Shared(BookingForm.base_fields)


class CancelForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Message to the participants"),
        required=False,
        max_length=MAX_REASON_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)


def basis_of(request: BookingRequest) -> str:
    """Say for which time of day and rooms the ways out of clashes are offered: for others they mean nothing."""
    length = request.local_end - request.local_start
    return f"{request.local_start:%H:%M}+{length}@{','.join(map(str, request.room_ids))}"


def new_submission(user_id: int) -> str:
    """Return what a freshly opened form carries: a number of its own, signed for this user alone."""
    return sign_submission(uuid.uuid4(), user_id=user_id)


def sign_submission(number: uuid.UUID, *, user_id: int) -> str:
    """Return what a form carries that goes on with a number it had before."""
    return signing.dumps([user_id, number.hex], salt=_SALT)


def read_submission(text: str, *, user_id: int) -> uuid.UUID | None:
    """Return the form's number, or None where it is missing, forged or somebody else's."""
    owner, number = _read_signed(text)
    return number if owner == user_id else None


def submission_owner(text: str) -> int | None:
    """Return for whom the form was opened, or None where that is missing or forged."""
    return _read_signed(text)[0]


def _read_signed(text: str) -> tuple[int | None, uuid.UUID | None]:
    try:
        owner, number = signing.loads(text, salt=_SALT)
    except signing.BadSignature:
        return None, None
    return owner, uuid.UUID(number)


def language_names() -> list[tuple[str, str]]:
    """Return the languages of mails, each in the language of the page."""
    return [(code, str(name)) for code, name in settings.LANGUAGES]


def _to_id(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else NO_ROOM
