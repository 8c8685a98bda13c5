"""Who came to a meeting's conference and when, for those who may know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import User
from bookings.models import Attendee
from bookings.queries import BookingDetails
from integrations.jitsi.models import Conference, Presence
from integrations.jitsi.servers import all_servers
from integrations.jitsi.window import grace, opens_before
from rooms.models import SiteRole

#: Who is back so soon, by a reload or in a breakout room, was there all along.
_BACK_AT_ONCE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Visit:
    """A time in which somebody was there, without gaps; `left_at` None: is there."""

    came_at: datetime
    left_at: datetime | None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who was invited. `visits`: none where they did not come; `place`: institution or site, may be empty."""

    attendee: Attendee
    place: str
    visits: tuple[Visit, ...]

    @property
    def is_inside(self) -> bool:
        return any(visit.left_at is None for visit in self.visits)

    def stayed(self, *, now: datetime) -> timedelta:
        return sum(((visit.left_at or now) - visit.came_at for visit in self.visits), timedelta(0))


@dataclass(frozen=True, slots=True)
class Place:
    """An institution or site: how many were invited there, and how many of them came."""

    name: str
    came: int
    invited: int


@dataclass(frozen=True, slots=True)
class Attendance:
    """What is known of a meeting's conference.

    `periods`: when people were there. `unknown`: connections of nobody we know, such as telephones; `inside`: how many
    are there now, those among them. `is_counted_only`: the server said how many there were, not who. `may_change_yet`:
    the door is open, or somebody is inside. `without_licence`: people are inside and no licence is held for them.
    """

    periods: tuple[Visit, ...]
    peak: int
    came: tuple[Person, ...]
    missing: tuple[Person, ...]
    unknown: tuple[Visit, ...]
    inside: int
    places: tuple[Place, ...]
    is_counted_only: bool
    may_change_yet: bool
    without_licence: bool
    missed_at: datetime | None


def may_see(user: User, details: BookingDetails) -> bool:
    """Say whether the user may know who came: the organizer, who booked it, managers of its sites, and IT admins.

    Of a closed session the organizer and IT admins alone. `details`: as this user sees them.
    """
    if user.pk == details.booking.organizer_id or user.is_it_admin:
        return True
    return details.may_change and not details.booking.is_private


def changes_for(user: User, details: BookingDetails, *, now: datetime) -> bool:
    """Say whether the user may see who came, and that may change yet. Two queries at most."""
    if not may_see(user, details):
        return False
    inside = Conference.objects.filter(occurrence=details.occurrence, closed_at=None, people_now__gt=0)
    return _is_around(details, now=now) or inside.exists()


def attendance_of(user: User, details: BookingDetails, *, now: datetime) -> Attendance | None:
    """Return who came to the meeting that is looked at; None where nothing is known, or not for this user.

    Six queries at most, however many people there are.
    """
    if not may_see(user, details):
        return None
    meeting = details.occurrence
    conferences = list(Conference.objects.filter(occurrence=meeting).order_by("opened_at", "pk"))
    may_change_yet = _is_around(details, now=now) or any(conference.people_now for conference in conferences)
    missed_at = meeting.no_show_at if not conferences else None
    if not conferences and missed_at is None and not may_change_yet:
        return None
    related = ("attendee__user", "attendee__contact__institution")
    presences = Presence.objects.filter(conference__in=conferences).select_related(*related)
    return _attendance(details, conferences, list(presences.order_by("joined_at", "pk")), may_change_yet, missed_at)


def _attendance(
    details: BookingDetails,
    conferences: Sequence[Conference],
    presences: Sequence[Presence],
    may_change_yet: bool,
    missed_at: datetime | None,
) -> Attendance:
    came, missing = _people(details, presences)
    unknown = _visits(presence for presence in presences if presence.attendee_id is None)
    inside = sum(conference.people_now for conference in conferences)
    has_run = not inside or details.occurrence.conference_runs.filter(ended_at=None).exists()
    return Attendance(
        periods=_periods(conferences, presences),
        peak=max((conference.people_peak for conference in conferences), default=0),
        came=came,
        missing=missing,
        unknown=unknown,
        inside=inside,
        places=_places([*came, *missing]),
        is_counted_only=not presences and any(conference.first_joined_at for conference in conferences),
        may_change_yet=may_change_yet,
        without_licence=not has_run and not details.booking.is_outside,
        missed_at=missed_at,
    )


def _is_around(details: BookingDetails, *, now: datetime) -> bool:
    """Say whether somebody could come in just now."""
    booking, meeting = details.booking, details.occurrence
    if booking.is_cancelled or booking.is_requested or details.is_meeting_cancelled:
        return False
    closes_at = meeting.ends_at + grace()
    is_open = meeting.starts_at - opens_before(organizer=True) <= now < closes_at
    return is_open and bool(all_servers())


def _people(details: BookingDetails, presences: Iterable[Presence]) -> tuple[tuple[Person, ...], tuple[Person, ...]]:
    """Return those who came, in the order in which they did, and those of the meeting who did not."""
    by_person: dict[int, list[Presence]] = {}
    attendees: dict[int, Attendee] = {}
    for presence in presences:
        if presence.attendee is not None:
            by_person.setdefault(presence.attendee.pk, []).append(presence)
            attendees[presence.attendee.pk] = presence.attendee
    absent = [attendee for attendee in details.attendees if attendee.pk not in by_person]
    sites = _sites([*attendees.values(), *absent])
    came = [Person(attendees[pk], _place(attendees[pk], sites), _merged(stays)) for pk, stays in by_person.items()]
    missing = [Person(attendee, _place(attendee, sites), ()) for attendee in absent]
    return tuple(came), tuple(missing)


def _sites(attendees: Iterable[Attendee]) -> dict[int, str]:
    """Return at which site users of ours work, by user; of several, the first in the office's order."""
    users = {attendee.user_id for attendee in attendees if attendee.user_id is not None}
    if not users:
        return {}
    roles = SiteRole.objects.filter(user__in=users).select_related("site").order_by("-site__position", "-site")
    return {role.user_id: role.site.short_name or role.site.name for role in roles}


def _place(attendee: Attendee, sites: dict[int, str]) -> str:
    if attendee.contact is not None:
        return attendee.contact.institution.name if attendee.contact.institution else ""
    return sites.get(attendee.user_id or 0, "")


def _places(people: Sequence[Person]) -> tuple[Place, ...]:
    """Return the places in the order of their people; nothing where there is one alone."""
    names = list(dict.fromkeys(person.place for person in people if person.place))
    if len(names) < 2:
        return ()
    found = []
    for name in names:
        here = [person for person in people if person.place == name]
        found.append(Place(name, sum(1 for person in here if person.visits), len(here)))
    return tuple(found)


def _visits(presences: Iterable[Presence]) -> tuple[Visit, ...]:
    """Return the visits of connections, one after another: nobody knows which of them are of one person."""
    by_jid: dict[tuple[int, str], list[Presence]] = {}
    for presence in presences:
        by_jid.setdefault((presence.conference_id, presence.occupant_jid), []).append(presence)
    return tuple(visit for stays in by_jid.values() for visit in _merged(stays))


def _merged(stays: Sequence[Presence]) -> tuple[Visit, ...]:
    """Return the stays, by the time of their beginning, as visits without the gaps of a reload."""
    found: list[Visit] = []
    for stay in stays:
        last = found[-1] if found else None
        if last is None or (last.left_at is not None and stay.joined_at > last.left_at + _BACK_AT_ONCE):
            found.append(Visit(stay.joined_at, stay.left_at))
        elif last.left_at is not None:
            left_at = None if stay.left_at is None else max(last.left_at, stay.left_at)
            found[-1] = Visit(last.came_at, left_at)
    return tuple(found)


def _periods(conferences: Sequence[Conference], presences: Sequence[Presence]) -> tuple[Visit, ...]:
    told = {presence.conference_id for presence in presences}
    counted = [
        Presence(joined_at=one.first_joined_at, left_at=one.empty_since)
        for one in conferences
        if one.first_joined_at is not None and (one.pk not in told or one.empty_since is None)
    ]
    return _merged(sorted([*presences, *counted], key=lambda stay: stay.joined_at))
