"""Joining by telephone: the numbers to call, and the PIN of each session."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import one_line
from bookings.models import Booking
from rooms.models import Site


class DialInNumber(models.Model):
    """A telephone number under which the switchboard asks for a PIN."""

    number = models.CharField(
        _("number"),
        max_length=20,
        unique=True,
        validators=[RegexValidator(r"^\+[1-9]\d{5,14}$", _("As in +48221234567: with the country, without spaces."))],
    )
    # How people read it: „+48 22 123 45 67”. Empty: as above.
    formatted = models.CharField(_("as people read it"), max_length=40, blank=True, validators=[one_line])
    country_code = models.CharField(
        _("country"),
        max_length=2,
        default="PL",
        validators=[RegexValidator(r"^[A-Z]{2}$", _("Two letters, as in PL."))],
    )
    label = models.CharField(_("name"), max_length=80, blank=True, validators=[one_line])
    label_en = models.CharField(_("name in English"), max_length=80, blank=True, validators=[one_line])
    # Shown first to people of this site.
    site = models.ForeignKey(
        Site, models.SET_NULL, related_name="+", null=True, blank=True, verbose_name=_("for people of this site")
    )
    is_toll_free = models.BooleanField(_("free of charge"), default=False)
    is_default = models.BooleanField(_("the one in mails"), default=False)
    is_active = models.BooleanField(_("in use"), default=True)
    position = models.PositiveSmallIntegerField(_("place in lists"), default=0)

    class Meta:
        verbose_name = _("dial-in number")
        verbose_name_plural = _("dial-in numbers")
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=Q(is_default=True),
                name="dial_in_number_one_default",
                violation_error_message=_("Another number already stands in mails."),
            )
        ]

    def __str__(self) -> str:
        return self.formatted or self.number


class DialInPin(models.Model):
    """What callers type to get into one session, and nobody else's; of a series, into the meeting that is open."""

    booking = models.OneToOneField(Booking, models.CASCADE, related_name="dial_in_pin", primary_key=True)
    pin = models.CharField(max_length=12, unique=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pin__regex=r"^[1-9][0-9]{8,9}$"), name="dial_in_pin_digits")]

    def __str__(self) -> str:
        return str(self.booking_id)


class DialInTry(models.Model):
    """How often something was tried lately (`dial_in_tries`): a digest of who or what, never a telephone number."""

    key = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField()
    began_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.key[:8]}: {self.count}"
