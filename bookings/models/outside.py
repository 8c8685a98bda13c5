"""Meetings that live in somebody else's calendar and were booked by inviting a room (calendar-mail.md H)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import MAX_EMAIL_LENGTH
from bookings.models.booking import Booking, Occurrence
from rooms.models import Room


class OutsideMeeting(models.Model):
    """A meeting of a calendar outside to which rooms were invited. Its calendar is the master, the booking follows.

    One for each UID of an organizer, or for each (UID, RECURRENCE-ID) that came without its series.
    """

    uid = models.CharField(max_length=255)
    # The ORGANIZER outside; whoever else uses the UID is refused (H9).
    organizer_email = models.EmailField(max_length=MAX_EMAIL_LENGTH)
    # Set where a single meeting came without its series.
    recurrence_at = models.DateTimeField(null=True, blank=True)
    booking = models.OneToOneField(Booking, models.CASCADE, related_name="outside")
    sequence = models.PositiveIntegerField(default=0)
    stamped_at = models.DateTimeField()

    class Meta:
        verbose_name = _("meeting of another calendar")
        constraints = [
            models.UniqueConstraint(fields=["uid", "recurrence_at"], name="outside_once", nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return self.uid


class RoomAnswer(models.Model):
    """What a room last answered to a meeting outside, or to one date of it: what is repeated, and what is news."""

    meeting = models.ForeignKey(OutsideMeeting, models.CASCADE, related_name="room_answers")
    room = models.ForeignKey(Room, models.CASCADE, related_name="+")
    occurrence = models.ForeignKey(Occurrence, models.CASCADE, related_name="+", null=True, blank=True)
    # RECURRENCE-ID of a date that was refused, and so has no occurrence.
    recurrence_at = models.DateTimeField(null=True, blank=True)
    partstat = models.CharField(max_length=12)
    sequence = models.PositiveIntegerField(default=0)
    stamped_at = models.DateTimeField()
    # The address as it was invited: the only ATTENDEE of the answer (H4).
    invited_as = models.CharField(max_length=MAX_EMAIL_LENGTH)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["meeting", "room", "recurrence_at"], name="room_answer_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.room_id}: {self.partstat}"
