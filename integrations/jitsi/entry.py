"""Decides whether a person may enter a conference now, and if not, why and from when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db.models import Exists, OuterRef

from bookings.models import Absence, Attendee, Occurrence

# Early enough to try camera and slides; longer would use a licence outside the hours for which it is held.
ORGANIZER_OPENS = timedelta(hours=1)


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
    """Return what the person meets at the door at `now`."""
    grace = timedelta(minutes=settings.JOIN_GRACE_MINUTES)
    occurrence = _occurrence(attendee, now=now - grace)
    opens_at = occurrence.starts_at - opens_before(attendee)
    closes_at = occurrence.ends_at + grace
    return Entry(_state(attendee, occurrence, opens_at, closes_at, now=now), occurrence, opens_at, closes_at)


def opens_before(attendee: Attendee) -> timedelta:
    before = timedelta(minutes=settings.JOIN_OPENS_MINUTES)
    return max(before, ORGANIZER_OPENS) if attendee.is_organizer else before


def _state(
    attendee: Attendee, occurrence: Occurrence, opens_at: datetime, closes_at: datetime, *, now: datetime
) -> State:
    if attendee.removed_at is not None:
        return State.REMOVED
    if attendee.booking.is_cancelled or occurrence.status == Occurrence.Status.CANCELLED:
        return State.CANCELLED
    if now >= closes_at:
        return State.ENDED
    # What awaits approval may still be declined: nobody meets there yet.
    is_open = now >= opens_at and not attendee.booking.is_requested
    return State.OPEN if is_open else State.EARLY


def _occurrence(attendee: Attendee, *, now: datetime) -> Occurrence:
    """Return the person's first meeting that has not ended at `now`, else the last; cancelled ones where none is left.

    Somebody invited to one meeting of a series has that one alone; who is not at a meeting has not got it.
    """
    if attendee.occurrence is not None:
        return attendee.occurrence
    absences = Absence.objects.filter(attendee=attendee, occurrence=OuterRef("pk"))
    mine = attendee.booking.occurrences.exclude(Exists(absences)).order_by("starts_at")
    taking_place = mine.filter(status=Occurrence.Status.CONFIRMED)
    found = taking_place.filter(ends_at__gt=now).first() or taking_place.last() or mine.last()
    return found or attendee.booking.occurrences.latest("starts_at")
