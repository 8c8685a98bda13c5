"""Reads for a whole batch of mails what would otherwise be read for each session: four queries instead of four each.

Most sessions have few participants, so asking for each of them is a large part of what a mail costs. What is not read
here (series, what is cancelled) is read by the mail that needs it, under the same keys.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from django.db.models import Count

from bookings.models import Attendee, Booking, Occurrence, RoomHold
from notifications.compose import keys
from notifications.compose.shelf import Shelf
from notifications.models import Message
from rooms.models import Room


def shelf_for(batch: Sequence[Message]) -> Shelf:
    """Return a shelf with what the letters of the batch are about."""
    shelf = Shelf()
    bookings = {message.booking.pk: message.booking for message in batch if _is_letter(message) and message.booking}
    if len(bookings) > 1:
        _put_sessions(shelf, [booking for booking in bookings.values() if _is_plain(booking)])
        _put_guests(shelf, bookings.values())
        _put_first_mails(shelf, bookings)
    return shelf


def _is_letter(message: Message) -> bool:
    return message.raw is None and message.attendee_id is not None


def _is_plain(booking: Booking) -> bool:
    return not booking.is_series and not booking.is_cancelled


def _put_sessions(shelf: Shelf, bookings: Sequence[Booking]) -> None:
    by_key = {booking.pk: booking for booking in bookings}
    rooms: dict[int, list[Room]] = defaultdict(list)
    holds = RoomHold.objects.filter(occurrence__booking__in=by_key, live=True).select_related("room__site")
    for hold in holds.order_by("position", "pk"):
        if hold.occurrence_id is not None:
            rooms[hold.occurrence_id].append(hold.room)
    for meeting in Occurrence.objects.filter(booking__in=by_key, status=Occurrence.Status.CONFIRMED):
        booking = by_key[meeting.booking_id]
        meeting.booking = booking
        shelf.put(keys.session(booking), (meeting, tuple(rooms[meeting.pk])))


def _put_guests(shelf: Shelf, bookings: Iterable[Booking]) -> None:
    by_key = {booking.pk: booking for booking in bookings}
    present = Attendee.objects.filter(booking__in=by_key, removed_at=None, is_organizer=False, occurrence=None)
    counted = dict(present.order_by().values("booking").annotate(count=Count("pk")).values_list("booking", "count"))
    for pk, booking in by_key.items():
        shelf.put(keys.guests(booking), counted.get(pk, 0))


def _put_first_mails(shelf: Shelf, bookings: Mapping[int, Booking]) -> None:
    """Put the Message-ID of the first mail that may have reached each address, by booking.

    Mails to one address about one booking leave one after another, so none of the same batch comes too late for it.
    """
    first: dict[int, dict[str, tuple[int, str]]] = {pk: {} for pk in bookings}
    arrived = Message.objects.filter(booking__in=bookings, may_have_arrived=True).exclude(message_id="")
    rows = arrived.order_by("-pk").values_list("booking", "recipient", "pk", "message_id")
    for booking_id, recipient, pk, message_id in rows:
        if booking_id is not None:
            first[booking_id][recipient.lower()] = (pk, message_id)
    for pk, found in first.items():
        shelf.put(keys.first_mails(bookings[pk]), found)
