"""Finds what a change would change: time, rooms, details, people. Reads rows, writes none."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bookings.availability import Assessment
from bookings.models import THREADS, Absence, Attendee, Booking, Occurrence, RoomHold
from bookings.participants import Invitee
from bookings.rules import BookingRequest
from rooms.interval import Interval


@dataclass(frozen=True, slots=True)
class People:
    """Who joins and who leaves. `returning`: participants of the series who come to this one meeting after all."""

    joining: tuple[Invitee, ...] = ()
    leaving: tuple[Attendee, ...] = ()
    returning: tuple[Attendee, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.joining or self.leaving or self.returning)


def as_text(interval: Interval) -> str:
    """Return the interval as ISO 8601 has it, in UTC."""
    return f"{interval.start_at.isoformat()}/{interval.end_at.isoformat()}"


def find_move(occurrence: Occurrence, assessment: Assessment) -> dict[str, str] | None:
    """Return from when to when the one meeting moves, as ISO 8601 intervals in UTC, or None."""
    assert assessment.interval is not None
    if occurrence.interval == assessment.interval:
        return None
    return {"from": as_text(occurrence.interval), "to": as_text(assessment.interval)}


def find_room_change(occurrence: Occurrence, assessment: Assessment) -> dict[str, list[int]] | None:
    before = find_rooms([occurrence])[occurrence.pk]
    after = [room.pk for room in assessment.meetings[0].rooms]
    return None if before == after else {"before": before, "after": after}


def find_rooms(occurrences: Collection[Occurrence]) -> dict[int, list[int]]:
    """Return the rooms that each meeting holds, in their order, in one query."""
    found: dict[int, list[int]] = {occurrence.pk: [] for occurrence in occurrences}
    holds = RoomHold.objects.filter(occurrence__in=found, live=True).order_by("position")
    for occurrence_id, room_id in holds.values_list("occurrence_id", "room_id"):
        found[occurrence_id].append(room_id)
    return found


def find_detail_change(booking: Booking, request: BookingRequest) -> dict[str, list[str]] | None:
    """Return which details change. Titles are kept before and after; of a description only that it changed."""
    changed: dict[str, list[str]] = {}
    if booking.title != request.title:
        changed["title"] = [booking.title, request.title]
    if booking.description != request.description:
        changed["description"] = []
    if booking.is_private != request.is_private:
        changed["is_private"] = [str(booking.is_private), str(request.is_private)]
    return changed or None


def find_own_detail_change(
    booking: Booking, occurrence: Occurrence, request: BookingRequest
) -> dict[str, list[str]] | None:
    """Return which details of one meeting change; those of the series are what it has without any of its own."""
    title = occurrence.own_title or booking.title
    changed: dict[str, list[str]] = {}
    if title != request.title:
        changed["title"] = [title, request.title]
    if (occurrence.own_description or booking.description) != request.description:
        changed["description"] = []
    return changed or None


def find_people_change(booking: Booking, assessment: Assessment) -> tuple[list[Invitee], list[Attendee]]:
    """Return who joins the booking and who leaves it. People are the same when their address is.

    Whoever was invited to single meetings and joins the series gives up those invitations.
    """
    present = list(booking.attendees.filter(removed_at=None))
    current = {attendee.email.lower(): attendee for attendee in present if attendee.occurrence_id is None}
    wanted = {invitee.email.lower(): invitee for invitee in assessment.invitees}
    joining = [item for email, item in wanted.items() if email not in current and not item.is_organizer]
    leaving = [attendee for email, attendee in current.items() if email not in wanted and not attendee.is_organizer]
    joined = {invitee.email.lower() for invitee in joining}
    leaving += [item for item in present if item.occurrence_id is not None and item.email.lower() in joined]
    return joining, leaving


def find_people_at_meeting(booking: Booking, occurrence: Occurrence, assessment: Assessment) -> People:
    """Return who joins and leaves this one meeting of a series."""
    wanted = {invitee.email.lower(): invitee for invitee in assessment.invitees}
    absent = set(Absence.objects.filter(occurrence=occurrence).values_list("attendee_id", flat=True))
    known: dict[str, Attendee] = {}
    for attendee in booking.attendees.filter(removed_at=None).exclude(occurrence__isnull=False):
        known[attendee.email.lower()] = attendee
    own = {item.email.lower(): item for item in occurrence.own_attendees.filter(removed_at=None)}
    joining = [item for email, item in wanted.items() if email not in known and email not in own]
    leaving = [item for email, item in known.items() if email not in wanted and item.pk not in absent]
    leaving += [item for email, item in own.items() if email not in wanted]
    returning = [item for email, item in known.items() if email in wanted and item.pk in absent]
    return People(
        tuple(item for item in joining if not item.is_organizer),
        tuple(item for item in leaving if not item.is_organizer),
        tuple(returning),
    )


def free_thread(day: date, time_zone: str) -> int:
    """Return the first colour that no session in several rooms has that day; when all are taken, the least used."""
    begins = datetime.combine(day, time(), ZoneInfo(time_zone))
    threads = Booking.objects.filter(
        thread__isnull=False,
        occurrences__status=Occurrence.Status.CONFIRMED,
        occurrences__starts_at__gte=begins,
        occurrences__starts_at__lt=begins + timedelta(days=1),
    ).values_list("thread", flat=True)
    uses = dict.fromkeys(range(1, THREADS + 1), 0)
    for thread in threads:
        if thread:
            uses[thread] += 1
    return min(uses, key=lambda thread: (uses[thread], thread))
