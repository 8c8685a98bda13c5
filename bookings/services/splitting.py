"""Splits series in two, and books anew what calendars can't take as a change (calendar-mail.md D7, D10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from accounts.models import User
from bookings import availability, events, recurrence, rows
from bookings.availability import Assessment
from bookings.models import Booking, BookingEvent, Occurrence
from bookings.rules import BookingRequest, Scope
from bookings.services import asking, carrying, materials, releases, whole
from bookings.services.booking import Origin, insert, passed
from bookings.services.locks import lock_for
from bookings.services.steps import step

Kind = BookingEvent.Kind


@dataclass(frozen=True, slots=True)
class Part:
    """What a change is about, as the judge is asked: a booking, and from which meeting on."""

    booking: Booking
    request: BookingRequest
    scope: Scope
    only: Occurrence | None


def is_another_thing(booking: Booking, request: BookingRequest) -> bool:
    """Say whether calendars would mistake the change: a series for a single session, or another zone (D10)."""
    return (request.series is not None) != booking.is_series or request.time_zone != booking.time_zone


def find_tail(
    booking: Booking, request: BookingRequest, meetings: Sequence[Occurrence], *, now: datetime
) -> Part | None:
    """Return the part to come of a series that has begun, where the request would move what was held already."""
    begun = [item for item in meetings if item.status == Occurrence.Status.CONFIRMED and item.starts_at <= now]
    coming = [item for item in meetings if whole.is_to_come(item, now=now)]
    if not (begun and coming and request.series):
        return None
    zone = ZoneInfo(booking.time_zone)
    try:
        dates = recurrence.dates(request.series.pattern, first=request.local_start.date())
    except recurrence.PatternRefused:
        return None
    at = request.local_start.time()
    starts = {datetime.combine(day, at, zone).astimezone(UTC) for day in dates}
    since = coming[0].original_start_at.astimezone(zone).date()
    later = [day for day in dates if day >= since]
    if not later or all(meeting.original_start_at in starts for meeting in begun):
        return None
    series = replace(
        request.series,
        pattern=recurrence.rest(request.series.pattern, since=since, first=request.local_start.date()),
        decisions=tuple(decision for decision in request.series.decisions if decision.on >= since),
        agreed=None if request.series.agreed is None else frozenset(d for d in request.series.agreed if d >= since),
    )
    start = datetime.combine(later[0], at)
    tail = replace(
        request, local_start=start, local_end=start + (request.local_end - request.local_start), series=series
    )
    return Part(booking, tail, Scope.FOLLOWING, coming[0])


def split(part: Part, meetings: Sequence[Occurrence], *, by: User, now: datetime) -> Booking:
    """End the series before a meeting and continue it as a new one; returns the new one, or the old where nothing
    changes.
    """
    assert part.only is not None
    booking, request = part.booking, part.request
    tail = [item for item in meetings if item.original_start_at >= part.only.original_start_at]
    locked = lock_for(request, held_by=[item.pk for item in tail])
    assessment = passed(
        availability.assess(
            request, by=by, now=now, changing=booking, scope=Scope.FOLLOWING, only=part.only, locked=locked
        )
    )
    zone = ZoneInfo(request.time_zone)
    carried = carrying.find(assessment.meetings, tail, zone)
    if _is_same(booking, request, assessment, tail, carried, now=now):
        return booking
    whole.refuse_new_approval(booking, asking.sites_to_ask(assessment))
    people = carrying.load_people(tail)
    gone = cut(booking, meetings, part.only, now=now)
    lost = [item for item in gone if item.pk not in {old.pk for old in carried.values()}]
    dropped = whole.dropped_json([item for item in lost if item.is_override or people.are_about(item)])
    origin = Origin(
        follows=booking,
        kept=carrying.kept(assessment.meetings, carried, zone),
        data={"follows": booking.pk, **dropped},
        prepare=partial(_hand_over, booking, part.only, gone, people=people, zone=zone, by=by, now=now),
    )
    new = insert(request, assessment, origin, by=by, now=now)
    releases.freed([item.interval for item in gone], now=now)
    return new


def _hand_over(
    old: Booking,
    first: Occurrence,
    gone: Sequence[Occurrence],
    new: Booking,
    *,
    people: carrying.People,
    zone: ZoneInfo,
    by: User,
    now: datetime,
) -> None:
    carrying.carry_people(people, new, now=now)
    materials.carry(old, new)
    record_cut(old, first, gone, zone, by=by, now=now, new=new)


def cut(booking: Booking, meetings: Sequence[Occurrence], first: Occurrence, *, now: datetime) -> list[Occurrence]:
    """End the locked series before the meeting `first`, free what the rest holds, and return the rest."""
    zone = ZoneInfo(booking.time_zone)
    before = first.original_start_at.astimezone(zone).date()
    begins = datetime.fromisoformat(booking.local_start)
    pattern = recurrence.parse(booking.rrule, zone=zone)
    shorter = recurrence.cut(pattern, before=before, first=begins.date())
    step(booking, now=now, material=True)
    booking.rrule = recurrence.rrule(shorter, first=begins.date(), local_start=begins, zone=zone)
    booking.skipped = [item for item in booking.skipped if item["on"] < before.isoformat()]
    booking.save()
    gone = find_rest(meetings, first, now=now)
    rows.cancel_meetings(gone, now=now)
    return gone


def find_rest(meetings: Sequence[Occurrence], first: Occurrence, *, now: datetime) -> list[Occurrence]:
    """Return the meetings to come from `first` on."""
    rest = (item for item in meetings if item.original_start_at >= first.original_start_at)
    return [item for item in rest if whole.is_to_come(item, now=now)]


def record_cut(
    booking: Booking,
    first: Occurrence,
    gone: Sequence[Occurrence],
    zone: ZoneInfo,
    *,
    by: User,
    now: datetime,
    new: Booking | None = None,
    more: Mapping[str, Any] | None = None,
) -> None:
    """`more`: what else the event is to say, such as a reason."""
    data = {
        "before": first.original_start_at.astimezone(zone).date().isoformat(),
        "by": new.pk if new else None,
        "cancelled": [item.pk for item in gone],
    }
    said = {name: value for name, value in (more or {}).items() if value}
    events.record(booking, Kind.SERIES_CUT, actor=by, at=now, data=data | said)


def rebook(part: Part, meetings: Sequence[Occurrence], *, by: User, now: datetime) -> Booking:
    """Cancel the booking and book the request in its place, in one transaction: nobody gets in between (D10).

    Of a series that has begun only the rest is cancelled.
    """
    booking, request = part.booking, part.request
    coming = [item for item in meetings if item.status == Occurrence.Status.CONFIRMED and item.ends_at > now]
    locked = lock_for(request, held_by=[item.pk for item in coming])
    assessment = passed(availability.assess(request, by=by, now=now, changing=booking, locked=locked))
    if not request.is_outside:
        # Another calendar has moved it already: it becomes a request again, and the room says so.
        whole.refuse_new_approval(booking, asking.sites_to_ask(assessment))
    begun = booking.is_series and any(
        item.status == Occurrence.Status.CONFIRMED and item.starts_at <= now for item in meetings
    )
    zone = ZoneInfo(booking.time_zone)
    if begun:
        first = next(item for item in meetings if whole.is_to_come(item, now=now))
        gone = cut(booking, meetings, first, now=now)
        tell = partial(_tell_cut, booking, first, gone, zone, by, now)
    else:
        gone = coming
        end(booking, gone, now=now, reason="")
        tell = partial(_tell_rebooked, booking, by, now)
    origin = Origin(
        follows=booking,
        kept=[rows.Kept(meeting) for meeting in assessment.meetings],
        data={"follows": booking.pk},
        prepare=tell,
    )
    new = insert(request, assessment, origin, by=by, now=now)
    releases.freed([item.interval for item in gone], now=now)
    return new


def _tell_cut(
    booking: Booking,
    first: Occurrence,
    gone: Sequence[Occurrence],
    zone: ZoneInfo,
    by: User,
    now: datetime,
    new: Booking,
) -> None:
    materials.carry(booking, new)
    record_cut(booking, first, gone, zone, by=by, now=now, new=new)


def _tell_rebooked(booking: Booking, by: User, now: datetime, new: Booking) -> None:
    materials.carry(booking, new)
    events.record(booking, Kind.CANCELLED, actor=by, at=now, data={"reason": "", "rebooked": new.pk})


def end(booking: Booking, meetings: Sequence[Occurrence], *, now: datetime, reason: str) -> None:
    """Cancel the locked booking and free all that its meetings hold; nobody is told yet."""
    step(booking, now=now, material=True)
    if booking.is_requested:
        rows.withdraw_approvals(booking, now=now)
    booking.status = Booking.Status.CANCELLED
    booking.cancelled_at = now
    booking.cancel_reason = reason
    booking.save()
    rows.cancel_meetings(meetings, now=now)


def _is_same(
    booking: Booking,
    request: BookingRequest,
    assessment: Assessment,
    tail: Sequence[Occurrence],
    carried: dict[datetime, Occurrence],
    *,
    now: datetime,
) -> bool:
    """Say whether the request asks for the rest of the series just as it stands."""
    coming = [item for item in tail if whole.is_to_come(item, now=now)]
    if len(coming) != len(assessment.meetings) or len(carried) != len(coming):
        return False
    joining, leaving = rows.find_people_change(booking, assessment)
    if joining or leaving or rows.find_detail_change(booking, request):
        return False
    held = {item.pk: list(item.room_ids) for item in assessment.changed.meetings}
    zone = ZoneInfo(request.time_zone)
    return booking.wishes == rows.wishes_json(request.wishes) and all(
        (old := carried[carrying.start_of(item, zone)]).interval == item.interval
        and held[old.pk] == [room.pk for room in item.rooms]
        and timedelta(0) < item.interval.duration
        for item in assessment.meetings
    )
