"""Lets one meeting end later, where all it holds is free, or earlier, also while it goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from accounts.models import User
from bookings import as_request, availability, events, rows
from bookings.models import Booking, BookingEvent, Occurrence
from bookings.rules import BookingRequest, Code, Refusal, Scope
from bookings.services import one_meeting, releases, whole
from bookings.services.errors import AlreadyOver, LedOutside, Refused, in_one_transaction
from bookings.services.locks import lock_booking, lock_held
from bookings.services.steps import step
from rooms.interval import Interval

Kind = BookingEvent.Kind
_LOCAL = "%Y-%m-%dT%H:%M"


def end_at(occurrence: Occurrence, ends_at: datetime, *, by: User, now: datetime) -> Booking:
    """Let the meeting end at `ends_at` (aware). Its start, rooms and people stay; everybody is told.

    Raises: Refused where a room or a licence is not free for longer, or `ends_at` is past or before the start;
    NotAllowed, AlreadyOver; LedOutside for a meeting of another calendar.
    """
    if occurrence.booking.is_outside:
        raise LedOutside
    task = _Task(occurrence, ends_at, by, now)
    return in_one_transaction(task.run, find_refusals=task.find_refusals)


class _Task:
    """One call of `end_at`; keeps what was asked of the judge for after the locks."""

    def __init__(self, occurrence: Occurrence, ends_at: datetime, by: User, now: datetime) -> None:
        self.occurrence, self.ends_at, self.by, self.now = occurrence, ends_at, by, now
        self.request: BookingRequest | None = None
        self.booking = occurrence.booking

    def run(self) -> Booking:
        booking = self.booking = lock_booking(self.occurrence.booking, by=self.by, now=self.now, version=None)
        meetings = list(booking.occurrences.order_by("original_start_at"))
        meeting = next((item for item in meetings if item.pk == self.occurrence.pk), None)
        if meeting is None or meeting.status != Occurrence.Status.CONFIRMED or meeting.ends_at <= self.now:
            raise AlreadyOver
        if self.ends_at == meeting.ends_at:
            return booking
        if self.ends_at < self.now or self.ends_at <= meeting.starts_at:
            raise Refused([Refusal(Code.IN_PAST, "end", interval=meeting.interval)])
        if self.ends_at < meeting.ends_at:
            return self._end_earlier(booking, meeting)
        local_end = datetime.fromisoformat(_wall_clock(self.ends_at, booking))
        self.request = replace(as_request.of_meeting(meeting), local_end=local_end)
        if booking.is_series:
            return one_meeting.change(booking, meeting, self.request, by=self.by, now=self.now)
        return whole.change(booking, self.request, meetings, by=self.by, now=self.now)

    def _end_earlier(self, booking: Booking, meeting: Occurrence) -> Booking:
        """Give up the rest. Nothing is judged: less of what is held can't be in anybody's way."""
        lock_held([meeting.pk])
        before = meeting.interval
        local_end = _wall_clock(self.ends_at, booking)
        held_until = rows.shorten(meeting, self.ends_at, local_end, has_own_time=booking.is_series)
        step(booking, now=self.now, material=True)
        if not booking.is_series:
            booking.local_end = local_end
        booking.save()
        if meeting.starts_at > self.now:
            rows.forget_answers(booking, [meeting.pk], whole=not booking.is_series, now=self.now)
        move = {"from": rows.as_text(before), "to": rows.as_text(meeting.interval)}
        kind, data = (Kind.MEETING_CHANGED, {"moved": move}) if booking.is_series else (Kind.MOVED, move)
        events.record(booking, kind, actor=self.by, at=self.now, occurrence=meeting, data=data)
        releases.freed([Interval(self.ends_at, held_until)], now=self.now)
        return booking

    def find_refusals(self) -> list[Refusal]:
        if self.request is None:
            return []
        find = partial(availability.find_refusals, self.request, by=self.by, now=self.now, changing=self.booking)
        if self.booking.is_series:
            return find(scope=Scope.ONE, only=self.occurrence)
        return find()


def _wall_clock(at: datetime, booking: Booking) -> str:
    return at.astimezone(ZoneInfo(booking.time_zone)).strftime(_LOCAL)
