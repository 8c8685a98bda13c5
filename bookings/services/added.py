"""Gives a series back a date that it was booked without: what an offer of the waiting list holds becomes a meeting."""

from __future__ import annotations

from datetime import datetime

from accounts.models import User
from bookings import events, rows
from bookings.models import (
    Booking,
    BookingEvent,
    EquipmentHold,
    LicenceHold,
    Occurrence,
    RoomHold,
    WaitlistEntry,
    as_interval,
)
from bookings.request_json import from_json
from bookings.rules import BookingRequest
from bookings.services.errors import AlreadyOver
from bookings.services.licence_events import record_handed_over
from bookings.services.locks import lock_booking
from bookings.services.steps import step

_LOCAL = "%Y-%m-%dT%H:%M"


def add_meeting(entry: WaitlistEntry, *, by: User, now: datetime) -> Booking:
    """Make the meeting that the entry's offer holds everything for. The caller has locked the entry.

    The rows are handed over, so nobody gets between. Raises: NotAllowed, AlreadyOver when the date is none of the
    series any more.
    """
    assert entry.booking is not None
    assert entry.on is not None
    booking = lock_booking(entry.booking, by=by, now=now, version=None)
    on = entry.on.isoformat()
    if all(item["on"] != on for item in booking.skipped):
        raise AlreadyOver
    request = from_json(entry.request)
    occurrence = _meeting(booking, entry, request)
    for model in (RoomHold, LicenceHold, EquipmentHold):
        model.objects.filter(offer=entry).update(occurrence=occurrence, offer=None, expires_at=None)
    booking.skipped = [item for item in booking.skipped if item["on"] != on]
    step(booking, now=now, material=True)
    booking.save()
    rows.forget_answers(booking, [occurrence.pk], whole=False, now=now)
    events.record(booking, BookingEvent.Kind.MEETING_ADDED, actor=by, at=now, occurrence=occurrence)
    record_handed_over(booking, request, occurrence, by=by, now=now)
    return booking


def _meeting(booking: Booking, entry: WaitlistEntry, request: BookingRequest) -> Occurrence:
    """Return the meeting of the entry's date: a new one, or the cancelled one of that date come back."""
    assert entry.on is not None
    interval = as_interval(entry.period)
    rule_start = datetime.combine(entry.on, datetime.fromisoformat(booking.local_start).time())
    length = datetime.fromisoformat(booking.local_end) - datetime.fromisoformat(booking.local_start)
    has_own_time = (request.local_start, request.local_end) != (rule_start, rule_start + length)
    occurrence, _made = booking.occurrences.update_or_create(
        # As `rows.writing` does: a time that the clocks skip is read with the offset before the change.
        original_start_at=rule_start.replace(tzinfo=booking.zone),
        defaults={
            "starts_at": interval.start_at,
            "ends_at": interval.end_at,
            "local_start": request.local_start.strftime(_LOCAL),
            "local_end": request.local_end.strftime(_LOCAL),
            "status": Occurrence.Status.CONFIRMED,
            "has_own_time": has_own_time,
            "has_own_rooms": request.room_ids != _usual_rooms(booking, request.room_ids),
        },
    )
    return occurrence


def _usual_rooms(booking: Booking, otherwise: tuple[int, ...]) -> tuple[int, ...]:
    """Return the rooms of the meetings that have none of their own."""
    usual = booking.occurrences.filter(status=Occurrence.Status.CONFIRMED, has_own_rooms=False).order_by("pk").first()
    if usual is None:
        return otherwise
    return tuple(usual.room_holds.filter(live=True).order_by("position").values_list("room_id", flat=True))
