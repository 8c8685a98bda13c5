"""Changes the terms of a pool of licences where sessions are booked with what is taken away.

Nothing that is booked is lost: a session for which there is no seat any more keeps its hold as one that is *kept*,
which the guard of the database lets be and counts against whatever comes new. Whoever changes the terms sees these
sessions first, and says of each whether it stays, is moved, or its organizer is told.
Locks: the bookings that are moved, their rooms and equipment, then the pools, as everybody does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import partial

from django.db import transaction
from django.db.models import F, Q

from accounts.models import User
from bookings import as_request, events, licence_impact, when
from bookings.licence_impact import Held, Hit, LicenceImpact, Settled
from bookings.models import (
    Booking,
    BookingEvent,
    EquipmentHold,
    LicenceHold,
    Occurrence,
    RoomHold,
    WaitlistEntry,
)
from bookings.rules import Code, Refusal, Scope
from bookings.services import releases
from bookings.services.changing import change
from bookings.services.errors import AlreadyOver, NotAllowed, Refused, in_one_transaction
from bookings.services.locks import rooms_held
from rooms.interval import Interval
from rooms.licence_changes import licence_changes
from rooms.licence_services import MOST_SEATS, ChangeNotAllowed, LicenceChange, apply_all
from rooms.models import LicenceGrant, LicencePool, MovableEquipment, Room
from rooms.terms import PoolTerms, load_pools

#: How far ahead the waiting list is asked when a pool has grown: further than anybody books.
_AHEAD = timedelta(days=731)


class LicenceDecision(StrEnum):
    """What becomes of a session for which there is no licence any more. NOTIFY: it is kept, and its organizer told."""

    KEEP = "keep"
    MOVE = "move"
    NOTIFY = "notify"


@dataclass(frozen=True, slots=True)
class LicencesChanged:
    """What the change did. `kept`, `told`, `moved`: sessions; `failed`: those kept that could not be moved."""

    kept: int = 0
    told: int = 0
    moved: int = 0
    failed: tuple[Occurrence, ...] = ()


def find_licence_impact(
    pool: LicencePool, changes: Sequence[LicenceChange], *, by: User, now: datetime
) -> LicenceImpact:
    """Return the sessions that would have no seat, each with another time that was checked. Nothing is written.

    Raises: NotAllowed; AllocationRefused where the terms do not fit together, whatever is booked.
    """

    def try_it() -> LicenceImpact:
        with transaction.atomic():
            _lock(pool, changes, ())
            settled, terms = _apply(pool, changes, by=by, now=now)
            hits = licence_impact.find_hits(settled)
            hits = licence_impact.with_proposals(hits, settled, terms, by=by, now=now)
            transaction.set_rollback(True)
        return LicenceImpact(hits, len(settled.gives_way))

    return in_one_transaction(try_it)


def change_licences(
    pool: LicencePool,
    changes: Sequence[LicenceChange],
    *,
    by: User,
    now: datetime,
    decisions: Mapping[int, LicenceDecision] | None = None,
    seen: Collection[int] | None = None,
    targets: Mapping[int, str] | None = None,
) -> LicencesChanged:
    """Make the changes, and do with each session that loses its seat what was decided, all in one transaction.

    All changes are of this pool. `decisions`: by meeting; none means KEEP. `targets`: the `Hit.target` that was shown;
    a meeting is moved nowhere else. `seen`: the meetings that were shown.
    Raises: Refused, with CHANGED_MEANWHILE where others lose theirs; NotAllowed; AllocationRefused.
    """
    choices = _Choices(decisions or {}, seen, targets or {})
    return in_one_transaction(partial(_change, pool, changes, choices, by=by, now=now))


@dataclass(frozen=True, slots=True)
class _Choices:
    decisions: Mapping[int, LicenceDecision]
    seen: Collection[int] | None
    targets: Mapping[int, str]

    def of(self, hit: Hit) -> LicenceDecision:
        return self.decisions.get(hit.occurrence.pk, LicenceDecision.KEEP)

    def moving(self) -> list[int]:
        return [pk for pk, decision in self.decisions.items() if decision == LicenceDecision.MOVE]


def _change(
    pool: LicencePool, changes: Sequence[LicenceChange], choices: _Choices, *, by: User, now: datetime
) -> LicencesChanged:
    _lock(pool, changes, choices.moving())
    settled, _terms = _apply(pool, changes, by=by, now=now)
    hits = licence_impact.find_hits(settled)
    if choices.seen is not None and {hit.occurrence.pk for hit in hits} - set(choices.seen):
        raise Refused([Refusal(Code.CHANGED_MEANWHILE, "version")])
    done = _deal_with(pool, hits, choices, by=by, now=now)
    releases.freed([Interval(now, now + _AHEAD)], now=now)
    return done


def _lock(pool: LicencePool, changes: Sequence[LicenceChange], meetings: Collection[int]) -> None:
    """Lock what is moved before the pools, which everybody wants last."""
    assert all(item.pool == pool for item in changes), "one pool at a time"
    rooms: set[int] = set()
    if meetings:
        found = list(Occurrence.objects.filter(pk__in=meetings).values_list("booking_id", flat=True))
        bookings = list(Booking.objects.filter(pk__in=found).order_by("pk").select_for_update(no_key=True))
        held = Occurrence.objects.filter(booking__in=bookings, status=Occurrence.Status.CONFIRMED)
        rooms = rooms_held(held.values_list("pk", flat=True))
        list(Room.objects.filter(pk__in=rooms).order_by("pk").select_for_update(no_key=True))
        pieces = EquipmentHold.objects.filter(occurrence__booking__in=bookings, live=True).values("equipment")
        list(MovableEquipment.objects.filter(pk__in=pieces).order_by("pk").select_for_update(no_key=True))
    wanted = Q(pk=pool.pk)
    if meetings:
        wanted |= Q(is_default=True) | Q(pk__in=Room.objects.filter(pk__in=rooms).values("licence_pool"))
    list(LicencePool.objects.filter(wanted).order_by("pk").select_for_update(no_key=True))


def _apply(
    pool: LicencePool, changes: Sequence[LicenceChange], *, by: User, now: datetime
) -> tuple[Settled, PoolTerms]:
    """Write the terms, and for every hold whether there is a seat for it under them."""
    try:
        with licence_changes():
            LicenceHold.objects.filter(pool=pool, expires_at__lte=now).delete()
            apply_all(changes, by=by, now=now)
            terms = load_pools()[pool.pk]
            settled = licence_impact.settle(terms, licence_impact.load_held(pool.pk, now=now), now=now)
            _write(pool, settled)
    except ChangeNotAllowed:
        raise NotAllowed from None
    return settled, terms


def _write(pool: LicencePool, settled: Settled) -> None:
    _give_way(settled.gives_way)
    beside = _turn(pool, settled) if settled.turned else set()
    holds = LicenceHold.objects.all()
    holds.filter(pk__in=[item.pk for item in settled.excess if not item.is_kept], live=True).update(kept=True)
    # Only now, when what has no seat counts no more: what is let go has to fit beside the rest.
    holds.filter(pk__in={item.pk for item in settled.let_go} - beside, live=True).update(kept=False)


def _give_way(held: Iterable[Held]) -> None:
    """Take what open forms and offers hold; whoever had an offer waits again, in their old place."""
    held = list(held)
    if not held:
        return
    LicenceHold.objects.filter(pk__in=[item.pk for item in held]).delete()
    offers = sorted({item.offer_id for item in held if item.offer_id is not None})
    if offers:
        for kind in (RoomHold, EquipmentHold, LicenceHold):
            kind.objects.filter(offer__in=offers).delete()
        offered = WaitlistEntry.objects.filter(pk__in=offers, state=WaitlistEntry.State.OFFERED)
        offered.update(state=WaitlistEntry.State.WAITING, offered_at=None, offer_expires_at=None)


def _turn(pool: LicencePool, settled: Settled) -> set[int]:
    """Have sessions hold ordinary seats in place of named ones. Return the holds that are kept for that.

    The guard of holds looks at every statement, and would refuse these beside what is kept. A grant that nobody else
    ever sees makes room meanwhile; the terms are judged without it when all is written.
    """
    room = LicenceGrant.objects.create(pool=pool, seats=MOST_SEATS, valid_from=date(2000, 1, 1))
    owners = [item.occurrence_id for item in settled.turned]
    ordinary = LicenceHold.objects.filter(pool=pool, live=True, source="share", occurrence__in=owners)
    beside = {(hold.occurrence_id, hold.site_id): hold.pk for hold in ordinary}
    without = {item.pk for item in settled.excess}
    kept = set()
    for item in settled.turned:
        own = LicenceHold.objects.filter(pk=item.pk, live=True)
        other = beside.setdefault((item.occurrence_id, item.site_id), item.pk)
        if other == item.pk:
            own.update(source="share", named=None, site=item.site_id, borrowed_by=item.borrower_id)
            continue
        # A session has one hold of a site's share.
        own.update(live=False)
        LicenceHold.objects.filter(pk=other).update(seats=F("seats") + item.seats)
        if item.pk in without:
            kept.add(other)
    LicenceHold.objects.filter(pk__in=kept).update(kept=True)
    room.delete()
    return kept


def _deal_with(
    pool: LicencePool, hits: Sequence[Hit], choices: _Choices, *, by: User, now: datetime
) -> LicencesChanged:
    done = dict.fromkeys(LicenceDecision, 0)
    failed: list[Occurrence] = []
    told: list[Hit] = []
    for hit in hits:
        decision, meeting = choices.of(hit), hit.occurrence
        if decision == LicenceDecision.MOVE:
            if _move(meeting, choices.targets.get(meeting.pk, ""), by=by, now=now):
                done[decision] += 1
                continue
            failed.append(meeting)
            decision = LicenceDecision.KEEP
        if decision == LicenceDecision.NOTIFY:
            told.append(hit)
        done[decision] += 1
        _record(pool, meeting, by=by, now=now)
    _tell(pool, told, now=now)
    return LicencesChanged(
        done[LicenceDecision.KEEP], done[LicenceDecision.NOTIFY], done[LicenceDecision.MOVE], tuple(failed)
    )


def _record(pool: LicencePool, meeting: Occurrence, *, by: User, now: datetime) -> None:
    kind = BookingEvent.Kind.LICENCE_KEPT
    events.record(meeting.booking, kind, actor=by, at=now, occurrence=meeting, data={"pool": pool.pk})


def _move(meeting: Occurrence, target: str, *, by: User, now: datetime) -> bool:
    """Move the meeting; False where that is not possible any more, and nothing of it is written."""
    try:
        start, end = (datetime.fromisoformat(text) for text in target.split("/"))
    except ValueError:
        return False
    if start.tzinfo or end.tzinfo or not {start.year, end.year} <= set(when.YEARS):
        return False
    booking = Booking.objects.get(pk=meeting.booking_id)
    scope, only = (Scope.ONE, meeting) if booking.is_series else (Scope.ALL, None)
    try:
        with transaction.atomic():
            request = as_request.of_meeting(meeting).at(start, end)
            change(booking, request, by=by, now=now, version=booking.version, scope=scope, occurrence=only)
            return True
    except (Refused, NotAllowed, AlreadyOver):
        return False


def _tell(pool: LicencePool, hits: Iterable[Hit], *, now: datetime) -> None:
    """Tell organizers, and who booked for them: one notice for each booking."""
    by_booking: dict[int, list[Hit]] = {}
    for hit in hits:
        by_booking.setdefault(hit.occurrence.booking_id, []).append(hit)
    for found in by_booking.values():
        booking = found[0].occurrence.booking
        data = {"pool": pool.pk, "occurrences": [hit.occurrence.pk for hit in found]}
        told = [booking.organizer_id, booking.created_by_id]
        events.notify(events.Topic.LICENCE_SHORT, user_ids=told, at=now, booking=booking, data=data)
