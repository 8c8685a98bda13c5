"""Who wants to be reminded of what, and when not: what people chose, and what a site does where they chose nothing."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import MAX_EMAIL_LENGTH
from rooms.models import Site, Weekday


class Quiet(models.TextChoices):
    """Whose quiet hours count."""

    #: As the next wider one says: of a person the site, of a site the office (REMINDER_QUIET).
    DEFAULT = "default", pgettext_lazy("quiet hours", "as set for everybody")
    NONE = "none", pgettext_lazy("quiet hours", "none")
    OWN = "own", pgettext_lazy("quiet hours", "own hours")


class _Hours(models.Model):
    """Quiet hours `[quiet_from, quiet_to)` by the wall clock of whoever is reminded; over midnight where `to` is
    earlier. Both are there if, and only if, `quiet` is OWN.
    """

    quiet = models.CharField(_("quiet hours"), max_length=7, choices=Quiet.choices, default=Quiet.DEFAULT)
    quiet_from = models.TimeField(_("from"), null=True, blank=True)
    quiet_to = models.TimeField(_("until"), null=True, blank=True)
    # How long before the start; None: as the next wider one says. Empty: no reminder.
    leads = ArrayField(models.DurationField(), size=6, null=True, blank=True, verbose_name=_("how long before"))

    class Meta:
        abstract = True


_HOURS_TOGETHER = (Q(quiet="own", quiet_from__isnull=False, quiet_to__isnull=False) & ~Q(quiet_from=F("quiet_to"))) | (
    ~Q(quiet="own") & Q(quiet_from=None, quiet_to=None)
)


class ReminderChoice(_Hours):
    """What one person chose: a user, or whoever reads mail at an address and has no account.

    No row, and everything is as the site says.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="reminder_choice", null=True, blank=True
    )
    # In lower case.
    address = models.EmailField(_("e-mail address"), max_length=MAX_EMAIL_LENGTH, null=True, blank=True, unique=True)
    wants_nudge = models.BooleanField(_("to be asked again for an answer"), default=True)
    # Of users alone: what organizers get the day before, and managers of a site every week.
    wants_summary = models.BooleanField(_("overview of the next day"), default=True)
    wants_digest = models.BooleanField(_("overview of the week"), default=True)
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("choice of reminders")
        verbose_name_plural = _("choices of reminders")
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, address=None) | Q(user=None, address__isnull=False),
                name="reminder_choice_of_one",
            ),
            models.CheckConstraint(
                condition=Q(address=None) | Q(address=Lower("address")), name="reminder_choice_lower_case"
            ),
            models.CheckConstraint(condition=_HOURS_TOGETHER, name="reminder_choice_quiet"),
        ]

    def __str__(self) -> str:
        return self.address or str(self.user)


class SiteReminders(_Hours):
    """What a site does where people chose nothing. Nothing here: as the office does (settings)."""

    site = models.OneToOneField(Site, models.CASCADE, related_name="reminders", verbose_name=_("site"))
    # How long before its start the silent are asked for an answer; None: RSVP_NUDGE_LEAD, zero: never.
    nudge_lead = models.DurationField(_("asking the silent"), null=True, blank=True)
    # When organizers get the overview of their next day, by the site's wall clock; None: SUMMARY_AT.
    has_summary = models.BooleanField(_("overview of the next day"), default=True)
    summary_at = models.TimeField(_("overview of the next day at"), null=True, blank=True)
    # When managers get the overview of the week, by the site's wall clock; None: DIGEST_AT.
    has_digest = models.BooleanField(_("overview of the week"), default=True)
    digest_weekday = models.PositiveSmallIntegerField(
        _("overview of the week on"), choices=Weekday.choices, null=True, blank=True
    )
    digest_at = models.TimeField(_("overview of the week at"), null=True, blank=True)
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("reminders of a site")
        verbose_name_plural = _("reminders of sites")
        constraints = [
            models.CheckConstraint(condition=_HOURS_TOGETHER, name="site_reminders_quiet"),
            models.CheckConstraint(
                condition=Q(digest_weekday=None, digest_at=None)
                | Q(digest_weekday__lte=6, digest_weekday__isnull=False, digest_at__isnull=False),
                name="site_reminders_digest",
            ),
        ]

    def __str__(self) -> str:
        return str(self.site)
