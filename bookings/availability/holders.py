"""Says what holds the seats of a pool at an instant, as far as the asker may know: one statement for all questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bookings.availability.clashes import Asker, holder_of
from bookings.availability.facts import HeldRoom
from bookings.availability.holds import Ignoring
from bookings.models import LONGEST_HOLD, Booking
from bookings.seats_taken import SeatHolder
from rooms import prepared
from rooms.interval import Interval
from rooms.models import Room

_SECONDS = int(LONGEST_HOLD.total_seconds())
# The names of the sites come along, since who asks needs those that hold nothing as well.
_HOLDERS = """
SELECT probe.key, held.site_id, coalesce(held.borrowed_by_id, held.site_id), held.seats, lower(held.period),
    upper(held.period), CASE WHEN held.draft_id IS NOT NULL THEN (
            SELECT CASE WHEN cancelled_id IS NULL THEN 'draft' ELSE 'cancelled' END FROM bookings_draft
            WHERE submission = held.draft_id
        ) WHEN held.unplanned_id IS NOT NULL THEN 'unplanned' ELSE 'offer' END,
    held.expires_at, coalesce(nullif(meeting.own_title, ''), booking.title), booking.is_private, booking.status,
    booking.organizer_id, booking.created_by_id, person.name, person.phone
FROM unnest(%s::int[], %s::bigint[], %s::timestamptz[]) AS probe (key, pool, at)
CROSS JOIN LATERAL (
    SELECT * FROM bookings_licencehold hold
    WHERE hold.pool_id = probe.pool AND hold.live AND hold.source = 'share'
        AND lower(hold.period) <= probe.at AND lower(hold.period) > probe.at - interval '__seconds__ seconds'
        AND upper(hold.period) > probe.at __counts__
    OFFSET 0
) AS held
LEFT JOIN bookings_occurrence meeting ON meeting.id = held.occurrence_id
LEFT JOIN bookings_booking booking ON booking.id = meeting.booking_id
LEFT JOIN accounts_user person ON person.id = booking.organizer_id
UNION ALL
SELECT -1, site.id, NULL::bigint, 0, NULL::timestamptz, NULL::timestamptz, '', NULL::timestamptz, NULL, NULL, NULL,
    NULL::bigint, NULL::bigint, site.name, site.phone
FROM rooms_site site
"""


@dataclass(frozen=True, slots=True)
class Named:
    """A hold of seats. `share_of`: the site whose share it counts against, None: straight from the reserve."""

    share_of: int | None
    shown: SeatHolder


@dataclass(frozen=True, slots=True)
class Found:
    """`by_question`: what holds seats then, what ends first in front. `sites`: name and telephone by key."""

    by_question: tuple[tuple[Named, ...], ...]
    sites: dict[int, tuple[str, str]]


def find(asked: Sequence[tuple[int, datetime]], *, ignoring: Ignoring, asker: Asker) -> Found:
    """Answer each question, a pool and an instant: what holds seats of its shares and reserve then."""
    counts, values = ignoring.sql()
    arrays: list[Any] = [
        list(range(len(asked))),
        [pool_id for pool_id, _at in asked],
        [at for _pool, at in asked],
    ]
    sql = _HOLDERS.replace("__seconds__", str(_SECONDS)).replace("__counts__", counts)
    rows = prepared.fetch(sql, arrays + values)
    sites = {row[1]: (row[13], row[14]) for row in rows if row[0] == -1}
    found: list[list[Named]] = [[] for _ in asked]
    for row in rows:
        if row[0] >= 0:
            found[row[0]].append(_named(row, sites, asker))
    for of_question in found:
        of_question.sort(key=lambda item: (item.shown.until, item.shown.site, item.shown.holder.title))
    return Found(tuple(map(tuple, found)), sites)


def _named(row: tuple[Any, ...], sites: dict[int, tuple[str, str]], asker: Asker) -> Named:
    _key, share_of, site_id, seats, starts_at, ends_at, other, expires_at = row[:8]
    title, is_private, status, organizer_id, created_by_id, name, phone = row[8:]
    interval = Interval(starts_at, ends_at)
    if title is None:
        hold = HeldRoom(0, interval, other, until=expires_at)
    else:
        kind = "request" if status == Booking.Status.REQUESTED else "session"
        hold = HeldRoom(0, interval, kind, title, is_private, organizer_id, created_by_id, name, phone)
    # A session that takes a licence may have no room: managers of the site that hosts it are those who know.
    holder = holder_of(hold, Room(site_id=site_id), asker)
    return Named(share_of, SeatHolder(holder, sites.get(site_id, ("", ""))[0], ends_at, seats))
