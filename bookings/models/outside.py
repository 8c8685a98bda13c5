"""Meetings that live in somebody else's calendar and were booked by inviting a room (calendar-mail.md H)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import MAX_EMAIL_LENGTH
from bookings.models.booking import Booking
from rooms.models import Room


class OutsideMeeting(models.Model):
    """A meeting of a calendar outside to which rooms were invited. Its calendar is the master, the booking follows.

    One for each UID of an organizer, or for each (UID, RECURRENCE-ID) that came without its series. Kept when every
    room has declined and after it was cancelled: what was said before is known when a mail comes late or twice.
    """

    uid = models.CharField(max_length=255)
    # The ORGANIZER outside; whoever else uses the UID is refused (H9).
    organizer_email = models.EmailField(max_length=MAX_EMAIL_LENGTH)
    organizer_name = models.CharField(max_length=200, blank=True)
    # Who sent it for the organizer (SENT-BY), if somebody did: nobody but these two may change it.
    sent_by = models.EmailField(max_length=MAX_EMAIL_LENGTH, blank=True)
    # Set where a single meeting came without its series.
    recurrence_at = models.DateTimeField(null=True, blank=True)
    # None: no room has accepted, or it was cancelled before anybody had heard of it.
    booking = models.OneToOneField(Booking, models.SET_NULL, related_name="outside", null=True, blank=True)
    # What answers repeat word for word (H4), for those that are written later; the room mailbox writes and reads it.
    echo = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("meeting of another calendar")
        constraints = [
            models.UniqueConstraint(fields=["uid", "recurrence_at"], name="outside_once", nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return self.uid


class RoomAnswer(models.Model):
    """What a room last answered to a meeting outside, or to one date of it: what is repeated, and what is news."""

    class PartStat(models.TextChoices):
        ACCEPTED = "ACCEPTED", _("accepted")
        DECLINED = "DECLINED", _("declined")
        TENTATIVE = "TENTATIVE", _("awaits approval")
        # Invited no more (CANCEL): the room has nothing to say.
        WITHDRAWN = "WITHDRAWN", _("not invited any more")

    meeting = models.ForeignKey(OutsideMeeting, models.CASCADE, related_name="room_answers")
    room = models.ForeignKey(Room, models.CASCADE, related_name="+")
    # RECURRENCE-ID, where it is about one date of a series alone.
    recurrence_at = models.DateTimeField(null=True, blank=True)
    partstat = models.CharField(max_length=12, choices=PartStat.choices)
    # SEQUENCE and DTSTAMP of what was answered: older mails change nothing (H7).
    sequence = models.PositiveIntegerField(default=0)
    stamped_at = models.DateTimeField()
    # The address as it was invited: the only ATTENDEE of the answer (H4).
    invited_as = models.CharField(max_length=MAX_EMAIL_LENGTH)
    # Message-ID of the mail that was answered, and whether the answer was sent once more since.
    message_id = models.CharField(max_length=400, blank=True)
    repeated = models.BooleanField(default=False)
    # What was sent, for being sent once more (H7).
    raw = models.BinaryField(null=True, editable=False)

    class Meta:
        verbose_name = _("answer of a room")
        constraints = [
            models.UniqueConstraint(
                fields=["meeting", "room", "recurrence_at"], name="room_answer_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.room_id}: {self.partstat}"
