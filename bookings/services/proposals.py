"""Records other times that participants propose, and what the organizer makes of them (calendar-mail.md G9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Case, When

from accounts.models import User
from bookings import as_request, availability, events, rows
from bookings.events import Topic
from bookings.models import (
    LONGEST_HOLD,
    Attendee,
    Booking,
    BookingEvent,
    Occurrence,
    Proposal,
    as_interval,
    as_range,
)
from bookings.rules import BookingRequest, Code, Refusal, Scope, clean_text
from bookings.services import answers, changing
from bookings.services.approvals import AlreadyDecided
from bookings.services.locks import lock_booking
from rooms.interval import Interval

Kind, State = BookingEvent.Kind, Proposal.State


def record_proposal(
    attendee: Attendee,
    interval: Interval,
    *,
    occurrence: Occurrence | None = None,
    comment: str = "",
    sequence: int | None = None,
    stamped_at: datetime | None = None,
    is_certain: bool = True,
    is_whole_series: bool = False,
    now: datetime,
) -> Proposal | None:
    """Keep another time that a participant proposed. It moves nothing; the organizer is told.

    `occurrence`: the meeting that it is about; None, or of a whole series, the next one. `sequence`, `stamped_at`: of
    the COUNTER. The same proposal again returns the row that is there. None: it answers a version that
    is no more, a newer one of this person is there, or it proposes the time that the meeting has; kept all the same.
    """
    with transaction.atomic():
        booking = answers.lock(attendee.booking_id)
        attendee = Attendee.objects.get(pk=attendee.pk)
        return _keep(
            Proposal(
                booking=booking,
                attendee=attendee,
                occurrence=_meeting(booking, attendee, occurrence, now=now),
                is_whole_series=is_whole_series and booking.is_series and attendee.occurrence_id is None,
                period=as_range(interval),
                comment=clean_text(comment)[: answers.MAX_COMMENT_LENGTH],
                is_certain=is_certain,
                # Without one it is to the first invitation; more than a column holds is a version that never was.
                sequence=attendee.invited_sequence if sequence is None else max(0, min(sequence, 2**31 - 1)),
                stamped_at=stamped_at or now,
                received_at=now,
            ),
            now=now,
        )


def _keep(proposal: Proposal, *, now: datetime) -> Proposal | None:
    """Write the proposal, open if it is the newest to what stands now. The booking is locked."""
    same = Proposal.objects.filter(attendee=proposal.attendee, occurrence=proposal.occurrence)
    known = same.filter(stamped_at=proposal.stamped_at).first()
    if known is not None:
        return known if known.state != State.OUTDATED else None
    older = same.filter(state=State.OPEN).first()
    if not _is_current(proposal, now=now) or (older and _is_newer(older, proposal)):
        proposal.state, proposal.decided_at = State.OUTDATED, now
        proposal.save()
        return None
    if older is not None:
        older.state, older.decided_at = State.OUTDATED, now
        older.save(update_fields=["state", "decided_at"])
    proposal.save()
    _tell(proposal, now=now)
    return proposal


def _meeting(booking: Booking, attendee: Attendee, occurrence: Occurrence | None, *, now: datetime) -> Occurrence:
    """Return the meeting as it is now: the one that is named, the only one of this person, or the next."""
    key = occurrence.pk if occurrence else attendee.occurrence_id
    if key is not None:
        return Occurrence.objects.get(pk=key)
    meetings = booking.occurrences.order_by(Case(When(status="confirmed", then=0), default=1), "starts_at")
    return meetings.filter(ends_at__gt=now).first() or meetings.earliest("pk")


def _is_current(proposal: Proposal, *, now: datetime) -> bool:
    """Say whether the proposal is to what stands now, by somebody who is invited to it."""
    booking, attendee, meeting = proposal.booking, proposal.attendee, proposal.occurrence
    target = meeting if booking.is_series else None
    asked = answers.asked_at(booking, attendee, target)
    return (
        not answers.is_off(booking, meeting)
        and answers.is_invited(attendee, target)
        and meeting.starts_at > now
        and asked <= proposal.sequence <= booking.sequence
        and _is_another_time(proposal)
    )


def _is_another_time(proposal: Proposal) -> bool:
    """Say whether it proposes something that could be: another time, and of a whole series another time of day."""
    wanted, stands = as_interval(proposal.period), proposal.occurrence.interval
    if wanted.duration > LONGEST_HOLD:
        return False
    if not proposal.is_whole_series:
        return wanted != stands
    zone = proposal.booking.zone
    times = [(item.start_at.astimezone(zone).time(), item.duration) for item in (wanted, stands)]
    return times[0] != times[1]


def _is_newer(one: Proposal, other: Proposal) -> bool:
    return (one.sequence, one.stamped_at) > (other.sequence, other.stamped_at)


def _tell(proposal: Proposal, *, now: datetime) -> None:
    booking, meeting = proposal.booking, proposal.occurrence
    data = {"proposal": proposal.pk, "attendee": proposal.attendee_id}
    lately = Proposal.objects.filter(attendee=proposal.attendee_id, received_at__gt=now - timedelta(hours=1))
    events.record(booking, Kind.PROPOSED, actor=None, at=now, occurrence=meeting, data=data)
    if not proposal.attendee.is_organizer and lately.count() <= answers.UNCERTAIN_NOTICES_AN_HOUR:
        told = {"proposal": proposal.pk}
        events.notify(Topic.PROPOSAL_MADE, user_ids=[booking.organizer_id], at=now, booking=booking, data=told)


def accept_proposal(proposal: Proposal, *, by: User, now: datetime, version: int | None = None) -> Booking:
    """Move the meeting, or the whole series, to the time that was proposed: a change like every other.

    `version`: the booking's version that the user saw; None: whatever it is now. Of two decisions one counts.
    Raises: AlreadyDecided; Refused with every reason and its ways out, and the proposal stays open; NotAllowed,
    AlreadyOver.
    """
    booking = Booking.objects.get(pk=proposal.booking_id)
    scope = Scope.ALL if proposal.is_whole_series or not booking.is_series else Scope.ONE
    return changing.change(
        booking,
        request_of(proposal),
        by=by,
        now=now,
        version=booking.version if version is None else version,
        scope=scope,
        occurrence=proposal.occurrence,
        on_locked=partial(_decide, proposal, State.ACCEPTED, by=by, now=now),
    )


def decline_proposal(proposal: Proposal, *, by: User, now: datetime) -> Proposal:
    """Leave the meeting where it is; whoever proposed is told so, once (DECLINECOUNTER).

    Raises: AlreadyDecided, NotAllowed, AlreadyOver.
    """
    with transaction.atomic():
        booking = lock_booking(proposal.booking, by=by, now=now, version=None)
        declined = _decide(proposal, State.DECLINED, booking, by=by, now=now)
        data = {"proposal": declined.pk, "attendee": declined.attendee_id}
        events.record(booking, Kind.PROPOSAL_DECLINED, actor=by, at=now, occurrence=declined.occurrence, data=data)
        return declined


def request_of(proposal: Proposal) -> BookingRequest:
    """Return the request that accepting the proposal makes: what stands now, at the time that was proposed."""
    booking, zone = proposal.booking, proposal.booking.zone
    interval = as_interval(proposal.period)
    start, end = (at.astimezone(zone).replace(tzinfo=None) for at in (interval.start_at, interval.end_at))
    if not (proposal.is_whole_series and booking.is_series):
        return replace(as_request.of_meeting(proposal.occurrence), local_start=start, local_end=end)
    request = as_request.of_series(booking)
    begins = datetime.combine(request.local_start.date(), start.time())
    return replace(request, local_start=begins, local_end=begins + (end - start))


def _decide(proposal: Proposal, state: Proposal.State, booking: Booking, *, by: User, now: datetime) -> Proposal:
    """Take the decision, if nobody has yet. The booking is locked. Raises: AlreadyDecided."""
    found = Proposal.objects.select_for_update(no_key=True, of=("self",)).select_related("occurrence")
    locked = found.get(pk=proposal.pk, booking=booking)
    if locked.state != State.OPEN:
        raise AlreadyDecided
    locked.state, locked.decided_at, locked.decided_by = state, now, by
    locked.save(update_fields=["state", "decided_at", "decided_by"])
    return locked


def find_obstacles(proposal: Proposal, *, by: User, now: datetime) -> Sequence[Refusal]:
    """Return what is in the way of accepting the proposal just now, without ways out: those come with the refusal."""
    booking, request = proposal.booking, request_of(proposal)
    scope, only = Scope.ALL, None
    if booking.is_series and not proposal.is_whole_series:
        scope, only = Scope.ONE, proposal.occurrence
        request = replace(request, wishes=rows.wishes_of(booking))
    assessment = availability.assess(request, by=by, now=now, changing=booking, scope=scope, only=only)
    if not assessment.refusals and assessment.needs_approval and not booking.is_requested:
        return [Refusal(Code.APPROVAL_NEEDED, "rooms")]
    return assessment.refusals
