"""Books sessions and series: all of it, or nothing at all."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from accounts.models import User
from bookings import availability, events, recurrence, rows
from bookings.availability import Asked, Assessment
from bookings.models import Booking, BookingEvent
from bookings.rules import BookingRequest, Refusal, clean_line, clean_text
from bookings.services import asking, kept_forms, licence_refusals
from bookings.services.errors import NotAllowed, Refused, in_one_transaction
from bookings.services.licence_events import record_licences
from bookings.services.locks import lock_for_new
from rooms.permissions import SiteRoles

Kind = BookingEvent.Kind


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a new booking comes from. `kept`: its meetings, where they take something along from another booking."""

    submission: uuid.UUID | None = None
    follows: Booking | None = None
    kept: Sequence[rows.Kept] | None = None
    data: dict[str, Any] = field(default_factory=dict)
    #: Called with the new booking once it is written, before anybody is told of it.
    prepare: Callable[[Booking], None] | None = None


def book(request: BookingRequest, *, by: User, now: datetime, submission: uuid.UUID | None = None) -> Booking:
    """Book a session or a series with all its rooms and licences, invite everybody, or do nothing at all.

    What needs a manager's approval holds its rooms and waits; nobody is invited before the answer.
    `submission`: what the form was opened with; sent twice (a double click, the back button) it books once, and what
    the open form held until now is taken over.
    Raises: Refused with every reason; NotAllowed for a user without a role at any site; AlreadyBooked.
    """
    if not SiteRoles.of(by).may_book_anything:
        raise NotAllowed
    request = cleaned(request)
    judged = _Judged()

    def find_refusals() -> list[Refusal]:
        # What was said under the locks stands and is not asked again; only ways out are looked for.
        if judged.last is not None and judged.last.refusals:
            return availability.offer_fixes(judged.last, request, by=by, now=now)
        return availability.find_refusals(request, by=by, now=now, draft=submission)

    try:
        return in_one_transaction(
            partial(_book, request, judged, by=by, now=now, submission=submission), find_refusals=find_refusals
        )
    except Refused as refused:
        licence_refusals.log(request, refused.refusals, by=by, now=now, submission=submission)
        raise


@dataclass
class _Judged:
    """What the judge said last, under the locks."""

    last: Assessment | None = None


def _book(
    request: BookingRequest, judged: _Judged, *, by: User, now: datetime, submission: uuid.UUID | None
) -> Booking:
    locked = lock_for_new(Asked(request, by, now, submission))
    judged.last = availability.assess(request, by=by, now=now, locked=locked, draft=submission)
    booking = insert(request, passed(judged.last), Origin(submission), by=by, now=now)
    if submission is not None:
        licence_refusals.settle_form(booking, submission, now=now)
        kept_forms.forget(submission)
    return booking


def insert(request: BookingRequest, assessment: Assessment, origin: Origin, *, by: User, now: datetime) -> Booking:
    """Write a new booking that was judged under the locks, ask for its approvals, and tell everybody."""
    sites = asking.sites_to_ask(assessment)
    first = first_date(request, assessment)
    new = rows.NewBooking(
        created_by_id=by.pk,
        rrule=rule_of(request, assessment),
        local_start=first,
        local_end=first + (request.local_end - request.local_start),
        status=Booking.Status.REQUESTED if sites else Booking.Status.CONFIRMED,
        kind=Kind.REQUESTED if sites else Kind.BOOKED,
        data=origin.data,
        submission=origin.submission,
        follows_id=origin.follows.pk if origin.follows else None,
    )
    meetings = origin.kept or [rows.Kept(meeting) for meeting in assessment.meetings]
    booking, event = rows.insert_booking(request, assessment, meetings, new, now=now)
    if request.is_outside:
        booking.is_outside = True
        booking.save(update_fields=["is_outside"])
    if origin.prepare:
        origin.prepare(booking)
    asking.ask(booking, sites, now=now, starts_at=meetings[0].planned.interval.start_at)
    events.tell(event)
    record_exemptions(booking, assessment, by=by, now=now)
    record_licences(booking, request, assessment, by=by, now=now)
    return booking


def record_exemptions(booking: Booking, assessment: Assessment, *, by: User, now: datetime) -> None:
    """Keep in the history which rules were set aside for this."""
    for used in assessment.exemptions:
        data = {"exemption": used.exemption_id, "rule": used.kind}
        events.record(booking, Kind.EXEMPTED, actor=by, at=now, data=data)


def cleaned(request: BookingRequest) -> BookingRequest:
    return replace(
        request,
        title=clean_line(request.title),
        description=clean_text(request.description),
        room_ids=tuple(dict.fromkeys(request.room_ids)),
    )


def passed(assessment: Assessment) -> Assessment:
    """Return the assessment. Raises: Refused."""
    if assessment.refusals:
        raise Refused(assessment.refusals)
    return assessment


def first_date(request: BookingRequest, assessment: Assessment) -> datetime:
    """Return the wall clock of the rule's first date, the DTSTART of a series (calendar-mail.md D2)."""
    if request.series is None:
        return request.local_start
    return datetime.combine(assessment.dates[0], request.local_start.time())


def rule_of(request: BookingRequest, assessment: Assessment) -> str:
    if request.series is None:
        return ""
    zone = ZoneInfo(request.time_zone)
    first = assessment.dates[0]
    return recurrence.rrule(request.series.pattern, first=first, local_start=request.local_start, zone=zone)
