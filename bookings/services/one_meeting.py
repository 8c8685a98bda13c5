"""Changes one meeting of a series; the series and its other meetings stay as they are (calendar-mail.md D4, D8, D9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from accounts.models import User
from bookings import availability, events, rows
from bookings.models import Booking, BookingEvent, Occurrence
from bookings.rules import BookingRequest, Scope
from bookings.services import asking, releases, whole
from bookings.services.booking import passed, record_exemptions
from bookings.services.licence_events import record_licences
from bookings.services.locks import lock_for
from bookings.services.steps import step

Kind = BookingEvent.Kind


def change(booking: Booking, meeting: Occurrence, request: BookingRequest, *, by: User, now: datetime) -> Booking:
    """Make one meeting of the locked booking as the request says, people included."""
    request = replace(request, series=None, wishes=rows.wishes_of(booking))
    locked = lock_for(request, held_by=[meeting.pk])
    assessment = passed(
        availability.assess(request, by=by, now=now, changing=booking, scope=Scope.ONE, only=meeting, locked=locked)
    )
    people = rows.find_people_at_meeting(booking, meeting, assessment)
    data: dict[str, Any] = {
        "moved": rows.find_move(meeting, assessment),
        "rooms": rows.find_room_change(meeting, assessment),
        "details": rows.find_own_detail_change(booking, meeting, request),
    }
    data = {name: value for name, value in data.items() if value}
    if not (data or people):
        return booking
    whole.refuse_new_approval(booking, asking.sites_to_ask(assessment))
    step(booking, now=now, material=bool(people or data.keys() - {"details"}))
    if booking.thread is None and len(assessment.rooms) > 1:
        booking.thread = rows.free_thread(request.local_start.date(), request.time_zone)
    booking.save()
    title = "" if request.title == booking.title else request.title
    description = "" if request.description == booking.description else request.description
    before = meeting.interval
    rows.write_meetings(
        booking, request, assessment, [rows.Kept(assessment.meetings[0], meeting, title, description)], now=now
    )
    if people:
        data["people"] = _change_people(booking, meeting, people, now=now)
    if "moved" in data and before.start_at > now:
        rows.forget_answers(booking, [meeting.pk], whole=False, now=now)
    meeting.refresh_from_db()
    events.record(booking, Kind.MEETING_CHANGED, actor=by, at=now, occurrence=meeting, data=data)
    record_exemptions(booking, assessment, by=by, now=now)
    record_licences(booking, request, assessment, by=by, now=now, occurrence=meeting)
    if data.keys() & {"moved", "rooms"}:
        releases.freed([before], now=now)
    return booking


def _change_people(
    booking: Booking, meeting: Occurrence, people: rows.People, *, now: datetime
) -> dict[str, list[int]]:
    """Let people join, leave and return for this meeting alone; say who, by key."""
    own = [attendee for attendee in people.leaving if attendee.occurrence_id is not None]
    rows.remove(own, now=now)
    rows.excuse([attendee for attendee in people.leaving if attendee.occurrence_id is None], meeting)
    rows.expect(people.returning, meeting)
    added = rows.invite(booking, people.joining, now=now, occurrence=meeting)
    return {
        "added": [attendee.pk for attendee in [*added, *people.returning]],
        "removed": [attendee.pk for attendee in people.leaving],
    }
