"""Licences of conference systems: what the office owns, what of it is whose, and who may use what is whose."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from rooms.models.places import Room, Site
from rooms.models.pools import LicencePool

# Of grants and shares: a slip of the pen is told apart from a date, and midnights stay within what Python can count.
FIRST_YEAR, LAST_YEAR = 1990, 2100


class DatedSeats(models.Model):
    """A number of seats from a first day to a last day (both included; no last day: until further notice)."""

    seats = models.PositiveSmallIntegerField(_("seats"), validators=[MinValueValidator(1), MaxValueValidator(10_000)])
    valid_from = models.DateField(_("first day"))
    valid_to = models.DateField(_("last day"), null=True, blank=True)

    class Meta:
        abstract = True

    def is_in_force(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def clean(self) -> None:
        for name in ("valid_from", "valid_to"):
            day = getattr(self, name)
            if day and not FIRST_YEAR <= day.year <= LAST_YEAR:
                message = _("Write a year between %(first)s and %(last)s.")
                raise ValidationError({name: ValidationError(message, params={"first": FIRST_YEAR, "last": LAST_YEAR})})
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValidationError({"valid_to": _("The last day is not before the first day.")})


class LicenceGrant(DatedSeats):
    """Seats that the office owns."""

    pool = models.ForeignKey(LicencePool, models.CASCADE, related_name="grants", verbose_name=_("pool"))

    class Meta:
        verbose_name = _("licence grant")
        verbose_name_plural = _("licence grants")
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")), name="licence_grant_days_in_order"
            )
        ]

    def __str__(self) -> str:
        return f"{self.pool}: {self.seats}"


class SiteShare(DatedSeats):
    """Seats guaranteed to a site. What is granted and not shared out is the reserve that any site may use."""

    pool = models.ForeignKey(LicencePool, models.CASCADE, related_name="shares", verbose_name=_("pool"))
    site = models.ForeignKey(Site, models.PROTECT, related_name="licence_shares", verbose_name=_("site"))

    class Meta:
        verbose_name = _("site's share")
        verbose_name_plural = _("sites' shares")
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")), name="site_share_days_in_order"
            )
        ]

    def __str__(self) -> str:
        return f"{self.site}: {self.seats}"


def _days() -> Func:
    """The days from the first to the last, both included, as a range for constraints."""
    return Func(F("valid_from"), F("valid_to"), Value("[]"), function="daterange", output_field=DateRangeField())


class LicenceLoan(DatedSeats):
    """Seats that a site lends to another out of its share, with a last day. Loans of the same two never overlap."""

    pool = models.ForeignKey(LicencePool, models.CASCADE, related_name="loans", verbose_name=_("pool"))
    lender = models.ForeignKey(Site, models.PROTECT, related_name="licences_lent", verbose_name=_("lent by"))
    borrower = models.ForeignKey(Site, models.PROTECT, related_name="licences_borrowed", verbose_name=_("lent to"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, editable=False
    )
    created_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("loan of licences")
        verbose_name_plural = _("loans of licences")
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to__isnull=False),
                name="licence_loan_ends",
                violation_error_message=_("A loan has a last day."),
            ),
            models.CheckConstraint(condition=Q(valid_to__gte=F("valid_from")), name="licence_loan_days_in_order"),
            models.CheckConstraint(
                condition=~Q(lender=F("borrower")),
                name="licence_loan_between_two",
                violation_error_message=_("A site lends to another site."),
            ),
            models.CheckConstraint(condition=Q(seats__gte=1), name="licence_loan_of_seats"),
            ExclusionConstraint(
                name="licence_loans_apart",
                expressions=[
                    ("pool", RangeOperators.EQUAL),
                    ("lender", RangeOperators.EQUAL),
                    ("borrower", RangeOperators.EQUAL),
                    (_days(), RangeOperators.OVERLAPS),
                ],
                violation_error_message=_("These two sites have another loan on some of these days."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lender} → {self.borrower}: {self.seats}"


class EmergencySeats(DatedSeats):
    """Seats kept out of general use: only the roles that the pool names take them, with a reason."""

    pool = models.ForeignKey(LicencePool, models.CASCADE, related_name="emergency_seats", verbose_name=_("pool"))

    class Meta:
        verbose_name = _("emergency licences")
        verbose_name_plural = _("emergency licences")
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")), name="emergency_seats_days_in_order"
            ),
            models.CheckConstraint(condition=Q(seats__gte=1), name="emergency_seats_are_seats"),
        ]

    def __str__(self) -> str:
        return f"{self.pool}: {self.seats}"


class NamedLicence(models.Model):
    """One seat that belongs to a person or to a room: held like a room, by one session at a time.

    It comes out of the share of `site`, or without a site out of what is shared by all.
    """

    pool = models.ForeignKey(LicencePool, models.CASCADE, related_name="named", verbose_name=_("pool"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="named_licences",
        null=True,
        blank=True,
        verbose_name=_("person"),
    )
    room = models.ForeignKey(
        Room, models.PROTECT, related_name="named_licences", null=True, blank=True, verbose_name=_("room")
    )
    site = models.ForeignKey(
        Site,
        models.PROTECT,
        related_name="named_licences",
        null=True,
        blank=True,
        verbose_name=_("out of the share of"),
        help_text=_("No site: out of the reserve that all share."),
    )
    valid_from = models.DateField(_("first day"))
    valid_to = models.DateField(_("last day"), null=True, blank=True)

    class Meta:
        verbose_name = _("named licence")
        verbose_name_plural = _("named licences")
        constraints = [
            models.CheckConstraint(
                condition=Q(user=None, room__isnull=False) | Q(user__isnull=False, room=None),
                name="named_licence_of_one",
                violation_error_message=_("A named licence belongs to a person or to a room."),
            ),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")), name="named_licence_days_in_order"
            ),
            ExclusionConstraint(
                name="named_licence_once_for_user",
                expressions=[
                    ("pool", RangeOperators.EQUAL),
                    ("user", RangeOperators.EQUAL),
                    (_days(), RangeOperators.OVERLAPS),
                ],
                violation_error_message=_("This person has a licence on some of these days already."),
            ),
            ExclusionConstraint(
                name="named_licence_once_for_room",
                expressions=[
                    ("pool", RangeOperators.EQUAL),
                    ("room", RangeOperators.EQUAL),
                    (_days(), RangeOperators.OVERLAPS),
                ],
                violation_error_message=_("This room has a licence on some of these days already."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.user or self.room)


class SiteTerms(models.Model):
    """What a site does when its share is used up, and what it lets others have of it.

    A site without such a row borrows from the reserve and lends `DEFAULT_LEND_DAYS` ahead.
    """

    DEFAULT_LEND_DAYS = 2

    class WhenShort(models.TextChoices):
        RESERVE = "reserve", _("borrow from the reserve")
        OTHER_TIME = "other_time", _("propose another time")

    pool = models.ForeignKey(LicencePool, models.CASCADE, related_name="site_terms", verbose_name=_("pool"))
    site = models.ForeignKey(Site, models.CASCADE, related_name="licence_terms", verbose_name=_("site"))
    when_short = models.CharField(
        _("when licences run short"), max_length=10, choices=WhenShort.choices, default=WhenShort.RESERVE
    )
    lend_days = models.PositiveSmallIntegerField(
        _("lends idle licences, days ahead"),
        default=DEFAULT_LEND_DAYS,
        validators=[MaxValueValidator(366)],
        help_text=_("How many days before a session people of other sites may borrow one by themselves. 0: never."),
    )

    class Meta:
        verbose_name = _("site's terms for licences")
        verbose_name_plural = _("sites' terms for licences")
        constraints = [
            models.UniqueConstraint(
                fields=["pool", "site"],
                name="site_terms_once",
                violation_error_message=_("This site has terms for this pool already."),
            ),
            models.CheckConstraint(condition=Q(lend_days__lte=366), name="site_terms_lend_up_to_a_year"),
        ]

    def __str__(self) -> str:
        return f"{self.site}: {self.get_when_short_display()}"
