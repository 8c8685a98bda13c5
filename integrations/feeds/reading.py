"""Reads what a calendar shows, in a fixed number of queries whose cost its window bounds, not the history.

First only which bookings there are, in which version: that makes the version of the whole, for which a program that
has it already needs nothing more (I3).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from django.conf import settings
from django.db.models import Exists, Max, Min, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import get_language

from bookings.models import LONGEST_HOLD, Absence, Attendee, Booking, Occurrence, RoomHold, as_interval
from integrations.feeds.addresses import token_for
from integrations.feeds.facts import ClosedTime
from integrations.feeds.models import CalendarFeed
from integrations.places import places
from rooms.interval import Interval, merged
from rooms.models import Room
from rooms.queries import midnight

#: Days of the calendar before and after today (I4).
DAYS_BEFORE, DAYS_AFTER = 30, 365
#: Bookings of a calendar of rooms; of more, those that are over are left out first, then the farthest. A site of thirty
#: rooms that is booked out for months would be megabytes, which Google refuses, and seconds of work.
BOOKINGS_AT_MOST = 5_000
#: Of what is written for the same rows: to be raised when `render` or `choosing` write something else.
#: tests/integrations/feeds/test_render.py holds what this number stands for.
FORMAT = 1

LIVE = (Booking.Status.REQUESTED, Booking.Status.CONFIRMED)
_HELD = Occurrence.Status.CONFIRMED


@dataclass(frozen=True, slots=True)
class Plan:
    """What a calendar will show. `version`: the same for the same bytes, and another one for any others.

    `booking_ids`: bookings with a meeting in `window`, of which single ones may turn out to be none of this calendar.
    `room_ids`: the rooms whose calendar it is; of own sessions None. `rooms`: all of the office, by key.
    """

    feed: CalendarFeed
    window: Interval
    booking_ids: tuple[int, ...]
    closed: tuple[ClosedTime, ...]
    rooms: Mapping[int, Room]
    room_ids: frozenset[int] | None
    version: str


@dataclass(frozen=True, slots=True)
class Material:
    """The rows that the events are made of. `rooms_at`: keys by meeting, as chosen. `invitations`: the owner's own."""

    bookings: tuple[Booking, ...]
    meetings: Mapping[int, tuple[Occurrence, ...]]
    rooms_at: Mapping[int, tuple[int, ...]]
    invitations: Mapping[int, tuple[Attendee, ...]]
    #: Meetings at which the owner is not, though invited to the series.
    away: frozenset[int]


def read_plan(feed: CalendarFeed, *, now: datetime) -> Plan:
    """Return what the calendar shows from today on: five queries at most.

    The window begins and ends at midnights, so that nothing changes by the passing of a minute.
    """
    zone = timezone.get_default_timezone()
    today = now.astimezone(zone).date()
    window = Interval(
        midnight(today - timedelta(days=DAYS_BEFORE), zone), midnight(today + timedelta(days=DAYS_AFTER), zone)
    )
    rooms = Room.objects.select_related("site").in_bulk()
    room_ids = _room_ids(feed, rooms)
    versions = _own(feed, window) if room_ids is None else _in_rooms(room_ids, window, today_at=midnight(today, zone))
    closed = () if room_ids is None else _closed(room_ids, window)
    parts = (
        FORMAT,
        settings.BASE_URL,
        token_for(feed),
        get_language(),
        feed.detail,
        feed.without_mailed,
        window,
        versions,
        closed,
        sorted((pk, str(place)) for pk, place in zip(rooms, places(rooms.values()), strict=True)),
    )
    version = sha256(repr(parts).encode()).hexdigest()[:40]
    return Plan(feed, window, tuple(row[0] for row in versions), closed, rooms, room_ids, version)


def read_material(plan: Plan) -> Material:
    """Return the rows of the plan's bookings, of series all meetings: five queries."""
    found = Booking.objects.filter(pk__in=plan.booking_ids, status__in=LIVE).order_by("pk")
    # What only the own calendar tells need not be read for others.
    if plan.room_ids is None:
        found = found.select_related("organizer").defer("wishes", "skipped")
    else:
        found = found.defer("wishes", "skipped", "description")
    bookings = tuple(found)
    meetings: dict[int, list[Occurrence]] = defaultdict(list)
    held = Occurrence.objects.filter(booking__in=plan.booking_ids, status=_HELD).order_by("starts_at", "pk")
    for meeting in held:
        meetings[meeting.booking_id].append(meeting)
    rooms_at: dict[int, list[int]] = defaultdict(list)
    holds = RoomHold.objects.filter(occurrence__booking__in=plan.booking_ids, live=True)
    for meeting_id, room_id in holds.order_by("position", "pk").values_list("occurrence", "room"):
        rooms_at[meeting_id or 0].append(room_id)
    owner = plan.feed.owner_id
    invitations: dict[int, list[Attendee]] = defaultdict(list)
    mine = Attendee.objects.filter(user=owner, booking__in=plan.booking_ids, removed_at=None).order_by("pk")
    for attendee in mine:
        invitations[attendee.booking_id].append(attendee)
    away = Absence.objects.filter(attendee__user=owner, attendee__booking__in=plan.booking_ids)
    return Material(
        bookings=bookings,
        meetings={pk: tuple(rows) for pk, rows in meetings.items()},
        rooms_at={pk: tuple(rows) for pk, rows in rooms_at.items()},
        invitations={pk: tuple(rows) for pk, rows in invitations.items()},
        away=frozenset(away.values_list("occurrence_id", flat=True)),
    )


def held_between(room_ids: frozenset[int], window: Interval) -> QuerySet[RoomHold]:
    """Return the live holds of rooms that touch the window, found by their beginnings (LONGEST_HOLD)."""
    return RoomHold.objects.filter(
        room__in=room_ids,
        live=True,
        period__startswith__gt=window.start_at - LONGEST_HOLD,
        period__startswith__lt=window.end_at,
        period__endswith__gt=window.start_at,
    )


def _room_ids(feed: CalendarFeed, rooms: Mapping[int, Room]) -> frozenset[int] | None:
    if feed.room_id is not None:
        return frozenset([feed.room_id])
    if feed.site_id is None:
        return None
    return frozenset(pk for pk, room in rooms.items() if room.site_id == feed.site_id and room.is_active)


def _in_rooms(room_ids: frozenset[int], window: Interval, *, today_at: datetime) -> list[tuple[int, int]]:
    """Return key and version of every booking that has one of the rooms, by key (BOOKINGS_AT_MOST)."""
    holds = held_between(room_ids, window).filter(occurrence__booking__status__in=LIVE)
    groups = holds.values_list("occurrence__booking", "occurrence__booking__version").order_by()
    rows = list(groups.annotate(first=Min("period__startswith"), last=Max("period__endswith")))
    if len(rows) > BOOKINGS_AT_MOST:
        rows = sorted((row for row in rows if row[3] > today_at), key=lambda row: (row[2], row[0]))[:BOOKINGS_AT_MOST]
    return sorted((pk, version) for pk, version, _first, _last in rows if pk is not None and version is not None)


def _own(feed: CalendarFeed, window: Interval) -> list[tuple[int, int, str]]:
    """Return key and version of every booking that the owner made or is invited to, and whom it names."""
    coming = Occurrence.objects.filter(
        status=_HELD, starts_at__gt=window.start_at - LONGEST_HOLD, starts_at__lt=window.end_at
    )
    # Keys rise with time: what is older than all that the window touches need not be looked at.
    oldest = coming.aggregate(pk=Min("booking"))["pk"]
    if oldest is None:
        return []
    invited = Attendee.objects.filter(user=feed.owner, removed_at=None, booking__gte=oldest)
    made = Booking.objects.filter(created_by=feed.owner, pk__gte=oldest)
    keys = list(invited.values_list("booking", flat=True).union(made.values_list("pk", flat=True)))
    meets = coming.filter(booking=OuterRef("pk"), ends_at__gt=window.start_at)
    found = Booking.objects.filter(Exists(meets), pk__in=keys, status__in=LIVE)
    people = ("organizer__name", "organizer__phone", "organizer__email")
    return sorted((pk, version, " ".join(named)) for pk, version, *named in found.values_list("pk", "version", *people))


def _closed(room_ids: frozenset[int], window: Interval) -> tuple[ClosedTime, ...]:
    """Return what closures hold, day after day in one piece, and rooms that are closed alike together."""
    fields = ("closure", "room", "period", "closure__title", "closure__title_en", "closure__created_at")
    rows = held_between(room_ids, window).filter(closure__isnull=False).values_list(*fields)
    stretches: dict[tuple[int, int], list[Interval]] = defaultdict(list)
    told: dict[int, tuple[str, datetime]] = {}
    in_english = get_language() == "en"
    for closure_id, room_id, period, title, title_en, made_at in rows:
        stretches[closure_id, room_id].append(as_interval(period))
        told[closure_id] = ((title_en or title) if in_english else title, made_at)
    rooms: dict[tuple[int, Interval], list[int]] = defaultdict(list)
    for (closure_id, room_id), intervals in stretches.items():
        for interval in merged(intervals):
            rooms[closure_id, interval].append(room_id)
    return tuple(
        ClosedTime(closure_id, *told[closure_id], interval, tuple(sorted(found)))
        for (closure_id, interval), found in sorted(rooms.items())
    )
