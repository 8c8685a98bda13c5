"""Pools of licences: each belongs to one conference system."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import one_line
from accounts.zones import validate_time_zone


class LicencePool(models.Model):
    """Licences of one conference system, shared by the sites.

    Admission is by peak concurrency: at every instant the sum over sites of `max(0, use - share)` stays within what
    is granted and not shared out. The database checks it (`bookings` migration 0012), whatever code writes a hold.
    Rooms name the pool that their sessions need; those that name none, and sessions without rooms, the default one.
    """

    class Counts(models.TextChoices):
        CONFERENCE = "conference", _("one seat per conference")
        ROOM = "room", _("one seat per connected room")
        PARTICIPANT = "participant", _("one seat per participant")

    class Helpers(models.TextChoices):
        IT_ADMIN = "it_admin", _("IT admins")
        MANAGER = "manager", _("site managers and IT admins")

    name = models.CharField(_("name"), max_length=120, unique=True, validators=[one_line])
    counts = models.CharField(
        _("what takes a seat"),
        max_length=12,
        choices=Counts.choices,
        default=Counts.CONFERENCE,
        help_text=_("What is booked already keeps the seats that it has."),
    )
    time_zone = models.CharField(
        _("time zone"),
        max_length=64,
        default="Europe/Warsaw",
        validators=[validate_time_zone],
        help_text=_("Grants and shares begin and end at midnight in this zone."),
    )
    emergency_for = models.CharField(
        _("who may use emergency licences"), max_length=10, choices=Helpers.choices, default=Helpers.MANAGER
    )
    is_default = models.BooleanField(_("sessions take their licence here"), default=False)

    class Meta:
        verbose_name = _("licence pool")
        verbose_name_plural = _("licence pools")
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=Q(is_default=True),
                name="licence_pool_one_default",
                violation_error_message=_("Another pool already serves sessions."),
            )
        ]

    def __str__(self) -> str:
        return self.name
