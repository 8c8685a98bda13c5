"""What happened to bookings: the history that people read and the audit trail."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from bookings.models.booking import Booking, Occurrence


class BookingEvent(models.Model):
    """What happened to a booking. Append-only: the database refuses to change or delete a row."""

    class Kind(models.TextChoices):
        BOOKED = "booked", _("booked")
        MOVED = "moved", _("moved")
        ROOMS_CHANGED = "rooms_changed", _("rooms changed")
        PARTICIPANTS_CHANGED = "participants_changed", _("participants changed")
        DETAILS_CHANGED = "details_changed", _("title or description changed")
        INVITED_AGAIN = "invited_again", _("invitation sent again")
        CANCELLED = "cancelled", _("cancelled")
        MEETING_CHANGED = "meeting_changed", _("one meeting changed")
        MEETING_CANCELLED = "meeting_cancelled", _("one meeting cancelled")
        MEETING_ADDED = "meeting_added", _("a meeting added")
        SERIES_CUT = "series_cut", _("series ends earlier")
        REQUESTED = "requested", _("sent for approval")
        APPROVED = "approved", _("approved")
        DECLINED = "declined", _("not approved")
        EXPIRED = "expired", _("approval came too late")
        EXEMPTED = "exempted", _("a rule set aside")
        EMERGENCY = "emergency", _("an emergency licence used")
        BORROWED = "borrowed", _("a licence of another site used")
        ANSWERED = "answered", _("answered")
        PROPOSED = "proposed", _("another time proposed")
        PROPOSAL_DECLINED = "proposal_declined", _("the proposed time declined")
        LICENCE_KEPT = "licence_kept", _("keeps its licence in a smaller pool")
        CONFERENCE_STARTED = "conference_started", _("conference began")
        CONFERENCE_ENDED = "conference_ended", _("everybody left the conference")
        NO_SHOW = "no_show", _("nobody came")
        PERSON_REMOVED = "person_removed", _("somebody taken out of the conference")
        CONFERENCE_CLOSED = "conference_closed", _("conference ended by the organizer")
        # Of all that one of the three kinds of cancelling took away; `data`: {"undoes": key, "version": its version}.
        RESTORED = "restored", _("cancellation undone")
        MEETING_RESTORED = "meeting_restored", _("cancellation of one meeting undone")
        # Files and notes for those who are invited. {"added": key of the Material}, or "changed", or "removed".
        MATERIALS_CHANGED = "materials_changed", _("files or notes changed")
        # From which room and how many somebody invited will take part. {"attendee": key}.
        PARTY_SAID = "party_said", _("said where from and how many take part")
        # {"attendees": [keys]}.
        DATA_ERASED = "data_erased", _("personal data erased")

    # Found by the index of the history below.
    booking = models.ForeignKey(Booking, models.PROTECT, related_name="events", db_index=False)
    occurrence = models.ForeignKey(Occurrence, models.PROTECT, related_name="events", null=True, blank=True)
    kind = models.CharField(max_length=24, choices=Kind.choices)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True)
    at = models.DateTimeField()
    # Which version and SEQUENCE the booking had after it.
    version = models.PositiveIntegerField()
    sequence = models.PositiveIntegerField()
    # Before and after, by identifier; names of people stay in rows that can be erased.
    data = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes = [models.Index(fields=["booking", "at"], name="booking_event_history")]

    def __str__(self) -> str:
        return f"{self.booking_id}: {self.kind}"

    @property
    def undo_until(self) -> datetime | None:
        """Until when a cancellation can be undone (aware); None where it never could be."""
        undo = self.data.get("undo")
        return datetime.fromisoformat(undo["until"]) if undo else None

    @property
    def final_at(self) -> datetime | None:
        """When news of a cancellation leave that can be undone before, and its rooms come free; None: at once."""
        undo = self.data.get("undo")
        return datetime.fromisoformat(undo["final"]) if undo else None
