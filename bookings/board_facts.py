"""Reads what takes rooms on a day or in a week, the same for every reader, with the licences in use then: one query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from bookings.board_marks import DAY_MARKS, day_mark
from rooms import prepared
from rooms.interval import Interval

# By room and beginning, so that the plain index finds them however long the history is (LONGEST_HOLD). Numbers of
# seconds instead of instants, since Django's reading of an instant takes as long as all the rest of a row.
_HOLDS = """
SELECT hold.room_id, extract(epoch FROM lower(hold.period))::bigint AS held_from,
    extract(epoch FROM upper(hold.period))::bigint AS held_to, hold.position::int AS position,
    extract(epoch FROM hold.expires_at)::bigint, hold.closure_id, hold.occurrence_id,
    extract(epoch FROM meeting.starts_at)::bigint, extract(epoch FROM meeting.ends_at)::bigint, booking.id,
    booking.number, coalesce(nullif(meeting.own_title, ''), booking.title, closure.title), closure.title_en,
    booking.is_private, booking.is_outside, booking.status, booking.organizer_id, booking.created_by_id,
    booking.host_site_id, booking.thread::int, booking.rrule <> '',
    CASE WHEN booking.rrule <> '' THEN (meeting.original_start_at AT TIME ZONE booking.time_zone)::date END,
    coalesce(people.count, 0)::int, people.users,
    CASE WHEN booking.thread IS NOT NULL OR booking.is_outside THEN (
        SELECT array_agg(ARRAY[other.room_id, room.site_id] ORDER BY other.position, other.id)
        FROM bookings_roomhold other
        CROSS JOIN LATERAL (SELECT site_id FROM rooms_room WHERE id = other.room_id AND is_active OFFSET 0) AS room
        WHERE other.occurrence_id = meeting.id AND other.live
    ) END,
    coalesce(draft.user_id, offer.user_id),
    CASE WHEN draft.cancelled_id IS NOT NULL THEN 'cancelled' WHEN draft.user_id IS NOT NULL THEN 'draft' END
FROM bookings_roomhold hold
LEFT JOIN bookings_occurrence meeting ON meeting.id = hold.occurrence_id
LEFT JOIN bookings_booking booking ON booking.id = meeting.booking_id
LEFT JOIN bookings_draft draft ON draft.submission = hold.draft_id
LEFT JOIN bookings_waitlistentry offer ON offer.id = hold.offer_id
LEFT JOIN rooms_closure closure ON closure.id = hold.closure_id
LEFT JOIN LATERAL (
    SELECT count(*) - CASE WHEN booking.rrule <> '' THEN (
            SELECT count(*) FROM bookings_absence absence
            JOIN bookings_attendee absent ON absent.id = absence.attendee_id AND absent.removed_at IS NULL
            WHERE absence.occurrence_id = meeting.id
        ) ELSE 0 END AS count,
        array_agg(attendee.user_id) FILTER (WHERE attendee.user_id IS NOT NULL) AS users
    FROM bookings_attendee attendee
    WHERE attendee.booking_id = booking.id AND attendee.removed_at IS NULL
        AND (attendee.occurrence_id IS NULL OR attendee.occurrence_id = meeting.id)
) AS people ON booking.id IS NOT NULL
WHERE hold.room_id = ANY (%(rooms)s) AND hold.live
    AND (hold.expires_at IS NULL OR hold.expires_at > %(now)s::timestamptz)
    AND lower(hold.period) > %(from)s::timestamptz - interval '36 hours' AND lower(hold.period) < %(to)s::timestamptz
    AND upper(hold.period) > %(from)s::timestamptz
ORDER BY held_from, position, hold.id
"""
# The licences that all sites use at the same time, and the marks of what is booked, as rows of the same width: what
# is read with its marks in one statement is neither older nor newer than they say.
_FACTS = """
SELECT * FROM (__holds__) AS holds
UNION ALL
SELECT NULL, extract(epoch FROM lower(period))::bigint, extract(epoch FROM upper(period))::bigint, seats::int,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL
FROM bookings_licencehold
WHERE pool_id = (SELECT id FROM rooms_licencepool WHERE is_default) AND live
    AND (expires_at IS NULL OR expires_at > %(now)s::timestamptz)
    AND lower(period) > %(from)s::timestamptz - interval '36 hours' AND lower(period) < %(to)s::timestamptz
    AND upper(period) > %(from)s::timestamptz
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, booked, held, licences, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM (SELECT __marks__) AS marks (booked, held, licences)
""".replace("__holds__", _HOLDS).replace("__marks__", DAY_MARKS)


class HoldRow(NamedTuple):
    """A hold of a room with what it is for: a meeting, a closure, an open form or an offer. Times as in `BoardSession`.

    `users`: who takes part and has an account. `joined`: the rooms of the meeting in their order, each with its site,
    where they matter; the same room twice where it is held twice. From `begins` to `people` a hold without a
    meeting has nothing, but for the title of a closure.
    """

    room_id: int
    held_from: int
    held_to: int
    position: int
    expires: int | None
    closure_id: int | None
    meeting_id: int | None
    begins: int
    ends: int
    booking_id: int
    number: str
    title: str
    title_en: str
    is_private: bool
    is_outside: bool
    status: str
    organizer_id: int
    created_by_id: int
    host_site_id: int | None
    thread: int | None
    is_repeated: bool
    on: date | None
    people: int
    users: Sequence[int] | None
    joined: Sequence[tuple[int, int]] | None
    #: Whose form or offer it is, or who cancels.
    owner_id: int | None
    #: „draft”: an open form; „cancelled”: what a cancellation keeps while it can be undone; None: anything else.
    draft: str | None


class SeatUse(NamedTuple):
    """Seats of the office's own pool in use, as `BoardSession` has its times."""

    begins: int
    ends: int
    seats: int


@dataclass(frozen=True, slots=True)
class Facts:
    """In order of time: what holds a room, and what is in use of the office's own pool. `mark`: of both, as read."""

    holds: Sequence[HoldRow]
    uses: Sequence[SeatUse]
    mark: str


def read_facts(room_ids: Sequence[int], span: Interval, *, now: datetime) -> Facts:
    """Read what holds one of the rooms within `span`: one query.

    `now`: what held until before it, an open form or an offer, holds no more.
    """
    values = {"rooms": list(room_ids), "now": now, "from": span.start_at, "to": span.end_at}
    holds, uses, mark = [], [], None
    for row in prepared.fetch(_FACTS, values):
        if row[0] is not None:
            holds.append(HoldRow._make(row))
        elif row[1] is not None:
            uses.append(SeatUse(row[1], row[2], row[3]))
        else:
            mark = day_mark(row[10], row[11], row[12])
    assert mark is not None
    return Facts(holds, uses, mark)
