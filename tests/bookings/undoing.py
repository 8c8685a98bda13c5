"""What tests of undoing look at: all that there is of a booking, apart from what counts its changes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models import Q

from bookings import services
from bookings.models import (
    Absence,
    Answer,
    Approval,
    Attendee,
    Booking,
    BookingEvent,
    EquipmentHold,
    LicenceHold,
    MeetingAnswer,
    Occurrence,
    Proposal,
    RoomHold,
)
from tests.bookings.requests import NOW

HALF_A_MINUTE = timedelta(seconds=30)
#: What every change counts, and an undone cancellation as well.
_COUNTERS = {"version", "sequence", "stamped_at", "changed_at"}
Kind = BookingEvent.Kind


def rows_of(booking: Booking) -> dict[str, list[dict[str, Any]]]:
    """Return every row of the booking, by table."""
    mine = {
        Booking: Q(pk=booking.pk),
        Occurrence: Q(booking=booking),
        Attendee: Q(booking=booking),
        Absence: Q(occurrence__booking=booking),
        Answer: Q(booking=booking),
        MeetingAnswer: Q(occurrence__booking=booking),
        Proposal: Q(booking=booking),
        Approval: Q(booking=booking),
        RoomHold: Q(occurrence__booking=booking),
        LicenceHold: Q(occurrence__booking=booking),
        EquipmentHold: Q(occurrence__booking=booking),
    }
    return {
        model.__name__: [_plain(row) for row in model._default_manager.filter(which).order_by("pk").values()]
        for model, which in mine.items()
    }


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _COUNTERS}


def temporary_holds() -> list[int]:
    """Return how many rooms, licences and pieces are held by what ends by itself."""
    return [model.objects.filter(draft__isnull=False).count() for model in (RoomHold, LicenceHold, EquipmentHold)]


def kinds_of(booking: Booking) -> Iterable[str]:
    return booking.events.order_by("pk").values_list("kind", flat=True)


def cancel(booking: Booking, **fields: Any) -> BookingEvent:
    """Cancel as the page does, so that it can be undone for half a minute; return the event of it."""
    defaults = {"by": booking.organizer, "now": NOW, "undo_for": HALF_A_MINUTE}
    services.cancel(booking, **{**defaults, **fields})
    return booking.events.latest("pk")


def undo(event: BookingEvent, *, seconds: float = 20, **fields: Any) -> Booking:
    """Undo it `seconds` after the moment of most tests."""
    defaults = {"by": event.booking.organizer, "now": NOW + timedelta(seconds=seconds)}
    return services.undo(event.booking, event_id=event.pk, **{**defaults, **fields})
