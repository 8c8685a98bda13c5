"""Our key pairs, of which conference servers know the public halves."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class SigningKey(models.Model):
    """A key pair for one purpose. The private half is encrypted with a key derived from SECRET_KEY.

    It is published from `created_at` on, signs from `signs_from` until its successor does, and is published until
    `withdrawn_at`, so that what it signed last can still be verified.
    """

    class Purpose(models.TextChoices):
        #: Lets people into conferences.
        LOGIN = "login", _("entering conferences")
        #: Lets us end conferences and speak into them. Never the same: servers take any login token for these (P2).
        CONTROL = "control", _("controlling conferences")

    purpose = models.CharField(max_length=7, choices=Purpose.choices)
    kid = models.CharField(max_length=40, unique=True)
    # SHA-256 of `kid` in lower-case hexadecimal: what Prosody asks for.
    kid_digest = models.CharField(max_length=64, unique=True)
    public_pem = models.TextField()
    private = models.BinaryField(editable=False)
    created_at = models.DateTimeField()
    signs_from = models.DateTimeField()
    # Not published from then on, and never signs.
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("signing key")
        verbose_name_plural = _("signing keys")
        constraints = [
            models.UniqueConstraint(fields=["purpose", "signs_from"], name="signing_key_one_successor"),
            models.CheckConstraint(condition=Q(signs_from__gte=F("created_at")), name="signing_key_published_first"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.kid}"
