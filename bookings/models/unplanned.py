"""Conferences that nobody booked, and that were let in because a licence was free."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from rooms.models import Site


class UnplannedConference(models.Model):
    """A conference that began without a booking. Its licence is held for as long as the server was told it may run."""

    name = models.CharField(max_length=1000)
    # Whose licences it takes: those of the server's site, else the reserve.
    site = models.ForeignKey(Site, models.PROTECT, related_name="+", null=True, blank=True)
    started_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    people_peak = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = _("unplanned conference")
        verbose_name_plural = _("unplanned conferences")
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("started_at")), name="unplanned_ends_after_start"),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")), name="unplanned_in_order"
            ),
        ]
        indexes = [models.Index(fields=["started_at"], name="unplanned_starts")]

    def __str__(self) -> str:
        return f"{self.name}: {self.started_at:%Y-%m-%d %H:%M}"
