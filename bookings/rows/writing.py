"""Writes bookings, their meetings and what these hold, in one statement however many meetings there are.

The statements live in the database (migration 0007): there they are planned once, and a whole booking is one round
trip. This module turns what was judged into the JSON that they read.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from bookings.availability import Assessment, PlannedMeeting, Take
from bookings.models import Booking, BookingEvent, Occurrence, new_conference_name, new_join_key
from bookings.participants import Invitee
from bookings.rows.reading import written
from bookings.rules import BookingRequest, Wishes
from rooms import prepared

_LOCAL = "%Y-%m-%dT%H:%M"


@dataclass(frozen=True, slots=True)
class Kept:
    """A planned meeting, and the row that it continues: None for a new one. Titles of its own stay with it.

    `original_at`: which meeting it is, where that is not the rule's own start: a single session keeps its identity.
    """

    planned: PlannedMeeting
    occurrence: Occurrence | None = None
    own_title: str = ""
    own_description: str = ""
    original_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewBooking:
    """What a new booking has besides its request. `rrule` and the wall clocks: of the rule, as the model has them."""

    created_by_id: int
    rrule: str
    local_start: datetime
    local_end: datetime
    status: Booking.Status
    kind: BookingEvent.Kind
    data: dict[str, Any] = field(default_factory=dict)
    submission: uuid.UUID | None = None
    follows_id: int | None = None


def insert_booking(
    request: BookingRequest, assessment: Assessment, meetings: Sequence[Kept], draft: NewBooking, *, now: datetime
) -> tuple[Booking, BookingEvent]:
    """Write the booking, its meetings, holds, attendees and first event; nobody is told of the event yet."""
    values = _booking_values(request, assessment, draft)
    begins, ends = _day_of(meetings[0].planned, ZoneInfo(request.time_zone))
    given = _given(request, assessment, meetings, now=now) | {
        "booking": values,
        "people": [_person_json(invitee) for invitee in assessment.invitees],
        "event": {"kind": draft.kind, "actor": draft.created_by_id, "data": draft.data},
        "year": timezone.localtime(now).year,
        "joins": any(len(kept.planned.rooms) > 1 for kept in meetings),
        "day_from": begins.isoformat(),
        "day_to": ends.isoformat(),
    }
    [made] = prepared.fetch("SELECT * FROM booking_insert(%s::jsonb)", [json.dumps(given)])
    pk, number, thread, occurrence_id, attendee_ids, event_id = made
    booking = _booking(pk, number, thread, values, now=now)
    booking.invited = len(attendee_ids or ())
    columns = {
        "id": event_id,
        "booking_id": pk,
        "occurrence_id": occurrence_id if not draft.rrule else None,
        "kind": draft.kind,
        "actor_id": draft.created_by_id,
        "at": now,
        "version": 1,
        "sequence": 0,
        "data": draft.data,
    }
    event = written(BookingEvent, columns)
    event.booking = booking
    return booking, event


def write_meetings(
    booking: Booking, request: BookingRequest, assessment: Assessment, meetings: Sequence[Kept], *, now: datetime
) -> None:
    """Make these meetings of the booking, and exactly what they hold, true; other meetings are left alone."""
    given = _given(request, assessment, meetings, now=now)
    prepared.fetch("SELECT booking_hold_meetings(%s, %s::jsonb)", [booking.pk, json.dumps(given)])


def new_uid() -> str:
    """Return a UID for ever: no personal data, no blanks (RFC 7986 5.3)."""
    return f"{uuid.uuid4()}@{urlsplit(settings.BASE_URL).hostname}"


def skipped_json(assessment: Assessment) -> list[dict[str, str]]:
    return [{"on": item.on.isoformat(), "why": item.why, "name": item.name} for item in assessment.skipped]


def wishes_json(wishes: Wishes) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if wishes.seats:
        found["seats"] = {str(site_id): people for site_id, people in wishes.seats}
    if wishes.features:
        found["features"] = list(wishes.features)
    if wishes.movable:
        found["movable"] = {str(pk): quantity for pk, quantity in wishes.movable}
    return found


def wishes_of(booking: Booking) -> Wishes:
    """Return the wishes that `wishes_json` wrote."""
    stored = booking.wishes
    return Wishes(
        seats=tuple((int(pk), people) for pk, people in stored.get("seats", {}).items()),
        features=tuple(stored.get("features", ())),
        movable=tuple((int(pk), quantity) for pk, quantity in stored.get("movable", {}).items()),
    )


def _given(
    request: BookingRequest, assessment: Assessment, meetings: Sequence[Kept], *, now: datetime
) -> dict[str, Any]:
    zone = ZoneInfo(request.time_zone)
    shown = []
    rooms: set[int] = set()
    pools: set[int] = set()
    for kept in meetings:
        room_ids = tuple(room.pk for room in kept.planned.rooms)
        takes = assessment.takes.get(kept.planned.on, ())
        rooms.update(room_ids)
        pools.update(take.pool_id for take in takes)
        shown.append(_meeting_json(kept, room_ids, takes, zone))
    return {
        "meetings": shown,
        "rooms": sorted(rooms),
        "pools": sorted(pools),
        "movable": [{"id": pk, "quantity": quantity} for pk, quantity in request.wishes.movable if quantity > 0],
        "at": now.isoformat(),
    }


def _meeting_json(kept: Kept, room_ids: tuple[int, ...], takes: Sequence[Take], zone: ZoneInfo) -> dict[str, Any]:
    planned = kept.planned
    # A time that the clocks skip is read with the offset before the change, as calendars do (RFC 5545 3.3.5).
    original = kept.original_at or planned.rule_start.replace(tzinfo=zone)
    shown = {
        "original": original.isoformat(),
        "starts": planned.interval.start_at.isoformat(),
        "ends": planned.interval.end_at.isoformat(),
        "local_start": planned.local_start.strftime(_LOCAL),
        "local_end": planned.local_end.strftime(_LOCAL),
        "own_time": planned.has_own_time,
        "own_rooms": planned.has_own_rooms,
        "own_title": kept.own_title,
        "own_description": kept.own_description,
        "rooms": room_ids,
        "licences": [_take_json(take) for take in takes],
    }
    if kept.occurrence is not None:
        shown["id"] = kept.occurrence.pk
    return shown


def _take_json(take: Take) -> dict[str, Any]:
    return {
        "pool": take.pool_id,
        "site": take.site_id,
        "seats": take.seats,
        "source": take.source,
        "named": take.named_id,
        "borrower": take.borrower_id,
    }


def _person_json(invitee: Invitee) -> dict[str, Any]:
    return {
        "user_id": invitee.user_id,
        "contact_id": invitee.contact_id,
        "email": invitee.email,
        "name": invitee.name,
        "language": invitee.language,
        "time_zone": invitee.time_zone,
        "is_organizer": invitee.is_organizer,
        "join_key": new_join_key(),
    }


def _booking_values(request: BookingRequest, assessment: Assessment, draft: NewBooking) -> dict[str, Any]:
    return {
        "uid": new_uid(),
        "conference_name": new_conference_name(),
        "title": request.title,
        "description": request.description,
        "organizer": request.organizer_id,
        "created_by": draft.created_by_id,
        "host_site": assessment.facts.host_site_id,
        "time_zone": request.time_zone,
        "rrule": draft.rrule,
        "local_start": draft.local_start.strftime(_LOCAL),
        "local_end": draft.local_end.strftime(_LOCAL),
        "skipped": skipped_json(assessment),
        "follows": draft.follows_id,
        "wishes": wishes_json(request.wishes),
        "is_private": request.is_private,
        "status": draft.status,
        "submission": str(draft.submission) if draft.submission else None,
    }


_KEYS = {"organizer": "organizer_id", "created_by": "created_by_id", "host_site": "host_site_id"}
_KEYS["follows"] = "follows_id"


def _booking(pk: int, number: str, thread: int | None, values: dict[str, Any], *, now: datetime) -> Booking:
    """Return the row as it was written, without reading it back."""
    columns = {_KEYS.get(name, name): value for name, value in values.items()}
    if columns["submission"] is not None:
        columns["submission"] = uuid.UUID(columns["submission"])
    keys = {"id": pk, "number": number, "thread": thread}
    stamps = {"stamped_at": now.replace(microsecond=0), "created_at": now, "changed_at": now}
    return written(Booking, columns | keys | stamps)


def _day_of(meeting: PlannedMeeting, zone: ZoneInfo) -> tuple[datetime, datetime]:
    begins = datetime.combine(meeting.local_start.date(), time(), zone)
    return begins, begins + timedelta(days=1)
