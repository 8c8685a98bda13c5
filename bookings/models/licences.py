"""What licences were really used for, and what was refused for lack of one: the figures that decide how many to buy."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bookings.models.booking import Booking, Occurrence
from bookings.rules import MAX_TITLE_LENGTH
from rooms.models import LicencePool, Site


class LicenceRefusal(models.Model):
    """A wish that was refused for lack of a licence, and what became of it.

    One form is one wish for each date that it names: what is typed and tried in it until it books or is closed adds no
    row; the first time that was refused stays. `on`: the date of a series by its rule, the day of a single session.
    """

    class Outcome(models.TextChoices):
        OPEN = "open", _("not known yet")
        #: Booked at another time.
        MOVED = "moved", _("moved to another time")
        #: Booked at that time after all: somebody gave theirs up, or another room's site had one.
        BOOKED = "booked", _("booked after all")
        BORROWED = "borrowed", _("borrowed from another site")
        EMERGENCY = "emergency", _("emergency licence")
        WAITING = "waiting", _("on the waiting list")
        BY_PHONE = "by_phone", _("held by telephone")
        GAVE_UP = "gave_up", _("given up")

    pool = models.ForeignKey(LicencePool, models.CASCADE, related_name="refusals")
    site = models.ForeignKey(Site, models.PROTECT, related_name="+", null=True)
    seats = models.PositiveSmallIntegerField(default=1)
    period = DateTimeRangeField()
    on = models.DateField()
    at = models.DateTimeField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    title = models.CharField(max_length=MAX_TITLE_LENGTH, blank=True)
    is_private = models.BooleanField(default=False)
    submission = models.UUIDField(null=True)
    booking = models.ForeignKey(Booking, models.PROTECT, related_name="licence_refusals", null=True)
    outcome = models.CharField(max_length=9, choices=Outcome.choices, default=Outcome.OPEN)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(period__isempty=False), name="licence_refusal_not_empty"),
            models.CheckConstraint(
                condition=Q(outcome="open", closed_at=None) | (~Q(outcome="open") & Q(closed_at__isnull=False)),
                name="licence_refusal_closed_with_time",
            ),
            models.UniqueConstraint(
                fields=["submission", "pool", "on"],
                condition=Q(submission__isnull=False),
                name="licence_refusal_once_for_a_form",
            ),
        ]
        indexes = [
            models.Index(fields=["pool", "at"], name="licence_refusal_history"),
            models.Index(fields=["at"], name="licence_refusal_open", condition=Q(outcome="open")),
            models.Index(fields=["user", "at"], name="licence_refusal_of_user"),
        ]

    def __str__(self) -> str:
        return f"{self.pool_id}: {self.period}"


class ConferenceRun(models.Model):
    """A conference that really ran: from when somebody was in it to when the last one left.

    `people_peak`: the most people at once, where the conference system says so.
    """

    occurrence = models.ForeignKey(Occurrence, models.CASCADE, related_name="conference_runs")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    people_peak = models.PositiveSmallIntegerField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")), name="conference_run_in_order"
            ),
            models.UniqueConstraint(
                fields=["occurrence"], condition=Q(ended_at=None), name="conference_run_once_at_a_time"
            ),
        ]
        indexes = [models.Index(fields=["started_at"], name="conference_run_starts")]

    def __str__(self) -> str:
        return f"{self.occurrence_id}: {self.started_at:%Y-%m-%d %H:%M}"
