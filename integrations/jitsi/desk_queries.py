"""What the desk of IT admins shows: conferences that run or are about to, and how the servers are. In 8 queries."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TypedDict

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.urls import reverse

from bookings.models import Booking, Occurrence, RoomHold
from integrations.jitsi import assignments
from integrations.jitsi.assignments import Overfull
from integrations.jitsi.models import Conference, ConferenceServer, Recorder, ServerAssignment, ServerHealth
from integrations.jitsi.recorders import heard_of
from integrations.jitsi.servers import all_servers

#: What begins within it is shown.
AHEAD = timedelta(hours=1)


class State(StrEnum):
    """Where a conference is, in the order in which the desk shows them."""

    OVERRUN = "overrun"
    UNKNOWN = "unknown"
    UNPLANNED = "unplanned"
    RUNNING = "running"
    #: Began by plan, and nobody is there.
    AWAITED = "awaited"
    #: Nobody came for so long that its rooms and licences were given up.
    MISSED = "missed"
    SOON = "soon"


_ORDER = list(State)


@dataclass(frozen=True, slots=True)
class Item:
    """One conference, or one meeting without one yet. `title`: empty of a closed session and of what nobody booked."""

    state: State
    name: str
    title: str
    is_private: bool
    url: str
    organizer: str
    rooms: tuple[str, ...]
    server: ConferenceServer | None
    people: int
    peak: int
    since: datetime | None
    starts_at: datetime | None
    planned_end: datetime | None
    promised_until: datetime | None
    #: Of the conference that is open; empty without one.
    key: str = ""
    moved_from: ConferenceServer | None = None

    @property
    def can_be_ended(self) -> bool:
        return bool(self.key) and self.server is not None and self.server.can_be_controlled


class _Words(TypedDict):
    """The fields of an `Item` that its session has."""

    title: str
    is_private: bool
    url: str
    organizer: str
    rooms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Load:
    """What a server carries: open conferences and the people in them, and with what begins within the hour."""

    server: ConferenceServer
    health: ServerHealth | None
    conferences: int
    people: int
    conferences_soon: int
    people_soon: int
    recorders: tuple[Recorder, ...] = ()
    moved_here: int = 0
    #: Where more is planned at once, later today, than it carries, because no server had room.
    overfull: Overfull | None = None

    @property
    def is_over(self) -> bool:
        """Say whether it carries, or is about to, more than it was said to carry."""
        most, most_people = self.server.max_conferences, self.server.max_people
        too_many = most is not None and self.conferences_soon > most
        return too_many or (most_people is not None and self.people_soon > most_people)


@dataclass(frozen=True, slots=True)
class Desk:
    items: tuple[Item, ...]
    servers: tuple[Load, ...]
    counts: dict[State, int] = field(default_factory=dict)

    def of(self, *states: State) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.state in states)


def find_desk(*, now: datetime) -> Desk:
    """Return everything at `now`. How many queries it takes depends neither on sessions nor on servers."""
    servers = all_servers()
    by_key = {server.pk: server for server in servers}
    health = {row.server_id: row for row in ServerHealth.objects.filter(server__in=by_key)}
    open_now = list(
        Conference.objects.filter(closed_at=None)
        .select_related("occurrence__booking__organizer", "occurrence__server_assignment", "unplanned")
        .order_by("opened_at", "pk")
    )
    planned = _planned(now=now, without={c.occurrence_id for c in open_now if c.occurrence_id})
    rooms = _rooms([*(c.occurrence_id for c in open_now if c.occurrence_id), *(o.pk for o in planned)])
    items = [_of_conference(conference, by_key, rooms, now=now) for conference in open_now]
    items += [_of_meeting(meeting, by_key, rooms, now=now) for meeting in planned]
    items.sort(key=lambda item: (_ORDER.index(item.state), item.planned_end or item.since or now, item.name))
    recorders = list(heard_of(now=now)) if servers else []
    tight = {one.server.pk: one for one in assignments.overfull(now, until=assignments.horizon(now), every=servers)}
    loads = tuple(
        replace(_load(server, health.get(server.pk), items, planned, recorders), overfull=tight.get(server.pk))
        for server in servers
    )
    counts = {state: sum(item.state is state for item in items) for state in State}
    return Desk(tuple(items), loads, counts)


def find_conference(key: str) -> Conference | None:
    """Return the open conference with this key, None when it is over."""
    return (
        Conference.objects.filter(key=key, closed_at=None)
        .select_related("server", "occurrence__booking__organizer", "occurrence__server_assignment", "unplanned")
        .first()
    )


def item_of(conference: Conference, *, now: datetime) -> Item:
    """Return a conference as `find_conference` has it, with its rooms."""
    rooms = _rooms([conference.occurrence_id] if conference.occurrence_id else [])
    return _of_conference(conference, {conference.server_id: conference.server}, rooms, now=now)


def _planned(*, now: datetime, without: Collection[int]) -> list[Occurrence]:
    """Return the meetings that are on or begin within the hour, have no open conference and none that is over.

    A meeting whose conference ended before its planned end has taken place: nobody waits for it.
    """
    ended = Conference.objects.filter(occurrence=OuterRef("pk"), first_joined_at__isnull=False, closed_at__isnull=False)
    found = (
        Occurrence.objects.filter(
            starts_at__lt=now + AHEAD,
            # Nothing is longer: meetings of the past are not read.
            starts_at__gt=now - timedelta(hours=settings.MAX_SESSION_HOURS) - AHEAD,
            ends_at__gt=now,
            status=Occurrence.Status.CONFIRMED,
            booking__status=Booking.Status.CONFIRMED,
            booking__is_outside=False,
        )
        .exclude(pk__in=without)
        .exclude(Exists(ended))
        .select_related("booking__organizer", "server_assignment")
        .order_by("starts_at", "pk")
    )
    return list(found)


def _rooms(occurrence_ids: Collection[int]) -> dict[int, list[str]]:
    """Return the rooms of each meeting in words, in the order chosen; those that came free early as well."""
    found: dict[int, list[str]] = {}
    holds = RoomHold.objects.filter(occurrence__in=occurrence_ids).select_related("room__site")
    for hold in holds.order_by("occurrence", "position", "pk"):
        if hold.occurrence_id is not None:
            words = f"{hold.room.site.short_name or hold.room.site.name}, {hold.room.name}"
            names = found.setdefault(hold.occurrence_id, [])
            if words not in names:
                names.append(words)
    return found


def _of_conference(
    conference: Conference, servers: dict[int, ConferenceServer], rooms: dict[int, list[str]], *, now: datetime
) -> Item:
    meeting, unplanned = conference.occurrence, conference.unplanned
    planned_end = meeting.ends_at if meeting else unplanned.ends_at if unplanned else None
    return Item(
        state=_state(conference, now=now),
        name=conference.name,
        **_words(meeting, rooms),
        server=servers.get(conference.server_id),
        people=conference.people_now,
        peak=conference.people_peak,
        since=conference.first_joined_at or conference.opened_at,
        starts_at=meeting.starts_at if meeting else None,
        planned_end=planned_end,
        promised_until=conference.promised_until,
        key=conference.key,
        moved_from=_moved_from(meeting, servers),
    )


def _state(conference: Conference, *, now: datetime) -> State:
    """Opening it proves nobody's presence (P1): who waits for the first person is planned still."""
    if conference.unplanned_id is not None:
        return State.UNPLANNED
    meeting = conference.occurrence
    if meeting is None:
        return State.UNKNOWN
    if meeting.ends_at <= now:
        return State.OVERRUN
    if conference.first_joined_at is None:
        return State.AWAITED if meeting.starts_at <= now else State.SOON
    return State.RUNNING


def _of_meeting(
    meeting: Occurrence, servers: dict[int, ConferenceServer], rooms: dict[int, list[str]], *, now: datetime
) -> Item:
    assignment = _assignment(meeting)
    state = State.SOON
    if meeting.starts_at <= now:
        state = State.MISSED if meeting.no_show_at is not None else State.AWAITED
    return Item(
        state=state,
        name=meeting.booking.conference_name,
        **_words(meeting, rooms),
        server=servers.get(assignment.server_id) if assignment else None,
        people=0,
        peak=0,
        since=None,
        starts_at=meeting.starts_at,
        planned_end=meeting.ends_at,
        promised_until=None,
        moved_from=_moved_from(meeting, servers),
    )


def _words(meeting: Occurrence | None, rooms: dict[int, list[str]]) -> _Words:
    if meeting is None:
        return {"title": "", "is_private": False, "url": "", "organizer": "", "rooms": ()}
    booking = meeting.booking
    url = reverse("booking_show", kwargs={"number": booking.number})
    if booking.is_series:
        url += f"?spotkanie={_date(meeting)}"
    return {
        # The desk is looked at by whoever watches the servers, also on a screen in their room.
        "title": "" if booking.is_private else meeting.own_title or booking.title,
        "is_private": booking.is_private,
        "url": url,
        "organizer": booking.organizer.name or booking.organizer.email,
        "rooms": tuple(rooms.get(meeting.pk, ())),
    }


def _date(meeting: Occurrence) -> date:
    return meeting.original_start_at.astimezone(meeting.booking.zone).date()


def _assignment(meeting: Occurrence | None) -> ServerAssignment | None:
    return getattr(meeting, "server_assignment", None)


def _moved_from(meeting: Occurrence | None, servers: dict[int, ConferenceServer]) -> ConferenceServer | None:
    assignment = _assignment(meeting)
    return servers.get(assignment.moved_from_id) if assignment and assignment.moved_from_id else None


def _load(
    server: ConferenceServer,
    health: ServerHealth | None,
    items: Iterable[Item],
    planned: Iterable[Occurrence],
    recorders: Iterable[Recorder],
) -> Load:
    here = [item for item in items if item.server == server]
    on = [item for item in here if item.key]
    to_come = [row for row in map(_assignment, planned) if row is not None and row.server_id == server.pk]
    # Who was missed is not expected any more.
    soon = [row for row in to_come if row.occurrence.no_show_at is None]
    people = sum(item.people for item in on)
    return Load(
        server=server,
        health=health,
        conferences=len(on),
        people=people,
        conferences_soon=len(on) + len(soon),
        people_soon=people + sum(row.people for row in soon),
        recorders=tuple(recorder for recorder in recorders if recorder.server_id == server.pk),
        moved_here=sum(item.moved_from is not None for item in here),
    )
