"""Sends a colleague in the place of somebody who is invited (RFC 5546 3.2.2.3), and takes it back."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from bookings import events, rows
from bookings.events import Topic
from bookings.models import Answer, Attendee
from bookings.party_queries import chain_above, chain_below, delegate_of, with_kind
from bookings.services import answers
from bookings.services.answers import GivenAnswer
from bookings.services.errors import in_one_transaction
from bookings.services.naming import (
    NamingRefused,
    Reason,
    find_invitees,
    invite_for,
    lock_guest,
    refuse_more,
    take_out,
)

#: Who is sent may send somebody on; the third in a row may not.
MAX_CHAIN = 3
PartStat, Standing, Via = Attendee.PartStat, Answer.Standing, Answer.Via


def delegate(attendee: Attendee, *, name: str, email: str, comment: str = "", now: datetime) -> Attendee:
    """Have a colleague go in the participant's place, invited with a link of their own; return the colleague.

    The participant's answer is DELEGATED and the organizer hears of it. A second delegation takes the place of the
    first unless whoever was sent has answered; the same one again changes nothing.
    Raises: NamingRefused, and what `naming.lock_guest` raises.
    """
    return in_one_transaction(partial(_delegate, attendee, name, email.strip(), comment, now=now))


def _delegate(attendee: Attendee, name: str, email: str, comment: str, *, now: datetime) -> Attendee:
    booking, guest = lock_guest(attendee, now=now)
    earlier = delegate_of(guest)
    if earlier is not None and earlier.email.lower() == email.lower():
        return earlier
    if earlier is not None and is_used(earlier):
        raise NamingRefused(Reason.ANSWERED, attendee=earlier)
    refuse_more(booking, guest, 1, now=now)
    above = chain_above(guest)
    if len(above) >= MAX_CHAIN:
        raise NamingRefused(Reason.CHAIN, limit=MAX_CHAIN)
    invitees = find_invitees(booking, guest, [(name, email)], above=above)
    _forget_sending(guest)
    given = GivenAnswer(
        PartStat.DELEGATED,
        comment=comment,
        sequence=booking.sequence,
        via=Via.PAGE,
        delegated_to=invitees[0].email,
    )
    answer = answers.record_answer(guest, given, occurrence=guest.occurrence, now=now)
    if answer.standing != Standing.COUNTED:
        raise NamingRefused(Reason.OVERTAKEN)
    leaving = [] if earlier is None else [earlier]
    [added] = invite_for(guest, invitees, leaving=leaving, how={"delegated_by": guest.pk}, now=now)
    events.notify(
        Topic.DELEGATED, user_ids=[booking.organizer_id], at=now, booking=booking, data={"attendee": added.pk}
    )
    return added


def is_used(delegate: Attendee) -> bool:
    """Say whether who was sent has answered already, or brought somebody along."""
    return delegate.partstat != PartStat.NEEDS_ACTION or delegate.answers.exists() or delegate.named.exists()


def take_back(attendee: Attendee, *, named: Attendee, now: datetime) -> bool:
    """Take somebody off the list whom the participant has sent or registered; return False where they are not there.

    With who was sent go those whom they have sent on. What the participant answered before counts again.
    Raises: what `naming.lock_guest` raises.
    """
    return in_one_transaction(partial(_take_back, attendee, named, now=now))


def _take_back(attendee: Attendee, named: Attendee, *, now: datetime) -> bool:
    booking, guest = lock_guest(attendee, now=now)
    found = with_kind(guest.named.filter(pk=named.pk, removed_at=None)).first()
    if found is None:
        return False
    was_sent = bool(found.was_sent)  # type: ignore[attr-defined]  # annotated by with_kind
    leaving = [found, *chain_below(found)]
    if was_sent:
        _forget_sending(guest)
        rows.recount(guest, booking)
    how = {"taken_back_by": guest.pk, "sent": was_sent}
    take_out(guest, leaving, how=how, now=now)
    if was_sent:
        data = {"attendee": found.pk}
        events.notify(Topic.DELEGATION_ENDED, user_ids=[booking.organizer_id], at=now, booking=booking, data=data)
    return True


def _forget_sending(guest: Attendee) -> None:
    """Have answers by which the guest sent somebody on the page count no longer; they stay in the history."""
    sending = guest.answers.filter(partstat=PartStat.DELEGATED, via=Via.PAGE, standing=Standing.COUNTED)
    sending.update(standing=Standing.OUTDATED)
