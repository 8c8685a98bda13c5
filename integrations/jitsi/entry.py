"""Decides whether a person may enter a conference now, and if not, why and from when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Exists, OuterRef

from bookings.models import Absence, Attendee, Occurrence
from integrations.jitsi import window
from integrations.jitsi.window import Window, window_among, window_of


class State(StrEnum):
    EARLY = "early"
    OPEN = "open"
    ENDED = "ended"
    CANCELLED = "cancelled"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Entry:
    """`occurrence`: the meeting that runs or comes next, else the last. It is open in `[opens_at, closes_at)`."""

    state: State
    occurrence: Occurrence
    opens_at: datetime
    closes_at: datetime


def find_entry(attendee: Attendee, *, now: datetime) -> Entry:
    """Return what the person meets at the door at `now`.

    That the organizer has opened the conference to prepare it lets nobody else in early.
    """
    found = _window(attendee, now=now)
    opens_at = found.occurrence.starts_at - opens_before(attendee)
    return Entry(_state(attendee, found, opens_at, now=now), found.occurrence, opens_at, found.closes_at)


def opens_before(attendee: Attendee) -> timedelta:
    """Return how long before the start the person may come."""
    return window.opens_before(organizer=attendee.is_organizer)


def _state(attendee: Attendee, found: Window, opens_at: datetime, *, now: datetime) -> State:
    if attendee.removed_at is not None:
        return State.REMOVED
    if attendee.booking.is_cancelled or found.occurrence.status == Occurrence.Status.CANCELLED:
        return State.CANCELLED
    if now >= found.closes_at:
        return State.ENDED
    # What awaits approval may still be declined: nobody meets there yet.
    is_open = now >= opens_at and not attendee.booking.is_requested
    return State.OPEN if is_open else State.EARLY


def _window(attendee: Attendee, *, now: datetime) -> Window:
    """Return the person's meeting that is meant at `now`, with its window; cancelled ones where there is no other.

    Somebody invited to one meeting of a series has that one alone; who is not at a meeting has not got it.
    """
    if attendee.occurrence is not None:
        return window_of(attendee.occurrence, now=now)
    absences = Absence.objects.filter(attendee=attendee, occurrence=OuterRef("pk"))
    mine = attendee.booking.occurrences.exclude(Exists(absences))
    return window_among(mine, now=now) or window_of(attendee.booking.occurrences.latest("starts_at"), now=now)
