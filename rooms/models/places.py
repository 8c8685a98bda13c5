"""Sites, rooms, equipment, opening hours, and who may do what where."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import one_line
from accounts.zones import validate_time_zone
from rooms.models.pools import LicencePool

MAX_PREPARATION = timedelta(hours=4)


class Weekday(models.IntegerChoices):
    """Numbered as `date.weekday()` does."""

    MONDAY = 0, _("Monday")
    TUESDAY = 1, _("Tuesday")
    WEDNESDAY = 2, _("Wednesday")
    THURSDAY = 3, _("Thursday")
    FRIDAY = 4, _("Friday")
    SATURDAY = 5, _("Saturday")
    SUNDAY = 6, _("Sunday")


class Site(models.Model):
    """A building of the office. Its rooms follow its opening hours and its time zone."""

    code = models.CharField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=120, validators=[one_line])
    short_name = models.CharField(
        _("short name"),
        max_length=40,
        blank=True,
        validators=[one_line],
        help_text=_("For filters and narrow screens."),
    )
    street = models.CharField(_("street"), max_length=120, blank=True, validators=[one_line])
    postcode = models.CharField(_("postcode"), max_length=12, blank=True, validators=[one_line])
    city = models.CharField(_("city"), max_length=80, blank=True, validators=[one_line])
    phone = models.CharField(_("telephone"), max_length=40, blank=True, validators=[one_line])
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="Europe/Warsaw", validators=[validate_time_zone]
    )
    position = models.PositiveSmallIntegerField(_("place in lists"), default=0)

    class Meta:
        verbose_name = _("site")
        verbose_name_plural = _("sites")

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def label(self) -> str:
        return self.short_name or self.name

    @property
    def address(self) -> str:
        return ", ".join(filter(None, [self.street, f"{self.postcode} {self.city}".strip()]))


class OpeningHours(models.Model):
    """When rooms of a site may be used, in the site's wall-clock time, `[opens, closes)`."""

    site = models.ForeignKey(Site, models.CASCADE, related_name="opening_hours", verbose_name=_("site"))
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday.choices)
    opens = models.TimeField(_("opens"))
    closes = models.TimeField(_("closes"))

    class Meta:
        verbose_name = _("opening hours")
        verbose_name_plural = _("opening hours")
        constraints = [
            models.CheckConstraint(
                condition=Q(closes__gt=F("opens")),
                name="opening_hours_close_after_open",
                violation_error_message=_("A site closes after it opens."),
            ),
            models.CheckConstraint(condition=Q(weekday__lte=6), name="opening_hours_weekday"),
            models.UniqueConstraint(
                fields=["site", "weekday", "opens"],
                name="opening_hours_once",
                violation_error_message=_("These hours are listed already."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.opens:%H:%M}–{self.closes:%H:%M}"


class Equipment(models.Model):
    """What a room has or is: a terminal, an induction loop, step-free access."""

    code = models.SlugField(_("code"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=80, unique=True, validators=[one_line])
    name_en = models.CharField(_("name in English"), max_length=80, blank=True, validators=[one_line])
    icon = models.CharField(
        _("icon"), max_length=20, blank=True, help_text=_("A name from the icon sprite, such as doc.")
    )
    is_filter = models.BooleanField(_("offered as a filter on the day board"), default=True)

    class Meta:
        verbose_name = _("equipment")
        verbose_name_plural = _("equipment")

    def __str__(self) -> str:
        return self.name


class Room(models.Model):
    """A room that sessions are held in. Set-up and clearing times belong to every hold."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="rooms", verbose_name=_("site"))
    code = models.CharField(_("code"), max_length=20)
    name = models.CharField(_("name"), max_length=120, validators=[one_line])
    floor = models.SmallIntegerField(_("floor"), default=0, help_text=_("0 is the ground floor."))
    seats = models.PositiveSmallIntegerField(_("seats"), validators=[MinValueValidator(1)])
    equipment = models.ManyToManyField(Equipment, related_name="rooms", blank=True, verbose_name=_("equipment"))
    setup = models.DurationField(_("set-up time before"), default=timedelta(0))
    clearing = models.DurationField(_("clearing time after"), default=timedelta(0))
    needs_approval = models.BooleanField(
        _("needs a manager's approval"),
        default=False,
        help_text=_("Managers of the site book it at once. Other people ask; the room is held until it is answered."),
    )
    needs_licence = models.BooleanField(
        _("sessions take a licence"),
        default=True,
        help_text=_("Not for a room with a conference system of its own, or with none."),
    )
    licence_pool = models.ForeignKey(
        LicencePool,
        models.PROTECT,
        related_name="rooms",
        null=True,
        blank=True,
        verbose_name=_("from which pool"),
        help_text=_("None chosen: from the pool that serves sessions."),
    )
    mailbox = models.EmailField(
        _("the room's e-mail address"),
        blank=True,
        help_text=_("Invited from Outlook or Thunderbird, the room answers by itself."),
    )
    mail_takes_licence = models.BooleanField(
        _("meetings booked by mail take a licence"),
        default=True,
        help_text=_("Not for a room in which people mostly meet in person."),
    )
    is_active = models.BooleanField(_("may be booked"), default=True)
    position = models.PositiveSmallIntegerField(_("place in lists"), default=0)

    class Meta:
        verbose_name = _("room")
        verbose_name_plural = _("rooms")
        constraints = [
            models.UniqueConstraint(
                fields=["site", "code"],
                name="room_code_once",
                violation_error_message=_("This site has a room with this code."),
            ),
            models.CheckConstraint(
                condition=Q(setup__gte=timedelta(0), setup__lte=MAX_PREPARATION)
                & Q(clearing__gte=timedelta(0), clearing__lte=MAX_PREPARATION),
                name="room_preparation_up_to_4_hours",
                violation_error_message=_("Set-up and clearing take between nothing and 4 hours."),
            ),
            models.CheckConstraint(condition=Q(seats__gte=1), name="room_has_seats"),
            models.UniqueConstraint(
                Lower("mailbox"),
                condition=~Q(mailbox=""),
                name="room_mailbox_once",
                violation_error_message=_("Another room has this e-mail address."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class SiteRole(models.Model):
    """What a user may do at a site. IT admins need none: they may do everything everywhere."""

    class Role(models.TextChoices):
        STAFF = "staff", pgettext_lazy("role at a site", "staff")
        MANAGER = "manager", pgettext_lazy("role at a site", "site manager")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="site_roles", verbose_name=_("user")
    )
    site = models.ForeignKey(Site, models.CASCADE, related_name="roles", verbose_name=_("site"))
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.STAFF)

    class Meta:
        verbose_name = _("role at a site")
        verbose_name_plural = _("roles at sites")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "site"],
                name="site_role_once",
                violation_error_message=_("One role per person and site."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()}, {self.site}"


class MovableEquipment(models.Model):
    """Equipment that is carried from room to room of a site, and of which there are only so many: two document cameras.

    A session that asks for it holds a number of pieces; at no instant are more of them held than there are
    (`bookings.EquipmentHold`, guarded by the database). The recorders of the conferences are equipment of no site: a
    session that has one may be recorded, wherever it takes place.
    """

    site = models.ForeignKey(
        Site, models.CASCADE, related_name="movable_equipment", verbose_name=_("site"), null=True, blank=True
    )
    is_recorder = models.BooleanField(
        _("records conferences"),
        default=False,
        db_default=False,
        help_text=_("How many conferences can be recorded at once: one Jibri records one. They belong to no site."),
    )
    name = models.CharField(_("name"), max_length=80, validators=[one_line])
    name_en = models.CharField(_("name in English"), max_length=80, blank=True, validators=[one_line])
    quantity = models.PositiveSmallIntegerField(_("how many there are"), validators=[MinValueValidator(1)], default=1)
    rooms = models.ManyToManyField(
        Room,
        related_name="movable_equipment",
        blank=True,
        verbose_name=_("rooms that it may be used in"),
        help_text=_("None chosen: every room of the site."),
    )

    class Meta:
        verbose_name = _("movable equipment")
        verbose_name_plural = _("movable equipment")
        constraints = [
            models.UniqueConstraint(
                fields=["site", "name"],
                name="movable_equipment_once",
                violation_error_message=_("This site has movable equipment of this name."),
            ),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="movable_equipment_quantity"),
            models.CheckConstraint(
                condition=Q(is_recorder=True, site=None) | Q(is_recorder=False, site__isnull=False),
                name="movable_equipment_of_a_site",
                violation_error_message=_("Choose the site that it belongs to; only recorders belong to none."),
            ),
            models.UniqueConstraint(
                fields=["is_recorder"],
                condition=Q(is_recorder=True),
                name="movable_equipment_one_kind_of_recorder",
                violation_error_message=_("The recorders are listed already. Change how many there are."),
            ),
        ]

    def __str__(self) -> str:
        return self.name if self.site is None else f"{self.name} ({self.site})"
