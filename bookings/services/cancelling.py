"""Cancels sessions, series, and meetings of series; frees what they hold and tells everybody who heard of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from accounts.models import User
from bookings import events, rows
from bookings.models import Booking, BookingEvent, Occurrence
from bookings.rules import Scope, Why, clean_line
from bookings.services import releases, splitting
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
) -> Booking:
    """Cancel the booking, one meeting of a series, or the meetings from one on; free rooms and licences.

    A series that has begun ends before its next meeting: what was held was held.
    Raises: NotAllowed, AlreadyOver; Refused when it changed since `version`.
    """
    reason = clean_line(reason)[:MAX_REASON_LENGTH]
    return in_one_transaction(
        partial(_cancel, booking, by=by, now=now, reason=reason, version=version, scope=scope, occurrence=occurrence)
    )


def _cancel(
    booking: Booking,
    *,
    by: User,
    now: datetime,
    reason: str,
    version: int | None,
    scope: Scope,
    occurrence: Occurrence | None,
) -> Booking:
    booking = lock_booking(booking, by=by, now=now, version=version)
    meetings = list(booking.occurrences.order_by("original_start_at"))
    live = [item for item in meetings if item.status == Occurrence.Status.CONFIRMED]
    coming = [item for item in live if item.starts_at > now]
    lock_held(item.pk for item in live if item.ends_at > now)
    if not booking.is_series:
        gone = _cancel_all(booking, live, by=by, now=now, reason=reason)
    else:
        first = _find_first(coming, scope, occurrence)
        is_whole = len(coming) == len(live)
        if is_whole and (scope == Scope.ALL or first == live[0]) and (scope != Scope.ONE or len(live) == 1):
            gone = _cancel_all(booking, live, by=by, now=now, reason=reason)
        elif scope == Scope.ONE:
            gone = _cancel_one(booking, first, by=by, now=now, reason=reason)
        else:
            gone = splitting.cut(booking, meetings, first, now=now)
            zone = ZoneInfo(booking.time_zone)
            splitting.record_cut(booking, first, gone, zone, by=by, now=now, reason=reason)
    releases.freed([item.interval for item in gone], now=now)
    return booking


def _find_first(coming: Sequence[Occurrence], scope: Scope, wanted: Occurrence | None) -> Occurrence:
    """Return the first meeting that is cancelled. Raises: AlreadyOver where none is to come."""
    if scope == Scope.ALL and coming:
        return coming[0]
    for meeting in coming:
        if wanted is not None and meeting.pk == wanted.pk:
            return meeting
    raise AlreadyOver


def _cancel_all(
    booking: Booking, live: Sequence[Occurrence], *, by: User, now: datetime, reason: str
) -> Sequence[Occurrence]:
    splitting.end(booking, live, now=now, reason=reason)
    events.record(booking, Kind.CANCELLED, actor=by, at=now, data={"reason": reason})
    return live


def _cancel_one(booking: Booking, meeting: Occurrence, *, by: User, now: datetime, reason: str) -> Sequence[Occurrence]:
    """Cancel one meeting of a series; later mails about the series leave its date out (calendar-mail.md D3, D5)."""
    step(booking, now=now, material=True)
    on = meeting.original_start_at.astimezone(ZoneInfo(booking.time_zone)).date().isoformat()
    others = [item for item in booking.skipped if item["on"] != on]
    booking.skipped = sorted([*others, {"on": on, "why": Why.CANCELLED, "name": ""}], key=lambda item: item["on"])
    booking.save()
    rows.cancel_meetings([meeting], now=now)
    events.record(booking, Kind.MEETING_CANCELLED, actor=by, at=now, occurrence=meeting, data={"reason": reason})
    return [meeting]
