"""What the office allows, as data: limits and approvals by site, room and role, and exemptions from them."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import one_line
from rooms.models.places import Room, Site, SiteRole


class BookingRule(models.Model):
    """One rule. The narrowest scope wins for each kind: room before site before office, a role before everybody.

    `rooms.rules` reads `value` (whole minutes, days or hours, by kind) and says each rule in a plain sentence.
    """

    class Kind(models.TextChoices):
        #: Days ahead that may be booked.
        WINDOW = "window", _("how many days ahead")
        #: Minutes between booking and start.
        NOTICE = "notice", _("shortest notice, in minutes")
        #: Minutes that one meeting may take.
        LENGTH = "length", _("longest meeting, in minutes")
        #: Hours a week, Monday to Sunday, that one organizer may hold.
        PERSON_HOURS = "person_hours", _("hours a week for one person")
        #: Hours a week that all organizers of one unit may hold together.
        UNIT_HOURS = "unit_hours", _("hours a week for one unit")
        #: 0: may not book at all.
        BOOK = "book", _("who may book (0: nobody in this scope)")
        #: 1: needs a manager's approval; 0: does not.
        APPROVAL = "approval", _("needs approval (1 yes, 0 no)")
        #: 1: also outside opening hours.
        ANY_HOUR = "any_hour", _("outside opening hours (1 yes, 0 no)")

    YES_OR_NO: ClassVar[set[str]] = {Kind.BOOK, Kind.APPROVAL, Kind.ANY_HOUR}
    #: What makes sense, in each kind's unit.
    BOUNDS: ClassVar[dict[str, tuple[int, int]]] = {
        Kind.WINDOW: (0, 731),
        Kind.NOTICE: (0, 60 * 24 * 60),
        Kind.LENGTH: (5, 36 * 60),
        Kind.PERSON_HOURS: (0, 168),
        Kind.UNIT_HOURS: (0, 168 * 60),
    }

    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    value = models.PositiveIntegerField(_("value"))
    site = models.ForeignKey(
        Site, models.CASCADE, related_name="booking_rules", null=True, blank=True, verbose_name=_("site")
    )
    room = models.ForeignKey(
        Room, models.CASCADE, related_name="booking_rules", null=True, blank=True, verbose_name=_("room")
    )
    # Of the person who books, at the site in question; empty: everybody.
    role = models.CharField(_("role"), max_length=10, choices=SiteRole.Role.choices, blank=True)

    class Meta:
        verbose_name = _("booking rule")
        verbose_name_plural = _("booking rules")
        constraints = [
            models.CheckConstraint(condition=Q(site=None) | Q(room=None), name="booking_rule_scope"),
            models.UniqueConstraint(
                fields=["kind", "site", "room", "role"],
                nulls_distinct=False,
                name="booking_rule_once",
                violation_error_message=_("There is such a rule already. Change that one."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.value}"

    def clean(self) -> None:
        if self.kind in self.YES_OR_NO and self.value not in {0, 1}:
            raise ValidationError({"value": _("This kind of rule takes 0 or 1.")})
        lowest, highest = self.BOUNDS.get(self.kind, (0, 1))
        if self.value is not None and not lowest <= self.value <= highest:
            message = _("Write a number from %(lowest)s to %(highest)s.")
            raise ValidationError({"value": ValidationError(message, params={"lowest": lowest, "highest": highest})})
        if self.kind == self.Kind.APPROVAL and self.role == SiteRole.Role.MANAGER:
            raise ValidationError({"role": _("Managers answer requests; they need no approval.")})


class Exemption(models.Model):
    """Lets one person past one kind of rule, for a while, with a reason. Using it is an event of the booking."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="exemptions", verbose_name=_("user")
    )
    kind = models.CharField(_("kind of rule"), max_length=12, choices=BookingRule.Kind.choices)
    site = models.ForeignKey(
        Site, models.CASCADE, related_name="+", null=True, blank=True, verbose_name=_("site (empty: all)")
    )
    valid_from = models.DateField(_("first day"))
    valid_to = models.DateField(_("last day"))
    reason = models.CharField(_("reason"), max_length=200, validators=[one_line])
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("granted by"), editable=False
    )
    granted_at = models.DateTimeField(editable=False)

    class Meta:
        verbose_name = _("exemption")
        verbose_name_plural = _("exemptions")
        constraints = [
            models.CheckConstraint(condition=Q(valid_to__gte=F("valid_from")), name="exemption_days_in_order")
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_kind_display()}"


class Deputy(models.Model):
    """Answers requests in a site manager's place for a while."""

    manager = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="deputies", verbose_name=_("site manager")
    )
    deputy = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="deputy_for", verbose_name=_("deputy")
    )
    valid_from = models.DateField(_("first day"))
    valid_to = models.DateField(_("last day"))

    class Meta:
        verbose_name = _("deputy")
        verbose_name_plural = _("deputies")
        constraints = [
            models.CheckConstraint(condition=Q(valid_to__gte=F("valid_from")), name="deputy_days_in_order"),
            models.CheckConstraint(condition=~Q(manager=F("deputy")), name="deputy_is_somebody_else"),
        ]

    def __str__(self) -> str:
        return f"{self.deputy} for {self.manager}"
