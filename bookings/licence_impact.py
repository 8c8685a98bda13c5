"""What other terms of a pool mean for what is booked: which sessions no longer fit, and where they could go."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from django.db.models import Prefetch

from accounts.models import User
from bookings import other_times
from bookings.models import LONGEST_HOLD, LicenceHold, Occurrence, RoomHold, as_interval
from rooms.interval import Interval
from rooms.licences import Allocation, Use, first_refusal, full_stretches
from rooms.models import Room
from rooms.terms import PoolTerms

_EMERGENCY, _SHARE = LicenceHold.Source.EMERGENCY, LicenceHold.Source.SHARE
#: Each proposal is judged, which takes some queries.
_MOST = 40


@dataclass(frozen=True, slots=True)
class Held:
    """Seats held from now on. `host_site_id`: where the session is hosted.

    Of open forms and offers, which have neither an occurrence nor a conference that runs unplanned: for a while only.
    """

    pk: int
    site_id: int | None
    seats: int
    interval: Interval
    source: str = "share"
    named_id: int | None = None
    is_kept: bool = False
    occurrence_id: int | None = None
    host_site_id: int | None = None
    borrower_id: int | None = None
    offer_id: int | None = None
    unplanned_id: int | None = None

    @property
    def is_temporary(self) -> bool:
        return self.occurrence_id is None and self.unplanned_id is None

    @property
    def use(self) -> Use:
        return Use(None if self.source == _EMERGENCY else self.site_id, self.seats, self.interval)


@dataclass(frozen=True, slots=True)
class Settled:
    """Who keeps a seat. `excess`: sessions for which there is none; `let_go`: kept ones for which there is again.

    Conferences that run unplanned are among both. `gives_way`: of open forms and offers. `turned`: what held a named
    licence that is not in force then, as it holds an ordinary seat instead; `excess` has some of them. `crowded`: when
    more is held than there is.
    """

    excess: tuple[Held, ...] = ()
    let_go: tuple[Held, ...] = ()
    gives_way: tuple[Held, ...] = ()
    turned: tuple[Held, ...] = ()
    crowded: tuple[Interval, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A session without a seat. `other_time`: wall clock of its booking, checked against the terms to come."""

    occurrence: Occurrence
    other_time: tuple[datetime, datetime] | None = None

    @property
    def target(self) -> str:
        """What is proposed, as forms carry it: „2026-12-03T10:00/2026-12-03T11:00”."""
        return "/".join(at.strftime("%Y-%m-%dT%H:%M") for at in self.other_time or ())


@dataclass(frozen=True, slots=True)
class LicenceImpact:
    """The sessions that would have no seat, soonest first. `given_way`: open forms and offers that lose theirs."""

    hits: tuple[Hit, ...] = ()
    given_way: int = 0


def load_held(pool_id: int, *, now: datetime) -> list[Held]:
    """Return what holds seats of the pool now or later, in the order of booking: one statement."""
    holds = LicenceHold.objects.filter(
        pool=pool_id, live=True, period__startswith__gt=now - LONGEST_HOLD, period__endswith__gt=now
    )
    rows = holds.order_by("pk").values_list(
        "pk",
        "site_id",
        "seats",
        "period",
        "source",
        "named_id",
        "kept",
        "occurrence_id",
        "occurrence__booking__host_site_id",
        "borrowed_by_id",
        "offer_id",
        "unplanned_id",
    )
    return [Held(row[0], row[1], row[2], as_interval(row[3]), *row[4:]) for row in rows]


def settle(terms: PoolTerms, held: Iterable[Held], *, now: datetime) -> Settled:
    """Say who keeps a seat under these terms: who has one and booked first, then who is kept, then forms and offers.

    Looks only at stretches that are over-used. Pure.
    """
    in_force = {seat.pk: seat for seat in terms.named}
    ordinary: list[Held] = []
    urgent: list[Held] = []
    turned: list[Held] = []
    for item in held:
        seat = in_force.get(item.named_id) if item.named_id is not None else None
        if item.named_id is None:
            (urgent if item.source == _EMERGENCY else ordinary).append(item)
        elif seat is None or not seat.covers(item.interval):
            turned.append(_turned(item))
    # A site that takes nothing from the reserve any more keeps what it has taken.
    general = replace(terms.allocation, keeps_to_share=frozenset())
    excess, crowded = _without_a_seat(general, [*ordinary, *turned], now=now)
    more, urgently = _without_a_seat(Allocation(terms.emergency, ()), urgent, now=now)
    without = {item.pk: item for item in (*excess, *more)}
    everything = [*ordinary, *turned, *urgent]
    return Settled(
        excess=tuple(item for item in without.values() if not item.is_temporary),
        let_go=tuple(item for item in everything if item.is_kept and item.pk not in without),
        gives_way=tuple(item for item in everything if item.is_temporary and (item.pk in without or item in turned)),
        turned=tuple(item for item in turned if not item.is_temporary),
        crowded=tuple(sorted({*crowded, *urgently})),
    )


def _turned(item: Held) -> Held:
    """Return what held a named seat as it holds the one that comes free with it: of the same share, or its site's."""
    host = item.host_site_id
    if item.site_id is None or item.site_id == host:
        return replace(item, source=_SHARE, named_id=None, site_id=host)
    return replace(item, source=_SHARE, named_id=None, borrower_id=host)


def _without_a_seat(
    allocation: Allocation, held: Sequence[Held], *, now: datetime
) -> tuple[list[Held], list[Interval]]:
    """Return what finds no seat, one after the other, and the stretches that are over-used by all together.

    Where all fit, any of them do: only what touches such a stretch is looked at.
    """
    if not held:
        return [], []
    span = Interval(now, max(item.interval.end_at for item in held))
    crowded = full_stretches(allocation, [item.use for item in held], {}, span=span)
    starts = [stretch.start_at for stretch in crowded]
    seated = _UsesByDay()
    excess = []
    for item in sorted(held, key=_precedence):
        at = bisect_right(starts, item.interval.end_at) - 1
        touched = item.interval.clipped(span)
        if touched is None or at < 0 or not _touches(crowded, at, touched):
            continue
        use = item.use
        if first_refusal(allocation, seated.near(touched), {use.site_id: use.seats}, span=touched) is not None:
            excess.append(item)
        else:
            seated.add(use)
    return excess, crowded


def _touches(stretches: Sequence[Interval], last: int, interval: Interval) -> bool:
    """Say whether one of the stretches, which are apart and in order, overlaps: the `last` one or one before it."""
    while last >= 0 and stretches[last].end_at > interval.start_at:
        if stretches[last].overlaps(interval):
            return True
        last -= 1
    return False


def _precedence(item: Held) -> tuple[bool, bool, int]:
    return item.is_temporary, item.is_kept, item.pk


class _UsesByDay:
    """Uses that can be asked for by time without looking at all of them; none is longer than a few days."""

    def __init__(self, uses: Iterable[Use] = ()) -> None:
        self._found: dict[date, list[Use]] = {}
        for use in uses:
            self.add(use)

    def add(self, use: Use) -> None:
        for day in _days(use.interval):
            self._found.setdefault(day, []).append(use)

    def near(self, interval: Interval) -> list[Use]:
        """Return every use on the days of the interval, each once."""
        return list({id(use): use for day in _days(interval) for use in self._found.get(day, ())}.values())


def _days(interval: Interval) -> list[date]:
    first, last = interval.start_at.date(), interval.end_at.date()
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def find_hits(settled: Settled) -> tuple[Hit, ...]:
    """Return the sessions that lose their seat, those left out that were kept before: two statements, or none."""
    lost = {item.occurrence_id for item in settled.excess if item.occurrence_id is not None and not item.is_kept}
    if not lost:
        return ()
    holds = RoomHold.objects.filter(live=True).select_related("room__site").order_by("position", "pk")
    found = (
        Occurrence.objects.filter(pk__in=lost)
        .select_related("booking__organizer", "booking__created_by")
        .prefetch_related(Prefetch("room_holds", holds))
        .order_by("starts_at", "pk")
    )
    return tuple(Hit(item) for item in found)


def with_proposals(
    hits: Sequence[Hit], settled: Settled, terms: PoolTerms, *, by: User, now: datetime
) -> tuple[Hit, ...]:
    """Return the hits with another time each where one was found, such that all of them work together.

    For use while the terms to come are in force. Some queries for each of the first hits; beyond, organizers look
    for themselves.
    """
    if not hits:
        return ()
    uses = _UsesByDay(item.use for item in load_held(terms.pool.pk, now=now) if item.source == _SHARE)
    search = _Search(settled, terms, uses, by, now)
    return (*(search.propose(hit) for hit in hits[:_MOST]), *hits[_MOST:])


@dataclass(frozen=True, slots=True)
class _Search:
    """Looks for times one hit after the other: what is proposed to one is no longer there for the next."""

    settled: Settled
    terms: PoolTerms
    uses: _UsesByDay
    by: User
    now: datetime
    promised: dict[int, list[Interval]] = field(default_factory=dict)

    def propose(self, hit: Hit) -> Hit:
        meeting, needed = hit.occurrence, self._needed(hit.occurrence)

        def is_full(rooms: Iterable[Room], interval: Interval) -> bool:
            if any(interval.overlaps(other) for room in rooms for other in self.promised.get(room.pk, ())):
                return True
            near = self.uses.near(interval)
            return first_refusal(self.terms.allocation, near, needed, span=interval) is not None

        spans = self.settled.crowded
        found = other_times.propose([meeting], closes=is_full, spans=spans, by=self.by, now=self.now).get(meeting.pk)
        if found is None:
            return hit
        start, end = (at.replace(tzinfo=meeting.booking.zone).astimezone(UTC) for at in found)
        for site_id, seats in needed.items():
            self.uses.add(Use(site_id, seats, Interval(start, end)))
        for hold in meeting.room_holds.all():
            whole = Interval(start, end).widened(before=hold.room.setup, after=hold.room.clearing)
            self.promised.setdefault(hold.room_id, []).append(whole)
        return replace(hit, other_time=found)

    def _needed(self, meeting: Occurrence) -> dict[int | None, int]:
        needed: dict[int | None, int] = {}
        for item in self.settled.excess:
            if item.occurrence_id == meeting.pk:
                needed[item.site_id] = needed.get(item.site_id, 0) + item.seats
        return needed
