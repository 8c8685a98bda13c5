"""Sessions that nobody came to: their rooms and licences go to others, and the organizer hears of it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from bookings import events
from bookings.models import Booking, BookingEvent, ConferenceRun, LicenceHold, Occurrence, as_range
from bookings.services import freed_rooms, locks, releases
from bookings.services.errors import in_one_transaction
from rooms.interval import Interval

Kind = BookingEvent.Kind


def note_no_shows(now: datetime, *, watched: Collection[int]) -> int:
    """Note the meetings whose conference nobody has joined NO_SHOW_MINUTES after their start; return how many.

    `watched`: the keys of meetings whose server was heard of all along; of others nobody knows. Only of sessions that
    hold a licence: the others meet without a conference. Their licences, the rooms of that kind and movable equipment
    are free from now on and are offered on; the organizer is told. Somebody who joins after all takes again what is
    still there (`record_started`). Found by query, each in a transaction of its own; called again, it does nothing.
    """
    if not settings.NO_SHOW_MINUTES or not watched:
        return 0
    found = list(_missed(now).filter(pk__in=watched).order_by("pk").values_list("pk", flat=True))
    return sum(in_one_transaction(partial(_note, pk, now=now)) for pk in found)


def _missed(now: datetime) -> QuerySet[Occurrence]:
    held = LicenceHold.objects.filter(occurrence=OuterRef("pk"), live=True, period__contains=now)
    # Who was there before it could be opened, was there before the session was moved.
    opens = timedelta(minutes=max(settings.JOIN_OPENS_MINUTES, settings.JOIN_OPENS_ORGANIZER_MINUTES))
    came = Q(ended_at=None) | Q(ended_at__gt=OuterRef("starts_at") - opens)
    runs = ConferenceRun.objects.filter(came, occurrence=OuterRef("pk"))
    return Occurrence.objects.filter(
        Q(no_show_at=None) | Q(no_show_at__lt=F("starts_at")),
        ~Exists(runs),
        Exists(held),
        starts_at__lte=now - timedelta(minutes=settings.NO_SHOW_MINUTES),
        ends_at__gt=now,
        status=Occurrence.Status.CONFIRMED,
        booking__status=Booking.Status.CONFIRMED,
        booking__is_outside=False,
    )


def _note(pk: int, *, now: datetime) -> int:
    """Note one of them. What somebody is changing or joining just now is left to the next time."""
    bookings = Booking.objects.filter(occurrences=pk).order_by("pk")
    if bookings.select_for_update(no_key=True, skip_locked=True, of=("self",)).first() is None:
        return 0
    locks.lock_held([pk])
    # Somebody may have joined before the locks were there.
    meeting = _missed(now).select_related("booking").filter(pk=pk).first()
    if meeting is None:
        return 0
    meeting.no_show_at = now
    meeting.save(update_fields=["no_show_at"])
    rest = [*_end_seats(meeting, now=now), *freed_rooms.give_back(meeting, now=now, is_used=False)]
    booking = meeting.booking
    events.record(booking, Kind.NO_SHOW, actor=None, at=now, occurrence=meeting)
    told = [booking.organizer_id, booking.created_by_id]
    data = {"occurrence": meeting.pk}
    events.notify(events.Topic.NO_SHOW, user_ids=told, at=now, booking=booking, data=data)
    releases.freed(rest, now=now)
    return 1


def _end_seats(meeting: Occurrence, *, now: datetime) -> list[Interval]:
    rest = []
    held = LicenceHold.objects.filter(occurrence=meeting.pk, live=True, period__endswith__gt=now)
    held = held.filter(period__startswith__lt=now)
    for hold in held.order_by("pk"):
        rest.append(Interval(now, hold.interval.end_at))
        hold.period = as_range(Interval(hold.interval.start_at, now))
        hold.save(update_fields=["period"])
    return rest
