"""What all who bring somebody along have in common: whom they may name, and how those are invited."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings

from bookings import as_request, events, rows
from bookings.models import Attendee, Booking, BookingEvent, Occurrence
from bookings.participants import Invitee, resolve
from bookings.rules import Participant, clean_line
from bookings.services import answers
from bookings.services.errors import AlreadyOver, LedOutside, NotAllowed
from bookings.services.steps import step

#: So many people one participant may name within an hour, those who were taken out again included: each gets a mail.
NAMED_AN_HOUR = 15
Kind = BookingEvent.Kind


class Reason(StrEnum):
    """Why somebody can't be brought along."""

    #: Of one person.
    NO_ADDRESS = "no_address"
    TWICE = "twice"
    INVITED = "invited"
    #: They sent who would send them.
    SENT_YOU = "sent_you"
    #: Of all. A closed session: who takes part is for the organizer to say.
    CLOSED = "closed"
    TOO_OFTEN = "too_often"
    TOO_MANY = "too_many"
    NOBODY = "nobody"
    #: Who was brought along brings nobody but somebody in their own place, and not for ever.
    NOT_YOURS = "not_yours"
    CHAIN = "chain"
    #: Who was sent has answered or sent somebody: take them back first.
    ANSWERED = "answered"
    #: A newer answer was there already.
    OVERTAKEN = "overtaken"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with the person in this place of the list. `attendee`: who is there already."""

    place: int
    email: str
    reason: Reason
    attendee: Attendee | None = None


class NamingRefused(Exception):
    """Nobody was invited. `problems`: person by person, where `reason` is about one of them.

    `limit`: how many there may be. `attendee`: whom it is about.
    """

    def __init__(
        self,
        reason: Reason,
        *,
        problems: Sequence[Problem] = (),
        limit: int = 0,
        attendee: Attendee | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason, self.problems, self.limit, self.attendee = reason, tuple(problems), limit, attendee


def lock_guest(attendee: Attendee, *, now: datetime) -> tuple[Booking, Attendee]:
    """Lock the booking, and read it and the participant anew.

    Raises: AlreadyOver where nothing is to come for this person; NotAllowed for the organizer, who changes the session
    instead; LedOutside.
    """
    booking = answers.lock(attendee.booking_id)
    if booking.is_outside:
        raise LedOutside
    guest = Attendee.objects.select_related("user", "contact", "occurrence").get(pk=attendee.pk)
    guest.booking = booking
    if guest.is_organizer:
        raise NotAllowed
    is_gone = guest.removed_at is not None or booking.status != Booking.Status.CONFIRMED
    if is_gone or answers.is_off(booking, guest.occurrence) or answers.is_over(booking, guest.occurrence, now=now):
        raise AlreadyOver
    return booking, guest


def refuse_more(booking: Booking, guest: Attendee, count: int, *, now: datetime) -> None:
    """Refuse `count` more people in a closed session or a full one, or of a guest who names too many.

    Raises: NamingRefused.
    """
    if booking.is_private:
        raise NamingRefused(Reason.CLOSED)
    lately = Attendee.objects.filter(named_by=guest, invited_at__gt=now - timedelta(hours=1)).count()
    if lately + count > NAMED_AN_HOUR:
        raise NamingRefused(Reason.TOO_OFTEN, limit=NAMED_AN_HOUR)
    present = booking.attendees.filter(removed_at=None).count()
    if present + count > settings.MAX_PARTICIPANTS:
        raise NamingRefused(Reason.TOO_MANY, limit=settings.MAX_PARTICIPANTS)


def find_invitees(
    booking: Booking, guest: Attendee, people: Sequence[tuple[str, str]], *, above: Collection[Attendee] = ()
) -> list[Invitee]:
    """Return whom these names and addresses mean, each with the guest's language unless the office knows them.

    `above`: who sent the guest. Raises: NamingRefused, which names everybody who is wrong.
    """
    named = [Participant(email=email, name=clean_line(name), language=guest.language) for name, email in people]
    meeting = guest.occurrence or booking.occurrences.filter(status=Occurrence.Status.CONFIRMED).latest("starts_at")
    request = as_request.of_meeting(meeting)
    there = {
        item.email.lower(): item
        for item in booking.attendees.filter(removed_at=None)
        if item.occurrence_id in {None, guest.occurrence_id}
    }
    senders = {item.email.lower(): item for item in above}
    found: dict[str, Invitee] = {}
    problems = []
    for place, person in enumerate(named):
        outcome = resolve(replace(request, participants=(person,)))
        key = person.email.strip().lower()
        reason = _wrong(key, invalid=bool(outcome.refusals), taken=found, there=there, senders=senders)
        if reason is not None:
            problems.append(Problem(place, person.email, reason, senders.get(key) or there.get(key)))
            continue
        invitee = next((item for item in outcome.invitees if not item.is_organizer), outcome.invitees[0])
        is_known = invitee.user_id is not None or invitee.contact_id is not None
        found[key] = invitee if is_known else replace(invitee, time_zone=guest.time_zone)
    if problems:
        raise NamingRefused(problems[0].reason, problems=problems)
    return list(found.values())


def _wrong(
    key: str,
    *,
    invalid: bool,
    taken: Collection[str],
    there: Collection[str],
    senders: Collection[str],
) -> Reason | None:
    if invalid:
        return Reason.NO_ADDRESS
    if key in senders:
        return Reason.SENT_YOU
    if key in there:
        return Reason.INVITED
    return Reason.TWICE if key in taken else None


def invite_for(
    guest: Attendee,
    invitees: Sequence[Invitee],
    *,
    leaving: Sequence[Attendee] = (),
    how: dict[str, Any],
    now: datetime,
) -> list[Attendee]:
    """Invite people whom the guest names to what the guest is invited to, each by their own link.

    `leaving`: who is taken out at the same time. `how`: what the event says besides.
    """
    booking = guest.booking
    leaving = [*leaving, *_of_single_meetings(guest, invitees)]
    step(booking, now=now, material=True)
    booking.save()
    rows.remove(leaving, now=now)
    added = rows.invite(booking, invitees, now=now, occurrence=guest.occurrence, named_by=guest)
    for item in added:
        rows.take_over_absences(guest, item)
    people = {"added": [item.pk for item in added], "removed": [item.pk for item in leaving], **how}
    record_people(guest, people, now=now)
    return added


def take_out(guest: Attendee, leaving: Sequence[Attendee], *, how: dict[str, Any], now: datetime) -> None:
    """Take people off the list, because the guest says so; their calendars are told as after every removal."""
    booking = guest.booking
    step(booking, now=now, material=True)
    booking.save()
    rows.remove(leaving, now=now)
    record_people(guest, {"added": [], "removed": [item.pk for item in leaving], **how}, now=now)


def record_people(guest: Attendee, people: dict[str, Any], *, now: datetime) -> None:
    """Record who joins and who leaves because of this guest: the session, or the one meeting that they come to."""
    booking, people = guest.booking, {**people, "by_guest": True}
    if guest.occurrence is None:
        events.record(booking, Kind.PARTICIPANTS_CHANGED, actor=guest.user, at=now, data=people)
    else:
        data = {"people": people}
        events.record(booking, Kind.MEETING_CHANGED, actor=guest.user, at=now, occurrence=guest.occurrence, data=data)


def _of_single_meetings(guest: Attendee, invitees: Sequence[Invitee]) -> list[Attendee]:
    """Return invitations to single meetings that those who join the whole series give up."""
    if guest.occurrence_id is not None or not guest.booking.is_series:
        return []
    emails = {item.email.lower() for item in invitees}
    own = guest.booking.attendees.filter(removed_at=None, occurrence__isnull=False)
    return [item for item in own if item.email.lower() in emails]
