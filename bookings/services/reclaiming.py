"""Closures take what sessions leave behind: the moment one goes, the closure that it stood in has the room."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef

from bookings import closure_holds, closure_times, events
from bookings.closure_holds import Held
from bookings.models import EquipmentHold, RoomHold
from rooms import prepared
from rooms.interval import Interval, merged
from rooms.models import MAX_PREPARATION, Closure, MovableEquipment, Room

_LOCAL = "%Y-%m-%dT%H:%M"
# Wall clocks are compared as text: no zone is further from UTC.
_FURTHEST_ZONE = timedelta(hours=15)
# Those that don't repeat and end early enough are over; mostly there are none.
_NEAR = """
SELECT id FROM rooms_closure WHERE lifted_at IS NULL AND local_start < %s AND (local_end > %s OR rrule <> '')
"""


def reclaim(spans: Sequence[Interval], *, now: datetime) -> None:
    """Hold for closures in force what has come free in these stretches of time: one query where none is near.

    Runs in the transaction that frees, under its locks, before the waiting list is asked: what is closed is offered to
    nobody.
    """
    # Set-up and clearing come free with the session.
    wide = [span.widened(before=MAX_PREPARATION, after=MAX_PREPARATION) for span in spans]
    ahead = closure_times.from_now_on(wide, now)
    if not ahead:
        return
    for closure in _near(ahead):
        fill(closure, now=now, within=ahead)


def close_new_rooms(now: datetime) -> int:
    """Hold rooms that came to a site after it was closed; return how many closures were short of one.

    Found by query, a cheap one where no room is new: run twice or by two workers at once it does the same once.
    """
    ahead = Interval(now, now + closure_times.LONGEST * 2)
    new = Room.objects.filter(site=OuterRef("site")).exclude(
        Exists(RoomHold.objects.filter(room=OuterRef("pk"), closure=OuterRef(OuterRef("pk"))))
    )
    short = set(Closure.objects.filter(Exists(new), lifted_at=None, site__isnull=False).values_list("pk", flat=True))
    closures = [closure for closure in _near([ahead]) if closure.pk in short] if short else []
    for closure in closures:
        with transaction.atomic():
            fill(closure, now=now, within=[ahead])
    return len(closures)


def _near(spans: Sequence[Interval]) -> list[Closure]:
    first = (min(span.start_at for span in spans) - _FURTHEST_ZONE).strftime(_LOCAL)
    last = (max(span.end_at for span in spans) + _FURTHEST_ZONE).strftime(_LOCAL)
    ids = [pk for (pk,) in prepared.fetch(_NEAR, [last, first])]
    if not ids:
        return []
    found = Closure.objects.filter(pk__in=ids, lifted_at=None)
    return list(found.select_related("site", "room__site", "equipment__site").order_by("pk"))


def fill(closure: Closure, *, now: datetime, within: Sequence[Interval] | None = None) -> None:
    """Hold for the closure what no session has, from now on.

    `within`: only in these stretches of time, and only of things whose locks are ours or free: whoever has them at this
    moment, and frees something, calls this as well. Without it the caller holds the locks of all that closes.
    """
    site = closure_holds.site_of(closure)
    draft = closure_holds.draft_of(closure, site.zone)
    times = closure_times.from_now_on(closure_times.closed_times(draft, site.zone), now)
    if within is not None:
        times = _clipped(times, within)
    pieces = closure_times.day_pieces(times, site.zone)
    if not pieces:
        return
    if closure.equipment is not None:
        if within is None or _lock_free(MovableEquipment, [closure.equipment.pk]):
            held = _lasting(closure_holds.held_equipment(closure.equipment.pk, times), EquipmentHold, now=now)
            closure_holds.hold_equipment(closure, closure.equipment.quantity, pieces, held)
        return
    room_ids = closure_holds.room_ids_of(draft)
    if within is not None:
        held = closure_holds.held_rooms(room_ids, times)
        room_ids = _lock_free(Room, closure_holds.rooms_with_gaps(room_ids, pieces, held))
    if room_ids:
        held = _lasting(closure_holds.held_rooms(room_ids, times), RoomHold, now=now)
        closure_holds.hold_rooms(closure, room_ids, pieces, held)


def _lock_free(model: type[Room | MovableEquipment], ids: Sequence[int]) -> list[int]:
    """Lock those that are ours already or nobody's, without waiting: who does not wait closes no circle."""
    rows = model.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True, skip_locked=True)
    return list(rows.values_list("pk", flat=True)) if ids else []


def _lasting(held: list[Held], model: type[RoomHold | EquipmentHold], *, now: datetime) -> list[Held]:
    """Return the holds of sessions and closures; open forms and offers lose theirs, and who had an offer is told."""
    for entry in closure_holds.clear_temporary(held, model=model):
        events.notify(events.Topic.WAITLIST_LAPSED, user_ids=[entry.user_id], at=now, data={"entry": entry.pk})
    return [hold for hold in held if not hold.is_temporary]


def _clipped(times: Sequence[Interval], frames: Sequence[Interval]) -> list[Interval]:
    found = (span.clipped(frame) for frame in merged(frames) for span in times)
    return [span for span in found if span is not None]
