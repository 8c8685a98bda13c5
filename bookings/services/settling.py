"""Settles what only the organizer can: answers that are not certain, by strangers, and by those who send somebody."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial

from accounts.models import User
from bookings import as_request, events, rows
from bookings.models import Absence, Answer, Attendee, Booking, BookingEvent, Occurrence
from bookings.participants import resolve
from bookings.rules import Participant
from bookings.services import answers
from bookings.services.approvals import AlreadyDecided
from bookings.services.errors import AlreadyOver, Refused, in_one_transaction
from bookings.services.locks import lock_booking
from bookings.services.steps import step

Kind, Standing = BookingEvent.Kind, Answer.Standing


def settle_answer(answer: Answer, *, confirm: bool, by: User, now: datetime) -> Answer:
    """Count an answer that was not certain, or invite who is not invited yet: a stranger, or whom a participant sends.

    Not `confirm`: dismiss it. Of two decisions one counts.
    Raises: AlreadyDecided, also where a newer answer or a move of the session has settled it; Refused for an address
    that can't be invited; NotAllowed, AlreadyOver.
    """
    return in_one_transaction(partial(_settle, answer, confirm=confirm, by=by, now=now))


def _settle(answer: Answer, *, confirm: bool, by: User, now: datetime) -> Answer:
    booking = lock_booking(answer.booking, by=by, now=now, version=None)
    found = Answer.objects.select_for_update(no_key=True, of=("self",)).select_related("occurrence", "attendee__user")
    locked = found.get(pk=answer.pk, booking=booking)
    was = locked.standing
    if was not in answers.UNSETTLED:
        raise AlreadyDecided
    if answers.is_over(booking, locked.occurrence, now=now) or answers.is_off(booking, locked.occurrence):
        raise AlreadyOver
    locked.standing = Standing.CONFIRMED if confirm else Standing.DISMISSED
    locked.settled_at, locked.settled_by = now, by
    locked.save(update_fields=["standing", "settled_at", "settled_by"])
    if (attendee := locked.attendee) is not None and (confirm or was == Standing.DELEGATED):
        before = answers.shown_partstat(attendee, locked.occurrence)
        rows.recount(attendee, booking)
        if confirm and answers.shown_partstat(attendee, locked.occurrence) != before:
            answers.record_event(locked, booking, attendee, actor=by, now=now)
    if confirm and (invited := _to_invite(locked)) is not None:
        _invite(booking, locked.occurrence, invited, by=by, now=now)
    return locked


def _to_invite(answer: Answer) -> Participant | None:
    """Return whom the answer brings: the stranger themself, or whom the participant sends."""
    if answer.attendee is None:
        return Participant(email=answer.email, name=answer.name)
    if answer.partstat == Attendee.PartStat.DELEGATED and answer.delegated_to:
        return Participant(email=answer.delegated_to)
    return None


def _invite(booking: Booking, meeting: Occurrence | None, person: Participant, *, by: User, now: datetime) -> None:
    """Invite one more person to all of the booking, or to one meeting of a series; whoever is there stays so."""
    present = booking.attendees.filter(email__iexact=person.email, removed_at=None)
    of_all = present.filter(occurrence=None).first()
    if meeting is not None and of_all is not None:
        away = Absence.objects.filter(attendee=of_all, occurrence=meeting)
        if away.exists():
            step(booking, now=now, material=True)
            booking.save()
            rows.expect([of_all], meeting)
            _record(booking, meeting, added=[of_all.pk], removed=[], by=by, now=now)
        return
    if of_all is not None or present.filter(occurrence=meeting).exists():
        return
    template = meeting or booking.occurrences.filter(status=Occurrence.Status.CONFIRMED).latest("starts_at")
    found = resolve(replace(as_request.of_meeting(template), participants=(person,)))
    if found.refusals:
        raise Refused(found.refusals)
    single = [] if meeting else list(present)
    step(booking, now=now, material=True)
    booking.save()
    rows.remove(single, now=now)
    joining = [item for item in found.invitees if not item.is_organizer]
    added = rows.invite(booking, joining, now=now, occurrence=meeting)
    keys = [item.pk for item in added]
    _record(booking, meeting, added=keys, removed=[item.pk for item in single], by=by, now=now)


def _record(
    booking: Booking,
    meeting: Occurrence | None,
    *,
    added: list[int],
    removed: list[int],
    by: User,
    now: datetime,
) -> None:
    people = {"added": added, "removed": removed}
    if meeting is None:
        events.record(booking, Kind.PARTICIPANTS_CHANGED, actor=by, at=now, data=people)
    else:
        events.record(booking, Kind.MEETING_CHANGED, actor=by, at=now, occurrence=meeting, data={"people": people})
