"""Undoes a cancellation within its window: everything is as it was, and nobody hears of either."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from accounts.models import User
from bookings import as_request, availability, events, rows
from bookings.models import Booking, BookingEvent, Draft, EquipmentHold, Occurrence, RoomHold
from bookings.permissions import may_change
from bookings.rules import BookingRequest, Code, Refusal
from bookings.services import locks
from bookings.services.errors import NotAllowed, in_one_transaction
from bookings.services.steps import step

Kind = BookingEvent.Kind
#: What others may have taken, where the cancellation did not hold it to the end. The office's rules are not asked: what
#: was booked before stays as it was booked.
_TAKEN = {Code.ROOM_TAKEN, Code.ROOM_CLOSED, Code.LICENCE_NONE_FREE, Code.EQUIPMENT_NONE_FREE}
#: Of a long series so many meetings are looked at for what is in the way.
_LOOKED_AT = 20


class UndoTooLate(Exception):
    """The window is over, or something else was changed since: the cancellation is final."""


def undo(booking: Booking, *, event_id: int, by: User, now: datetime) -> Booking:
    """Undo the cancellation that the booking's event tells of. Undone already, it stays so.

    Whoever may change the booking may, and whoever cancelled it. SEQUENCE and version rise, since calendars and
    conference servers may have seen it cancelled; of participants only those are told whom a mail has reached.
    Raises: UndoTooLate, NotAllowed; Refused where somebody has a room or a licence by now.
    """
    task = _Task(booking, event_id, by, now)
    return in_one_transaction(task.run, find_refusals=task.find_refusals)


def may_undo(user: User, booking: Booking, event: BookingEvent) -> bool:
    """Say whether the user may. Who manages the site of another room may change nothing that holds no room any more."""
    return event.actor_id == user.pk or may_change(user, booking)


def is_undoable(booking: Booking, *, now: datetime) -> bool:
    """Say whether the version that the booking has is that of a cancellation which can be undone."""
    untils = (event.undo_until for event in booking.events.filter(version=booking.version))
    return any(until is not None and until > now for until in untils)


class _Task:
    """One call of `undo`. Keeps what was asked for after the locks."""

    def __init__(self, booking: Booking, event_id: int, by: User, now: datetime) -> None:
        self.booking, self.event_id, self.by, self.now = booking, event_id, by, now
        self.held: dict[str, list[int]] = {}

    def run(self) -> Booking:
        booking = Booking.objects.select_for_update(no_key=True).get(pk=self.booking.pk)
        event = booking.events.select_related("occurrence").filter(pk=self.event_id).first()
        if event is None or event.undo_until is None:
            raise UndoTooLate
        if not may_undo(self.by, booking, event):
            raise NotAllowed
        if _is_undone(booking, event):
            return booking
        if booking.version != event.version or event.undo_until <= self.now:
            raise UndoTooLate
        undo = event.data["undo"]
        self.held = undo["held"]
        self._take_again(undo)
        self._write(booking, event, undo)
        return booking

    def _take_again(self, undo: dict[str, Any]) -> None:
        held = undo["held"]
        rooms = RoomHold.objects.filter(pk__in=held["rooms"]).values_list("room", flat=True)
        pieces = EquipmentHold.objects.filter(pk__in=held["pieces"]).values_list("equipment", flat=True)
        locked = locks.lock_things(set(rooms), set(pieces))
        # Before what it holds, as whoever ends the window does.
        draft = Draft.objects.select_for_update().filter(pk=undo["draft"]).first()
        rows.let_go(uuid.UUID(undo["draft"]))
        if draft is not None:
            draft.delete()
        locks.drop_expired(locked, now=self.now)
        rows.take_again(held)

    def _write(self, booking: Booking, event: BookingEvent, undo: dict[str, Any]) -> None:
        step(booking, now=self.now, material=True)
        booking.status, booking.cancelled_at, booking.cancel_reason = Booking.Status.CONFIRMED, None, ""
        booking.rrule, booking.skipped = undo["rrule"], undo["skipped"]
        booking.save()
        kind = Kind.MEETING_RESTORED if event.kind == Kind.MEETING_CANCELLED else Kind.RESTORED
        data = {"undoes": event.pk, "version": event.version}
        events.record(booking, kind, actor=self.by, at=self.now, occurrence=event.occurrence, data=data)

    def find_refusals(self) -> Sequence[Refusal]:
        """Say what is taken by now, of the first meeting where something is."""
        if not self.held:
            return []
        find = partial(availability.find_refusals, by=self.by, now=self.now)
        meetings = Occurrence.objects.filter(pk__in=self.held["meetings"]).select_related("booking")
        for meeting in meetings.order_by("starts_at")[:_LOOKED_AT]:
            found = find(self._request(meeting))
            if taken := [refusal for refusal in found if refusal.code in _TAKEN]:
                return taken
        return []

    def _request(self, meeting: Occurrence) -> BookingRequest:
        """Return the meeting as it was, as a request."""
        rooms = RoomHold.objects.filter(pk__in=self.held["rooms"], occurrence=meeting).order_by("position", "pk")
        pieces = EquipmentHold.objects.filter(pk__in=self.held["pieces"], occurrence=meeting).order_by("equipment")
        request = as_request.of_meeting(meeting)
        return replace(
            request,
            room_ids=tuple(rooms.values_list("room", flat=True)),
            wishes=replace(request.wishes, movable=tuple(pieces.values_list("equipment", "quantity"))),
        )


def _is_undone(booking: Booking, event: BookingEvent) -> bool:
    kinds = [Kind.RESTORED, Kind.MEETING_RESTORED]
    return booking.events.filter(kind__in=kinds, data__undoes=event.pk).exists()
