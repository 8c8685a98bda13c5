"""Says before a change is saved who would hear of it; `services.change` finds the same by the same means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bookings import rows
from bookings.availability import Assessment
from bookings.models import Attendee, Booking, Occurrence
from bookings.participants import Invitee
from bookings.rules import BookingRequest, Scope


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who gets a mail. `name`: the address where no name is known; `language`: of the mail."""

    name: str
    language: str
    is_organizer: bool = False

    @classmethod
    def of(cls, person: Invitee | Attendee) -> Recipient:
        return cls(person.name or person.email, person.language, person.is_organizer)


@dataclass(frozen=True, slots=True)
class Mailing:
    """Who gets which mail. Nobody at all: the request is the booking as it stands."""

    updated: tuple[Recipient, ...] = ()
    invited: tuple[Recipient, ...] = ()
    cancelled: tuple[Recipient, ...] = ()

    @property
    def updates(self) -> int:
        return len(self.updated)

    @property
    def invitations(self) -> int:
        return len(self.invited)

    @property
    def cancellations(self) -> int:
        return len(self.cancelled)

    @property
    def is_empty(self) -> bool:
        return not (self.updated or self.invited or self.cancelled)


def invitations_to(assessment: Assessment) -> Mailing:
    """Return who is invited to a booking that is new."""
    return Mailing(invited=_to(assessment.invitees))


def find_mailing(
    booking: Booking, occurrence: Occurrence, request: BookingRequest, assessment: Assessment
) -> Mailing | None:
    """Return who would be told of the change, or None while the times themselves are refused.

    `occurrence`: the meeting that the change is about, where it is about one. Of a booking that awaits approval nobody
    has heard yet: once it is approved, all are invited.
    """
    if assessment.interval is None:
        return None
    if booking.is_requested:
        return invitations_to(assessment)
    scope = assessment.changed.scope
    if (request.series is not None) != booking.is_series and scope == Scope.ALL:
        return Mailing(invited=_to(assessment.invitees), cancelled=_present(booking))
    if booking.is_series and scope == Scope.ONE:
        return _of_one_meeting(booking, occurrence, request, assessment)
    joining, leaving = rows.find_people_change(booking, assessment)
    moves = _moves_series(assessment) if booking.is_series else _moves_session(occurrence, assessment)
    is_told = bool(moves or rows.find_detail_change(booking, request))
    if scope == Scope.FOLLOWING and booking.is_series:
        # The old series ends for everybody; the new one is an invitation of its own (calendar-mail.md D7).
        splits = is_told or bool(joining or leaving)
        return Mailing(_present(booking), _to(assessment.invitees)) if splits else Mailing()
    return Mailing(_staying(assessment, joining) if is_told else (), _to(joining), _to(leaving))


def _of_one_meeting(
    booking: Booking, occurrence: Occurrence, request: BookingRequest, assessment: Assessment
) -> Mailing:
    people = rows.find_people_at_meeting(booking, occurrence, assessment)
    joining: list[Invitee | Attendee] = [*people.joining, *people.returning]
    moves = _moves_session(occurrence, assessment)
    is_told = moves or rows.find_own_detail_change(booking, occurrence, request)
    return Mailing(_staying(assessment, joining) if is_told else (), _to(joining), _to(people.leaving))


def _moves_session(occurrence: Occurrence, assessment: Assessment) -> bool:
    return bool(rows.find_move(occurrence, assessment) or rows.find_room_change(occurrence, assessment))


def _moves_series(assessment: Assessment) -> bool:
    """Say whether any meeting to come gets another time or other rooms, comes anew or goes."""
    now = assessment.ignoring.now
    before = [item for item in assessment.changed.replaced if item.starts_at > now and not item.is_cancelled]
    after = {(item.interval, tuple(room.pk for room in item.rooms)) for item in assessment.meetings}
    return {(item.interval, tuple(item.room_ids)) for item in before} != after


def _to(people: Iterable[Invitee | Attendee]) -> tuple[Recipient, ...]:
    return tuple(Recipient.of(person) for person in people)


def _staying(assessment: Assessment, joining: Iterable[Invitee | Attendee]) -> tuple[Recipient, ...]:
    new = {person.email.lower() for person in joining}
    return _to(person for person in assessment.invitees if person.email.lower() not in new)


def _present(booking: Booking) -> tuple[Recipient, ...]:
    return _to(booking.attendees.filter(removed_at=None, occurrence=None).order_by("pk"))
