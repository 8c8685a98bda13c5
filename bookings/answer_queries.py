"""Reads answers: who one by mail is from and what it is about (calendar-mail.md G2, G11, D8); what is to be shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from bookings.models import Answer, Attendee, Booking, MeetingAnswer, Occurrence, Proposal

#: A page lists no more; the newest come first.
TO_SETTLE_AT_MOST = 20


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


@dataclass(frozen=True, slots=True)
class Shown:
    """What counts of what a participant answered about a meeting."""

    partstat: str
    comment: str


def answers_at(booking: Booking, occurrence: Occurrence, attendees: Iterable[Attendee]) -> dict[int, Shown]:
    """Return by participant what they answered about this meeting: to it alone, else to all. One query, of a series."""
    found = {item.pk: Shown(item.partstat, item.answer_comment) for item in attendees}
    if booking.is_series:
        own = MeetingAnswer.objects.filter(occurrence=occurrence, attendee__in=found)
        for pk, partstat, comment in own.values_list("attendee_id", "partstat", "comment"):
            found[pk] = Shown(partstat, comment)
    return found


def answers_to_settle(booking: Booking, *, now: datetime) -> list[Answer]:
    """Return the answers that wait for the organizer, newest first: one query."""
    coming = Q(occurrence=None) | Q(occurrence__ends_at__gt=now, occurrence__status=Occurrence.Status.CONFIRMED)
    waiting = Answer.objects.filter(coming, booking=booking, standing__in=["unconfirmed", "stranger", "delegated"])
    return list(waiting.select_related("attendee", "occurrence").order_by("-received_at", "-pk")[:TO_SETTLE_AT_MOST])


def open_proposals(booking: Booking, *, now: datetime) -> list[Proposal]:
    """Return other times that are proposed for meetings to come, by meeting and then as they came: one query."""
    found = Proposal.objects.filter(booking=booking, state=Proposal.State.OPEN, occurrence__starts_at__gt=now)
    found = found.select_related("attendee", "occurrence").order_by("occurrence__starts_at", "received_at", "pk")
    return list(found[:TO_SETTLE_AT_MOST])
