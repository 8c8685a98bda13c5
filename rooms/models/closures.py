"""Closures: when a site, a room or movable equipment can't be used, and why."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import one_line
from rooms.models.places import MovableEquipment, Room, Site


class Closure(models.Model):
    """A site, a room or pieces of movable equipment that can't be used for a while, once or again and again.

    Wall-clock time of the site, `[local_start, local_end)`. `rrule` repeats it (RFC 5545 3.3.10, finite), empty: once.
    `bookings` turns it into holds, so that the guard of the rooms is the guard of closures too.
    """

    class Kind(models.TextChoices):
        CLOSURE = "closure", _("closed")
        MAINTENANCE = "maintenance", _("maintenance")

    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, default=Kind.CLOSURE)
    title = models.CharField(_("reason"), max_length=120, validators=[one_line])
    title_en = models.CharField(_("reason in English"), max_length=120, blank=True, validators=[one_line])
    site = models.ForeignKey(
        Site, models.CASCADE, related_name="closures", null=True, blank=True, verbose_name=_("site")
    )
    room = models.ForeignKey(
        Room, models.CASCADE, related_name="closures", null=True, blank=True, verbose_name=_("room")
    )
    equipment = models.ForeignKey(
        MovableEquipment,
        models.CASCADE,
        related_name="closures",
        null=True,
        blank=True,
        verbose_name=_("movable equipment"),
    )
    #: Of movable equipment: how many pieces are away.
    quantity = models.PositiveSmallIntegerField(_("how many pieces"), null=True, blank=True)
    local_start = models.CharField(max_length=16, help_text="2026-11-24T11:00")
    local_end = models.CharField(max_length=16)
    rrule = models.CharField(max_length=200, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("entered by")
    )
    created_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("closure")
        verbose_name_plural = _("closures")
        constraints = [
            models.CheckConstraint(
                condition=Q(site__isnull=False, room=None, equipment=None, quantity=None)
                | Q(site=None, room__isnull=False, equipment=None, quantity=None)
                | Q(site=None, room=None, equipment__isnull=False, quantity__gte=1),
                name="closure_of_one_thing",
            ),
            models.CheckConstraint(condition=Q(local_end__gt=F("local_start")), name="closure_ends_after_start"),
        ]

    def __str__(self) -> str:
        return self.title
