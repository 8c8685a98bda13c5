"""What a meeting is now, as a request: to ask for the same with another room or at another time."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from django.db.models import Q

from bookings import recurrence
from bookings.models import Attendee, Booking, Occurrence
from bookings.rules import BookingRequest, Decision, Participant, Series, Wishes


def of_meeting(occurrence: Occurrence) -> BookingRequest:
    """Return the request of one meeting that describes this one: its time, rooms, people and title.

    Four queries. People go by the address that they were invited at, also where they have left since.
    """
    booking = occurrence.booking
    rooms = occurrence.room_holds.filter(live=True).order_by("position", "pk").values_list("room_id", flat=True)
    movable = occurrence.equipment_holds.filter(live=True).order_by("equipment_id")
    return BookingRequest(
        title=occurrence.own_title or booking.title,
        description=occurrence.own_description or booking.description,
        local_start=datetime.fromisoformat(occurrence.local_start),
        local_end=datetime.fromisoformat(occurrence.local_end),
        time_zone=booking.time_zone,
        organizer_id=booking.organizer_id,
        room_ids=tuple(rooms),
        participants=tuple(
            Participant(email=attendee.email, name=attendee.name, language=attendee.language)
            for attendee in people_at(occurrence)
        ),
        is_private=booking.is_private,
        wishes=replace(wishes_of(booking), movable=tuple(movable.values_list("equipment_id", "quantity"))),
        is_outside=booking.is_outside,
    )


def of_series(booking: Booking) -> BookingRequest:
    """Return the request of the whole series as it was booked: its rule, its usual rooms, who is invited to all of it.

    Dates without a meeting are left out again. Single changes of meetings are no part of it.
    """
    live = booking.occurrences.filter(status=Occurrence.Status.CONFIRMED)
    usual = live.filter(has_own_rooms=False).order_by("-starts_at").first() or live.latest("starts_at")
    everybody = booking.attendees.filter(occurrence=None, removed_at=None, is_organizer=False, erased_at=None)
    everybody = everybody.order_by("pk")
    left_out = (Decision(date.fromisoformat(item["on"]), "skip") for item in booking.skipped)
    return replace(
        of_meeting(usual),
        title=booking.title,
        description=booking.description,
        local_start=datetime.fromisoformat(booking.local_start),
        local_end=datetime.fromisoformat(booking.local_end),
        participants=tuple(Participant(email=item.email, name=item.name, language=item.language) for item in everybody),
        series=Series(
            recurrence.parse(booking.rrule, zone=booking.zone),
            skip_holidays=False,
            skip_closures=False,
            decisions=tuple(left_out),
        ),
    )


def wishes_of(booking: Booking) -> Wishes:
    """Return what the booking was made with, apart from movable equipment, which each meeting holds."""
    return Wishes(
        seats=tuple((int(site), seats) for site, seats in booking.wishes.get("seats", {}).items()),
        features=tuple(booking.wishes.get("features", ())),
    )


def people_at(occurrence: Occurrence) -> list[Attendee]:
    """Return who takes part in this meeting, without the organizer, in the order invited; nobody who was erased."""
    everybody = Q(occurrence=None) | Q(occurrence=occurrence)
    present = occurrence.booking.attendees.filter(everybody, removed_at=None, is_organizer=False, erased_at=None)
    return list(present.exclude(absences__occurrence=occurrence).order_by("pk"))
