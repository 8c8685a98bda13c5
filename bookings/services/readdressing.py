"""Corrects the address at which somebody is invited: for calendars one participant leaves and another one joins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from django.db import transaction

from accounts.models import User
from accounts.services import correct_contact
from bookings import as_request, events, rows
from bookings.events import Topic
from bookings.models import Answer, Attendee, Booking, BookingEvent, Occurrence
from bookings.participants import Invitee, resolve
from bookings.permissions import may_correct_contacts
from bookings.rules import Participant
from bookings.services.errors import AlreadyOver, LedOutside, NotAllowed, Refused, in_one_transaction
from bookings.services.locks import lock_booking
from bookings.services.naming import NamingRefused, Reason, lock_guest
from bookings.services.steps import step

Kind = BookingEvent.Kind


class AddressTaken(Exception):
    """Somebody is invited at this address already, or it is the one that was to be corrected."""

    def __init__(self, attendee: Attendee) -> None:
        super().__init__(attendee.email)
        self.attendee = attendee


class AddressOfAccount(Exception):
    """The address is the one of an account: whoever has it, or IT, changes it there."""


@dataclass(frozen=True, slots=True)
class _Joining:
    """Who takes the place of the old participant, and who else leaves: guests of single meetings at that address."""

    invitee: Invitee
    leaving: tuple[Attendee, ...]


def correct_address(attendee: Attendee, email: str, *, in_contacts: bool = False, by: User, now: datetime) -> Attendee:
    """Invite the participant at another address, and return them as they are now; the old link stops working.

    Name, language and the meetings that they miss go along; what was answered from the old address stays in the
    history and no longer counts. `in_contacts`: correct the contact too, so that the next session finds it right.
    Raises: AddressTaken, AddressOfAccount; accounts.services.AddressInUse where another contact has it; Refused for
    what is no address; NotAllowed, AlreadyOver.
    """
    return in_one_transaction(partial(_correct, attendee, email.strip(), in_contacts=in_contacts, by=by, now=now))


def _correct(attendee: Attendee, email: str, *, in_contacts: bool, by: User, now: datetime) -> Attendee:
    booking = lock_booking(attendee.booking, by=by, now=now, version=None)
    if booking.is_outside:
        raise LedOutside
    old = booking.attendees.select_related("contact", "occurrence").get(pk=attendee.pk)
    if old.removed_at is not None or (old.occurrence and _is_off(old.occurrence, now=now)):
        raise AlreadyOver
    if old.user_id is not None or old.is_organizer:
        raise AddressOfAccount
    if in_contacts and old.contact is not None:
        if not may_correct_contacts(by):
            raise NotAllowed
        correct_contact(old.contact, email=email)
    return _readdress(booking, old, email, by=by, how={}, now=now)


def check_own_address(attendee: Attendee, email: str, *, now: datetime) -> None:
    """Raise what `correct_own_address` would, and write nothing: before a mail goes to the new address."""
    with transaction.atomic():
        booking, old = lock_guest(attendee, now=now)
        _find_joining(booking, _own(old), email.strip())


def correct_own_address(attendee: Attendee, email: str, *, now: datetime) -> Attendee:
    """As `correct_address`, by the participant, who has proved that mail to the new address reaches them.

    The address book stays as it is; the organizer, who knows whose contact it is, hears of the new address.
    Raises: AddressTaken, AddressOfAccount; NamingRefused in a closed session; Refused for what is no address; what
    `naming.lock_guest` raises.
    """
    return in_one_transaction(partial(_correct_own, attendee, email.strip(), now=now))


def _correct_own(attendee: Attendee, email: str, *, now: datetime) -> Attendee:
    booking, old = lock_guest(attendee, now=now)
    added = _readdress(booking, _own(old), email, by=None, how={"by_guest": True}, now=now)
    data = {"attendee": added.pk, "before": old.pk}
    events.notify(Topic.READDRESSED, user_ids=[booking.organizer_id], at=now, booking=booking, data=data)
    return added


def _own(old: Attendee) -> Attendee:
    """Return the participant, who may choose where they are invited: not whoever comes to a closed session."""
    if old.user_id is not None:
        raise AddressOfAccount
    if old.booking.is_private:
        raise NamingRefused(Reason.CLOSED)
    return old


def _readdress(
    booking: Booking, old: Attendee, email: str, *, by: User | None, how: dict[str, bool], now: datetime
) -> Attendee:
    joining = _find_joining(booking, old, email)
    step(booking, now=now, material=True)
    booking.save()
    leaving = [old, *joining.leaving]
    rows.remove(leaving, now=now)
    [added] = rows.invite(booking, [joining.invitee], now=now, occurrence=old.occurrence, named_by=old.named_by)
    rows.take_over_absences(old, added)
    _take_over_party(old, added)
    people = {"added": [added.pk], "removed": [item.pk for item in leaving], "readdressed": True, **how}
    if old.occurrence is None:
        events.record(booking, Kind.PARTICIPANTS_CHANGED, actor=by, at=now, data=people)
    else:
        data = {"people": people}
        events.record(booking, Kind.MEETING_CHANGED, actor=by, at=now, occurrence=old.occurrence, data=data)
    return added


def _take_over_party(old: Attendee, new: Attendee) -> None:
    """Leave with the new row what was said of room and people, whom they named, and whose place they take."""
    new.own_room, new.headcount = old.own_room, old.headcount
    new.save(update_fields=["own_room", "headcount"])
    old.named.update(named_by=new)
    sending = Answer.objects.filter(
        partstat=Attendee.PartStat.DELEGATED, via=Answer.Via.PAGE, standing=Answer.Standing.COUNTED
    )
    # The invitation to the new address asks them as little as the old one did by then: somebody goes in their place.
    if sending.filter(attendee=old).update(attendee=new, sequence=new.invited_sequence):
        rows.recount(new, new.booking)
    if old.named_by_id is not None:
        sending.filter(attendee=old.named_by_id, delegated_to=old.email.lower()).update(delegated_to=new.email.lower())


def _is_off(meeting: Occurrence, *, now: datetime) -> bool:
    return meeting.ends_at <= now or meeting.status == Occurrence.Status.CANCELLED


def _find_joining(booking: Booking, old: Attendee, email: str) -> _Joining:
    """Return who is at the address: somebody the office knows, else the same person. Raises: AddressTaken, Refused."""
    present = list(booking.attendees.filter(email__iexact=email, removed_at=None))
    for item in present:
        if item.occurrence_id in {None, old.occurrence_id}:
            raise AddressTaken(item)
    meeting = old.occurrence or booking.occurrences.filter(status=Occurrence.Status.CONFIRMED).latest("starts_at")
    person = Participant(email=email, name=old.name, language=old.language)
    found = resolve(replace(as_request.of_meeting(meeting), participants=(person,)))
    if found.refusals:
        raise Refused(found.refusals)
    invitee = next(item for item in found.invitees if not item.is_organizer)
    if invitee.user_id is None and invitee.contact_id is None:
        invitee = replace(invitee, time_zone=old.time_zone)
    return _Joining(invitee, tuple(present) if old.occurrence_id is None else ())
