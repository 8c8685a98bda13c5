"""Which files and notes somebody may see: the staff who may open the session, and whoever is invited to it."""

from __future__ import annotations

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from bookings.models import Absence, Attendee, Material, Occurrence
from bookings.queries import BookingDetails


def materials_on_page(details: BookingDetails) -> list[Material]:
    """Return the files and notes of the session that the reader of its page may see, in their order: one query.

    Guests of single meetings see what is for everybody and for these meetings.
    """
    found = _in_order(details.booking.materials.all())
    return list(found if details.sees_all else found.filter(_of([item.pk for item in details.meetings])))


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


def _of(meetings: list[int]) -> Q:
    return Q(occurrence=None) | Q(occurrence__in=meetings)


def _in_order(materials: QuerySet[Material]) -> QuerySet[Material]:
    """Return them as people see them: what is for all first, then meeting by meeting."""
    wanted = materials.select_related("occurrence", "added_by")
    return wanted.order_by(F("occurrence__starts_at").asc(nulls_first=True), "position")
