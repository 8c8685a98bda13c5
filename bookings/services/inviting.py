"""Sends invitations and join links once more."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import User
from bookings import events, rows
from bookings.models import Attendee, Booking, BookingEvent
from bookings.services.errors import AlreadyOver
from bookings.services.locks import lock_booking
from bookings.services.steps import step

#: A calendar that asks all the time is sent no more than this, with what the organizer has sent again.
REFRESHES_AN_HOUR = 3
Kind = BookingEvent.Kind


def invite_again(attendee: Attendee, *, by: User, now: datetime) -> None:
    """Send one participant their invitation once more, with a new DTSTAMP and the same SEQUENCE.

    Raises: NotAllowed, AlreadyOver.
    """
    with transaction.atomic():
        booking = lock_booking(attendee.booking, by=by, now=now, version=None)
        if attendee.removed_at is not None:
            raise AlreadyOver
        step(booking, now=now, material=False)
        booking.save()
        events.record(booking, Kind.INVITED_AGAIN, actor=by, at=now, data={"attendee": attendee.pk})


def refresh(attendee: Attendee, *, now: datetime) -> bool:
    """Send a participant what their calendar asked for (REFRESH, G10): the same SEQUENCE, a new DTSTAMP.

    Nobody acts, so nobody needs a permission; who asks too often, or is not invited any more, is sent nothing. Say
    whether something was sent.
    """
    with transaction.atomic():
        booking = Booking.objects.select_for_update(no_key=True).get(pk=attendee.booking_id)
        if not _may_refresh(booking, attendee, now=now):
            return False
        step(booking, now=now, material=False)
        booking.save()
        events.record(booking, Kind.INVITED_AGAIN, actor=None, at=now, data={"attendee": attendee.pk})
    return True


def _may_refresh(booking: Booking, attendee: Attendee, *, now: datetime) -> bool:
    if booking.status != Booking.Status.CONFIRMED:
        return False
    meetings = booking.occurrences.filter(ends_at__gt=now, status="confirmed")
    if attendee.occurrence_id is not None:
        meetings = meetings.filter(pk=attendee.occurrence_id)
    present = Attendee.objects.filter(pk=attendee.pk, removed_at=None)
    if not (present.exists() and meetings.exists()):
        return False
    lately = booking.events.filter(kind=Kind.INVITED_AGAIN, at__gt=now - timedelta(hours=1))
    return lately.filter(data__attendee=attendee.pk).count() < REFRESHES_AN_HOUR


def revoke_join_link(attendee: Attendee, *, by: User, now: datetime) -> None:
    """Kill the participant's join link and send them a new one.

    Raises: NotAllowed, AlreadyOver.
    """
    with transaction.atomic():
        rows.renew_join_key(attendee)
        invite_again(attendee, by=by, now=now)
