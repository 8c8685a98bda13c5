"""What the organizer gives to those who are invited: notes and files, for a whole booking or one meeting of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Deferrable, Q
from django.db.models.functions import Length
from django.utils.translation import gettext_lazy as _

from bookings.file_types import MAX_NAME_LENGTH
from bookings.models.booking import Booking, Occurrence

#: Of one booking.
MAX_MATERIALS = 20
#: Of the text of a note.
MAX_NOTE_LENGTH = 10_000
#: What no setting goes beyond: files are read and written whole, by several processes at once.
LARGEST_FILE = 50 * 1024 * 1024

_NOTE = Q(content=None, size=None, media_type="", sha256="") & ~Q(text="")
_FILE = Q(
    content__isnull=False,
    size__isnull=False,
    size__range=(1, LARGEST_FILE),
    sha256__regex=r"^[0-9a-f]{64}$",
    text="",
) & ~Q(media_type="")
_ONE_LINE = Q(name__regex=r"^[^\u0001-\u001f\u007f]+$") & ~Q(name__regex=r"^\s*$")


class MaterialContent(models.Model):
    """The bytes of a file. Lists read `Material` alone; backups and transactions hold both.

    Several materials may have the same bytes, where a series was split in two. The last one takes them along.
    """

    data = models.BinaryField(editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.lookups.GreaterThan(Length("data"), 0)
                & models.lookups.LessThanOrEqual(Length("data"), LARGEST_FILE),
                name="material_content_fits",
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Material(models.Model):
    """A note, or a file, which has its bytes in `content`. `name`: the title of a note, the name of a file."""

    booking = models.ForeignKey(Booking, models.CASCADE, related_name="materials", db_index=False)
    # For those at this one meeting of a series; None: for everybody who is invited to the booking.
    occurrence = models.ForeignKey(Occurrence, models.CASCADE, related_name="materials", null=True, blank=True)
    # Counts from 1 without a gap, in the order in which people see them: so there are never more than may be.
    position = models.PositiveSmallIntegerField(editable=False)
    name = models.CharField(_("name"), max_length=MAX_NAME_LENGTH)
    text = models.TextField(blank=True)
    # What the bytes were found to be, never what a browser said of them.
    media_type = models.CharField(max_length=100, blank=True, editable=False)
    size = models.PositiveIntegerField(_("size in bytes"), null=True, blank=True, editable=False)
    # Of the bytes, SHA-256 in hexadecimal.
    sha256 = models.CharField(max_length=64, blank=True, editable=False)
    content = models.ForeignKey(
        MaterialContent, models.PROTECT, related_name="materials", null=True, blank=True, editable=False
    )
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", editable=False)
    added_at = models.DateTimeField(editable=False)
    # Of a note: when its words were last changed. A form that was opened before is told so.
    changed_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("file or note")
        verbose_name_plural = _("files and notes")
        constraints = [
            models.UniqueConstraint(
                # Those behind one that is taken away move up together.
                fields=["booking", "position"],
                name="material_positions",
                deferrable=Deferrable.IMMEDIATE,
            ),
            models.CheckConstraint(condition=Q(position__range=(1, MAX_MATERIALS)), name="material_at_most"),
            models.CheckConstraint(condition=_ONE_LINE, name="material_name_is_one_line"),
            models.CheckConstraint(condition=_NOTE | _FILE, name="material_is_note_or_file"),
            models.CheckConstraint(
                condition=models.lookups.LessThanOrEqual(Length("text"), MAX_NOTE_LENGTH), name="material_note_fits"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_file(self) -> bool:
        return self.content_id is not None
