"""What the booking that is changed has already: which of its holds are in nobody's way, which meetings stay."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from bookings.availability.planned import Take
from bookings.models import Booking, Occurrence
from bookings.rules import BookingRequest, Scope, Why
from rooms.interval import Interval

_MEETINGS = """
SELECT id, original_start_at, starts_at, ends_at, local_start, local_end, status, has_own_time, has_own_rooms,
    ARRAY(SELECT hold.room_id FROM bookings_roomhold hold
          WHERE hold.occurrence_id = meeting.id AND hold.live ORDER BY hold.position),
    ARRAY(SELECT jsonb_build_array(hold.pool_id, hold.site_id, hold.seats, hold.source, hold.named_id,
              hold.borrowed_by_id, hold.kept, extract(epoch FROM upper(hold.period)))
          FROM bookings_licencehold hold
          WHERE hold.occurrence_id = meeting.id AND hold.live ORDER BY hold.id)
FROM bookings_occurrence meeting WHERE booking_id = %s ORDER BY original_start_at
"""


@dataclass(frozen=True, slots=True)
class OwnMeeting:
    """A meeting of the booking that is changed, cancelled ones included."""

    pk: int
    original_start_at: datetime
    starts_at: datetime
    ends_at: datetime
    local_start: datetime
    local_end: datetime
    is_cancelled: bool
    has_own_time: bool
    has_own_rooms: bool
    room_ids: tuple[int, ...]
    #: What it holds until its end; a seat that came free early is none of its own any more.
    takes: tuple[Take, ...] = ()
    #: Some of it stays although the pool has become too small.
    is_kept: bool = False

    @property
    def interval(self) -> Interval:
        return Interval(self.starts_at, self.ends_at)

    @property
    def is_own(self) -> bool:
        return self.has_own_time or self.has_own_rooms


@dataclass(frozen=True, slots=True)
class Changed:
    """The booking that is changed, and how much of it. `booking` None: nothing is, the request is a new one."""

    booking: Booking | None = None
    scope: Scope = Scope.ALL
    only: Occurrence | None = None
    meetings: tuple[OwnMeeting, ...] = ()

    @property
    def is_series(self) -> bool:
        return self.booking is not None and self.booking.is_series

    @property
    def replaced(self) -> list[OwnMeeting]:
        """The meetings that the request would replace: what they hold is not in its way."""
        if self.only is None or self.scope == Scope.ALL:
            return list(self.meetings)
        if self.scope == Scope.ONE:
            return [meeting for meeting in self.meetings if meeting.pk == self.only.pk]
        since = self.only.original_start_at
        return [meeting for meeting in self.meetings if meeting.original_start_at >= since]

    @property
    def room_ids(self) -> frozenset[int]:
        """Rooms that the booking has; it may keep them, whoever may book them."""
        return frozenset(pk for meeting in self.meetings for pk in meeting.room_ids)

    def is_written_anew(self, request: BookingRequest) -> bool:
        """Say whether the request makes a new booking of this one, or of a part of it, instead of changing its rows."""
        if self.booking is None or self.scope == Scope.FOLLOWING:
            return True
        is_part = self.scope == Scope.ONE
        return not is_part and (
            (request.series is not None) != self.booking.is_series or request.time_zone != self.booking.time_zone
        )

    @property
    def duration(self) -> timedelta | None:
        """How long the series' own meetings are on the wall clock; None where that was never written down."""
        if self.booking is None or not (self.booking.local_start and self.booking.local_end):
            return None
        return datetime.fromisoformat(self.booking.local_end) - datetime.fromisoformat(self.booking.local_start)

    def cancelled_dates(self) -> frozenset[str]:
        """Return the dates, as ISO 8601, whose meeting was cancelled on its own."""
        skipped = self.booking.skipped if self.booking else []
        return frozenset(item["on"] for item in skipped if item["why"] == Why.CANCELLED)


def load(booking: Booking | None, *, scope: Scope, only: Occurrence | None) -> Changed:
    """Read the meetings of the booking with their rooms, in one query; none where nothing is changed."""
    if booking is None:
        return Changed()
    with connection.cursor() as cursor:
        cursor.execute(_MEETINGS, [booking.pk])
        rows = cursor.fetchall()
    return Changed(booking, scope, only, tuple(map(_own_meeting, rows)))


def _own_meeting(row: tuple[Any, ...]) -> OwnMeeting:
    pk, original_start_at, starts_at, ends_at, local_start, local_end, status, own_time, own_rooms, room_ids = row[:10]
    whole = [json.loads(hold) if isinstance(hold, str) else hold for hold in row[10]]
    whole = [hold for hold in whole if hold[7] >= ends_at.timestamp()]
    return OwnMeeting(
        pk,
        original_start_at,
        starts_at,
        ends_at,
        datetime.fromisoformat(local_start),
        datetime.fromisoformat(local_end),
        status == Occurrence.Status.CANCELLED,
        own_time,
        own_rooms,
        tuple(room_ids),
        tuple(Take(*hold[:6]) for hold in whole),
        any(hold[6] for hold in whole),
    )
