"""Changes sessions and series: what is new is held before the old is given up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from accounts.models import User
from bookings import availability
from bookings.models import Booking, Occurrence
from bookings.rules import BookingRequest, Refusal, Scope
from bookings.services import licence_refusals, one_meeting, splitting, whole
from bookings.services.booking import cleaned
from bookings.services.errors import AlreadyOver, LedOutside, Refused, in_one_transaction
from bookings.services.locks import lock_booking


def change(
    booking: Booking,
    request: BookingRequest,
    *,
    by: User,
    now: datetime,
    version: int,
    scope: Scope = Scope.ALL,
    occurrence: Occurrence | None = None,
    on_locked: Callable[[Booking], object] | None = None,
) -> Booking:
    """Make the booking, or the part of it that `scope` names, as the request says. What stays the same is left alone.

    `version`: the booking's version that the user saw; when it has changed since, nothing is written.
    ONE: the request is of that one meeting (no series). FOLLOWING: of the meetings from `occurrence` on; returns the
    booking that continues the series (calendar-mail.md D7). ALL: of everything; a single session that becomes a series,
    or back, or changes its zone, is cancelled and booked anew, and the new booking is returned (D10).
    Meetings that have begun stay as they are. The old holds are given up in the same transaction in which the new ones
    are certain.
    Raises: Refused, NotAllowed, AlreadyOver; LedOutside for a meeting of another calendar.
    """
    if booking.is_outside:
        raise LedOutside
    return follow(
        booking, request, by=by, now=now, version=version, scope=scope, occurrence=occurrence, on_locked=on_locked
    )


def follow(
    booking: Booking,
    request: BookingRequest,
    *,
    by: User,
    now: datetime,
    version: int,
    scope: Scope = Scope.ALL,
    occurrence: Occurrence | None = None,
    on_locked: Callable[[Booking], object] | None = None,
) -> Booking:
    """As `change`, also for a meeting of another calendar, which that calendar has changed already."""
    request = replace(cleaned(request), organizer_id=booking.organizer_id)
    task = _Task(booking, request, by, now, version, scope, occurrence, on_locked)
    try:
        return in_one_transaction(task.run, find_refusals=task.find_refusals)
    except Refused as refused:
        form = licence_refusals.form_of_change(booking, version, by)
        licence_refusals.log(task.judged.request, refused.refusals, by=by, now=now, submission=form)
        raise


@dataclass
class _Task:
    """One call of `change`. What is judged depends on what the booking turns out to be once it is locked."""

    booking: Booking
    request: BookingRequest
    by: User
    now: datetime
    version: int
    scope: Scope
    occurrence: Occurrence | None
    on_locked: Callable[[Booking], object] | None

    def __post_init__(self) -> None:
        self.judged = splitting.Part(self.booking, self.request, self.scope, None)

    def run(self) -> Booking:
        changed = self._run()
        if (changed.pk, changed.version) != (self.booking.pk, self.version):
            form = licence_refusals.form_of_change(self.booking, self.version, self.by)
            licence_refusals.settle_form(changed, form, now=self.now)
        return changed

    def _run(self) -> Booking:
        booking = lock_booking(self.booking, by=self.by, now=self.now, version=self.version)
        if self.on_locked:
            self.on_locked(booking)
        meetings = list(booking.occurrences.order_by("original_start_at"))
        self.judged = splitting.Part(booking, self.request, self.scope, None)
        if not booking.is_series or self.scope == Scope.ALL:
            return self._change_all(booking, meetings)
        only = _find(meetings, self.occurrence)
        self.judged = splitting.Part(booking, self.request, self.scope, only)
        if self.scope == Scope.ONE:
            if only.ends_at <= self.now:
                raise AlreadyOver
            return one_meeting.change(booking, only, self.request, by=self.by, now=self.now)
        if only.starts_at <= self.now:
            raise AlreadyOver
        if only == next(item for item in meetings if item.status == Occurrence.Status.CONFIRMED):
            self.judged = splitting.Part(booking, self.request, Scope.ALL, None)
            return self._change_all(booking, meetings)
        return splitting.split(self.judged, meetings, by=self.by, now=self.now)

    def _change_all(self, booking: Booking, meetings: Sequence[Occurrence]) -> Booking:
        if splitting.is_another_thing(booking, self.request):
            return splitting.rebook(self.judged, meetings, by=self.by, now=self.now)
        if part := splitting.find_tail(booking, self.request, meetings, now=self.now):
            # What was held already was held: only the meetings to come get the new times.
            self.judged = part
            return splitting.split(part, meetings, by=self.by, now=self.now)
        return whole.change(booking, self.request, meetings, by=self.by, now=self.now)

    def find_refusals(self) -> Sequence[Refusal]:
        part = self.judged
        find = partial(availability.find_refusals, part.request, by=self.by, now=self.now, changing=part.booking)
        return find(scope=part.scope, only=part.only)


def _find(meetings: Sequence[Occurrence], wanted: Occurrence | None) -> Occurrence:
    """Return the locked booking's own row of the meeting. Raises: AlreadyOver for one that is cancelled."""
    for meeting in meetings:
        if wanted is not None and meeting.pk == wanted.pk and meeting.status == Occurrence.Status.CONFIRMED:
            return meeting
    raise AlreadyOver
