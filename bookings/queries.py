"""The one door through which bookings are read: what the user may not see is not there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, Sum
from django.db.models.functions import Lower

from accounts.models import User
from bookings.answer_queries import Invited as Invited
from bookings.answer_queries import find_invited as find_invited
from bookings.models import (
    Absence,
    Approval,
    Attendee,
    Booking,
    BookingEvent,
    EquipmentHold,
    LicenceHold,
    Occurrence,
    Proposal,
    RoomHold,
    WaitlistEntry,
)
from bookings.permissions import may_change, meetings_open_to, visible_to
from bookings.series_tally import Rooms, compare_rooms
from rooms import prepared
from rooms.models import Room
from rooms.permissions import SiteRoles

# Of an event about people: who brought them along, or took them out again.
_WHO_NAMED = ("delegated_by", "registered_by", "taken_back_by")
#: A long life leaves a long history; its page shows the latest part.
EVENTS_AT_MOST = 100


@dataclass(frozen=True, slots=True)
class BookingDetails:
    """A booking with everything that its page shows.

    `occurrence`: the meeting that is looked at; `rooms`, `licences`, `equipment` and `attendees` are those of it.
    `meetings`: all of the booking by time, cancelled ones included; each carries `has_own_people`. Of a series whose
    single meetings the user is invited to, only these (`sees_all` is False), and only their part of the history.
    `attendees`: the organizer first, then as invited.
    """

    booking: Booking
    occurrence: Occurrence
    meetings: tuple[Occurrence, ...]
    rooms: tuple[Room, ...]
    licences: tuple[LicenceHold, ...]
    equipment: tuple[EquipmentHold, ...]
    attendees: tuple[Attendee, ...]
    events: tuple[BookingEvent, ...]
    approvals: tuple[Approval, ...]
    #: Dates of the series that the user, or for those who may change it anybody, waits for.
    waiting: tuple[WaitlistEntry, ...]
    #: The series that this one continues, and those that continue it, as far as the user may open them.
    chain: tuple[Booking, ...]
    #: The user's own invitation, if they have one.
    mine: Attendee | None
    may_change: bool
    sees_all: bool = True
    #: Older events were left out.
    has_older_events: bool = False
    #: How the rooms of a meeting differ from the series', by meeting; of those alone that have their own.
    room_differences: Mapping[int, Rooms] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return self.occurrence.own_title or self.booking.title

    @property
    def description(self) -> str:
        return self.occurrence.own_description or self.booking.description

    @property
    def is_meeting_cancelled(self) -> bool:
        return self.occurrence.status == Occurrence.Status.CANCELLED

    def on(self, meeting: Occurrence) -> date:
        """Return the date that the series gave the meeting, by which addresses know it."""
        return date_of(self.booking, meeting)


def date_of(booking: Booking, meeting: Occurrence) -> date:
    return meeting.original_start_at.astimezone(booking.zone).date()


def booking_for(user: User, number: str) -> Booking:
    """Return the booking that the user asks for by its number.

    Raises: Booking.DoesNotExist also for one that is there but not for this user.
    """
    return (
        visible_to(user, SiteRoles.of(user)).select_related("organizer", "created_by", "host_site").get(number=number)
    )


def details_for(user: User, number: str, *, now: datetime, on: date | None = None) -> BookingDetails:
    """Return the booking and all that belongs to it, in a number of queries that does not grow with it.

    `on`: which meeting of a series, by the date that the rule gave it; None: the next one, or the last one when all are
    over. What is cancelled shows the rooms and licences that it had.
    Raises: Booking.DoesNotExist as `booking_for`, and for a date on which the series never had a meeting.
    """
    booking = booking_for(user, number)
    changeable = may_change(user, booking)
    only = None if changeable else meetings_open_to(user, booking)
    meetings = _meetings(booking, only)
    if not meetings:
        raise Booking.DoesNotExist
    occurrence = _meeting_on(booking, meetings, on) if on else next_meeting(meetings, now=now)
    live = Q() if occurrence.status == Occurrence.Status.CANCELLED else Q(live=True)
    # Another kind of seat may be held for what a conference runs before the start or after the end.
    in_time = Q(period__startswith__lt=occurrence.ends_at, period__endswith__gt=occurrence.starts_at)
    licences = occurrence.licence_holds.filter(live & in_time).select_related("pool", "site").order_by("pk")
    equipment = occurrence.equipment_holds.filter(live).select_related("equipment").order_by("pk")
    found = _attendees(booking, occurrence)
    waiting = booking.waiting.filter(Q() if changeable else Q(user=user), state__in=WaitlistEntry.OPEN)
    events = _events(booking, only)
    return BookingDetails(
        booking=booking,
        occurrence=occurrence,
        meetings=meetings,
        rooms=_rooms(occurrence, live),
        licences=tuple(licences),
        equipment=tuple(equipment),
        attendees=found,
        events=events[:EVENTS_AT_MOST],
        approvals=tuple(booking.approvals.select_related("site", "decided_by").order_by("pk")),
        waiting=tuple(waiting.select_related("user").order_by("on", "pk")),
        chain=_chain(user, booking),
        mine=next((attendee for attendee in found if attendee.user_id == user.pk), None),
        may_change=changeable,
        sees_all=only is None,
        has_older_events=len(events) > EVENTS_AT_MOST,
        room_differences=_room_differences(meetings),
    )


def _rooms(occurrence: Occurrence, live: Q) -> tuple[Room, ...]:
    holds = occurrence.room_holds.filter(live).select_related("room__site").order_by("position", "pk")
    return tuple({hold.room_id: hold.room for hold in holds}.values())


def _events(booking: Booking, only: frozenset[int] | None) -> tuple[BookingEvent, ...]:
    """Return the newest events, one more than are shown; of single meetings only what happened to these."""
    events = booking.events.select_related("actor", "occurrence").order_by("-at", "-pk")
    if only is not None:
        events = events.filter(occurrence__in=only)
    return tuple(events[: EVENTS_AT_MOST + 1])


def _meetings(booking: Booking, only: frozenset[int] | None) -> tuple[Occurrence, ...]:
    own_people = Exists(Attendee.objects.filter(occurrence=OuterRef("pk"), removed_at=None)) | Exists(
        Absence.objects.filter(occurrence=OuterRef("pk"))
    )
    meetings = booking.occurrences.annotate(has_own_people=own_people).order_by("starts_at", "pk")
    return tuple(meetings if only is None else meetings.filter(pk__in=only))


def _room_differences(meetings: Sequence[Occurrence]) -> dict[int, Rooms]:
    """Compare the rooms of meetings that have their own with those of another: no query where none has."""
    own = [meeting for meeting in meetings if meeting.has_own_rooms]
    if not own:
        return {}
    confirmed = Occurrence.Status.CONFIRMED
    usual = next((item for item in meetings if not item.has_own_rooms and item.status == confirmed), None)
    of_meetings = RoomHold.objects.filter(occurrence__in=[*own, *([usual] if usual else [])])
    holds = of_meetings.filter(Q(live=True) | ~Q(occurrence__status=confirmed))
    rooms: dict[int, set[int]] = {}
    for key, room in holds.values_list("occurrence", "room"):
        rooms.setdefault(key, set()).add(room)
    usual_rooms = rooms.get(usual.pk, set()) if usual else None
    return {meeting.pk: compare_rooms(rooms.get(meeting.pk, set()), usual_rooms) for meeting in own}


def _meeting_on(booking: Booking, meetings: Sequence[Occurrence], on: date) -> Occurrence:
    for meeting in meetings:
        if date_of(booking, meeting) == on:
            return meeting
    raise Booking.DoesNotExist


def next_meeting(meetings: Sequence[Occurrence], *, now: datetime) -> Occurrence:
    """Return the meeting in progress or the next one; the last one when all are over. `meetings`: by time."""
    held = [meeting for meeting in meetings if meeting.status == Occurrence.Status.CONFIRMED] or list(meetings)
    return next((meeting for meeting in held if meeting.ends_at > now), held[-1])


def _attendees(booking: Booking, occurrence: Occurrence) -> tuple[Attendee, ...]:
    """Return who takes part in the meeting: those of the series who are not absent, and its own."""
    there = booking.attendees.filter(Q(occurrence=None) | Q(occurrence=occurrence), removed_at=None)
    there = there.exclude(Exists(Absence.objects.filter(attendee=OuterRef("pk"), occurrence=occurrence)))
    return tuple(there.select_related("user", "contact__institution").order_by("-is_organizer", "pk"))


def series_attendees(booking: Booking) -> tuple[Attendee, ...]:
    """Return who takes part in the series as a whole, those who miss single meetings included."""
    there = booking.attendees.filter(occurrence=None, removed_at=None)
    return tuple(there.select_related("user", "contact__institution").order_by("-is_organizer", "pk"))


@dataclass(frozen=True, slots=True)
class Reach:
    """How much some meetings of a booking concern: each room and person once; licences, the most of one meeting."""

    meetings: int
    rooms: int
    people: int
    licences: int


def reach_of(details: BookingDetails, meetings: Sequence[Occurrence]) -> Reach:
    """Return what a change of `meetings` would concern: three queries, however many they are."""
    keys = [meeting.pk for meeting in meetings]
    rooms = RoomHold.objects.filter(occurrence__in=keys, live=True).values("room").distinct().count()
    seats = LicenceHold.objects.filter(occurrence__in=keys, live=True).order_by().values("occurrence")
    licences = max(seats.annotate(count=Sum("seats")).values_list("count", flat=True), default=0)
    if keys == [details.occurrence.pk]:
        return Reach(1, rooms, len(details.attendees), licences)
    people = details.booking.attendees.filter(Q(occurrence=None) | Q(occurrence__in=keys), removed_at=None)
    return Reach(len(keys), rooms, people.values(address=Lower("email")).distinct().count(), licences)


def free_after(details: BookingDetails, *, most: timedelta, now: datetime) -> datetime | None:
    """Return until when the meeting could go on in its rooms, or None where that is `most` longer or more.

    Clearing comes before whatever holds a room next. Licences and opening hours are the judge's business.
    """
    rooms = {room.pk: room for room in details.rooms}
    ends_at = details.occurrence.ends_at
    latest = ends_at + most + max((room.clearing for room in details.rooms), default=timedelta(0))
    holds = RoomHold.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=now),
        room__in=rooms,
        live=True,
        period__startswith__gte=details.occurrence.starts_at,
        period__startswith__lt=latest,
    ).exclude(occurrence=details.occurrence)
    limits = [period.lower - rooms[room_id].clearing for room_id, period in holds.values_list("room_id", "period")]
    limit = min(limits, default=None)
    return None if limit is None or limit >= ends_at + most else limit


def _chain(user: User, booking: Booking) -> tuple[Booking, ...]:
    neighbours = Q(follows=booking) | Q(pk=booking.follows_id)
    return tuple(visible_to(user, SiteRoles.of(user)).filter(neighbours).order_by("pk"))


def open_waiting_of(user: User) -> tuple[WaitlistEntry, ...]:
    """Return what the user waits for, offers first."""
    entries = WaitlistEntry.objects.filter(user=user, state__in=WaitlistEntry.OPEN)
    return tuple(entries.order_by("offer_expires_at", "pk"))


def rooms_named(events: Iterable[BookingEvent]) -> dict[int, Room]:
    """Return the rooms that the events speak of, by id, for the history in words: one query."""
    told = [part for event in events for part in (event.data, event.data.get("rooms", {}))]
    return Room.objects.in_bulk({pk for part in told for key in ("before", "after") for pk in _keys(part.get(key))})


def attendees_named(booking: Booking, events: Iterable[BookingEvent]) -> dict[int, Attendee]:
    """Return the participants that the events speak of, by id, those who left included: one query."""
    told = [part for event in events for part in (event.data, event.data.get("people", {}))]
    wanted = {pk for part in told for key in ("added", "removed") for pk in _keys(part.get(key))}
    wanted |= {event.data["attendee"] for event in events if "attendee" in event.data}
    wanted |= {part[key] for part in told for key in _WHO_NAMED if key in part}
    return booking.attendees.in_bulk(wanted)


def proposals_named(booking: Booking, events: Iterable[BookingEvent]) -> dict[int, Proposal]:
    """Return the proposals that the events speak of, by id, with their meetings: one query."""
    wanted = {event.data["proposal"] for event in events if "proposal" in event.data}
    return booking.proposals.select_related("occurrence").in_bulk(wanted)


def _keys(found: Any) -> list[int]:
    """Return the ids of a list of events' data; other kinds of events keep other things under the same name."""
    return found if isinstance(found, list) else []


def invited_count(booking: Booking) -> int:
    """Return how many people a new booking invites, its organizer among them. Who has just made it asks nobody."""
    if booking.invited is not None:
        return booking.invited
    [(count,)] = prepared.fetch("SELECT count(*) FROM bookings_attendee WHERE booking_id = %s", [booking.pk])
    return int(count)
