"""Bookings, their meetings, and who is invited."""

from __future__ import annotations

import base64
import secrets
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import MAX_EMAIL_LENGTH, Contact, one_line
from bookings.rules import MAX_TITLE_LENGTH
from rooms.interval import Interval
from rooms.models import Site

#: The letters of the colours that join the rooms of one session, in order.
THREAD_LETTERS = "ABCDEF"
THREADS = len(THREAD_LETTERS)


def new_conference_name() -> str:
    """Return an unguessable name of a conference: 100 bits in lower-case base 32.

    Jitsi lower-cases and percent-encodes anything else (shared rule: only a-z, 0-9 and the hyphen).
    """
    return base64.b32encode(secrets.token_bytes(13))[:20].decode().lower()


def new_join_key() -> str:
    """Return what makes a join link revocable: a new key, and every link signed with the old one is dead."""
    return secrets.token_urlsafe(9)


class Booking(models.Model):
    """One session or series as people and calendars know it: a UID, a SEQUENCE, a title, an organizer
    (RFC 5545 3.8.4.7).
    """

    class Status(models.TextChoices):
        #: Waits for an approver. Holds its rooms and licences; nobody is invited yet.
        REQUESTED = "requested", _("awaits approval")
        CONFIRMED = "confirmed", _("booked")
        CANCELLED = "cancelled", _("cancelled")

    number = models.CharField(_("number"), max_length=20, unique=True, editable=False)
    uid = models.CharField("UID", max_length=255, unique=True, editable=False)
    sequence = models.PositiveIntegerField("SEQUENCE", default=0, editable=False)
    # The SEQUENCE at which everybody was last asked anew about all of it: answers to older ones don't count (G5, E5).
    asked_sequence = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    # Counts every change, also those that leave SEQUENCE alone: a form that was opened before is told so.
    version = models.PositiveIntegerField(default=1, editable=False)
    # DTSTAMP of the latest state: whole seconds, strictly rising for a UID (calendar-mail.md E4).
    stamped_at = models.DateTimeField(editable=False)
    conference_name = models.CharField(max_length=64, unique=True, default=new_conference_name, editable=False)
    title = models.CharField(_("title"), max_length=MAX_TITLE_LENGTH, validators=[one_line])
    description = models.TextField(_("description"), blank=True)
    organizer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="organized", verbose_name=_("organiser")
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("booked by")
    )
    # Whose licence share is used first; the site of the first room, or of the organizer when there is no room.
    host_site = models.ForeignKey(
        Site, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("host site")
    )
    time_zone = models.CharField(_("time zone"), max_length=64)
    # A series: RRULE without its name (RFC 5545 3.3.10), `bookings.recurrence` reads and writes it. Empty: one meeting.
    rrule = models.CharField("RRULE", max_length=200, blank=True, editable=False)
    # Wall clock of the rule's first date, the DTSTART of a series, even where that date itself has no meeting (D2).
    local_start = models.CharField(max_length=16, blank=True, editable=False, help_text="2026-11-24T11:00")
    local_end = models.CharField(max_length=16, blank=True, editable=False)
    # Dates of the rule without a meeting, what calendars get as EXDATE: [{"on": "2026-12-24", "why": "holiday",
    # "name": "Wigilia Bożego Narodzenia"}]; `why` is one of `bookings.rules.Why`.
    skipped = models.JSONField(default=list, blank=True, editable=False)
    # "This and following" splits: the series that this one continues (RELATED-TO, calendar-mail.md D7).
    follows = models.ForeignKey("self", models.PROTECT, related_name="followed_by", null=True, editable=False)
    # What was asked for beside rooms: people to seat by site, {"3": 12}; features, movable equipment with quantities.
    wishes = models.JSONField(default=dict, blank=True, editable=False)
    is_private = models.BooleanField(_("closed session"), default=False)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.CONFIRMED)
    # 1 to 6, shown as A to F: the colour that joins the rooms of one session on the board.
    thread = models.PositiveSmallIntegerField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(editable=False)
    changed_at = models.DateTimeField(editable=False)
    cancelled_at = models.DateTimeField(null=True, blank=True, editable=False)
    cancel_reason = models.CharField(_("reason"), max_length=500, blank=True)
    # Booked by inviting a room from another calendar (`OutsideMeeting`): that calendar invites, and we invite nobody.
    is_outside = models.BooleanField(default=False, db_default=False, editable=False)
    # Which opened form it came from: the same form sent twice books once.
    submission = models.UUIDField(unique=True, null=True, editable=False)

    #: No column: how many people it invites, its organizer among them, as whoever has just made it knows.
    invited: int | None = None

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["requested", "confirmed"], cancelled_at=None)
                | Q(status="cancelled", cancelled_at__isnull=False),
                name="booking_cancelled_with_time",
            ),
            models.CheckConstraint(condition=Q(thread=None) | Q(thread__range=(1, THREADS)), name="booking_thread"),
            models.CheckConstraint(
                condition=Q(conference_name__regex=r"^[a-z0-9-]{16,}$"), name="booking_conference_name"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def is_cancelled(self) -> bool:
        return self.status == self.Status.CANCELLED

    @property
    def is_requested(self) -> bool:
        return self.status == self.Status.REQUESTED

    @property
    def is_series(self) -> bool:
        return bool(self.rrule)

    @property
    def thread_letter(self) -> str:
        return "" if self.thread is None else THREAD_LETTERS[self.thread - 1]


class Occurrence(models.Model):
    """One meeting of a booking. Keeps its identity through every change: `original_start_at` is its RECURRENCE-ID."""

    class Status(models.TextChoices):
        CONFIRMED = "confirmed", _("booked")
        CANCELLED = "cancelled", _("cancelled")

    booking = models.ForeignKey(Booking, models.CASCADE, related_name="occurrences")
    original_start_at = models.DateTimeField(editable=False)
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"))
    # The wall clock as the person wrote it, in `booking.time_zone`: what stays true when the rules of the zone change.
    local_start = models.CharField(max_length=16, editable=False, help_text="2026-11-24T11:00")
    local_end = models.CharField(max_length=16, editable=False)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.CONFIRMED)
    # Changed on its own: what a change of the whole series leaves alone, and what calendars get as an override (D4).
    has_own_time = models.BooleanField(default=False, editable=False)
    has_own_rooms = models.BooleanField(default=False, editable=False)
    # Of this meeting alone; empty: as the booking says.
    own_title = models.CharField(max_length=MAX_TITLE_LENGTH, blank=True, editable=False)
    own_description = models.TextField(blank=True, editable=False)
    # As `Booking.asked_sequence`, of this meeting: moved last, or come back, at this SEQUENCE.
    asked_sequence = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    # Since when it counts as missed: nobody had come to its conference, and its rooms and licences were given up.
    no_show_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("meeting")
        verbose_name_plural = _("meetings")
        constraints = [
            models.UniqueConstraint(fields=["booking", "original_start_at"], name="occurrence_identity"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="occurrence_ends_after_start"),
        ]
        # All that a search for busy people reads of the meetings of a month, without touching their rows.
        indexes = [
            models.Index(fields=["starts_at", "ends_at"], name="occurrence_times", include=["booking", "status"])
        ]

    def __str__(self) -> str:
        return f"{self.booking_id}: {self.starts_at:%Y-%m-%d %H:%M}Z"

    @property
    def interval(self) -> Interval:
        return Interval(self.starts_at, self.ends_at)

    @property
    def is_override(self) -> bool:
        """Say whether calendars know this meeting by a component of its own. People may differ as well: `Absence`."""
        return self.has_own_time or self.has_own_rooms or bool(self.own_title or self.own_description)


class Attendee(models.Model):
    """A person invited to a booking: a user, a contact, or a plain address. Name and language are as invited."""

    class PartStat(models.TextChoices):
        NEEDS_ACTION = "NEEDS-ACTION", _("no answer yet")
        ACCEPTED = "ACCEPTED", _("accepted")
        DECLINED = "DECLINED", _("declined")
        TENTATIVE = "TENTATIVE", _("tentative")
        DELEGATED = "DELEGATED", _("sends somebody else")

    booking = models.ForeignKey(Booking, models.CASCADE, related_name="attendees")
    # Invited to this one meeting of a series; None: to all of it (calendar-mail.md D8).
    occurrence = models.ForeignKey(
        Occurrence, models.CASCADE, related_name="own_attendees", null=True, blank=True, editable=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="invitations", null=True, blank=True
    )
    contact = models.ForeignKey(Contact, models.PROTECT, related_name="invitations", null=True, blank=True)
    email = models.EmailField(_("e-mail address"), max_length=MAX_EMAIL_LENGTH)
    name = models.CharField(_("name"), max_length=200, blank=True)
    language = models.CharField(_("language"), max_length=5, choices=settings.LANGUAGES)
    time_zone = models.CharField(_("time zone"), max_length=64)
    is_organizer = models.BooleanField(default=False)
    # What counts for the whole session; of a series, `MeetingAnswer` says otherwise for single meetings.
    partstat = models.CharField(max_length=12, choices=PartStat.choices, default=PartStat.NEEDS_ACTION)
    # SEQUENCE and DTSTAMP of the newest answer that counts (calendar-mail.md G5).
    answer_sequence = models.PositiveIntegerField(null=True, blank=True, editable=False)
    answered_at = models.DateTimeField(null=True, blank=True, editable=False)
    answer_comment = models.TextField(blank=True, default="", db_default="", editable=False)
    join_key = models.CharField(max_length=20, default=new_join_key, editable=False)
    invited_at = models.DateTimeField(editable=False)
    # The SEQUENCE that the first invitation has: an older answer was to an invitation that was taken back.
    invited_sequence = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    removed_at = models.DateTimeField(null=True, blank=True, editable=False)
    # What they said of themselves on their page: the room on their side, and how many sit in it.
    own_room = models.CharField(max_length=120, blank=True, default="", db_default="", editable=False)
    headcount = models.PositiveSmallIntegerField(null=True, blank=True, editable=False)
    # Who sent them in their place, or registered them from the address of an institution.
    named_by = models.ForeignKey(
        "self", models.SET_NULL, related_name="named", null=True, blank=True, editable=False, db_index=False
    )
    # When camera, microphone and network were last tested on their page, with success.
    devices_tested_at = models.DateTimeField(null=True, blank=True, editable=False)
    # When name and address were erased; what is left is nobody's.
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("participant")
        verbose_name_plural = _("participants")
        constraints = [
            models.UniqueConstraint(
                "booking", Lower("email"), condition=Q(removed_at=None, occurrence=None), name="attendee_once"
            ),
            models.UniqueConstraint(
                "occurrence",
                Lower("email"),
                condition=Q(removed_at=None, occurrence__isnull=False),
                name="attendee_once_per_meeting",
            ),
            models.UniqueConstraint(
                fields=["booking"], condition=Q(is_organizer=True, removed_at=None), name="attendee_one_organizer"
            ),
            models.CheckConstraint(
                condition=Q(headcount=None) | Q(headcount__range=(1, 999)), name="attendee_headcount"
            ),
        ]
        indexes = [
            # When somebody of the staff is busy.
            models.Index(
                fields=["user", "booking"],
                name="attendee_of_user",
                include=["occurrence", "partstat"],
                condition=Q(removed_at=None, user__isnull=False),
            ),
            models.Index(fields=["named_by"], name="attendee_named_by", condition=Q(named_by__isnull=False)),
            # All that is kept of somebody without an account.
            models.Index(Lower("email"), name="attendee_by_address", condition=Q(user=None, erased_at=None)),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """What people call them; of somebody whose data was erased, that it was."""
        if self.erased_at is not None:
            return gettext("Guest erased")
        return self.name or self.email


class Absence(models.Model):
    """A participant of the whole series who does not take part in one meeting of it (calendar-mail.md D9)."""

    attendee = models.ForeignKey(Attendee, models.CASCADE, related_name="absences")
    occurrence = models.ForeignKey(Occurrence, models.CASCADE, related_name="absences")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["occurrence", "attendee"], name="absence_once")]

    def __str__(self) -> str:
        return f"{self.attendee_id} not at {self.occurrence_id}"
