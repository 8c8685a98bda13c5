"""Reads what takes rooms on a day or in a week, the same for every reader, with the licences in use then: one query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from bookings.board_marks import DAY_MARKS, day_mark
from rooms import prepared
from rooms.interval import Interval

# By room and beginning, so that the plain index finds them however long the history is (LONGEST_HOLD). Who takes part,
# and in which rooms, is asked once for all meetings: asked of each hold, it takes as long as all the rest. Numbers of
# seconds instead of instants: whole minutes for what is booked, so date_part, whose sum is a float, loses nothing, and
# EXTRACT takes longer.
_HOLDS = """
WITH taken AS MATERIALIZED (
    SELECT hold.id, hold.room_id, hold.period, hold.position, hold.expires_at, hold.closure_id, hold.draft_id,
        hold.offer_id, meeting.id AS meeting_id, meeting.starts_at, meeting.ends_at, meeting.own_title,
        meeting.original_start_at, booking.id AS booking_id, booking.number, booking.title, booking.is_private,
        booking.is_outside, booking.status, booking.organizer_id, booking.created_by_id, booking.host_site_id,
        booking.thread, booking.rrule <> '' AS is_series, booking.time_zone
    FROM bookings_roomhold hold
    LEFT JOIN bookings_occurrence meeting ON meeting.id = hold.occurrence_id
    LEFT JOIN bookings_booking booking ON booking.id = meeting.booking_id
    WHERE hold.room_id = ANY (%(rooms)s) AND hold.live
        AND (hold.expires_at IS NULL OR hold.expires_at > %(now)s::timestamptz)
        AND lower(hold.period) > %(from)s::timestamptz - interval '36 hours'
        AND lower(hold.period) < %(to)s::timestamptz AND upper(hold.period) > %(from)s::timestamptz
), meetings AS MATERIALIZED (
    SELECT DISTINCT meeting_id, booking_id, is_series, thread IS NOT NULL OR is_outside AS joins
    FROM taken WHERE meeting_id IS NOT NULL
), people AS MATERIALIZED (
    SELECT meetings.meeting_id, count(*) AS count,
        array_agg(attendee.user_id) FILTER (WHERE attendee.user_id IS NOT NULL) AS users
    FROM meetings
    JOIN bookings_attendee attendee ON attendee.booking_id = meetings.booking_id AND attendee.removed_at IS NULL
        AND (attendee.occurrence_id IS NULL OR attendee.occurrence_id = meetings.meeting_id)
    GROUP BY meetings.meeting_id
), absent AS MATERIALIZED (
    SELECT meetings.meeting_id, count(*) AS count
    FROM meetings
    JOIN bookings_absence absence ON absence.occurrence_id = meetings.meeting_id
    JOIN bookings_attendee attendee ON attendee.id = absence.attendee_id AND attendee.removed_at IS NULL
    WHERE meetings.is_series GROUP BY meetings.meeting_id
), joined AS MATERIALIZED (
    SELECT meetings.meeting_id, array_agg(ARRAY[other.room_id, room.site_id] ORDER BY other.position, other.id) AS rooms
    FROM meetings
    JOIN bookings_roomhold other ON other.occurrence_id = meetings.meeting_id AND other.live
    JOIN rooms_room room ON room.id = other.room_id AND room.is_active
    WHERE meetings.joins GROUP BY meetings.meeting_id
)
SELECT hold.room_id, date_part('epoch', lower(hold.period))::bigint AS held_from,
    date_part('epoch', upper(hold.period))::bigint AS held_to, hold.position::int AS position,
    date_part('epoch', hold.expires_at)::bigint, hold.closure_id, hold.meeting_id,
    date_part('epoch', hold.starts_at)::bigint, date_part('epoch', hold.ends_at)::bigint, hold.booking_id,
    hold.number, coalesce(nullif(hold.own_title, ''), hold.title, closure.title), closure.title_en,
    hold.is_private, hold.is_outside, hold.status, hold.organizer_id, hold.created_by_id,
    hold.host_site_id, hold.thread::int, hold.is_series,
    CASE WHEN hold.is_series THEN (hold.original_start_at AT TIME ZONE hold.time_zone)::date END,
    (coalesce(people.count, 0) - coalesce(absent.count, 0))::int, people.users, joined.rooms,
    coalesce(draft.user_id, offer.user_id),
    CASE WHEN draft.cancelled_id IS NOT NULL THEN 'cancelled' WHEN draft.user_id IS NOT NULL THEN 'draft' END
FROM taken hold
LEFT JOIN bookings_draft draft ON draft.submission = hold.draft_id
LEFT JOIN bookings_waitlistentry offer ON offer.id = hold.offer_id
LEFT JOIN rooms_closure closure ON closure.id = hold.closure_id
LEFT JOIN people USING (meeting_id) LEFT JOIN absent USING (meeting_id) LEFT JOIN joined USING (meeting_id)
ORDER BY held_from, position, hold.id
"""
# The licences that all sites use at the same time, and the marks of what is booked, as rows of the same width: what
# is read with its marks in one statement is neither older nor newer than they say.
_FACTS = """
SELECT * FROM (__holds__) AS holds
UNION ALL
SELECT NULL, date_part('epoch', lower(period))::bigint, date_part('epoch', upper(period))::bigint, seats::int,
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
