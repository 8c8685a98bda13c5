"""Reads a user's sessions for lists: those to come, one line for a series, and meetings that are over.

What is asked for first lies near the present, so the search walks from now along the meetings of the office; a user
with few sessions is looked up by them instead. Neither way costs more for a longer history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet

from accounts.models import User
from bookings.models import LONGEST_HOLD, Absence, Attendee, Booking, Occurrence, RoomHold
from rooms.models import Room

#: Up to so many bookings, looking at each of them is cheaper than a walk past everybody's.
_FEW = 1_000
_HELD = Occurrence.Status.CONFIRMED


@dataclass(frozen=True, slots=True)
class ListedBooking:
    """A line of a list. `occurrence`: the next meeting, or in a list of the past the one that is over."""

    booking: Booking
    occurrence: Occurrence
    rooms: tuple[Room, ...]
    #: Further meetings to come; always 0 in a list of the past.
    more: int = 0


@dataclass(frozen=True, slots=True)
class ListPage:
    lines: tuple[ListedBooking, ...]
    number: int
    has_next: bool

    @property
    def has_other_pages(self) -> bool:
        return self.has_next or self.number > 1

    @property
    def previous_number(self) -> int:
        return self.number - 1

    @property
    def next_number(self) -> int:
        return self.number + 1


class Part(StrEnum):
    """Which sessions of a user a list has. LED: they organize or made them; INVITED: somebody else did."""

    ALL = ""
    LED = "led"
    INVITED = "invited"


def sessions_of(user: User, *, now: datetime, number: int, size: int, part: Part = Part.ALL) -> ListPage:
    """Return what the user organizes, made or is invited to, soonest first: a series by its next meeting.

    Cancelled sessions stay until their time has passed, so that nobody wonders where they went; cancelled meetings of
    a series do not.
    """
    told = Q(status=_HELD) | Q(booking__status=Booking.Status.CANCELLED)
    coming = Occurrence.objects.filter(told, starts_at__gt=now - LONGEST_HOLD, ends_at__gt=now)
    earlier = Occurrence.objects.filter(
        _is_at(user),
        booking=OuterRef("booking"),
        starts_at__lt=OuterRef("starts_at"),
        ends_at__gt=now,
        status=OuterRef("status"),
    )
    first = _of(user, coming).filter(_part_of(user, part), ~Exists(earlier)).order_by("starts_at", "pk")
    found, has_next = _page(first, number=number, size=size)
    return ListPage(tuple(_with_the_rest(user, found, now=now)), number, has_next)


def past_meetings_of(user: User, *, now: datetime, number: int, size: int, part: Part = Part.ALL) -> ListPage:
    """Return the meetings that are over, newest first, each of a series by itself."""
    over = Occurrence.objects.filter(status=_HELD, starts_at__lt=now, ends_at__lte=now)
    newest = _of(user, over).filter(_part_of(user, part)).order_by("-starts_at", "-pk")
    found, has_next = _page(newest, number=number, size=size)
    lines = (ListedBooking(meeting.booking, meeting, _rooms(meeting)) for meeting in found)
    return ListPage(tuple(lines), number, has_next)


def _of(user: User, meetings: QuerySet[Occurrence, Occurrence]) -> QuerySet[Occurrence, Occurrence]:
    """Keep the meetings that the user takes part in or made. Organizers take part."""
    invited = Attendee.objects.filter(user=user, removed_at=None)
    made = Booking.objects.filter(created_by=user)
    few = list(invited.values_list("booking", flat=True).union(made.values_list("pk", flat=True))[: _FEW + 1])
    if len(few) <= _FEW:
        meetings = meetings.filter(booking__in=few)
    return meetings.filter(_is_at(user))


def _is_at(user: User) -> Q:
    """Keep meetings at which the user is: of those who are invited to single meetings of a series only these."""
    mine = Attendee.objects.filter(user=user, removed_at=None, booking=OuterRef("booking"))
    invited = mine.filter(Q(occurrence=None) | Q(occurrence=OuterRef("pk")))
    away = Absence.objects.filter(occurrence=OuterRef("pk"), attendee__user=user)
    return Q(Q(booking__created_by=user) | Exists(invited)) & ~Q(Exists(away))


def _part_of(user: User, part: Part) -> Q:
    led = Q(booking__organizer=user) | Q(booking__created_by=user)
    return {Part.ALL: Q(), Part.LED: led, Part.INVITED: ~led}[part]


def _page(meetings: QuerySet[Occurrence, Occurrence], *, number: int, size: int) -> tuple[list[Occurrence], bool]:
    """Return a page, and whether there is another; how many there are in all nobody counts."""
    holds = RoomHold.objects.filter(live=True).select_related("room__site").order_by("position")
    begin = (number - 1) * size
    rows = meetings.select_related("booking__organizer").prefetch_related(Prefetch("room_holds", holds))
    found = list(rows[begin : begin + size + 1])
    return found[:size], len(found) > size


def _with_the_rest(user: User, first: Sequence[Occurrence], *, now: datetime) -> list[ListedBooking]:
    """Say how many meetings follow, of those at which the user is."""
    series = [meeting.booking_id for meeting in first if meeting.booking.is_series]
    there = Occurrence.objects.filter(
        Q(status=_HELD) | Q(booking__status=Booking.Status.CANCELLED), _is_at(user), booking__in=series, ends_at__gt=now
    )
    counts = dict(there.values_list("booking").annotate(count=Count("pk")).order_by())
    return [
        ListedBooking(meeting.booking, meeting, _rooms(meeting), max(0, counts.get(meeting.booking_id, 1) - 1))
        for meeting in first
    ]


def _rooms(meeting: Occurrence) -> tuple[Room, ...]:
    return tuple(hold.room for hold in meeting.room_holds.all())
