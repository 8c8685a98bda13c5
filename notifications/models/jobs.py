"""The work that runs by the clock, and what IT admins are woken for."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Job(models.Model):
    """One piece of periodic work, or one of the slots in which several workers may do it at once.

    Whoever runs it holds the lease and renews it while it runs: what a dead worker left is free again in seconds.
    """

    #: As in `notifications.jobs.schedule`.
    name = models.CharField(_("name"), max_length=40)
    slot = models.PositiveSmallIntegerField(default=0)
    # When the next run is wanted; the lag is counted from here.
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    # "host/pid/thread" of whoever holds the lease, or held it last.
    holder = models.CharField(max_length=120, blank=True)
    started_at = models.DateTimeField(_("began"), null=True, blank=True)
    # Renewed while it runs.
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(_("ended"), null=True, blank=True)
    succeeded_at = models.DateTimeField(_("succeeded"), null=True, blank=True)
    failed_at = models.DateTimeField(_("failed"), null=True, blank=True)
    # Name and words of the last error, without its traceback; stays after the next success, for who looks into it.
    last_error = models.TextField(_("last error"), blank=True)
    # Failures one after another; 0 after a success.
    failures = models.PositiveIntegerField(default=0)
    runs = models.PositiveBigIntegerField(default=0)
    took = models.DurationField(_("took"), null=True, blank=True)
    # How much later than it was due the last run began.
    late_by = models.DurationField(_("began late by"), null=True, blank=True)
    # Leases that ran out: a worker died, or the database was away, in the middle of a run.
    lost_runs = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        constraints = [models.UniqueConstraint(fields=["name", "slot"], name="job_once")]

    def __str__(self) -> str:
        return self.name if self.slot == 0 else f"{self.name} {self.slot}"


class Alarm(models.Model):
    """Something that IT admins have to look at, from when it was seen until it was over."""

    #: One of `notifications.alarms.kinds.Thing`, and after a colon which: "mail_server:first", "job:deliver_mail".
    kind = models.CharField(max_length=60)
    opened_at = models.DateTimeField(_("since"))
    # Seen again, and still so.
    seen_at = models.DateTimeField()
    closed_at = models.DateTimeField(_("until"), null=True, blank=True)
    # Figures and words for who is told: {"since": ISO 8601, "waiting": 12, "words": "..."}; no addresses of guests.
    facts = models.JSONField(default=dict)
    # When it is sure that somebody was told, most recently, and by which ways so far: ["first", "second", "hook",
    # "queue"].
    told_at = models.DateTimeField(null=True, blank=True)
    told_by = models.JSONField(default=list)
    times_told = models.PositiveSmallIntegerField(default=0)
    # Somebody is telling just now, or tries again then: until then nobody else does.
    telling_until = models.DateTimeField(null=True, blank=True)
    end_told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("alarm")
        verbose_name_plural = _("alarms")
        constraints = [
            models.UniqueConstraint(fields=["kind"], condition=Q(closed_at=None), name="alarm_open_once"),
        ]
        indexes = [models.Index(fields=["-opened_at"], name="alarm_newest")]

    def __str__(self) -> str:
        return self.kind
