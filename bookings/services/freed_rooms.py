"""Gives back the rooms of a meeting that nobody is in any more, and takes them again when people come back."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from bookings.availability import Locked, holds
from bookings.availability.holds import Ignoring, Probe
from bookings.models import EquipmentHold, Occurrence, RoomHold, as_range
from bookings.services import locks
from bookings.services.errors import GUARDS, constraint_of
from rooms.interval import Interval


def give_back(meeting: Occurrence, *, now: datetime, is_used: bool) -> list[Interval]:
    """Let the meeting's rooms be free from now on, with its movable equipment; return when they come free.

    Only rooms whose sessions take a licence: who meets in another needs no conference. `is_used`: they have to be
    cleared first. Inside a transaction that has locked all of it.
    """
    mine = RoomHold.objects.filter(occurrence=meeting.pk, live=True, period__endswith__gt=now)
    rows = list(mine.select_related("room").order_by("pk"))
    rest = []
    for hold in rows:
        until = now + hold.room.clearing if is_used else now
        if not hold.room.needs_licence or not hold.interval.start_at < until < hold.interval.end_at:
            continue
        rest.append(Interval(until, hold.interval.end_at))
        hold.period = as_range(Interval(hold.interval.start_at, until))
        hold.save(update_fields=["period"])
    if all(hold.room.needs_licence for hold in rows):
        pieces = EquipmentHold.objects.filter(occurrence=meeting.pk, live=True, period__endswith__gt=now)
        for piece in pieces.filter(period__startswith__lt=now).order_by("pk"):
            rest.append(Interval(now, piece.interval.end_at))
            piece.period = as_range(Interval(piece.interval.start_at, now))
            piece.save(update_fields=["period"])
    return rest


def lock_lost(meeting: Occurrence) -> Locked | None:
    """Lock all that the meeting held, before its licences, where some of its rooms came free early; else None."""
    return locks.lock_held([meeting.pk]) if _lost_rooms(meeting).exists() else None


def _lost_rooms(meeting: Occurrence) -> QuerySet[RoomHold]:
    return RoomHold.objects.filter(occurrence=meeting.pk, live=True, period__endswith__lt=meeting.ends_at)


def take_again(meeting: Occurrence, locked: Locked, *, now: datetime) -> None:
    """Hold again, until the planned end, what came free early, as far as nobody else has it by now.

    `locked`: what `lock_lost` has locked.
    """
    locks.drop_expired(locked, now=now)
    ignoring = Ignoring(now, (meeting.pk,))
    for hold in _lost_rooms(meeting).select_related("room").order_by("room_id"):
        # Somebody may have had it in between: what was given back is not held again, only what is to come.
        start_at, end_at = hold.interval.start_at, meeting.ends_at + hold.room.clearing
        probe = Probe(0, hold.room_id, max(hold.interval.end_at, now), end_at)
        if holds.taken_rooms([probe], ignoring):
            continue
        between = Probe(0, hold.room_id, hold.interval.end_at, end_at)
        begins = now if holds.taken_rooms([between], ignoring) else start_at
        hold.period = as_range(Interval(begins, end_at))
        hold.save(update_fields=["period"])
    _take_equipment_again(meeting, now=now)


def _take_equipment_again(meeting: Occurrence, *, now: datetime) -> None:
    mine = EquipmentHold.objects.filter(occurrence=meeting.pk, live=True, period__endswith__lt=meeting.ends_at)
    for piece in mine.order_by("equipment_id"):
        piece.period = as_range(Interval(now, meeting.ends_at))
        try:
            with transaction.atomic():
                piece.save(update_fields=["period"])
        except IntegrityError as error:
            if constraint_of(error) not in GUARDS:
                raise
