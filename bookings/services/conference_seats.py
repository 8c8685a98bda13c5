"""Lets a conference run only while its meeting holds its seats: opened early, taken up again, or running on.

The meeting's own times, its SEQUENCE and what calendars hear stay as they are: only its licence holds reach further.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from bookings import rows
from bookings.availability import Locked, holds
from bookings.availability.holds import Ignoring, Probe
from bookings.models import LONGEST_HOLD, Booking, LicenceHold, Occurrence, as_range
from bookings.rules import Code, Refusal
from bookings.services import held_seats, locks, releases
from bookings.services.errors import Refused, in_one_transaction
from bookings.services.held_seats import Finder, Held
from rooms import prepared
from rooms.interval import Interval
from rooms.models import Room, Site

# Written out, since conferences that open all at once wait for them.
_LOCK = "SELECT id FROM bookings_booking WHERE id = %s FOR NO KEY UPDATE"
_MEETING = " ".join(
    [
        "SELECT",
        ", ".join([rows.columns(Occurrence, "meeting"), rows.columns(Booking, "booking"), rows.columns(Site, "site")]),
        "FROM bookings_occurrence meeting JOIN bookings_booking booking ON booking.id = meeting.booking_id",
        "LEFT JOIN rooms_site site ON site.id = booking.host_site_id WHERE meeting.id = %s",
    ]
)
_ROOMS = " ".join(
    [
        "SELECT",
        ", ".join([rows.columns(Room, "room"), rows.columns(Site, "site")]),
        "FROM bookings_roomhold hold JOIN rooms_room room ON room.id = hold.room_id",
        "JOIN rooms_site site ON site.id = room.site_id",
        "WHERE hold.occurrence_id = %(meeting)s AND hold.live",
        "AND (%(until)s::timestamptz IS NULL OR upper(hold.period) >= %(until)s::timestamptz)",
        "ORDER BY hold.position, hold.id",
    ]
)


def hold_for_conference(occurrence: Occurrence, *, until: datetime, now: datetime) -> datetime:
    """Make the meeting's licence holds cover `[now, until)`, as far as there are seats; return until when they do.

    Earlier than its start, later than its end, or again after they came free. Of the end it takes what is free; between
    `now` and what it holds already there must be no gap. A meeting that needs no licence gets `until` back. Called
    again, it changes nothing: one statement.

    Raises: Refused where there is no seat now, and where the meeting was cancelled meanwhile; ValueError, `until` is
    over.
    """
    if until <= now:
        raise ValueError("until when is already over")
    until = min(until, now + LONGEST_HOLD)
    held = Held.of(occurrence.pk)
    if held.rows and not held.gaps(Interval(now, until)):
        return until
    return in_one_transaction(partial(_hold, occurrence, until, now=now))


def _hold(occurrence: Occurrence, until: datetime, *, now: datetime) -> datetime:
    meeting = lock_meeting(occurrence)
    if meeting.status != Occurrence.Status.CONFIRMED or meeting.booking.is_cancelled:
        raise Refused([Refusal(Code.CHANGED_MEANWHILE, "version")])
    return take_seats(meeting, until, now=now)


def lock_meeting(occurrence: Occurrence) -> Occurrence:
    """Lock the booking, as everybody who changes one, and read the meeting anew."""
    if not prepared.fetch(_LOCK, [occurrence.booking_id]):
        raise Booking.DoesNotExist
    # Read after the lock, not with it: in one statement the meeting would be as it was before somebody else's change.
    found = prepared.fetch(_MEETING, [occurrence.pk])
    if not found:
        raise Occurrence.DoesNotExist
    [row] = found
    meeting = rows.read(Occurrence, row)
    row = row[rows.width(Occurrence) :]
    meeting.booking = rows.read(Booking, row)
    row = row[rows.width(Booking) :]
    meeting.booking.host_site = None if row[0] is None else rows.read(Site, row)
    return meeting


def take_seats(meeting: Occurrence, until: datetime, *, now: datetime, needs_all: bool = False) -> datetime:
    """Hold the meeting's seats from now on, as `hold_for_conference`, inside a transaction that has locked its booking.

    `needs_all`: where it has none now, as far as `until` or not at all. Raises: Refused.
    """
    rooms = _rooms_of(meeting)
    # Licences alone are held here, and everybody locks them last.
    pools = locks.lock_pools(rooms)
    held, span = Held.of(meeting.pk), Interval(now, until)
    if held.rows and not held.gaps(span):
        return until
    locks.drop_expired(Locked({}, pools), now=now)
    facts = held_seats.facts_of(meeting, rooms)
    need = held_seats.need_of(meeting, held, facts)
    gaps = held.gaps(span) if held.rows else [(span, tuple(need.by_pool))]
    finder = Finder(facts, Ignoring(now, (meeting.pk,)), held.wish())
    for gap, pool_ids in gaps:
        if not pool_ids:
            continue
        found = finder.find(gap, held_seats.only(need, pool_ids))
        # A gap before what is held has to be closed; what comes after it may be less than was asked for.
        is_enough = found.span is not None and (found.span == gap or (gap.end_at == until and not needs_all))
        if not is_enough and gap.start_at == now:
            raise Refused(finder.refusals(found.short))
        if found.span is None:
            return gap.start_at
        for take in found.takes:
            held_seats.write(meeting, take, found.span, held)
        if found.span != gap:
            return found.span.end_at
    return until


def longest_run(occurrence: Occurrence, *, most: datetime, now: datetime) -> datetime:
    """Return until when the meeting may run on: its licences are free, and nobody needs its rooms.

    Between its planned end and `most`; never before its planned end, whatever comes after it. What sets up in one of
    its rooms, and its own clearing, count. Reads only, in a few statements: what is free may be gone a moment later.
    """
    ends_at = occurrence.ends_at
    if most <= ends_at:
        return ends_at
    span = Interval(ends_at, most)
    rooms = _rooms_of(occurrence, until=occurrence.ends_at)
    limit = min(_rooms_free_until(rooms, span, Ignoring(now, (occurrence.pk,))), most)
    if limit <= ends_at:
        return ends_at
    return _seats_free_until(occurrence, rooms, Interval(ends_at, limit), now=now)


def follows_in(occurrence: Occurrence, *, within: timedelta, now: datetime) -> datetime | None:
    """Return when the meeting has to be over, for the sake of what needs its rooms or the last free licence then.

    At its planned end, or up to `within` later (than now, where it runs on); None: nothing follows so soon.
    """
    latest = max(occurrence.ends_at, now) + within
    # A moment more, so that what begins exactly then is seen.
    limit = longest_run(occurrence, most=latest + timedelta(minutes=1), now=now)
    return limit if limit <= latest else None


def _rooms_of(occurrence: Occurrence, *, until: datetime | None = None) -> dict[int, Room]:
    """Return the meeting's rooms in order. `until`: those that it still had then; others may have them by now."""
    found: dict[int, Room] = {}
    for row in prepared.fetch(_ROOMS, {"meeting": occurrence.pk, "until": until}):
        room = rows.read(Room, row)
        room.site = rows.read(Site, row[rows.width(Room) :])
        found[room.pk] = room
    return found


def _rooms_free_until(rooms: Mapping[int, Room], span: Interval, ignoring: Ignoring) -> datetime:
    probes = [Probe(0, pk, span.start_at, span.end_at + room.clearing) for pk, room in rooms.items()]
    begins = [row[2] - rooms[row[1]].clearing for row in holds.rooms_in_the_way(probes, ignoring)]
    return max(span.start_at, min(begins, default=span.end_at))


def _seats_free_until(occurrence: Occurrence, rooms: Mapping[int, Room], span: Interval, *, now: datetime) -> datetime:
    held = Held.of(occurrence.pk)
    facts = held_seats.facts_of(occurrence, rooms)
    need = held_seats.need_of(occurrence, held, facts)
    gaps = held.gaps(span) if held.rows else [(span, tuple(need.by_pool))]
    finder = Finder(facts, Ignoring(now, (occurrence.pk,)), held.wish())
    for gap, pool_ids in gaps:
        found = finder.find(gap, held_seats.only(need, pool_ids)).span if pool_ids else gap
        if found != gap:
            return found.end_at if found else gap.start_at
    return span.end_at


def give_back_early_seats(occurrence: Occurrence, *, now: datetime) -> None:
    """Let the meeting's licences begin at its planned start again: its conference was opened early, and nobody came.

    Where somebody is in it, and once it has begun, nothing is given back.
    """
    in_one_transaction(partial(_give_back, occurrence, now=now))


def _give_back(occurrence: Occurrence, *, now: datetime) -> None:
    meeting = lock_meeting(occurrence)
    if meeting.starts_at <= now or meeting.conference_runs.filter(ended_at=None).exists():
        return
    locks.lock_held([meeting.pk])
    give_back(meeting, now=now)


def give_back(meeting: Occurrence, *, now: datetime) -> int:
    """Do so inside a transaction that has locked all that the meeting holds; return how many holds began too early.

    Before its start only.
    """
    early = LicenceHold.objects.filter(occurrence=meeting.pk, live=True, period__startswith__lt=meeting.starts_at)
    count = 0
    for hold in early:
        if hold.interval.end_at <= meeting.starts_at:
            # Of another kind than what the meeting holds in its own time.
            hold.live = False
        else:
            hold.period = as_range(Interval(meeting.starts_at, hold.interval.end_at))
        hold.save(update_fields=["live", "period"])
        count += 1
    if count:
        releases.freed([Interval(now, meeting.starts_at)], now=now)
    return count
