"""Keeps in the history what is out of the ordinary about a session's licences: emergency seats, and borrowed ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from accounts.models import User
from bookings import events
from bookings.availability import Assessment, Take
from bookings.models import Booking, BookingEvent, LicenceHold, Occurrence
from bookings.rules import BookingRequest

Kind = BookingEvent.Kind


def record_licences(
    booking: Booking,
    request: BookingRequest,
    assessment: Assessment,
    *,
    by: User,
    now: datetime,
    occurrence: Occurrence | None = None,
) -> None:
    """Record what the meetings take that they did not have before: one event for each lender, one for emergencies.

    The change itself is recorded before, so nobody is told a second time.
    """
    _record(booking, request, list(_new(assessment)), by=by, now=now, occurrence=occurrence)


def record_handed_over(
    booking: Booking, request: BookingRequest, occurrence: Occurrence, *, by: User, now: datetime
) -> None:
    """Record what a meeting that the waiting list offered takes with the holds that were handed over to it."""
    held = LicenceHold.objects.filter(occurrence=occurrence, live=True).order_by("pk")
    takes = [
        Take(hold.pool_id, hold.site_id, hold.seats, hold.source, hold.named_id, hold.borrowed_by_id) for hold in held
    ]
    new = [(request.local_start.date(), take) for take in takes if _is_special(take)]
    _record(booking, request, new, by=by, now=now, occurrence=occurrence)


def _record(
    booking: Booking,
    request: BookingRequest,
    new: Sequence[tuple[date, Take]],
    *,
    by: User,
    now: datetime,
    occurrence: Occurrence | None,
) -> None:
    lenders = dict.fromkeys(take.site_id for _on, take in new if take.borrower_id is not None)
    told: list[tuple[BookingEvent.Kind, dict[str, Any]]] = [
        (
            Kind.BORROWED,
            _data((on, take) for on, take in new if take.borrower_id is not None and take.site_id == lender),
        )
        for lender in lenders
    ]
    emergency = [(on, take) for on, take in new if take.source == "emergency"]
    if emergency:
        told.append((Kind.EMERGENCY, {**_data(emergency), "reason": request.licence.emergency_reason}))
    for kind, data in told:
        events.record(booking, kind, actor=by, at=now, occurrence=occurrence, data=data, told=[Kind.BOOKED])


def _new(assessment: Assessment) -> Iterable[tuple[date, Take]]:
    had = {meeting.pk: meeting.takes for meeting in assessment.changed.meetings if not meeting.is_cancelled}
    for meeting in assessment.meetings:
        before = {(take.source, take.site_id) for take in had.get(meeting.occurrence_id or 0, ()) if _is_special(take)}
        for take in assessment.takes.get(meeting.on, ()):
            if _is_special(take) and (take.source, take.site_id) not in before:
                yield meeting.on, take


def _is_special(take: Take) -> bool:
    return take.source == "emergency" or take.borrower_id is not None


def _data(taken: Iterable[tuple[date, Take]]) -> dict[str, Any]:
    """Return whose seats they are, the most at once, and on which dates."""
    taken = list(taken)
    return {
        "sites": list(dict.fromkeys(take.site_id for _on, take in taken if take.site_id is not None)),
        "seats": max(take.seats for _on, take in taken),
        "dates": [on.isoformat() for on in dict.fromkeys(on for on, _take in taken)],
    }
