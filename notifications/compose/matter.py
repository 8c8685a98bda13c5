"""What a mail is about: a session, a whole series, or one meeting of a series; with its rooms, title and words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import get_language

from bookings.models import Absence, Booking, BookingEvent, Occurrence
from integrations.ical.render import Rule
from notifications.compose import keys
from notifications.compose.series import SeriesFacts, read_series, rule_of
from notifications.compose.series_words import Reader, SeriesWords, rule_words, words_of, zone_name
from notifications.compose.shelf import Shelf
from notifications.models import Message
from rooms.models import Room

Kind = BookingEvent.Kind


@dataclass(frozen=True, slots=True)
class Matter:
    """`occurrence`: the meeting; of a series the next one, or the last.

    `series`: the facts of a whole series. `words`: of a series, also in a mail about one meeting of it.
    `recurrence_at`: of a mail about one meeting, by which the recipient's calendar knows it.
    `has_rest`: the recipient is invited to the other meetings as well.
    `absent`: the occurrences that the recipient is not at.
    """

    booking: Booking
    occurrence: Occurrence
    rooms: tuple[Room, ...]
    title: str
    description: str
    series: SeriesFacts | None = None
    words: SeriesWords | None = None
    recurrence_at: datetime | None = None
    has_rest: bool = False
    absent: frozenset[int] = frozenset()
    rebooked: bool = False

    @property
    def is_series(self) -> bool:
        return self.series is not None

    @property
    def follows(self) -> Booking | None:
        """The session that this one continues or replaces; nothing to who is invited to one meeting alone."""
        return None if self.is_one_of_series else self.booking.follows

    @property
    def is_one_of_series(self) -> bool:
        return self.booking.is_series and self.series is None

    @property
    def is_absent(self) -> bool:
        """Say whether the meeting takes place without the recipient, who is at the others."""
        return self.is_one_of_series and self.occurrence.pk in self.absent

    @property
    def is_renamed(self) -> bool:
        """Say whether calendars know the meeting by another RECURRENCE-ID by now: the rule has moved."""
        return self.recurrence_at is not None and self.recurrence_at != self.occurrence.original_start_at

    def rule_before(self, stored: Mapping[str, str] | None) -> Rule | None:
        """Return the rule that the recipient knows, where it is another one."""
        if stored is None or self.series is None:
            return None
        rule = rule_of(self.booking, stored)
        return None if rule == self.series.rule else rule


def read_matter(message: Message, *, now: datetime, shelf: Shelf) -> Matter:
    """Return what the mail is about. Words are in the language that is active."""
    booking, attendee = message.booking, message.attendee
    assert booking
    assert attendee
    if not booking.is_series:
        occurrence, rooms = shelf.keep(keys.session(booking), lambda: _read_session(booking))
        return Matter(booking, occurrence, rooms, booking.title, booking.description, rebooked=_is_rebooked(message))
    absent = frozenset(Absence.objects.filter(attendee=attendee).values_list("occurrence_id", flat=True))
    # A request for an answer names the next meeting; who has the whole series is asked for all of it.
    is_asked_for_all = message.kind == Message.Kind.NUDGE and attendee.occurrence_id is None
    if message.occurrence is not None and not is_asked_for_all:
        return _one_of_series(message, booking, message.occurrence, absent)
    facts = shelf.keep(("series", booking.pk, booking.version), lambda: read_series(booking))
    reader = Reader(ZoneInfo(attendee.time_zone), absent, now)
    key = ("words", booking.pk, booking.version, get_language(), reader.zone.key, absent)
    occurrence = _next(facts, absent, now=now)
    return Matter(
        booking=booking,
        occurrence=occurrence,
        rooms=facts.rooms if facts.slots else tuple(rooms_of_booking(booking, occurrence)),
        title=booking.title,
        description=booking.description,
        series=facts,
        words=shelf.keep(key, lambda: words_of(facts, reader)),
        absent=absent,
        rebooked=_is_rebooked(message),
    )


def _read_session(booking: Booking) -> tuple[Occurrence, tuple[Room, ...]]:
    occurrence = booking.occurrences.get()
    return occurrence, tuple(rooms_of_booking(booking, occurrence))


def _one_of_series(message: Message, booking: Booking, occurrence: Occurrence, absent: frozenset[int]) -> Matter:
    assert message.attendee
    words = SeriesWords(sentence=rule_words(rule_of(booking)), zone=zone_name(booking.time_zone))
    return Matter(
        booking=booking,
        occurrence=occurrence,
        rooms=tuple(rooms_of_booking(booking, occurrence)),
        title=occurrence.own_title or booking.title,
        description=occurrence.own_description or booking.description,
        words=words,
        recurrence_at=message.recurrence_at,
        has_rest=message.attendee.occurrence_id is None,
        absent=absent,
    )


def _next(facts: SeriesFacts, absent: frozenset[int], *, now: datetime) -> Occurrence:
    """Return the recipient's next meeting, or the last; of a series without meetings the first that it ever had."""
    mine = [slot.occurrence for slot in facts.slots if slot.occurrence.pk not in absent]
    if mine:
        return next((meeting for meeting in mine if meeting.ends_at > now), mine[-1])
    meetings = facts.booking.occurrences.order_by("starts_at")
    found = meetings.filter(ends_at__gt=now).first() or meetings.last()
    assert found, "a booking has at least one meeting"
    return found


def rooms_of_booking(booking: Booking, occurrence: Occurrence) -> list[Room]:
    """Return the rooms as chosen. A cancelled meeting holds none any more; it is shown with those that it had."""
    holds = occurrence.room_holds.select_related("room__site").order_by("position", "pk")
    if not booking.is_cancelled and occurrence.status != Occurrence.Status.CANCELLED:
        return [hold.room for hold in holds.filter(live=True)]
    for event in booking.events.filter(kind__in=[Kind.ROOMS_CHANGED, Kind.MEETING_CHANGED]).order_by("-pk"):
        if event.kind == Kind.ROOMS_CHANGED and not occurrence.has_own_rooms:
            return rooms_by_id(event.data["after"])
        if event.occurrence_id == occurrence.pk and event.data.get("rooms"):
            return rooms_by_id(event.data["rooms"]["after"])
    return [hold.room for hold in holds]


def rooms_by_id(room_ids: Sequence[int]) -> list[Room]:
    found = Room.objects.select_related("site").in_bulk(room_ids)
    return [found[pk] for pk in room_ids if pk in found]


def reason_of(message: Message) -> str:
    """Return why it is cancelled, in the words of whoever did it."""
    assert message.booking
    if message.booking.is_cancelled:
        return message.booking.cancel_reason
    if message.occurrence is None:
        return ""
    kinds = [Kind.MEETING_CANCELLED, Kind.SERIES_CUT]
    events = message.booking.events.filter(kind__in=kinds, version__lte=message.version).order_by("-pk")
    for event in events:
        if event.occurrence_id in (None, message.occurrence_id):
            return str(event.data.get("reason", ""))
    return ""


def _is_rebooked(message: Message) -> bool:
    """Say whether a new session takes the place of the cancelled one (calendar-mail.md D10)."""
    if message.kind != Message.Kind.CANCELLATION or not message.booking or not message.booking.is_cancelled:
        return False
    return message.booking.events.filter(kind=Kind.CANCELLED, data__has_key="rebooked").exists()
