"""Which files and notes somebody may see: the staff who may open the session, and whoever is invited to it."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet

from accounts.models import User
from bookings.models import Absence, Attendee, Booking, BookingEvent, Material, Occurrence
from bookings.permissions import may_change, meetings_open_to
from bookings.queries import BookingDetails, booking_for


def materials_on_page(details: BookingDetails) -> list[Material]:
    """Return the files and notes of the session that the reader of its page may see, in their order: one query.

    Guests of single meetings see what is for everybody and for these meetings.
    """
    found = _in_order(details.booking.materials.all())
    return list(found if details.sees_all else found.filter(_of(item.pk for item in details.meetings)))


def materials_for(attendee: Attendee) -> QuerySet[Material]:
    """Return the files and notes for an invited person, in their order: one query, without any bytes.

    Those for everybody, and those for meetings that the person is at and that take place. Whether they are invited at
    all, and whether the session is over, is the business of who asks.
    """
    found = _in_order(Material.objects.filter(booking=attendee.booking_id))
    if attendee.occurrence_id is not None:
        return found.filter(_of([attendee.occurrence_id]))
    absences = Absence.objects.filter(attendee=attendee, occurrence=OuterRef("occurrence"))
    takes_place = Q(occurrence=None) | Q(occurrence__status=Occurrence.Status.CONFIRMED)
    return found.filter(takes_place).exclude(Exists(absences))


def bytes_of(material: Material) -> bytes:
    """Return the bytes of a file. Raises: Material.DoesNotExist when it was taken away meanwhile."""
    data = Material.objects.values_list("content__data", flat=True).get(pk=material.pk)
    return bytes(data)


def material_on_page(user: User, number: str, pk: int) -> Material:
    """Return a file or note of a session that the user may open, as far as they see it on its page.

    Raises: Booking.DoesNotExist, Material.DoesNotExist also for what is there but not for this user.
    """
    booking = booking_for(user, number)
    only = None if may_change(user, booking) else meetings_open_to(user, booking)
    found = booking.materials.select_related("occurrence")
    material = found.get(Q() if only is None else _of(only), pk=pk)
    material.booking = booking
    return material


def latest_change(booking: Booking) -> int:
    """Return what is another number whenever files or notes of the booking have changed: one query."""
    changes = booking.events.filter(kind=BookingEvent.Kind.MATERIALS_CHANGED)
    return changes.aggregate(latest=Max("pk"))["latest"] or 0


def _of(meetings: Iterable[int]) -> Q:
    return Q(occurrence=None) | Q(occurrence__in=list(meetings))


def _in_order(materials: QuerySet[Material]) -> QuerySet[Material]:
    """Return them as people see them: what is for all first, then meeting by meeting."""
    wanted = materials.select_related("occurrence", "added_by")
    return wanted.order_by(F("occurrence__starts_at").asc(nulls_first=True), "position")
