"""Asks the database what is held when: each question is one statement, however many dates it is about.

Holds begin at most LONGEST_HOLD before they end, so a btree on the beginnings finds whatever touches a span; live holds
of a room are disjoint, so of those that began before the span only the last can reach into it. History is never read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from bookings.models import LONGEST_HOLD
from rooms import prepared
from rooms.interval import Interval
from rooms.models import Room


@dataclass(frozen=True, slots=True)
class Ignoring:
    """Holds that are in nobody's way.

    Those that have expired, of the meetings to be replaced, of the open form, of the offer that is taken up.
    """

    now: datetime
    occurrence_ids: tuple[int, ...] = ()
    draft: UUID | None = None
    offer: int | None = None

    def sql(self) -> tuple[str, list[Any]]:
        """Return the condition on a hold that counts, with its parameters."""
        text = " AND (hold.expires_at IS NULL OR hold.expires_at > %s)"
        values: list[Any] = [self.now]
        if self.occurrence_ids:
            text += " AND (hold.occurrence_id IS NULL OR hold.occurrence_id <> ALL (%s))"
            values.append(list(self.occurrence_ids))
        if self.draft is not None:
            text += " AND hold.draft_id IS DISTINCT FROM %s"
            values.append(self.draft)
        if self.offer is not None:
            text += " AND hold.offer_id IS DISTINCT FROM %s"
            values.append(self.offer)
        return text, values


@dataclass(frozen=True, slots=True)
class Probe:
    """A question: what is in the way of this in `[start_at, end_at)`? `key` says whose question it is."""

    key: int
    resource_id: int
    start_at: datetime
    end_at: datetime


_ARRAYS = "unnest(%s::int[], %s::bigint[], %s::timestamptz[], %s::timestamptz[])"
_PROBES = f"{_ARRAYS} AS probe (key, resource, starts, ends)"
_OWNED = "hold.occurrence_id, hold.closure_id, hold.draft_id, hold.offer_id, hold.expires_at"
_SECOND = timedelta(seconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = f"probe.starts - interval '{LONGEST_HOLD // _SECOND} seconds'"

# The second part: what was going on when the span begins, at most one hold.
_IN_THE_WAY = """
SELECT probe.key, probe.resource, held.* FROM __probes__
CROSS JOIN LATERAL (
    SELECT lower(hold.period), upper(hold.period), __owned__ FROM bookings_roomhold hold
    WHERE hold.room_id = probe.resource AND hold.live
        AND lower(hold.period) >= probe.starts AND lower(hold.period) < probe.ends __counts__
    UNION ALL
    SELECT * FROM (
        SELECT lower(hold.period), upper(hold.period) AS ends, __owned__ FROM bookings_roomhold hold
        WHERE hold.room_id = probe.resource AND hold.live
            AND lower(hold.period) < probe.starts AND lower(hold.period) > __earliest__ __counts__
        ORDER BY lower(hold.period) DESC LIMIT 1
    ) AS running WHERE running.ends > probe.starts
) AS held
"""

# The last hold that begins before the end of the span: when even that one has ended before it begins, it is free.
_IS_TAKEN = """
SELECT probe.key, probe.resource FROM __probes__
WHERE (
    SELECT upper(hold.period) FROM bookings_roomhold hold
    WHERE hold.room_id = probe.resource AND hold.live
        AND lower(hold.period) < probe.ends AND lower(hold.period) > __earliest__ __counts__
    ORDER BY lower(hold.period) DESC LIMIT 1
) > probe.starts
"""

_EQUIPMENT = """
SELECT probe.key, probe.resource, held.* FROM __probes__
CROSS JOIN LATERAL (
    SELECT hold.quantity, lower(hold.period), upper(hold.period) FROM bookings_equipmenthold hold
    WHERE hold.equipment_id = probe.resource AND hold.live
        AND lower(hold.period) < probe.ends AND lower(hold.period) > __earliest__
        AND upper(hold.period) > probe.starts __counts__
    OFFSET 0
) AS held
"""

_CANCELLATIONS = """
SELECT submission FROM bookings_draft WHERE submission = ANY (%s::uuid[]) AND cancelled_id IS NOT NULL
"""

_SEATS = """
SELECT probe.key, probe.resource, held.site_id, held.seats FROM __probes__
CROSS JOIN LATERAL (
    SELECT hold.site_id, sum(hold.seats) AS seats FROM bookings_licencehold hold
    WHERE hold.pool_id = probe.resource AND hold.live AND hold.source = 'share'
        AND lower(hold.period) < probe.ends AND lower(hold.period) > __earliest__
        AND upper(hold.period) > probe.starts __counts__
    GROUP BY hold.site_id
) AS held
"""

_USES = """
SELECT probe.key, held.* FROM __probes__
CROSS JOIN LATERAL (
    SELECT hold.id, hold.pool_id, hold.site_id, hold.seats,
        (extract(epoch FROM lower(hold.period)) * 1000000)::bigint,
        (extract(epoch FROM upper(hold.period)) * 1000000)::bigint
    FROM bookings_licencehold hold
    WHERE hold.pool_id = probe.resource AND hold.live AND hold.source = '__source__'
        AND lower(hold.period) < probe.ends AND lower(hold.period) > __earliest__
        AND upper(hold.period) > probe.starts __counts__
    OFFSET 0
) AS held
"""

# Of the uses at the same time one row for each site: of a busy hour a third as many.
_TOUCHING = """
SELECT probe.key, probe.resource, held.* FROM __probes__
CROSS JOIN LATERAL (
    SELECT hold.site_id, sum(hold.seats)::int,
        (extract(epoch FROM lower(hold.period)) * 1000000)::bigint,
        (extract(epoch FROM upper(hold.period)) * 1000000)::bigint
    FROM bookings_licencehold hold
    WHERE hold.pool_id = probe.resource AND hold.live AND hold.source = 'share'
        AND lower(hold.period) < probe.ends AND lower(hold.period) > __earliest__
        AND upper(hold.period) > probe.starts __counts__
    GROUP BY hold.site_id, hold.period
) AS held
"""

_NAMED = """
SELECT probe.key, probe.resource FROM __probes__
WHERE EXISTS (
    SELECT FROM bookings_licencehold hold WHERE hold.named_id = probe.resource AND hold.live
        AND hold.period && tstzrange(probe.starts, probe.ends) __counts__
)
"""

# When not all of the rooms can be had, as merged stretches in seconds: a month of three rooms is some sixty rows.
_BUSY = """
SELECT busy.key, date_part('epoch', lower(busy.part))::bigint, date_part('epoch', upper(busy.part))::bigint
FROM (
    SELECT probe.key, unnest(range_agg(tstzrange(held.starts, held.ends))) AS part
    FROM unnest(%s::int[], %s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::int[], %s::int[])
        AS probe (key, resource, starts, ends, setup, clearing)
    CROSS JOIN LATERAL (
        SELECT lower(hold.period) - make_interval(secs => probe.clearing) AS starts,
            upper(hold.period) + make_interval(secs => probe.setup) AS ends
        FROM bookings_roomhold hold
        WHERE hold.room_id = probe.resource AND hold.live
            AND lower(hold.period) < probe.ends AND lower(hold.period) > __earliest__
            AND upper(hold.period) > probe.starts __counts__
        OFFSET 0
    ) AS held
    GROUP BY probe.key
) AS busy
"""

_SESSIONS = """
SELECT meeting.id, coalesce(nullif(meeting.own_title, ''), booking.title), booking.is_private, booking.status,
    booking.organizer_id, booking.created_by_id, person.name, person.phone
FROM bookings_occurrence meeting
JOIN bookings_booking booking ON booking.id = meeting.booking_id
JOIN accounts_user person ON person.id = booking.organizer_id
WHERE meeting.id = ANY (%s)
"""

# Probes of a single meeting that look up themselves what is not known yet: set-up times, and from which pools its rooms
# take their licences.
_ROOMS_AROUND = """(
    SELECT 0, room.id, %s::timestamptz - room.setup, %s::timestamptz + room.clearing
    FROM rooms_room room WHERE room.id = ANY (%s::bigint[])
) AS probe (key, resource, starts, ends)"""
_POOLS_AROUND = """(
    SELECT 0, pool.id, %s::timestamptz, %s::timestamptz FROM rooms_licencepool pool
    WHERE pool.is_default OR pool.id IN (SELECT licence_pool_id FROM rooms_room WHERE id = ANY (%s::bigint[]))
) AS probe (key, resource, starts, ends)"""

#: What `rooms_in_the_way` returns: key, room, beginning, end, then the owner (one of four) and until when it holds.
Row = tuple[int, int, datetime, datetime, int | None, int | None, UUID | None, int | None, datetime | None]
#: What `seats_held` returns: by key and pool the seats of each site.
Sums = Mapping[tuple[int, int], Mapping[int | None, int]]


@dataclass(frozen=True, slots=True)
class Around:
    """What is held while a single meeting lasts, as `rooms_in_the_way` and `seats_held` return it for the key 0."""

    rooms: list[Row]
    seats: Sums


def reading_around(span: Interval, room_ids: Collection[int], ignoring: Ignoring) -> list[prepared.Statement]:
    """Return the statements about a meeting in these rooms, for who sends them along with others; see `around_of`."""
    values = [span.start_at, span.end_at, list(room_ids)]
    counts, counted = ignoring.sql()
    return [
        (_filled(sql, probes).replace("__counts__", counts), values + counted * sql.count("__counts__"))
        for sql, probes in ((_IN_THE_WAY, _ROOMS_AROUND), (_SEATS, _POOLS_AROUND))
    ]


def around_of(rooms: prepared.Rows, seats: prepared.Rows) -> Around:
    return Around(sorted(rooms, key=_by_probe), _sums(seats))


def rooms_in_the_way(probes: Sequence[Probe], ignoring: Ignoring) -> list[Row]:
    """Return every hold in the way of a probe of a room, by probe and beginning."""
    return sorted(_run(_IN_THE_WAY, probes, ignoring), key=_by_probe)


def taken_rooms(probes: Sequence[Probe], ignoring: Ignoring) -> set[tuple[int, int]]:
    """Return key and room of the probes that something is in the way of: one row of one index for each probe."""
    return set(_run(_IS_TAKEN, probes, ignoring))


def equipment_held(probes: Sequence[Probe], ignoring: Ignoring) -> list[tuple[int, int, int, datetime, datetime]]:
    """Return key, equipment, pieces, beginning and end of what is held during the probes."""
    return _run(_EQUIPMENT, probes, ignoring)


def seats_held(probes: Sequence[Probe], ignoring: Ignoring) -> Sums:
    """Return for key and pool the seats of shares and reserve that touch the probe, by site: the peak or more."""
    return _sums(_run(_SEATS, probes, ignoring))


def _sums(rows: Iterable[tuple[Any, ...]]) -> Sums:
    found: dict[tuple[int, int], dict[int | None, int]] = {}
    for key, pool_id, site_id, seats in rows:
        found.setdefault((key, pool_id), {})[site_id] = seats
    return found


#: What `uses_held` returns: key, the hold, its pool, site, seats, beginning and end.
UseRow = tuple[int, int, int, int | None, int, datetime, datetime]


def uses_held(probes: Sequence[Probe], ignoring: Ignoring, *, source: str = "share") -> list[UseRow]:
    """Return every licence hold that touches a probe, once for each. `source`: "share", with the reserve, or
    "emergency".
    """
    return [
        (*row[:5], _instant(row[5]), _instant(row[6]))
        for row in _run(_USES.replace("__source__", source), probes, ignoring)
    ]


def uses_touching(
    probes: Sequence[Probe], ignoring: Ignoring
) -> Iterator[tuple[int, int, int | None, int, datetime, datetime]]:
    """Yield key, pool, site, seats, beginning and end of what touches a probe of a pool, added up where it is alike."""
    for key, pool_id, site_id, seats, start, end in _run(_TOUCHING, probes, ignoring):
        yield key, pool_id, site_id, seats, _instant(start), _instant(end)


def _instant(microseconds: int) -> datetime:
    # Of many dates in a full pool these are thousands: as numbers they are read in a tenth of the time.
    return _EPOCH + timedelta(microseconds=microseconds)


def named_in_use(probes: Sequence[Probe], ignoring: Ignoring) -> set[tuple[int, int]]:
    """Return key and named licence of the probes during which it is used."""
    return set(_run(_NAMED, probes, ignoring))


def sessions(occurrence_ids: Iterable[int]) -> dict[int, tuple[Any, ...]]:
    """Return title, closedness, status, organizer, who booked, and the organizer's name and telephone, by meeting."""
    return {row[0]: row[1:] for row in prepared.fetch(_SESSIONS, [list(occurrence_ids)])}


def cancellations(draft_ids: Iterable[UUID]) -> set[UUID]:
    """Return which of these hold what a cancellation that can be undone gave up; the others are open forms."""
    return {row[0] for row in prepared.fetch(_CANCELLATIONS, [list(draft_ids)])}


def probes_of(resource_ids: Iterable[int], spans: Iterable[Interval]) -> list[Probe]:
    """Return a probe of each resource for each span; the key is the span's place."""
    resources = list(resource_ids)
    return [
        Probe(key, resource, span.start_at, span.end_at) for key, span in enumerate(spans) for resource in resources
    ]


def busy_stretches(
    questions: Sequence[tuple[Sequence[Room], Interval]], ignoring: Ignoring
) -> list[list[tuple[int, int]]]:
    """Return for each question (rooms, window) when a meeting can't be: one of the rooms is held or being prepared.

    Half-open stretches in seconds since 1970, rising; a little of what lies around the window may be among them.
    """
    found: list[list[tuple[int, int]]] = [[] for _ in questions]
    asked = [
        (key, room.pk, window.start_at - room.setup, window.end_at + room.clearing, room.setup, room.clearing)
        for key, (rooms, window) in enumerate(questions)
        for room in rooms
    ]
    if not asked:
        return found
    keys, pks, starts, ends, setups, clearings = (list(column) for column in zip(*asked, strict=True))
    counts, values = ignoring.sql()
    whole = [[span // _SECOND for span in spans] for spans in (setups, clearings)]
    sql = _filled(_BUSY).replace("__counts__", counts)
    for key, first, last in prepared.fetch(sql, [keys, pks, starts, ends, *whole, *values]):
        found[key].append((first, last))
    return found


def _by_probe(row: Any) -> tuple[int, int, datetime]:
    return row[0], row[1], row[2]


def _run(sql: str, probes: Sequence[Probe], ignoring: Ignoring) -> list[Any]:
    if not probes:
        return []
    counts, values = ignoring.sql()
    arrays: list[Any] = [
        [probe.key for probe in probes],
        [probe.resource_id for probe in probes],
        [probe.start_at for probe in probes],
        [probe.end_at for probe in probes],
    ]
    return prepared.fetch(_filled(sql).replace("__counts__", counts), arrays + values * sql.count("__counts__"))


@cache
def _filled(sql: str, probes: str = _PROBES) -> str:
    return sql.replace("__probes__", probes).replace("__owned__", _OWNED).replace("__earliest__", _EARLIEST)
