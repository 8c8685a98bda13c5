"""Cancels sessions, series, and meetings of series; frees what they hold and tells everybody who heard of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from accounts.models import User
from bookings import events, rows
from bookings.models import Booking, BookingEvent, Occurrence
from bookings.rules import Scope, Why, clean_line
from bookings.services import releases, splitting, undo_window
from bookings.services.errors import AlreadyOver, in_one_transaction
from bookings.services.locks import lock_booking, lock_held
from bookings.services.steps import step

MAX_REASON_LENGTH = 500
Kind = BookingEvent.Kind


def cancel(
    booking: Booking,
    *,
    by: User,
    now: datetime,
    reason: str = "",
    version: int | None = None,
    scope: Scope = Scope.ALL,
    occurrence: Occurrence | None = None,
    undo_for: timedelta = timedelta(),
) -> Booking:
    """Cancel the booking, one meeting of a series, or the meetings from one on; free rooms and licences.

    A series that has begun ends before its next meeting: what was held was held.
    `undo_for`: so long it can be undone (`undo`), as a rule: nobody is told before, and what was given up is held.
    Raises: NotAllowed, AlreadyOver; Refused when it changed since `version`.
    """
    act = _Act(by, now, clean_line(reason)[:MAX_REASON_LENGTH], undo_for)
    return in_one_transaction(partial(_cancel, booking, act, version=version, scope=scope, occurrence=occurrence))


@dataclass(frozen=True, slots=True)
class _Act:
    """Who cancels, when, why, and for how long it can be undone."""

    by: User
    now: datetime
    reason: str
    undo_for: timedelta

    def window(self, booking: Booking, gone: Sequence[Occurrence]) -> undo_window.Window | None:
        return undo_window.open_window(booking, gone, by=self.by, length=self.undo_for, now=self.now)


@dataclass(frozen=True, slots=True)
class _Gone:
    """What is off; `window`: what is kept of it, where it can be undone."""

    meetings: Sequence[Occurrence]
    window: undo_window.Window | None


def _cancel(
    booking: Booking, act: _Act, *, version: int | None, scope: Scope, occurrence: Occurrence | None
) -> Booking:
    now = act.now
    booking = lock_booking(booking, by=act.by, now=now, version=version)
    meetings = list(booking.occurrences.order_by("original_start_at"))
    live = [item for item in meetings if item.status == Occurrence.Status.CONFIRMED]
    coming = [item for item in live if item.starts_at > now]
    lock_held(item.pk for item in live if item.ends_at > now)
    if not booking.is_series:
        gone = _cancel_all(booking, live, act)
    else:
        first = _find_first(coming, scope, occurrence)
        is_whole = len(coming) == len(live)
        if is_whole and (scope == Scope.ALL or first == live[0]) and (scope != Scope.ONE or len(live) == 1):
            gone = _cancel_all(booking, live, act)
        elif scope == Scope.ONE:
            gone = _cancel_one(booking, first, act)
        else:
            gone = _cancel_rest(booking, meetings, first, act)
    if gone.window:
        # Nothing is free yet: that is said when the window ends.
        gone.window.keep()
    else:
        releases.freed([item.interval for item in gone.meetings], now=now)
    return booking


def _find_first(coming: Sequence[Occurrence], scope: Scope, wanted: Occurrence | None) -> Occurrence:
    """Return the first meeting that is cancelled. Raises: AlreadyOver where none is to come."""
    if scope == Scope.ALL and coming:
        return coming[0]
    for meeting in coming:
        if wanted is not None and meeting.pk == wanted.pk:
            return meeting
    raise AlreadyOver


def _cancel_all(booking: Booking, live: Sequence[Occurrence], act: _Act) -> _Gone:
    window = act.window(booking, live)
    splitting.end(booking, live, now=act.now, reason=act.reason)
    events.record(booking, Kind.CANCELLED, actor=act.by, at=act.now, data=_data(act, window))
    return _Gone(live, window)


def _cancel_one(booking: Booking, meeting: Occurrence, act: _Act) -> _Gone:
    """Cancel one meeting of a series; later mails about the series leave its date out (calendar-mail.md D3, D5)."""
    window = act.window(booking, [meeting])
    step(booking, now=act.now, material=True)
    on = meeting.original_start_at.astimezone(ZoneInfo(booking.time_zone)).date().isoformat()
    others = [item for item in booking.skipped if item["on"] != on]
    booking.skipped = sorted([*others, {"on": on, "why": Why.CANCELLED, "name": ""}], key=lambda item: item["on"])
    booking.save()
    rows.cancel_meetings([meeting], now=act.now)
    data = _data(act, window)
    events.record(booking, Kind.MEETING_CANCELLED, actor=act.by, at=act.now, occurrence=meeting, data=data)
    return _Gone([meeting], window)


def _cancel_rest(booking: Booking, meetings: Sequence[Occurrence], first: Occurrence, act: _Act) -> _Gone:
    """End the series before the meeting `first` (D7)."""
    window = act.window(booking, splitting.find_rest(meetings, first, now=act.now))
    gone = splitting.cut(booking, meetings, first, now=act.now)
    zone = ZoneInfo(booking.time_zone)
    splitting.record_cut(booking, first, gone, zone, by=act.by, now=act.now, more=_data(act, window))
    return _Gone(gone, window)


def _data(act: _Act, window: undo_window.Window | None) -> dict[str, Any]:
    return {"reason": act.reason, **(window.data if window else {})}
