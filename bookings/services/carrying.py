"""Takes single changes of meetings along to the booking that continues their series (calendar-mail.md D7)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bookings import rows
from bookings.availability import PlannedMeeting
from bookings.models import Absence, Attendee, Booking, Occurrence, new_join_key


@dataclass(frozen=True, slots=True)
class People:
    """Who was left out of, or invited to, single meetings. `meetings`: by key, those that this is about."""

    absences: tuple[Absence, ...]
    guests: tuple[Attendee, ...]
    meetings: dict[int, Occurrence]

    def are_about(self, meeting: Occurrence) -> bool:
        return meeting.pk in {*(a.occurrence_id for a in self.absences), *(g.occurrence_id for g in self.guests)}


def start_of(planned: PlannedMeeting, zone: ZoneInfo) -> datetime:
    """Return the rule's own start of the meeting: what it is known by."""
    return planned.rule_start.replace(tzinfo=zone).astimezone(UTC)


def find(planned: Sequence[PlannedMeeting], tail: Collection[Occurrence], zone: ZoneInfo) -> dict[datetime, Occurrence]:
    """Return the meetings that go on as they are, by the rule's own start: those that the new rule has as well."""
    live = {item.original_start_at: item for item in tail if item.status == Occurrence.Status.CONFIRMED}
    return {start: live[start] for item in planned if (start := start_of(item, zone)) in live}


def kept(planned: Sequence[PlannedMeeting], carried: dict[datetime, Occurrence], zone: ZoneInfo) -> list[rows.Kept]:
    """Return the meetings of the new booking with the titles that they had of their own."""
    found = []
    for item in planned:
        old = carried.get(start_of(item, zone))
        own = (old.own_title, old.own_description) if old else ("", "")
        found.append(rows.Kept(item, None, *own))
    return found


def load_people(tail: Collection[Occurrence]) -> People:
    """Read who differs from the series at these meetings, in two queries."""
    return People(
        tuple(Absence.objects.filter(occurrence__in=tail).select_related("attendee")),
        tuple(Attendee.objects.filter(occurrence__in=tail, removed_at=None).order_by("pk")),
        {item.pk: item for item in tail},
    )


def carry_people(people: People, new: Booking, *, now: datetime) -> None:
    """Leave out of, and invite to, single meetings of the new booking whom the old one had so."""
    if not (people.absences or people.guests):
        return
    meetings = {item.original_start_at: item for item in new.occurrences.all()}
    by_email = {item.email.lower(): item for item in new.attendees.filter(removed_at=None)}
    absences = []
    for absence in people.absences:
        meeting = meetings.get(people.meetings[absence.occurrence_id].original_start_at)
        attendee = by_email.get(absence.attendee.email.lower())
        if meeting and attendee:
            absences.append(Absence(attendee=attendee, occurrence=meeting))
    Absence.objects.bulk_create(absences)
    guests = []
    for guest in people.guests:
        meeting = meetings.get(people.meetings[guest.occurrence_id or 0].original_start_at)
        if meeting and guest.email.lower() not in by_email:
            guests.append(_copy(guest, new, meeting, now=now))
    Attendee.objects.bulk_create(guests)


def _copy(guest: Attendee, new: Booking, meeting: Occurrence, *, now: datetime) -> Attendee:
    return Attendee(
        booking=new,
        occurrence=meeting,
        user_id=guest.user_id,
        contact_id=guest.contact_id,
        email=guest.email,
        name=guest.name,
        language=guest.language,
        time_zone=guest.time_zone,
        join_key=new_join_key(),
        invited_at=now,
    )
