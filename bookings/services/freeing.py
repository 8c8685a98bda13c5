"""What comes free when a conference is over: the seat a little later, then the rooms. Found by query, offered on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import connection

from bookings.models import LONGEST_HOLD, Booking, LicenceHold, Occurrence, as_range
from bookings.services import conference_seats, freed_rooms, locks, releases
from bookings.services.errors import in_one_transaction
from rooms.interval import Interval


@dataclass(frozen=True, slots=True)
class _Deserted:
    """A meeting whose conference everybody has left: `ended_at`, when the last one did.

    `seats`, `rooms`: what of it is to come free now. None: it has not begun, and nobody is in its conference, which was
    opened early.
    """

    pk: int
    ended_at: datetime | None
    seats: bool
    rooms: bool


def free_seats(now: datetime) -> int:
    """Free what meetings hold whose conference everybody has left, and offer it on.

    Licences FREE_SEAT_AFTER_MINUTES after the last one left; the rooms of sessions that take a licence
    FREE_ROOM_AFTER_MINUTES after, once they are cleared. Who only looked in before the start will come back: what was
    held earlier than planned comes free, also where nobody came at all. From its start on a conference that nobody has
    come to yet keeps everything (`note_no_shows`). Who comes back takes licence and rooms again (`record_started`).

    Returns how many meetings that were. Found by query, each in a transaction of its own; beat calls it, and calling it
    twice or late does no harm.
    """
    return sum(in_one_transaction(partial(_free, item.pk, now=now)) for item in _find(now))


def _free(pk: int, *, now: datetime) -> int:
    """Let what the meeting holds end. What somebody is changing just now is left to later."""
    bookings = Booking.objects.filter(occurrences=pk).order_by("pk")
    if bookings.select_for_update(no_key=True, skip_locked=True, of=("self",)).first() is None:
        return 0
    locks.lock_held([pk])
    # Somebody may have come back before the locks were there.
    found = next(iter(_find(now, only=pk)), None)
    if found is None:
        return 0
    meeting = Occurrence.objects.select_related("booking").get(pk=pk)
    if found.ended_at is None:
        return min(1, conference_seats.give_back(meeting, now=now))
    rest = _end_seats(meeting, found.ended_at, now=now) if found.seats else []
    if found.rooms:
        rest += freed_rooms.give_back(meeting, now=now, is_used=True)
    releases.freed(rest, now=now)
    return min(1, len(rest))


def _end_seats(meeting: Occurrence, ended_at: datetime, *, now: datetime) -> list[Interval]:
    rest = []
    held = LicenceHold.objects.filter(occurrence=meeting.pk, live=True, period__endswith__gt=now)
    for hold in held.filter(period__startswith__lt=now).order_by("pk"):
        rest.append(Interval(now, hold.interval.end_at))
        # Taken again since the last one left, for somebody who then did not come.
        end_at = ended_at if hold.interval.start_at < ended_at else now
        hold.period = as_range(Interval(hold.interval.start_at, end_at))
        hold.save(update_fields=["period"])
    return rest


def _find(now: datetime, *, only: int | None = None) -> list[_Deserted]:
    """Return the meetings that hold something beyond now though nobody is there any more."""
    values = {
        "now": now,
        "seats_since": now - timedelta(minutes=settings.FREE_SEAT_AFTER_MINUTES),
        "rooms_since": now - timedelta(minutes=settings.FREE_ROOM_AFTER_MINUTES),
        "recent": now - _LONGEST_RUN,
        "ahead": now + timedelta(minutes=max(settings.JOIN_OPENS_MINUTES, settings.JOIN_OPENS_ORGANIZER_MINUTES)),
        "only": only,
    }
    with connection.cursor() as cursor:
        # Planned with its values: what began lately is little of all that ever ran.
        cursor.execute(_DESERTED, values)
        return [_Deserted(*row) for row in cursor.fetchall()]


#: No run of a meeting that still holds something began longer ago, people who came early included.
_LONGEST_RUN = 2 * LONGEST_HOLD

_DESERTED = """
SELECT * FROM (
    SELECT run.occurrence_id, run.ended_at,
        run.ended_at <= %(seats_since)s::timestamptz AND EXISTS (
            SELECT FROM bookings_licencehold hold WHERE hold.occurrence_id = run.occurrence_id AND hold.live
                AND upper(hold.period) > %(now)s::timestamptz
                AND (lower(hold.period) < run.ended_at OR lower(hold.period) <= %(seats_since)s::timestamptz)
        ) AS seats,
        run.ended_at <= %(rooms_since)s::timestamptz AND NOT booking.is_outside
        AND EXISTS (SELECT FROM bookings_licencehold hold WHERE hold.occurrence_id = run.occurrence_id AND hold.live)
        AND EXISTS (
            SELECT FROM bookings_roomhold hold JOIN rooms_room room ON room.id = hold.room_id
            WHERE hold.occurrence_id = run.occurrence_id AND hold.live AND room.needs_licence
                AND upper(hold.period) > %(now)s::timestamptz + room.clearing
        ) AS rooms
    FROM (
        SELECT occurrence_id, max(ended_at) AS ended_at FROM bookings_conferencerun
        WHERE started_at > %(recent)s::timestamptz
            AND (%(only)s::bigint IS NULL OR occurrence_id = %(only)s::bigint)
        GROUP BY occurrence_id HAVING bool_and(ended_at IS NOT NULL)
    ) AS run
    JOIN bookings_occurrence meeting ON meeting.id = run.occurrence_id AND meeting.starts_at < run.ended_at
    JOIN bookings_booking booking ON booking.id = meeting.booking_id
) AS deserted WHERE seats OR rooms
UNION ALL
SELECT meeting.id, NULL, true, false FROM bookings_occurrence meeting
WHERE meeting.starts_at > %(now)s::timestamptz AND meeting.starts_at <= %(ahead)s::timestamptz
    AND (%(only)s::bigint IS NULL OR meeting.id = %(only)s::bigint)
    AND EXISTS (
        SELECT FROM bookings_licencehold hold WHERE hold.occurrence_id = meeting.id AND hold.live
            AND lower(hold.period) < meeting.starts_at AND lower(hold.period) <= %(seats_since)s::timestamptz
    )
    AND NOT EXISTS (
        SELECT FROM bookings_conferencerun run WHERE run.occurrence_id = meeting.id
            AND (run.ended_at IS NULL OR run.ended_at > %(seats_since)s::timestamptz)
    )
ORDER BY 1
"""
