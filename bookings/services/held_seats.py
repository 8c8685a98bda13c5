"""The licence seats of one meeting as its conference needs them: what it holds, what is missing, and writing that.

A meeting has one row for each kind of seat (pool, site, source, named licence). What its last seats were is what it
needs: whoever may give out a loan or an emergency seat has done so, and is not asked again in the middle of a session.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from django.db import IntegrityError, transaction

from bookings import rows
from bookings.availability import Take, clashes, seating
from bookings.availability.facts import Facts
from bookings.availability.holds import Ignoring
from bookings.availability.seating import Seating, Short
from bookings.models import LONGEST_HOLD, LicenceHold, Occurrence, as_range
from bookings.rules import LicenceWish, Refusal
from bookings.services.errors import GUARDS, constraint_of
from rooms import prepared, terms
from rooms.interval import Interval
from rooms.licences import NamedSeat, Need
from rooms.models import Room
from rooms.permissions import SiteRoles
from rooms.rules import RuleBook

# Written out, since conferences that open all at once wait for it.
_HELD = " ".join(
    [
        "SELECT",
        rows.columns(LicenceHold, "hold"),
        "FROM bookings_licencehold hold WHERE occurrence_id = %s AND live ORDER BY id",
    ]
)
_CHANGE = """
UPDATE bookings_licencehold SET seats = %s, borrowed_by_id = %s, period = %s::tstzrange, kept = %s WHERE id = %s
"""

#: Less is not worth a conference, nor looking for.
_SHORTEST = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Held:
    """All live holds of licences of a meeting, also those that are over, in the order of their keys."""

    rows: tuple[LicenceHold, ...]

    @classmethod
    def of(cls, occurrence_id: int) -> Held:
        return cls(tuple(rows.read(LicenceHold, row) for row in prepared.fetch(_HELD, [occurrence_id])))

    @property
    def end_at(self) -> datetime | None:
        return max((row.interval.end_at for row in self.rows), default=None)

    @property
    def last(self) -> tuple[LicenceHold, ...]:
        """What ends last: the seats that the meeting has, or had when they came free."""
        end_at = self.end_at
        return tuple(row for row in self.rows if row.interval.end_at == end_at)

    def need(self, facts: Facts) -> Need:
        """Return the same seats again, of the sites whose session it is."""
        by_pool: dict[int, dict[int | None, int]] = {}
        named: list[NamedSeat] = []
        for row in self.last:
            sites = by_pool.setdefault(row.pool_id, {})
            own = [seat for seat in facts.pools[row.pool_id].named if seat.pk == row.named_id]
            site = row.borrowed_by_id if row.borrowed_by_id is not None else row.site_id
            if row.named_id is not None:
                # Without it, they take what anybody would who meets there.
                site = seating.site_of(own[0], facts) if own else facts.host_site_id
            sites[site] = sites.get(site, 0) + row.seats
            named += own
        return Need(by_pool, tuple(named))

    def wish(self) -> LicenceWish:
        """Return that it may have again what somebody who may give it has given: a loan, an emergency seat."""
        lender = next((row.site_id for row in self.last if row.borrowed_by_id is not None), None)
        is_urgent = any(row.source == LicenceHold.Source.EMERGENCY for row in self.last)
        return LicenceWish(borrow_from=lender, emergency_reason="again" if is_urgent else "")

    def gaps(self, span: Interval) -> list[tuple[Interval, tuple[int, ...]]]:
        """Return the parts of the span in which seats are missing, in order, each with the pools that lack some."""
        wanted = _seats_by_pool(self.last)
        edges = {edge for row in self.rows for edge in (row.interval.start_at, row.interval.end_at)}
        instants = sorted({span.start_at, span.end_at, *(edge for edge in edges if span.contains(edge))})
        found: list[tuple[Interval, tuple[int, ...]]] = []
        for start_at, end_at in pairwise(instants):
            there = _seats_by_pool([row for row in self.rows if row.interval.contains(start_at)])
            lacking = tuple(sorted(pool for pool, seats in wanted.items() if there.get(pool, 0) < seats))
            if not lacking:
                continue
            if found and found[-1][0].end_at == start_at and found[-1][1] == lacking:
                found[-1] = (Interval(found[-1][0].start_at, end_at), lacking)
            else:
                found.append((Interval(start_at, end_at), lacking))
        return found


def _seats_by_pool(rows: Sequence[LicenceHold]) -> dict[int, int]:
    found: dict[int, int] = {}
    for row in rows:
        found[row.pool_id] = found.get(row.pool_id, 0) + row.seats
    return found


@dataclass(frozen=True, slots=True)
class Found:
    """How far seats are free: `takes` in `span`. None: not at its beginning, for the reasons `short`."""

    span: Interval | None
    takes: tuple[Take, ...] = ()
    short: tuple[Short, ...] = ()


@dataclass(frozen=True, slots=True)
class Finder:
    """Asks the judge for seats of this meeting beside what it holds. Rules of who may borrow were asked at booking."""

    facts: Facts
    ignoring: Ignoring
    wish: LicenceWish

    def find(self, span: Interval, need: Need) -> Found:
        """Return the seats for all of the span, or for as much of its beginning as there are seats for."""
        seats = Seating(self.facts, self.ignoring, self.wish, SiteRoles(is_it_admin=True))
        short: tuple[Short, ...] = ()
        while True:
            [seated] = seats.seat([(span, need)])
            if not seated.short:
                return Found(span, seated.takes, short)
            short = short or seated.short
            end_at = min(item.balance.at for item in seated.short)
            if end_at <= span.start_at and self.wish != LicenceWish():
                # Loans and emergency seats have a crowd of their own; of that the judge says no more than yes or no.
                end_at = span.start_at + span.duration / 2
            if end_at - span.start_at < _SHORTEST:
                return Found(None, (), seated.short)
            span = Interval(span.start_at, end_at)

    def refusals(self, short: Sequence[Short]) -> list[Refusal]:
        return [clashes.licence_refusal(item, self.facts) for item in short]


def facts_of(meeting: Occurrence, rooms: Mapping[int, Room]) -> Facts:
    """Return what the judge has to know to find seats: one statement. `rooms`: with their sites, in order."""
    booking = meeting.booking
    return Facts(
        rooms=dict(rooms),
        hours={},
        host_site=booking.host_site,
        organizer_id=booking.organizer_id,
        pools=terms.load_pools(),
        rule_book=RuleBook((), ()),
        is_outside=booking.is_outside,
    )


def need_of(meeting: Occurrence, held: Held, facts: Facts) -> Need:
    """Return what the conference needs: what the meeting held last; where it never held any, what its rooms ask for."""
    if held.rows or not facts.pools:
        return held.need(facts)
    need = facts.need(0, tuple(facts.rooms.values()))
    if not need.by_pool or all(facts.pools[pk].pool.counts != "participant" for pk in need.by_pool):
        return need
    people = meeting.booking.attendees.filter(removed_at=None).exclude(absences__occurrence=meeting)
    invited = people.filter(occurrence=None) | people.filter(occurrence=meeting)
    return facts.need(invited.count(), tuple(facts.rooms.values()))


def only(need: Need, pool_ids: Sequence[int]) -> Need:
    """Return the need of these pools alone."""
    return Need(
        {pk: sites for pk, sites in need.by_pool.items() if pk in pool_ids},
        tuple(seat for seat in need.named if seat.pool_id in pool_ids),
    )


def write(meeting: Occurrence, take: Take, span: Interval, held: Held) -> None:
    """Hold the seat in the span too: by the row of its kind, where the meeting has one, or by a new one."""
    row = next((item for item in held.rows if _is_same(item, take)), None)
    if row is None:
        LicenceHold.objects.create(
            occurrence=meeting,
            pool_id=take.pool_id,
            site_id=take.site_id,
            seats=take.seats,
            source=take.source,
            named_id=take.named_id,
            borrowed_by_id=take.borrower_id,
            period=as_range(span),
        )
        return
    before = row.interval
    whole = Interval(min(before.start_at, span.start_at), max(before.end_at, span.end_at))
    is_joined = before.start_at <= span.end_at and span.start_at <= before.end_at
    row.seats, row.borrowed_by_id = take.seats, take.borrower_id
    if whole.duration <= LONGEST_HOLD:
        row.period = as_range(whole)
        if is_joined:
            _change(row)
            return
        try:
            with transaction.atomic():
                _change(row)
            return
        except IntegrityError as error:
            if constraint_of(error) not in GUARDS | {"named_licence_held_once"}:
                raise
    # Somebody had the seat in between, or it was kept in a pool too small for it: it is held in this span only.
    row.period, row.kept = as_range(span), False
    _change(row)


def _change(row: LicenceHold) -> None:
    prepared.run(_CHANGE, [row.seats, row.borrowed_by_id, row.period, row.kept, row.pk])


def _is_same(row: LicenceHold, take: Take) -> bool:
    """Say whether the seat is of the same kind: a meeting has one row of each."""
    key = (row.pool_id, row.site_id, row.source, row.named_id)
    return key == (take.pool_id, take.site_id, take.source, take.named_id)
