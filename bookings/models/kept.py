"""What is kept of booking forms: what somebody typed and has not booked yet, and templates to begin from.

Both keep the form's fields as a browser sends them, so what opens again is what stood there. Both are bounded in size,
and in number for each person (`bookings.services`). What is deleted can be taken back for a while (`deleted_at`).
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Length

from rooms.models import Site

#: Of the fields of a form, as a browser sends them: some 400 people by their address.
MAX_BODY_LENGTH = 100_000
MAX_TEMPLATE_NAME_LENGTH = 100

_FITS = models.lookups.LessThanOrEqual(Length("body"), MAX_BODY_LENGTH)


class KeptForm(models.Model):
    """A form for a new session as its owner left it. `submission`: the number that the form books with, once.

    `opening`, `turn`: which opened page has sent it, and which of its changes this is. Of one page a later change is
    never overwritten by an earlier one that comes late.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="kept_forms", db_index=False)
    submission = models.UUIDField(unique=True, editable=False)
    body = models.TextField()
    opening = models.CharField(max_length=32, blank=True)
    turn = models.PositiveIntegerField(default=0)
    saved_at = models.DateTimeField(db_index=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=_FITS, name="kept_form_fits")]
        indexes = [models.Index(fields=["user", "-saved_at"], name="kept_form_by_user")]

    def __str__(self) -> str:
        return str(self.submission)


class FormTemplate(models.Model):
    """What a new session can begin from, without a day. `site`: whose people may use it too; None: the owner alone."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="form_templates", db_index=False)
    site = models.ForeignKey(Site, models.CASCADE, related_name="form_templates", null=True, blank=True)
    name = models.CharField(max_length=MAX_TEMPLATE_NAME_LENGTH)
    body = models.TextField()
    created_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True, db_index=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=_FITS, name="form_template_fits"),
            models.CheckConstraint(condition=~Q(name=""), name="form_template_has_a_name"),
            models.UniqueConstraint(
                fields=["owner", "name"], condition=Q(deleted_at=None), name="form_template_named_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name
