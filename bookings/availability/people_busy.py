"""When people have sessions of their own already."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bookings.models import LONGEST_HOLD
from rooms import prepared
from rooms.interval import Interval

# Bookings are numbered as they are made: those of the window's meetings bound what is looked for in a person's own, so
# what somebody took part in years ago is not read. Then person by person, booking by booking, each by index. Who is
# invited to one meeting only, or stays away from one, is asked about that one; who answered about one, goes by that.
_BUSY = """
WITH near AS MATERIALIZED (
    SELECT min(booking_id) AS first, max(booking_id) AS last FROM (
        SELECT booking_id FROM bookings_occurrence
        WHERE starts_at < %(ends)s AND starts_at > %(starts)s::timestamptz - __longest__ AND ends_at > %(starts)s
            AND status = 'confirmed'
        OFFSET 0
    ) AS meeting
), busy AS MATERIALIZED (
    SELECT DISTINCT meeting.starts_at, meeting.ends_at FROM near
    CROSS JOIN unnest(%(users)s::bigint[]) AS someone (id)
    CROSS JOIN LATERAL (
        SELECT booking_id, occurrence_id, partstat FROM bookings_attendee
        WHERE user_id = someone.id AND booking_id BETWEEN near.first AND near.last
            AND removed_at IS NULL
        OFFSET 0
    ) AS person
    CROSS JOIN LATERAL (
        SELECT id, starts_at, ends_at FROM bookings_occurrence
        WHERE booking_id = person.booking_id AND status = 'confirmed'
            AND starts_at < %(ends)s AND starts_at > %(starts)s::timestamptz - __longest__ AND ends_at > %(starts)s
            AND (person.occurrence_id IS NULL OR person.occurrence_id = id)
        OFFSET 0
    ) AS meeting
    WHERE NOT EXISTS (
        SELECT FROM bookings_absence away JOIN bookings_attendee absent ON absent.id = away.attendee_id
        WHERE away.occurrence_id = meeting.id AND absent.user_id = someone.id
            AND absent.removed_at IS NULL AND person.occurrence_id IS NULL
    ) AND coalesce((
        SELECT own.partstat FROM bookings_meetinganswer own JOIN bookings_attendee who ON who.id = own.attendee_id
        WHERE own.occurrence_id = meeting.id AND who.user_id = someone.id AND who.booking_id = person.booking_id
            AND who.removed_at IS NULL AND person.occurrence_id IS NULL
        LIMIT 1
    ), person.partstat) NOT IN ('DECLINED', 'DELEGATED')
)
SELECT date_part('epoch', starts_at)::bigint, date_part('epoch', ends_at)::bigint FROM busy
""".replace("__longest__", f"interval '{LONGEST_HOLD // timedelta(seconds=1)} seconds'")


def load(user_ids: Sequence[int], window: Interval) -> list[tuple[int, int]]:
    """Return when one of the users takes part in something in the window, in seconds since 1970."""
    if not user_ids:
        return []
    return prepared.fetch(_BUSY, {"users": list(user_ids), "starts": window.start_at, "ends": window.end_at})
