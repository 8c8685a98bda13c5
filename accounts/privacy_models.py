"""What the office says about data protection, and when data of people was erased."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

MAX_NOTICE_LENGTH = 30_000


class PrivacyNotice(models.Model):
    """One version of the office's text in one language. The newest is shown; older ones stay, and none is changed.

    An empty text says that the built-in one is shown again.
    """

    language = models.CharField(_("language"), max_length=5, choices=settings.LANGUAGES)
    version = models.PositiveIntegerField(_("version"))
    text = models.TextField(_("text"), blank=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("changed by")
    )
    changed_at = models.DateTimeField(_("changed"))

    class Meta:
        verbose_name = _("privacy notice")
        verbose_name_plural = _("privacy notices")
        constraints = [
            models.UniqueConstraint(fields=["language", "version"], name="privacy_notice_version_once"),
            models.CheckConstraint(condition=Q(version__gte=1), name="privacy_notice_version_from_one"),
            models.CheckConstraint(
                condition=models.lookups.LessThanOrEqual(Length("text"), MAX_NOTICE_LENGTH), name="privacy_notice_fits"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.language} {self.version}"


class Erasure(models.Model):
    """A run in which data of people was erased, or a request for it. Holds figures, and nobody's name or address."""

    class Origin(models.TextChoices):
        CLOCK = "clock", pgettext_lazy("data erased", "by the clock")
        GUEST = "guest", pgettext_lazy("data erased", "by the person, on their page")
        OFFICE = "office", pgettext_lazy("data erased", "by an IT admin")

    origin = models.CharField(_("asked for"), max_length=6, choices=Origin.choices)
    # Who asked: the participant by whose personal address it was asked (by key: the row stays, without a name), or the
    # IT admin.
    attendee_key = models.BigIntegerField(null=True, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, related_name="+", null=True, blank=True)
    # Everything, or but for what the person takes part in later.
    is_whole = models.BooleanField(default=False)
    asked_at = models.DateTimeField(_("asked"))
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    people = models.PositiveIntegerField(_("people"), default=0)
    # By kind of data: {"participation": 12, "mails": 40}.
    rows = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("erasure of data")
        verbose_name_plural = _("erasures of data")
        constraints = [
            models.CheckConstraint(
                condition=Q(origin="clock", attendee_key=None, by=None)
                | Q(origin="guest", attendee_key__isnull=False, by=None)
                | Q(origin="office", attendee_key=None),
                name="erasure_asked_by_one",
            ),
            models.CheckConstraint(
                condition=Q(done_at=None) | Q(done_at__gte=models.F("asked_at")), name="erasure_in_order"
            ),
        ]
        indexes = [models.Index(fields=["-asked_at"], name="erasure_newest")]

    def __str__(self) -> str:
        return f"{self.origin} {self.asked_at:%Y-%m-%d %H:%M}"

    @property
    def row_count(self) -> int:
        return sum(self.rows.values())
