"""Registers several participants from the address of one: an office's mailbox names who will come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from bookings import events
from bookings.events import Topic
from bookings.models import Attendee
from bookings.party_queries import MAX_REGISTERED, party_of
from bookings.services.errors import in_one_transaction
from bookings.services.naming import NamingRefused, Reason, find_invitees, invite_for, lock_guest, refuse_more


def register(attendee: Attendee, people: Sequence[tuple[str, str]], *, now: datetime) -> list[Attendee]:
    """Invite these people (name and address) with the participant, each by their own link; all or nobody.

    For participants without an account who were invited by the office itself, at most `MAX_REGISTERED` at a time.
    Raises: NamingRefused, which says of everybody what is wrong, and what `naming.lock_guest` raises.
    """
    return in_one_transaction(partial(_register, attendee, people, now=now))


def _register(attendee: Attendee, people: Sequence[tuple[str, str]], *, now: datetime) -> list[Attendee]:
    booking, guest = lock_guest(attendee, now=now)
    if not people:
        raise NamingRefused(Reason.NOBODY)
    if guest.user_id is not None or guest.named_by_id is not None:
        raise NamingRefused(Reason.NOT_YOURS)
    left = party_of(guest).places_left
    if len(people) > left:
        raise NamingRefused(Reason.TOO_MANY, limit=MAX_REGISTERED)
    refuse_more(booking, guest, len(people), now=now)
    invitees = find_invitees(booking, guest, people)
    added = invite_for(guest, invitees, how={"registered_by": guest.pk}, now=now)
    data = {"attendee": guest.pk, "added": [item.pk for item in added]}
    events.notify(Topic.REGISTERED, user_ids=[booking.organizer_id], at=now, booking=booking, data=data)
    return added
