"""Gives those who are invited files and notes, changes notes, and takes both away again.

Nobody is mailed and no calendar hears of it: neither version nor SEQUENCE of the booking changes.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import partial

from django.conf import settings
from django.db.models import F

from accounts.models import User
from bookings import events
from bookings.file_types import MAX_NAME_LENGTH, NotTaken, clean_name, media_type
from bookings.models import (
    LARGEST_FILE,
    MAX_MATERIALS,
    MAX_NOTE_LENGTH,
    Booking,
    BookingEvent,
    Material,
    MaterialContent,
    Occurrence,
)
from bookings.permissions import may_change
from bookings.queries import date_of
from bookings.rules import clean_line, clean_text
from bookings.services.errors import AlreadyOver, LedOutside, NotAllowed, in_one_transaction
from bookings.services.locks import lock_booking


class MaterialRefused(Exception):
    """It can't be kept like this. `why`: one of `bookings.file_types.Fault`, or no_text, name_too_long, text_too_long,
    too_large, too_many, changed_meanwhile. `extension`: of the file, where that matters.
    """

    def __init__(self, why: str, extension: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.extension = extension


class MaterialGone(Exception):
    """Somebody has taken it away meanwhile."""


def largest_file() -> int:
    """Return how many bytes a file may have (MATERIAL_MAX_BYTES)."""
    return min(settings.MATERIAL_MAX_BYTES, LARGEST_FILE)


def add_note(
    booking: Booking, name: str, text: str, *, occurrence: Occurrence | None = None, by: User, now: datetime
) -> Material:
    """Add a note in plain text. `occurrence`: only for those at this meeting. Sent twice, it is there once.

    Raises: MaterialRefused, NotAllowed, AlreadyOver; LedOutside for a meeting of another calendar.
    """
    name, text = _note(name, text)
    material = Material(booking=booking, occurrence=occurrence, name=name, text=text)
    return in_one_transaction(partial(_add, material, by=by, now=now))


def add_file(
    booking: Booking, name: str, data: bytes, *, occurrence: Occurrence | None = None, by: User, now: datetime
) -> Material:
    """Add a file of one of the types that are taken (`bookings.file_types`). Sent twice, it is there once.

    `name`: as the browser gives it; it is cleaned. `occurrence`: as in `add_note`.
    Raises: MaterialRefused, NotAllowed, AlreadyOver; LedOutside for a meeting of another calendar.
    """
    if len(data) > largest_file():
        raise MaterialRefused("too_large")
    try:
        name = clean_name(name)
        found = media_type(name, data)
    except NotTaken as refused:
        raise MaterialRefused(refused.fault, refused.extension) from None
    digest = hashlib.sha256(data).hexdigest()
    material = Material(
        booking=booking, occurrence=occurrence, name=name, media_type=found, size=len(data), sha256=digest
    )
    return in_one_transaction(partial(_add, material, data, by=by, now=now))


def change_note(material: Material, name: str, text: str, *, seen_at: datetime, by: User, now: datetime) -> Material:
    """Change the words of a note. `seen_at`: of the words that the user saw (`note_changed_at`, aware).

    Raises: MaterialRefused, also when somebody has changed it since; MaterialGone, NotAllowed, AlreadyOver.
    """
    name, text = _note(name, text)
    return in_one_transaction(partial(_change, material, name, text, seen_at=seen_at, by=by, now=now))


def remove_material(material: Material, *, by: User, now: datetime) -> None:
    """Take a file or note away, its bytes with it. Also after the end, since nobody else could. Raises: NotAllowed.

    One that is gone already is none to worry about.
    """
    in_one_transaction(partial(_remove, material, by=by, now=now))


def carry(old: Booking, new: Booking) -> None:
    """Give a booking that continues another one what that one has; both keep it, and the bytes are not copied.

    Inside a transaction that has locked the old one. What is for one meeting goes to the meeting of that day, as far as
    the new booking has one.
    """
    materials = list(old.materials.order_by("position").select_related("occurrence"))
    if not materials:
        return
    meetings = {date_of(new, item): item for item in new.occurrences.all()}
    carried: list[Material] = []
    for material in materials:
        meeting = meetings.get(date_of(old, material.occurrence)) if material.occurrence else None
        if material.occurrence is None or meeting is not None:
            material.pk, material.booking = None, new
            material.occurrence = meeting if new.is_series else None
            material.position = len(carried) + 1
            carried.append(material)
    Material.objects.bulk_create(carried)


def _note(name: str, text: str) -> tuple[str, str]:
    name, text = clean_line(name), clean_text(text)
    if not name:
        raise MaterialRefused("no_name")
    if not text:
        raise MaterialRefused("no_text")
    if len(name) > MAX_NAME_LENGTH:
        raise MaterialRefused("name_too_long")
    if len(text) > MAX_NOTE_LENGTH:
        raise MaterialRefused("text_too_long")
    return name, text


def _add(material: Material, data: bytes | None = None, *, by: User, now: datetime) -> Material:
    # Bytes are written before the lock, which others wait for; where it then refuses, they were never there.
    content = MaterialContent.objects.create(data=data) if data else None
    booking = _locked(material.booking, by=by, now=now)
    _check_meeting(booking, material, now=now)
    same = booking.materials.filter(occurrence=material.occurrence, name=material.name)
    same = same.filter(text=material.text, sha256=material.sha256)
    if found := same.first():
        if content:
            content.delete()
        return found
    count = booking.materials.count()
    if count >= MAX_MATERIALS:
        raise MaterialRefused("too_many")
    material.booking, material.content, material.position = booking, content, count + 1
    material.added_by, material.added_at = by, now
    # Tried again after a deadlock, it is a row that was never written.
    material.pk = None
    material.save(force_insert=True)
    _record(material, "added", by=by, now=now)
    return material


def _check_meeting(booking: Booking, material: Material, *, now: datetime) -> None:
    """Raises: AlreadyOver for a meeting that is over or cancelled, or none of this booking."""
    if material.occurrence_id is None:
        return
    coming = booking.occurrences.filter(pk=material.occurrence_id, status=Occurrence.Status.CONFIRMED, ends_at__gt=now)
    if not coming.exists():
        raise AlreadyOver
    if not booking.is_series:
        # The only meeting is all of it.
        material.occurrence = None


def _change(material: Material, name: str, text: str, *, seen_at: datetime, by: User, now: datetime) -> Material:
    booking = _locked(material.booking, by=by, now=now)
    found = booking.materials.filter(pk=material.pk, content=None).first()
    if found is None:
        raise MaterialGone
    if (found.name, found.text) == (name, text):
        return found
    if note_changed_at(found) != seen_at:
        raise MaterialRefused("changed_meanwhile")
    found.name, found.text, found.changed_at = name, text, now
    found.save(update_fields=["name", "text", "changed_at"])
    _record(found, "changed", by=by, now=now)
    return found


def note_changed_at(material: Material) -> datetime:
    """Return when the note became what it is."""
    return material.changed_at or material.added_at


def _remove(material: Material, *, by: User, now: datetime) -> None:
    booking = Booking.objects.select_for_update(no_key=True).get(pk=material.booking_id)
    if not may_change(by, booking):
        raise NotAllowed
    found = booking.materials.filter(pk=material.pk).first()
    if found is None:
        return
    # Whoever takes away the same bytes from another booking waits here, and then sees that they were the last.
    contents = MaterialContent.objects.select_for_update().only("pk")
    content = contents.get(pk=found.content_id) if found.content_id else None
    _record(found, "removed", by=by, now=now)
    Material.objects.filter(pk=found.pk).delete()
    booking.materials.filter(position__gt=found.position).update(position=F("position") - 1)
    if content and not content.materials.exists():
        content.delete()


def _locked(booking: Booking, *, by: User, now: datetime) -> Booking:
    locked = lock_booking(booking, by=by, now=now, version=None)
    if locked.is_outside:
        raise LedOutside
    return locked


def _record(material: Material, what: str, *, by: User, now: datetime) -> None:
    events.record(
        material.booking,
        BookingEvent.Kind.MATERIALS_CHANGED,
        actor=by,
        at=now,
        occurrence=material.occurrence,
        data={what: material.pk},
    )
