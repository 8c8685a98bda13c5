"""Answers requests for rooms that need approval: managers, their deputies and IT admins do, or the clock does.

Every answer locks the booking first and looks again, so of two answers at once the second is told of the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import transaction

from accounts.models import User
from bookings import approval_queries, events, rows
from bookings.models import Approval, Booking, BookingEvent, Occurrence
from bookings.rules import clean_line
from bookings.services import releases
from bookings.services.cancelling import MAX_REASON_LENGTH, cancel
from bookings.services.errors import NotAllowed, in_one_transaction
from bookings.services.locks import lock_held
from bookings.services.steps import step

Kind = BookingEvent.Kind
State = Approval.State
_BATCH = 100


class AlreadyDecided(Exception):
    """Somebody, or the clock, has answered the request, or it was withdrawn."""


@dataclass(frozen=True, slots=True)
class Overdue:
    """What one run found: requests that IT admins now hear of, and requests that were declined by themselves."""

    escalated: int = 0
    expired: int = 0


def approvers_of(booking: Booking, *, now: datetime) -> list[int]:
    """Return the users who are asked about the booking: for every site whose answer is still awaited."""
    sites = booking.approvals.filter(state=State.PENDING).values_list("site_id", flat=True)
    return approval_queries.approver_ids(list(sites), now=now, but_for={booking.organizer_id, booking.created_by_id})


def approve(approval: Approval, *, by: User, now: datetime, answer: str = "") -> Booking:
    """Agree for one site. When all sites have agreed the session is booked, and everybody is invited.

    Raises: NotAllowed; AlreadyDecided.
    """
    return in_one_transaction(partial(_approve, approval, by=by, now=now, answer=answer))


def _approve(approval: Approval, *, by: User, now: datetime, answer: str) -> Booking:
    approval = _locked(approval, by=by, now=now)
    booking = approval.booking
    _decide([approval], State.APPROVED, by=by, now=now, answer=answer)
    if not booking.approvals.filter(state=State.PENDING).exists():
        step(booking, now=now, material=False)
        booking.status = Booking.Status.CONFIRMED
        booking.save()
        events.record(booking, Kind.APPROVED, actor=by, at=now, data={"approval": approval.pk})
    return booking


def decline(approval: Approval, *, by: User, now: datetime, answer: str = "") -> Booking:
    """Refuse for one site, which is enough: the request is off, its rooms are free, and whoever asked is told why.

    Raises: NotAllowed; AlreadyDecided.
    """
    return in_one_transaction(partial(_decline, approval, by=by, now=now, answer=answer))


def _decline(approval: Approval, *, by: User, now: datetime, answer: str) -> Booking:
    approval = _locked(approval, by=by, now=now)
    _decide([approval], State.DECLINED, by=by, now=now, answer=answer)
    _turn_down(approval.booking, approval, Kind.DECLINED, by=by, now=now)
    return approval.booking


def withdraw(booking: Booking, *, by: User, now: datetime) -> Booking:
    """Take a request back before it is answered.

    Raises: NotAllowed; AlreadyDecided when there is nothing left to take back; AlreadyOver.
    """
    return in_one_transaction(partial(_withdraw, booking, by=by, now=now))


def _withdraw(booking: Booking, *, by: User, now: datetime) -> Booking:
    locked = Booking.objects.select_for_update(no_key=True).get(pk=booking.pk)
    if not locked.is_requested:
        raise AlreadyDecided
    return cancel(locked, by=by, now=now)


def escalate_and_expire(now: datetime) -> Overdue:
    """Tell IT admins of requests that nobody has answered for a while, and decline those whose time is over.

    Found by query: run twice or by two workers at once, each request is treated once.
    """
    escalated = 0
    while (found := _escalate(now)) == _BATCH:
        escalated += found
    overdue = Approval.objects.filter(
        state=State.PENDING, expires_at__lte=now, booking__status=Booking.Status.REQUESTED
    )
    waiting = overdue.order_by("booking_id").values_list("booking_id", flat=True).distinct()
    expired = [in_one_transaction(partial(_expire, pk, now=now)) for pk in list(waiting)]
    return Overdue(escalated + found, sum(expired))


def _escalate(now: datetime) -> int:
    with transaction.atomic():
        due = list(
            Approval.objects.filter(
                state=State.PENDING,
                escalated_at=None,
                escalates_at__lte=now,
                expires_at__gt=now,
                booking__status=Booking.Status.REQUESTED,
            )
            .select_related("booking")
            .order_by("pk")
            .select_for_update(of=("self",), no_key=True, skip_locked=True)[:_BATCH]
        )
        Approval.objects.filter(pk__in=[approval.pk for approval in due]).update(escalated_at=now)
        for approval in due:
            booking = approval.booking
            admins = approval_queries.it_admin_ids(but_for={booking.organizer_id, booking.created_by_id})
            events.notify(
                events.Topic.APPROVAL_ESCALATED,
                user_ids=admins,
                at=now,
                booking=booking,
                data={"approval": approval.pk},
            )
        return len(due)


def _expire(booking_id: int, *, now: datetime) -> bool:
    booking = Booking.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=booking_id).first()
    if booking is None or not booking.is_requested:
        # Somebody answers at this very moment, or has.
        return False
    overdue = list(booking.approvals.filter(state=State.PENDING, expires_at__lte=now).order_by("pk"))
    if not overdue:
        return False
    _decide(overdue, State.EXPIRED, by=None, now=now, answer="")
    _turn_down(booking, overdue[0], Kind.EXPIRED, by=None, now=now)
    return True


def _locked(approval: Approval, *, by: User, now: datetime) -> Approval:
    """Lock the booking, read the approval again, and check that this user may still answer it."""
    booking = Booking.objects.select_for_update(no_key=True).get(pk=approval.booking_id)
    found = Approval.objects.get(pk=approval.pk)
    found.booking = booking
    if not approval_queries.may_answer(by, found, now=now):
        raise NotAllowed
    if found.state != State.PENDING or not booking.is_requested or found.expires_at <= now:
        raise AlreadyDecided
    return found


def _decide(approvals: list[Approval], state: str, *, by: User | None, now: datetime, answer: str) -> None:
    for approval in approvals:
        approval.state, approval.decided_at, approval.decided_by = state, now, by
        approval.answer = clean_line(answer)[:MAX_REASON_LENGTH]
    Approval.objects.bulk_update(approvals, ["state", "decided_at", "decided_by", "answer"])


def _turn_down(
    booking: Booking, approval: Approval, kind: BookingEvent.Kind, *, by: User | None, now: datetime
) -> None:
    """End a request that was not agreed to: nobody was invited, so only whoever asked is told."""
    meetings = list(booking.occurrences.filter(status=Occurrence.Status.CONFIRMED))
    lock_held(meeting.pk for meeting in meetings)
    rows.withdraw_approvals(booking, now=now)
    step(booking, now=now, material=False)
    booking.status = Booking.Status.CANCELLED
    booking.cancelled_at = now
    booking.cancel_reason = approval.answer
    booking.save()
    rows.cancel_meetings(meetings, now=now)
    events.record(booking, kind, actor=by, at=now, data={"approval": approval.pk})
    releases.freed([meeting.interval for meeting in meetings], now=now)
