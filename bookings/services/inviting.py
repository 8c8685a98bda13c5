"""Sends invitations and join links once more."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import User
from bookings import events, rows
from bookings.models import Attendee, BookingEvent
from bookings.services.errors import AlreadyOver
from bookings.services.locks import lock_booking
from bookings.services.steps import step

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


def revoke_join_link(attendee: Attendee, *, by: User, now: datetime) -> None:
    """Kill the participant's join link and send them a new one.

    Raises: NotAllowed, AlreadyOver.
    """
    with transaction.atomic():
        rows.renew_join_key(attendee)
        invite_again(attendee, by=by, now=now)
