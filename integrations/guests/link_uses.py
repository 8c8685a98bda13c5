"""Notes from which places a personal link is used, so that the organizer learns of one that was passed on.

Only what a person does counts: coming in through the open door, and sending something. Reading does not: programs
that check mails read every link (docs/decisions/0029).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from bookings.models import Attendee, Booking, Occurrence
from integrations.guests.clients import browser_of, is_program, network_of
from integrations.guests.models import LinkUse

#: How many places are kept of one person.
PLACES = 20
#: Of two places that follow each other so closely the organizer is told.
TOGETHER = timedelta(days=1)
#: How often the same place is written.
_WRITTEN = timedelta(hours=1)
#: How long after the person's last meeting it is kept.
_KEPT = timedelta(days=1)
_SALT = "integrations.guests.link_uses"
_LENGTH = 16
# Beside the numbers of other advisory locks.
_NOTING = 0x4C696E6B


def note_use(request: HttpRequest, attendee: Attendee, *, now: datetime) -> None:
    """Note that the person's link was used. Nothing is written of programs, nor of who is signed in as this person.

    One query where the place is known and was noted within the hour.
    """
    if is_program(request) or _is_proved(request, attendee):
        return
    link = _link_of(attendee)
    place = _digest(f"{link}:{network_of(request)}:{browser_of(request)}")
    if not _is_written(attendee, place, now=now):
        _write(attendee, link, place, now=now)


def used_from_two_places(booking: Booking) -> dict[int, Attendee]:
    """Return, by key, those whose present link was used from two places within a day of each other. One query."""
    uses = LinkUse.objects.filter(
        attendee__booking=booking, attendee__removed_at=None, beside_at__isnull=False
    ).select_related("attendee")
    return {use.attendee_id: use.attendee for use in uses.order_by("attendee") if use.link == _link_of(use.attendee)}


def forget_uses(now: datetime) -> int:
    """Delete what is noted of people whose last meeting ended more than a day before `now`; return how many rows."""
    coming = Occurrence.objects.filter(status=Occurrence.Status.CONFIRMED, ends_at__gt=now - _KEPT)
    coming = coming.exclude(booking__status=Booking.Status.CANCELLED)
    of_all = Exists(coming.filter(booking=OuterRef("attendee__booking")))
    of_one = Exists(coming.filter(pk=OuterRef("attendee__occurrence")))
    kept = (Q(attendee__occurrence=None) & of_all) | of_one
    return LinkUse.objects.exclude(kept).delete()[0]


def _is_proved(request: HttpRequest, attendee: Attendee) -> bool:
    return attendee.user_id is not None and attendee.user_id == getattr(request.user, "pk", None)


def _is_written(attendee: Attendee, place: str, *, now: datetime) -> bool:
    return LinkUse.objects.filter(attendee=attendee, place=place, last_at__gt=now - _WRITTEN).exists()


def _write(attendee: Attendee, link: str, place: str, *, now: datetime) -> None:
    with transaction.atomic():
        # Two places at once each have to see the other.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_NOTING, attendee.pk % 2**31])
        LinkUse.objects.filter(attendee=attendee).exclude(link=link).delete()
        uses = list(LinkUse.objects.filter(attendee=attendee))
        mine = next((use for use in uses if use.place == place), None)
        is_full = mine is None and len(uses) >= PLACES
        if is_full or (mine is not None and mine.last_at > now - _WRITTEN):
            return
        use = mine or LinkUse(attendee=attendee, link=link, place=place, first_at=now)
        use.last_at = max(now, use.first_at)
        if _stand_together(uses, place, now=now):
            use.beside_at = now
        use.save()


def _stand_together(uses: Collection[LinkUse], place: str, *, now: datetime) -> bool:
    return any(use.place != place and use.last_at > now - TOGETHER for use in uses)


def _link_of(attendee: Attendee) -> str:
    return _digest(f"{attendee.pk}:{attendee.join_key}")


def _digest(value: str) -> str:
    """Return 64 bits of an HMAC: who has the database without SECRET_KEY can't try networks one by one."""
    return salted_hmac(_SALT, value, algorithm="sha256").hexdigest()[:_LENGTH]
