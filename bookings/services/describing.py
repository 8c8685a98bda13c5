"""Notes what a participant says of their own side: in which room they sit, and how many they are."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from bookings import events
from bookings.models import Attendee, BookingEvent
from bookings.rules import clean_line
from bookings.services.naming import NamingRefused, Reason, lock_guest

MAX_ROOM_LENGTH, MAX_HEADCOUNT = 120, 999
#: Nobody counts their people more often; a program that has got the address might.
SAID_AN_HOUR = 20


def describe_party(attendee: Attendee, *, own_room: str, headcount: int | None, now: datetime) -> bool:
    """Note room and number of people on the participant's side; return whether anything is new.

    `headcount`: themself included, 1 to `MAX_HEADCOUNT`; None: not said. Nobody is mailed, no calendar changes.
    Raises: ValueError for a number that can't be; NamingRefused (TOO_OFTEN), and what `naming.lock_guest` raises.
    """
    if headcount is not None and not 1 <= headcount <= MAX_HEADCOUNT:
        raise ValueError(headcount)
    own_room = clean_line(own_room)[:MAX_ROOM_LENGTH]
    with transaction.atomic():
        booking, guest = lock_guest(attendee, now=now)
        if (guest.own_room, guest.headcount) == (own_room, headcount):
            return False
        lately = booking.events.filter(kind=BookingEvent.Kind.PARTY_SAID, at__gt=now - timedelta(hours=1))
        if lately.filter(data__attendee=guest.pk).count() >= SAID_AN_HOUR:
            raise NamingRefused(Reason.TOO_OFTEN, limit=SAID_AN_HOUR)
        guest.own_room, guest.headcount = own_room, headcount
        guest.save(update_fields=["own_room", "headcount"])
        # Of a series the history of the one meeting that they come to.
        events.record(
            booking,
            BookingEvent.Kind.PARTY_SAID,
            actor=guest.user,
            at=now,
            occurrence=guest.occurrence,
            data={"attendee": guest.pk},
        )
        return True
