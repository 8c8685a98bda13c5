"""Says before a change is saved who would hear of it; `services.change` finds the same by the same means."""

from __future__ import annotations

from dataclasses import dataclass

from bookings import rows
from bookings.availability import Assessment
from bookings.models import Booking, Occurrence
from bookings.rules import BookingRequest, Scope


@dataclass(frozen=True, slots=True)
class Mailing:
    """How many people get which mail. Nothing at all: the request is the booking as it stands."""

    updates: int = 0
    invitations: int = 0
    cancellations: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.updates or self.invitations or self.cancellations)


def find_mailing(
    booking: Booking, occurrence: Occurrence, request: BookingRequest, assessment: Assessment
) -> Mailing | None:
    """Return who would be told of the change, or None while the times themselves are refused.

    `occurrence`: the meeting that the change is about, where it is about one.
    """
    if assessment.interval is None:
        return None
    scope = assessment.changed.scope
    if (request.series is not None) != booking.is_series and scope == Scope.ALL:
        return Mailing(invitations=len(assessment.invitees), cancellations=_count_present(booking))
    if booking.is_series and scope == Scope.ONE:
        return _of_one_meeting(booking, occurrence, request, assessment)
    joining, leaving = rows.find_people_change(booking, assessment)
    moves = _moves_series(assessment) if booking.is_series else _moves_session(occurrence, assessment)
    is_told = bool(moves or rows.find_detail_change(booking, request))
    if scope == Scope.FOLLOWING and booking.is_series:
        # The old series ends for everybody; the new one is an invitation of its own (calendar-mail.md D7).
        splits = is_told or bool(joining or leaving)
        return Mailing(_count_present(booking), len(assessment.invitees)) if splits else Mailing()
    staying = len(assessment.invitees) - len(joining)
    return Mailing(updates=staying if is_told else 0, invitations=len(joining), cancellations=len(leaving))


def _of_one_meeting(
    booking: Booking, occurrence: Occurrence, request: BookingRequest, assessment: Assessment
) -> Mailing:
    people = rows.find_people_at_meeting(booking, occurrence, assessment)
    joining = len(people.joining) + len(people.returning)
    moves = _moves_session(occurrence, assessment)
    is_told = moves or rows.find_own_detail_change(booking, occurrence, request)
    updates = len(assessment.invitees) - joining if is_told else 0
    return Mailing(updates, joining, len(people.leaving))


def _moves_session(occurrence: Occurrence, assessment: Assessment) -> bool:
    return bool(rows.find_move(occurrence, assessment) or rows.find_room_change(occurrence, assessment))


def _moves_series(assessment: Assessment) -> bool:
    """Say whether any meeting to come gets another time or other rooms, comes anew or goes."""
    now = assessment.ignoring.now
    before = [item for item in assessment.changed.replaced if item.starts_at > now and not item.is_cancelled]
    after = {(item.interval, tuple(room.pk for room in item.rooms)) for item in assessment.meetings}
    return {(item.interval, tuple(item.room_ids)) for item in before} != after


def _count_present(booking: Booking) -> int:
    return booking.attendees.filter(removed_at=None, occurrence=None).count()
