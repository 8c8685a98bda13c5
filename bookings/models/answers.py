"""What invited people answered: each answer as it came, what counts now, and other times that they proposed."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.models import MAX_EMAIL_LENGTH
from bookings.models.booking import Attendee, Booking, Occurrence


class Answer(models.Model):
    """An answer as it came, whether or not it counts: the history. By mail, by page, or noted for somebody.

    What counts is `Attendee.partstat` for the whole session and `MeetingAnswer` for single meetings of a series.
    """

    class Via(models.TextChoices):
        MAIL = "mail", _("by mail")
        PAGE = "page", _("on the page")
        OFFICE = "office", _("noted by the organizer")

    class Standing(models.TextChoices):
        COUNTED = "counted", _("counts")
        # Newer ones were there already (calendar-mail.md G5).
        OUTDATED = "outdated", _("a newer answer was there")
        OLD_VERSION = "old_version", _("answers an older version of the session")
        AHEAD = "ahead", _("answers a version that does not exist")
        # The sender is not proved to be who was asked (G4), nobody who was asked (G8), or sends somebody else.
        UNCONFIRMED = "unconfirmed", _("not certain who answered")
        STRANGER = "stranger", _("was not invited")
        DELEGATED = "delegated", _("sends somebody else")
        # What somebody decided about the three above.
        CONFIRMED = "confirmed", _("counts, confirmed by the organizer")
        DISMISSED = "dismissed", _("dismissed")

    booking = models.ForeignKey(Booking, models.CASCADE, related_name="answers")
    attendee = models.ForeignKey(
        Attendee, models.CASCADE, related_name="answers", null=True, blank=True, db_index=False
    )
    occurrence = models.ForeignKey(Occurrence, models.CASCADE, related_name="answers", null=True, blank=True)
    # Who answered, as it stood in the answer.
    email = models.CharField(max_length=MAX_EMAIL_LENGTH)
    name = models.CharField(max_length=200, blank=True)
    partstat = models.CharField(max_length=12, choices=Attendee.PartStat.choices)
    comment = models.TextField(blank=True)
    delegated_to = models.CharField(max_length=MAX_EMAIL_LENGTH, blank=True)
    via = models.CharField(max_length=6, choices=Via.choices)
    standing = models.CharField(max_length=12, choices=Standing.choices)
    # SEQUENCE and DTSTAMP of the answer; a page answers what it shows, at the moment of the click. Without a
    # SEQUENCE in the answer: the one that it is taken to answer.
    sequence = models.PositiveIntegerField(null=True, blank=True)
    stamped_at = models.DateTimeField()
    received_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, related_name="+", null=True, blank=True)

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        constraints = [
            # The same answer twice, under another Message-ID, is one (G7).
            models.UniqueConstraint(
                fields=["booking", "email", "occurrence", "sequence", "stamped_at", "partstat", "via"],
                name="answer_once",
                nulls_distinct=False,
            ),
        ]
        indexes = [
            # What counts is found from all that a participant answered.
            models.Index(fields=["attendee", "occurrence"], name="answer_of_attendee"),
            models.Index(
                fields=["booking"],
                name="answer_to_settle",
                condition=Q(standing__in=["unconfirmed", "stranger", "delegated"]),
            ),
            # What is kept of strangers, and of people whom somebody sends.
            models.Index(Lower("email"), name="answer_of_stranger", condition=Q(attendee=None)),
            models.Index(Lower("delegated_to"), name="answer_sends", condition=~Q(delegated_to="")),
        ]

    def __str__(self) -> str:
        return f"{self.booking_id}: {self.partstat} ({self.standing})"


class MeetingAnswer(models.Model):
    """What a participant of a series answered about one meeting of it; without a row, the answer to the series counts.

    Gone when a newer answer to the whole series comes (calendar-mail.md G6). Of a meeting that was moved it says that
    there is no answer yet (E5).
    """

    attendee = models.ForeignKey(Attendee, models.CASCADE, related_name="meeting_answers")
    occurrence = models.ForeignKey(Occurrence, models.CASCADE, related_name="meeting_answers")
    partstat = models.CharField(max_length=12, choices=Attendee.PartStat.choices)
    comment = models.TextField(blank=True, default="")
    # Of the answer; None and the moment of the change where the meeting was moved, and they are asked anew.
    sequence = models.PositiveIntegerField(null=True, blank=True)
    stamped_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["occurrence", "attendee"], name="meeting_answer_once")]

    def __str__(self) -> str:
        return f"{self.attendee_id} at {self.occurrence_id}: {self.partstat}"


class Proposal(models.Model):
    """Another time that a participant proposed (COUNTER): moves nothing until the organizer accepts it (G9)."""

    class State(models.TextChoices):
        OPEN = "open", _("awaits an answer")
        ACCEPTED = "accepted", _("accepted")
        DECLINED = "declined", _("declined")
        # The session was moved or cancelled since, or the same person proposed anew.
        OUTDATED = "outdated", _("overtaken")

    booking = models.ForeignKey(Booking, models.CASCADE, related_name="proposals")
    attendee = models.ForeignKey(Attendee, models.CASCADE, related_name="proposals")
    occurrence = models.ForeignKey(Occurrence, models.CASCADE, related_name="proposals")
    # About the whole series: its time of day, shown by `occurrence`.
    is_whole_series = models.BooleanField(default=False)
    period = DateTimeRangeField()
    comment = models.TextField(blank=True)
    is_certain = models.BooleanField(default=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    # Of the COUNTER; DECLINECOUNTER repeats the sequence.
    sequence = models.PositiveIntegerField(default=0)
    stamped_at = models.DateTimeField()
    received_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, related_name="+", null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["attendee", "occurrence"], condition=Q(state="open"), name="proposal_one_open"
            ),
            models.UniqueConstraint(fields=["attendee", "occurrence", "stamped_at"], name="proposal_once"),
            models.CheckConstraint(
                condition=Q(state="open", decided_at=None) | ~Q(state="open") & Q(decided_at__isnull=False),
                name="proposal_decided_with_time",
            ),
        ]
        indexes = [models.Index(fields=["booking"], name="proposal_open", condition=Q(state="open"))]

    def __str__(self) -> str:
        return f"{self.booking_id}: {self.state}"
