"""Closes sites, rooms and movable equipment, and deals with every session that stands in the way.

A closure is written with its holds, so the guard of the rooms is the guard of closures too. Sessions that stay have
their rooms until they go; the closure holds all around them, and `reclaiming` gives it the rest then.
Locks: the bookings that are moved or cancelled, in key order, then rooms, equipment and the pool as everybody does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import partial

from django.db import transaction

from accounts.models import User
from bookings import as_request, closure_holds, closure_times, events, impact
from bookings.closure_times import ClosureDraft
from bookings.impact import Closing, Hit, Impact
from bookings.models import Booking, EquipmentHold, Occurrence, RoomHold
from bookings.rules import BookingRequest, Code, Refusal, Scope, clean_line
from bookings.services import releases
from bookings.services.cancelling import cancel
from bookings.services.changing import change
from bookings.services.closure_plans import Planned, plan
from bookings.services.errors import AlreadyOver, NotAllowed, Refused, in_one_transaction
from bookings.services.locks import lock_things
from bookings.services.reclaiming import fill
from rooms.interval import Interval
from rooms.models import Closure, Room
from rooms.permissions import SiteRoles


class ClosureDecision(StrEnum):
    """What becomes of a meeting that stands in a closure. LEAVE: its organizer decides, and is told."""

    ROOM = "room"
    TIME = "time"
    CANCEL = "cancel"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Closed:
    """What closing did. `left`: meetings whose organizers decide; `failed`: those of them that could not be moved."""

    closure: Closure
    moved: int
    cancelled: int
    left: int
    failed: tuple[Occurrence, ...]


def find_impact(draft: ClosureDraft, *, by: User, now: datetime, changing: Closure | None = None) -> Impact:
    """Return the meetings that the closure would hit, each with a way out that was checked, and when it closes.

    `changing`: the closure that the draft would replace.
    Raises: Refused for a draft that can't be a closure; NotAllowed for whoever does not manage the site.
    """
    planned = _plan(draft, by=by, now=now)
    held = planned.closing.held()
    if changing is not None:
        held = [hold for hold in held if hold.closure_id != changing.pk]
    hits = impact.find_hits(planned.closing, held)
    return Impact(impact.with_proposals(hits, planned.closing, by=by, now=now), planned.closing.spans)


def close(
    draft: ClosureDraft,
    *,
    by: User,
    now: datetime,
    decisions: Mapping[int, ClosureDecision] | None = None,
    seen: Collection[int] | None = None,
    targets: Mapping[int, str] | None = None,
) -> Closed:
    """Close, and do with each meeting in the way what was decided, all in one transaction.

    `decisions`: by meeting; none means LEAVE. `targets`: the `Hit.target` that was shown, so that nothing else is done;
    without it a way out is looked for again. `seen`: the meetings that were shown.
    Raises: Refused, with CHANGED_MEANWHILE where other meetings are in the way now; NotAllowed.
    """
    choices = _Choices(decisions or {}, seen, targets or {})
    return in_one_transaction(partial(_close, _plan(draft, by=by, now=now), None, choices, by=by, now=now))


def change_closure(
    closure: Closure,
    draft: ClosureDraft,
    *,
    by: User,
    now: datetime,
    decisions: Mapping[int, ClosureDecision] | None = None,
    seen: Collection[int] | None = None,
    targets: Mapping[int, str] | None = None,
) -> Closed:
    """Make the closure what the draft says from now on; what it closed before stays true. Otherwise as `close`.

    Raises: AlreadyOver for one that was lifted; Refused; NotAllowed.
    """
    choices = _Choices(decisions or {}, seen, targets or {})
    return in_one_transaction(partial(_close, _plan(draft, by=by, now=now), closure, choices, by=by, now=now))


def lift(closure: Closure, *, by: User, now: datetime) -> Closure:
    """End the closure now: what it holds comes free, for other closures and whoever waits first.

    Raises: AlreadyOver; NotAllowed.
    """
    return in_one_transaction(partial(_lift, closure, by=by, now=now))


@dataclass(frozen=True, slots=True)
class _Choices:
    decisions: Mapping[int, ClosureDecision]
    seen: Collection[int] | None
    targets: Mapping[int, str]

    def acted_on(self) -> list[int]:
        return [pk for pk, decision in self.decisions.items() if decision != ClosureDecision.LEAVE]


def _plan(draft: ClosureDraft, *, by: User, now: datetime) -> Planned:
    """Raises: Refused; NotAllowed."""
    draft = replace(draft, title=clean_line(draft.title), title_en=clean_line(draft.title_en))
    planned = plan(draft, now=now)
    if not SiteRoles.of(by).manages(planned.site.pk):
        raise NotAllowed
    return planned


def _locked(closure: Closure, *, by: User) -> Closure:
    found = (
        Closure.objects.select_related("site", "room__site", "equipment__site")
        .select_for_update(of=("self",), no_key=True)
        .get(pk=closure.pk)
    )
    if not SiteRoles.of(by).manages(closure_holds.site_of(found).pk):
        raise NotAllowed
    if found.lifted_at is not None:
        raise AlreadyOver
    return found


def _lift(closure: Closure, *, by: User, now: datetime) -> Closure:
    closure = _locked(closure, by=by)
    rooms, equipment = _things_of(closure)
    lock_things(rooms, equipment)
    closure_holds.release(closure, now=now)
    closure.lifted_at = now
    closure.save()
    releases.freed(_times_of(closure, now), now=now)
    return closure


def _close(planned: Planned, closure: Closure | None, choices: _Choices, *, by: User, now: datetime) -> Closed:
    if closure is not None:
        closure = _locked(closure, by=by)
    _lock_all(planned, choices.acted_on(), closure)
    before = _times_of(closure, now) if closure is not None else []
    if closure is not None:
        closure_holds.release(closure, now=now)
    hits = impact.find_hits(planned.closing, planned.closing.held())
    if choices.seen is not None and {hit.occurrence.pk for hit in hits} - set(choices.seen):
        raise Refused([Refusal(Code.CHANGED_MEANWHILE, "version")])
    closure = _store(planned, closure, by=by, now=now)
    fill(closure, now=now)
    closed = _deal_with(closure, hits, planned.closing, choices, by=by, now=now)
    # What was moved or cancelled has left room for the closure; what it no longer closes is free for others.
    fill(closure, now=now)
    releases.freed(before, now=now)
    return closed


def _store(planned: Planned, closure: Closure | None, *, by: User, now: datetime) -> Closure:
    fields = closure_holds.fields_of(planned.draft, planned.site.zone)
    if closure is None:
        closure = Closure(created_by=by, created_at=now)
    for name, value in fields.items():
        setattr(closure, name, value)
    closure.save()
    return Closure.objects.select_related("site", "room__site", "equipment__site").get(pk=closure.pk)


def _lock_all(planned: Planned, acted_on: Sequence[int], closure: Closure | None) -> None:
    """Lock the bookings that will change, then all their rooms and equipment with those that close, then the pool.

    Whatever the changes lock later is locked already, so nobody waits in a circle.
    """
    found = Booking.objects.filter(occurrences__in=acted_on).distinct().values_list("pk", flat=True)
    bookings = list(
        Booking.objects.filter(pk__in=list(found))
        .order_by("pk")
        .select_for_update(no_key=True)
        .values_list("pk", flat=True)
    )
    held = RoomHold.objects.filter(occurrence__booking__in=bookings, live=True)
    pieces = EquipmentHold.objects.filter(occurrence__booking__in=bookings, live=True)
    rooms = {*planned.closing.room_ids, *held.values_list("room_id", flat=True)}
    if bookings:
        # Where one of them may be moved to.
        rooms |= set(Room.objects.filter(site__rooms__in=list(rooms)).values_list("pk", flat=True))
    equipment = set(pieces.values_list("equipment_id", flat=True))
    if planned.closing.equipment_id is not None:
        equipment.add(planned.closing.equipment_id)
    before = _things_of(closure) if closure is not None else ([], [])
    lock_things(rooms | set(before[0]), equipment | set(before[1]))


def _things_of(closure: Closure) -> tuple[list[int], list[int]]:
    """Return the rooms and the equipment that the closure closes."""
    draft = closure_holds.draft_of(closure, closure_holds.site_of(closure).zone)
    return closure_holds.room_ids_of(draft), [] if closure.equipment_id is None else [closure.equipment_id]


def _times_of(closure: Closure, now: datetime) -> list[Interval]:
    zone = closure_holds.site_of(closure).zone
    return closure_times.from_now_on(closure_times.closed_times(closure_holds.draft_of(closure, zone), zone), now)


def _deal_with(
    closure: Closure, hits: Sequence[Hit], closing: Closing, choices: _Choices, *, by: User, now: datetime
) -> Closed:
    done = dict.fromkeys(ClosureDecision, 0)
    left: list[Hit] = []
    failed: list[Occurrence] = []
    for hit in _with_targets(hits, closing, choices, by=by, now=now):
        decision = choices.decisions.get(hit.occurrence.pk, ClosureDecision.LEAVE)
        if decision == ClosureDecision.LEAVE:
            left.append(hit)
        elif _act(hit, decision, closure, choices.targets.get(hit.occurrence.pk) or hit.target, by=by, now=now):
            done[decision] += 1
        else:
            left.append(hit)
            failed.append(hit.occurrence)
    _tell(closure, left, now=now)
    moved = done[ClosureDecision.ROOM] + done[ClosureDecision.TIME]
    return Closed(closure, moved, done[ClosureDecision.CANCEL], len(left), tuple(failed))


def _with_targets(
    hits: Sequence[Hit], closing: Closing, choices: _Choices, *, by: User, now: datetime
) -> Sequence[Hit]:
    """Look for ways out only where one is to be taken that nobody was shown."""
    moves = {ClosureDecision.ROOM, ClosureDecision.TIME}
    if all(choices.targets.get(pk) for pk, decision in choices.decisions.items() if decision in moves):
        return hits
    return impact.with_proposals(hits, closing, by=by, now=now)


def _act(hit: Hit, decision: ClosureDecision, closure: Closure, target: str, *, by: User, now: datetime) -> bool:
    """Move or cancel one meeting; False where that is not possible any more, and nothing of it is written."""
    occurrence = hit.occurrence
    booking = Booking.objects.get(pk=occurrence.booking_id)
    scope = Scope.ONE if booking.is_series else Scope.ALL
    only = occurrence if booking.is_series else None
    try:
        with transaction.atomic():
            if decision == ClosureDecision.CANCEL:
                cancel(booking, by=by, now=now, reason=closure.title, scope=scope, occurrence=only)
                return True
            request = _asked(hit, target)
            if request is None:
                return False
            change(booking, request, by=by, now=now, version=booking.version, scope=scope, occurrence=only)
            return True
    except (Refused, NotAllowed, AlreadyOver):
        return False


def _asked(hit: Hit, target: str) -> BookingRequest | None:
    """Return the meeting as it would be with the proposal; None for one that nobody made."""
    kind, _colon, what = target.partition(":")
    request = as_request.of_meeting(hit.occurrence)
    if kind == ClosureDecision.ROOM and what.isdecimal() and hit.rooms:
        others = [int(what) if pk == hit.rooms[0].pk else pk for pk in request.room_ids]
        return replace(request, room_ids=tuple(others))
    start, _slash, end = what.partition("/")
    if kind == ClosureDecision.TIME and start and end:
        try:
            return request.at(datetime.fromisoformat(start), datetime.fromisoformat(end))
        except ValueError:
            return None
    return None


def _tell(closure: Closure, left: Sequence[Hit], *, now: datetime) -> None:
    """Tell organizers, and who booked for them, of meetings that stand in the closure: one notice for each booking."""
    by_booking: dict[int, list[Hit]] = {}
    for hit in left:
        by_booking.setdefault(hit.occurrence.booking_id, []).append(hit)
    for hits in by_booking.values():
        booking = hits[0].occurrence.booking
        data = {"closure": closure.pk, "occurrences": [hit.occurrence.pk for hit in hits]}
        told = [booking.organizer_id, booking.created_by_id]
        events.notify(events.Topic.CLOSURE_HITS, user_ids=told, at=now, booking=booking, data=data)
