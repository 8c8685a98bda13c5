"""Who waits: for an approver's answer, and for a room or licence to come free."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import DateTimeRangeField
from django.contrib.postgres.fields.ranges import RangeStartsWith
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings.models.booking import Booking
from rooms.models import Room, Site


class Approval(models.Model):
    """A request that waits, or waited, for the managers of one site. A booking may need several, one for each site."""

    class State(models.TextChoices):
        PENDING = "pending", _("awaits an answer")
        APPROVED = "approved", _("approved")
        DECLINED = "declined", _("not approved")
        EXPIRED = "expired", _("not answered in time")
        WITHDRAWN = "withdrawn", _("withdrawn")

    booking = models.ForeignKey(Booking, models.CASCADE, related_name="approvals")
    site = models.ForeignKey(Site, models.PROTECT, related_name="approvals")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    # Why somebody is asked, in the words of `rooms.rules`: [{"code": "needs_approval", "room": 3}].
    reasons = models.JSONField(default=list)
    requested_at = models.DateTimeField()
    # Unanswered then, IT admins hear of it as well; unanswered at `expires_at`, it is declined by itself.
    escalates_at = models.DateTimeField()
    escalated_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True)
    answer = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["booking", "site"], name="approval_once_per_site"),
            models.CheckConstraint(
                condition=Q(state="pending", decided_at=None) | ~Q(state="pending") & Q(decided_at__isnull=False),
                name="approval_decided_with_time",
            ),
        ]
        indexes = [models.Index(fields=["site", "expires_at"], name="approval_pending", condition=Q(state="pending"))]

    def __str__(self) -> str:
        return f"{self.booking_id}: {self.state}"


class WaitlistEntry(models.Model):
    """Somebody who waits for rooms and a licence at one time. First come, first offered, by `id`.

    An offer holds what was waited for until `offer_expires_at`; then it is the next one's turn.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        OFFERED = "offered", _("offered")
        ACCEPTED = "accepted", _("accepted")
        LAPSED = "lapsed", _("offer not taken up")
        WITHDRAWN = "withdrawn", _("withdrawn")
        PASSED = "passed", _("the time has passed")

    OPEN: ClassVar[list[str]] = [State.WAITING, State.OFFERED]

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="waiting")
    # The whole request as JSON (`bookings.rules` knows how), booked as it is when the offer is accepted.
    request = models.JSONField()
    rooms = models.ManyToManyField(Room, related_name="+")
    period = DateTimeRangeField()
    # A date of a series that was booked without it: accepted, the date becomes a meeting of that series.
    booking = models.ForeignKey(Booking, models.CASCADE, related_name="waiting", null=True, blank=True)
    on = models.DateField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    created_at = models.DateTimeField()
    offered_at = models.DateTimeField(null=True, blank=True)
    offer_expires_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="offered", offer_expires_at__isnull=False)
                | ~Q(state="offered") & Q(offer_expires_at=None),
                name="waitlist_offer_expires",
            ),
            models.CheckConstraint(
                condition=Q(booking=None, on=None) | Q(booking__isnull=False, on__isnull=False),
                name="waitlist_date_of_a_series",
            ),
        ]
        indexes = [
            models.Index(
                RangeStartsWith("period"), name="waitlist_open", condition=Q(state__in=["waiting", "offered"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.period}"
