"""Finds sessions by words, days and filters: those to come in their order, then those that are over, newest first.

What the user may open is found by title, number, room, day and everybody who takes part. Of other people's sessions
only what the day board shows everybody is found: open ones that hold a room, by title, room and day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, Q

from accounts.models import User
from bookings import search_sql
from bookings.models import Attendee, Occurrence, RoomHold
from bookings.search_terms import Term, find_terms
from bookings.search_text import fits, words_in
from bookings.search_walk import CANCELLED, COMING, PAST, Place, Row, Walk, Wanted
from rooms.models import Room
from rooms.permissions import SiteRoles

__all__ = ["CANCELLED", "COMING", "PAST", "Found", "FoundMeeting", "Place", "Wanted", "find_sessions"]


@dataclass(frozen=True, slots=True)
class FoundMeeting:
    """`may_open`: the user may open its page; otherwise title, time and rooms are all that is theirs to see.

    `people`: those by whose names it was found, as invited.
    """

    occurrence: Occurrence
    rooms: tuple[Room, ...]
    people: tuple[Attendee, ...]
    may_open: bool
    is_past: bool


@dataclass(frozen=True, slots=True)
class Found:
    """`then`: where the next page begins, if there may be one. `looked_to`: how far the search came, where it stopped
    before the page was full.
    """

    meetings: tuple[FoundMeeting, ...]
    then: Place | None = None
    looked_to: datetime | None = None


def find_sessions(user: User, wanted: Wanted, *, now: datetime, size: int, after: Place | None = None) -> Found:
    """Return a page of the meetings that the user may know of, beginning `after` the place where another ended."""
    terms = find_terms(wanted.words)
    walk = Walk(user, wanted, terms, opened=search_sql.may_open(user, SiteRoles.of(user)), now=now)
    rows: list[Row] = []
    stopped: Place | None = None
    for is_past in (False, True):
        is_left_out = wanted.state == (COMING if is_past else PAST)
        is_done = after is not None and after.is_past and not is_past
        if is_left_out or is_done or stopped or len(rows) > size:
            continue
        start = after if after is not None and after.is_past is is_past else None
        found, stopped = walk.side(is_past=is_past, after=start, most=size + 1 - len(rows))
        rows += found
    shown = _with_everything(rows[:size], terms)
    if len(rows) > size:
        return Found(shown, rows[size - 1].place)
    return Found(shown, stopped, stopped.at if stopped else None)


def _with_everything(rows: Sequence[Row], terms: Sequence[Term]) -> tuple[FoundMeeting, ...]:
    """Load what a list shows, in a fixed number of queries."""
    holds = RoomHold.objects.filter(live=True).select_related("room__site").order_by("position")
    meetings = Occurrence.objects.select_related("booking__organizer").prefetch_related(Prefetch("room_holds", holds))
    loaded = meetings.in_bulk([row.pk for row in rows])
    people = _people([loaded[row.pk] for row in rows if row.may_open], terms)
    return tuple(
        FoundMeeting(
            loaded[row.pk],
            tuple(hold.room for hold in loaded[row.pk].room_holds.all()),
            tuple(people[row.pk]),
            row.may_open,
            row.is_past,
        )
        for row in rows
    )


def _people(meetings: Sequence[Occurrence], terms: Sequence[Term]) -> dict[int, list[Attendee]]:
    """Return whose names hold one of the words, by meeting."""
    found: dict[int, list[Attendee]] = defaultdict(list)
    if not terms or not meetings:
        return found
    by_name = Q(user__in={pk for term in terms for pk in term.users}) | Q(user=None, contact=None)
    by_name |= Q(contact__in={pk for term in terms for pk in term.contacts})
    invited = Attendee.objects.filter(by_name, booking__in={item.booking_id for item in meetings}, removed_at=None)
    by_booking: dict[int, list[Attendee]] = defaultdict(list)
    for attendee in invited.select_related("contact__institution").order_by("pk"):
        typed = attendee.user_id is None and attendee.contact_id is None
        if not typed or _is_named(attendee, terms):
            by_booking[attendee.booking_id].append(attendee)
    for meeting in meetings:
        there = by_booking[meeting.booking_id]
        found[meeting.pk] = [item for item in there if item.occurrence_id in {None, meeting.pk}]
    return found


def _is_named(attendee: Attendee, terms: Sequence[Term]) -> bool:
    words = words_in(f"{attendee.name} {attendee.email}")
    return any(fits(term.word, words) for term in terms)
