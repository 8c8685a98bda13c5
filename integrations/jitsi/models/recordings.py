"""Recorders (Jibri), and the recordings that they made."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings.models import Attendee, Occurrence
from integrations.jitsi.models.servers import ConferenceServer


class Recorder(models.Model):
    """One Jibri: records one conference at a time. Known by what it says of itself."""

    class State(models.TextChoices):
        IDLE = "idle", _("free")
        BUSY = "busy", _("recording")
        EXPIRED = "expired", _("must be restarted")

    server = models.ForeignKey(ConferenceServer, models.CASCADE, related_name="recorders")
    jibri_id = models.CharField(max_length=200)
    state = models.CharField(max_length=7, choices=State.choices, default=State.IDLE)
    is_healthy = models.BooleanField(default=True)
    session_id = models.CharField(max_length=200, blank=True)
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name = _("recorder")
        verbose_name_plural = _("recorders")
        constraints = [models.UniqueConstraint(fields=["server", "jibri_id"], name="recorder_once")]

    def __str__(self) -> str:
        return self.jibri_id


class Recording(models.Model):
    """A file that a recorder made, filed under its meeting. The file itself stays where it is; we know until when."""

    server = models.ForeignKey(ConferenceServer, models.PROTECT, related_name="recordings")
    session_id = models.CharField(max_length=200)
    occurrence = models.ForeignKey(Occurrence, models.CASCADE, related_name="recordings", null=True, blank=True)
    started_by = models.ForeignKey(Attendee, models.SET_NULL, related_name="+", null=True, blank=True)
    file_name = models.CharField(max_length=400)
    size_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    seconds = models.PositiveIntegerField(null=True, blank=True)
    filed_at = models.DateTimeField()
    keep_until = models.DateField()
    # When whoever keeps the files said that it is gone.
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("recording")
        verbose_name_plural = _("recordings")
        constraints = [
            models.UniqueConstraint(fields=["server", "session_id", "file_name"], name="recording_once"),
            models.CheckConstraint(condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="recording_digest"),
        ]
        indexes = [models.Index(fields=["keep_until"], name="recording_due", condition=Q(deleted_at=None))]

    def __str__(self) -> str:
        return self.file_name
