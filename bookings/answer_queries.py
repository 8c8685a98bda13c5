"""Finds who an answer that came by mail is from, and which meeting it is about (calendar-mail.md G2, G11, D8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bookings.models import Attendee, Booking, Occurrence


@dataclass(frozen=True, slots=True)
class Invited:
    """`attendee` None: nobody of this address was ever invited to it. `occurrence` None: about all of the booking."""

    booking: Booking
    attendee: Attendee | None
    occurrence: Occurrence | None


def find_invited(uid: str, email: str, recurrence_at: datetime | None) -> Invited | None:
    """Return the booking of this UID, and the participant of this address: three queries at most.

    `recurrence_at`: RECURRENCE-ID as an instant, aware. None when no session of ours has the UID, or the series has no
    such meeting (any more): there is nothing that the answer could be about. Whoever was invited once, and is no more,
    is found as well: whether an answer counts is decided where it is recorded.
    """
    # PostgreSQL's text has no zero byte, and no UID or address has one.
    if "\0" in uid or "\0" in email:
        return None
    booking = Booking.objects.filter(uid=uid, is_outside=False).select_related("organizer").first()
    if booking is None:
        return None
    occurrence = None
    if booking.is_series and recurrence_at is not None:
        occurrence = booking.occurrences.filter(original_start_at=recurrence_at).first()
        if occurrence is None:
            return None
    attendee = _find(booking, email.strip(), occurrence)
    if attendee is not None and occurrence is None and attendee.occurrence_id is not None:
        # Their calendar has the one meeting only, and may leave out which it is.
        occurrence = attendee.occurrence
    return Invited(booking, attendee, occurrence)


def _find(booking: Booking, email: str, occurrence: Occurrence | None) -> Attendee | None:
    """Return the participant of this address: who belongs to the meeting, else to all; present ones first.

    Of somebody invited to several single meetings it takes the answer to say which one it is about.
    """
    found = list(booking.attendees.filter(email__iexact=email).select_related("occurrence", "user").order_by("-pk"))
    if occurrence is not None:
        found = [item for item in found if item.occurrence_id in {None, occurrence.pk}]
        found.sort(key=lambda item: (item.removed_at is not None, item.occurrence_id is None))
        return next(iter(found), None)
    whole = [item for item in found if item.occurrence_id is None]
    single = [item for item in found if item.occurrence_id is not None]
    for kind in (whole, single):
        present = [item for item in kind if item.removed_at is None]
        if present:
            return present[0] if len(present) == 1 else None
    return next(iter(whole or single), None)
