"""Reads what a call tells of: the session as it is now, its meetings with their rooms, and what its conference did.

Of people nothing is read but how many came; of a closed session no title. A call goes to chats and other systems, whose
readers are not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from bookings import recurrence
from bookings.models import Booking, BookingEvent, ConferenceRun, Occurrence, RoomHold
from bookings.queries import date_of
from integrations.webhooks.models import Webhook
from integrations.webhooks.occasions import OF_ONE_MEETING, changes_of
from rooms.models import Room

Kind = BookingEvent.Kind
#: Meetings that one call lists; the next ones of a long series, with how many there are.
MEETINGS_AT_MOST = 50


@dataclass(frozen=True, slots=True)
class Meeting:
    """One meeting. `title`: its own where it differs from the session's and may be told, else empty."""

    occurrence: Occurrence
    rooms: tuple[Room, ...]
    title: str


@dataclass(frozen=True, slots=True)
class Conference:
    """What a conference did. `ended_at`, `people_peak`: None while it goes on, the peak also where nobody counted."""

    started_at: datetime | None
    ended_at: datetime | None
    people_peak: int | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What one call tells. `happened_at`: of what it tells of; everything else is as it is now.

    `meetings`: those that it is about, by time, at most MEETINGS_AT_MOST of `meetings_total`.
    `is_about_one`: it is about one meeting of a series and not the series. `changes`: what changed, of `occasions`.
    `given_up`: the rooms that it has no longer, with this change.
    """

    occasion: Webhook.Event
    happened_at: datetime
    booking: Booking
    title: str
    url: str
    meetings: tuple[Meeting, ...]
    meetings_total: int
    is_about_one: bool = False
    changes: tuple[str, ...] = ()
    given_up: tuple[Room, ...] = ()
    conference: Conference | None = None

    @property
    def zone(self) -> ZoneInfo:
        return self.booking.zone

    @property
    def rooms(self) -> tuple[Room, ...]:
        """All rooms of the meetings that are listed, each once, as chosen."""
        return tuple({room.pk: room for meeting in self.meetings for room in meeting.rooms}.values())


def read(event: BookingEvent, occasion: Webhook.Event, *, now: datetime) -> Facts:
    """Return the facts, with words in the language that is active: seven queries at most, however long the series."""
    booking = Booking.objects.select_related("follows").get(pk=event.booking_id)
    is_about_one = booking.is_series and event.occurrence_id is not None and event.kind in OF_ONE_MEETING
    found = _meetings(booking, event, is_about_one=is_about_one, now=now)
    occurrences = list(found.order_by("starts_at", "pk")[:MEETINGS_AT_MOST])
    rooms = _rooms(booking, occurrences)
    same = _same_change(event) if occasion == Webhook.Event.CHANGED else []
    return Facts(
        occasion=occasion,
        happened_at=event.at,
        booking=booking,
        title=_("Hearing, closed session") if booking.is_private else booking.title,
        url=_url(booking, occurrences[0] if is_about_one and occurrences else None),
        meetings=tuple(
            Meeting(item, rooms.get(item.pk, ()), "" if booking.is_private else item.own_title) for item in occurrences
        ),
        meetings_total=len(occurrences) if len(occurrences) < MEETINGS_AT_MOST else found.count(),
        is_about_one=is_about_one,
        changes=tuple(dict.fromkeys(change for item in same for change in changes_of(item))),
        given_up=_given_up(same),
        conference=_conference(event),
    )


def days_of(booking: Booking) -> list[date]:
    """Return every day that the rule of a series gives, by time."""
    first = datetime.fromisoformat(booking.local_start).date()
    return recurrence.dates(recurrence.parse(booking.rrule, zone=booking.zone), first=first)


def _meetings(booking: Booking, event: BookingEvent, *, is_about_one: bool, now: datetime) -> QuerySet[Occurrence]:
    """Return the meetings that the call is about: that one; those called off; else those to come."""
    if is_about_one and event.occurrence_id is not None:
        return booking.occurrences.filter(pk=event.occurrence_id)
    if not booking.is_series:
        return booking.occurrences.all()
    if event.kind == Kind.SERIES_CUT and not event.data.get("by"):
        return booking.occurrences.filter(pk__in=event.data["cancelled"])
    if event.kind == Kind.CANCELLED:
        # What the series still had: neither what it was cut off, nor what had been called off one by one.
        days = set(days_of(booking)) - {date.fromisoformat(item["on"]) for item in booking.skipped}
        cancelled = booking.occurrences.filter(status=Occurrence.Status.CANCELLED, ends_at__gt=event.at)
        return booking.occurrences.filter(pk__in=[item.pk for item in cancelled if date_of(booking, item) in days])
    return booking.occurrences.filter(status=Occurrence.Status.CONFIRMED, ends_at__gt=now)


def _rooms(booking: Booking, occurrences: Sequence[Occurrence]) -> dict[int, tuple[Room, ...]]:
    """Return the rooms of each meeting, as chosen; of a cancelled one those that it had last."""
    cancelled = [item for item in occurrences if item.status == Occurrence.Status.CANCELLED]
    last = _last_rooms(booking, cancelled) if cancelled else {}
    gone = {item.pk for item in cancelled}
    holds = RoomHold.objects.filter(occurrence__in=occurrences).select_related("room__site")
    found: dict[int, dict[int, Room]] = {}
    for hold in holds.order_by("position", "pk"):
        pk = hold.occurrence_id or 0
        if hold.live or (pk in gone and hold.room_id in last.get(pk, {hold.room_id})):
            found.setdefault(pk, {})[hold.room_id] = hold.room
    return {pk: tuple(rooms.values()) for pk, rooms in found.items()}


def _last_rooms(booking: Booking, cancelled: Sequence[Occurrence]) -> dict[int, frozenset[int]]:
    """Return which rooms cancelled meetings had last, where they ever had others: their rows keep all of them."""
    whole: frozenset[int] | None = None
    own: dict[int, frozenset[int]] = {}
    for event in booking.events.filter(kind__in=[Kind.ROOMS_CHANGED, Kind.MEETING_CHANGED]).order_by("pk"):
        if event.kind == Kind.ROOMS_CHANGED:
            whole = frozenset(event.data["after"])
        elif "rooms" in event.data and event.occurrence_id is not None:
            own[event.occurrence_id] = frozenset(event.data["rooms"]["after"])
    found = {item.pk: own.get(item.pk) if item.has_own_rooms else whole for item in cancelled}
    return {pk: rooms for pk, rooms in found.items() if rooms is not None}


def _same_change(event: BookingEvent) -> list[BookingEvent]:
    """Return the events of the change that this one is of: several kinds of news may be one version."""
    same = BookingEvent.objects.filter(booking=event.booking_id, version=event.version, at=event.at)
    return list(same.order_by("pk"))


def _given_up(same: Sequence[BookingEvent]) -> tuple[Room, ...]:
    changes = [event.data if event.kind == Kind.ROOMS_CHANGED else event.data.get("rooms") for event in same]
    keys = [pk for change in changes if change for pk in change["before"] if pk not in change["after"]]
    rooms = Room.objects.select_related("site").in_bulk(keys) if keys else {}
    return tuple(rooms[pk] for pk in dict.fromkeys(keys) if pk in rooms)


def _conference(event: BookingEvent) -> Conference | None:
    if event.kind not in {Kind.CONFERENCE_STARTED, Kind.CONFERENCE_ENDED}:
        return None
    at = datetime.fromisoformat(event.data["at"])
    if event.kind == Kind.CONFERENCE_STARTED:
        return Conference(at, None, None)
    run = ConferenceRun.objects.filter(occurrence=event.occurrence_id, ended_at=at).order_by("-started_at").first()
    return Conference(run.started_at if run else None, at, event.data.get("peak"))


def _url(booking: Booking, meeting: Occurrence | None) -> str:
    page = settings.BASE_URL + reverse("booking_show", args=[booking.number])
    return page if meeting is None else f"{page}?spotkanie={date_of(booking, meeting).isoformat()}"
