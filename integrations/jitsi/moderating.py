"""What the organizer does with a conference that runs: sees who is inside, takes one out, ends it for everybody.

Jitsi lets in again whoever has a token that has not expired, so that taking somebody out is a request, not a lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from bookings import events, services
from bookings.models import Attendee, Booking, BookingEvent
from bookings.permissions import may_change
from integrations.jitsi import attendance
from integrations.jitsi.control import Control, Occupant
from integrations.jitsi.models import Conference, Presence

#: Jitsi calls a connection by so many characters of its address.
_NICK = 8


@dataclass(frozen=True, slots=True)
class Inside:
    """A connection in the conference. `name`: of the participant; of others only that they are there."""

    key: int
    name: str
    is_known: bool
    joined_at: datetime


@dataclass(frozen=True)
class CantTell(Exception):
    """It can't be told which of the people on the server this connection is; nobody was taken out."""


class Gone(Exception):
    """The person, or the conference, is not there any more."""


def conference_of(booking: Booking) -> Conference | None:
    """Return the conference of one of the booking's meetings that is open now, with people in it."""
    running = Conference.objects.filter(occurrence__booking=booking, closed_at=None, people_now__gt=0)
    return running.select_related("server", "occurrence__booking").order_by("-opened_at").first()


def people_in(conference: Conference) -> list[Inside]:
    """Return who is inside, in the order in which they came. Telephones and people without a token have no name."""
    presences = conference.presences.filter(left_at=None).select_related("attendee").order_by("joined_at", "pk")
    found: dict[str, Inside] = {}
    for presence in presences:
        found.setdefault(presence.occupant_jid, _inside(presence))
    return list(found.values())


def find_inside(conference: Conference, pk: int) -> tuple[Presence, Inside] | None:
    presence = conference.presences.filter(left_at=None, pk=pk).select_related("attendee__booking").first()
    return None if presence is None else (presence, _inside(presence))


def remove(conference: Conference, presence: Presence, *, by: User, now: datetime, new_link: bool = False) -> None:
    """Put the person out of the conference, and with `new_link` make their link useless; they are mailed another one.

    Raises: services.NotAllowed; CantTell, Gone; Unreachable, NotControlled of the server.
    """
    booking = _changeable(conference, by=by)
    control = Control(conference.server)
    nick = _nick(presence, conference, control.rooms_people(conference.name))
    if not control.kick(conference.name, nick, now=now):
        raise Gone
    with transaction.atomic():
        events.record(
            booking,
            BookingEvent.Kind.PERSON_REMOVED,
            actor=by,
            at=now,
            occurrence=conference.occurrence,
            data={} if presence.attendee_id is None else {"attendee": presence.attendee_id},
        )
    if new_link and presence.attendee is not None:
        services.revoke_join_link(presence.attendee, by=by, now=now)


def end(conference: Conference, *, by: User, now: datetime) -> None:
    """End the conference for everybody. The session stays as it is: until its end its people may come in again.

    Raises: services.NotAllowed; Unreachable, NotControlled of the server.
    """
    booking = _changeable(conference, by=by)
    # Where the server has it no more, somebody else was faster: it was ended once, and is noted once.
    if Control(conference.server).end(conference.name, now=now):
        with transaction.atomic():
            kind = BookingEvent.Kind.CONFERENCE_CLOSED
            events.record(booking, kind, actor=by, at=now, occurrence=conference.occurrence)
    attendance.close(conference, now, by=Conference.Closed.ENDED, now=now)


def _changeable(conference: Conference, *, by: User) -> Booking:
    """Return the booking, anew. Raises: services.NotAllowed."""
    assert conference.occurrence is not None
    booking = Booking.objects.get(pk=conference.occurrence.booking_id)
    if not may_change(by, booking):
        raise services.NotAllowed
    return booking


def _inside(presence: Presence) -> Inside:
    person: Attendee | None = presence.attendee
    name = _("somebody without a name, for instance on the telephone") if person is None else person.label
    return Inside(presence.pk, name, person is not None, presence.joined_at)


def _nick(presence: Presence, conference: Conference, there: list[Occupant]) -> str:
    """Return what the server calls the connection: by its address, else by a name that only one there has.

    Raises: CantTell; Gone where nobody is there.
    """
    if not there:
        raise Gone
    usual = presence.occupant_jid.partition("@")[0][:_NICK]
    if sum(one.nick == usual for one in there) == 1:
        return usual
    name = presence.attendee.name if presence.attendee is not None else ""
    same = [one.nick for one in there if name and one.display_name.strip() == name]
    connections = conference.presences.filter(left_at=None, attendee=presence.attendee).count()
    # Two windows of one person, or somebody who calls themselves like another, are not told apart.
    if len(same) != 1 or connections != 1:
        raise CantTell
    return same[0]
