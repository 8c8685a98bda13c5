"""Users who sign in; institutions, contacts and contact groups who never do."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.privacy_models import MAX_NOTICE_LENGTH, Erasure, PrivacyNotice
from accounts.zones import validate_time_zone

__all__ = [
    "MAX_EMAIL_LENGTH",
    "MAX_NOTICE_LENGTH",
    "Contact",
    "ContactGroup",
    "ContactQuerySet",
    "Erasure",
    "Institution",
    "PrivacyNotice",
    "User",
    "UserManager",
    "one_line",
]

MAX_EMAIL_LENGTH = 254  # RFC 5321 4.5.3.1.3, less the angle brackets

one_line = RegexValidator(r"^[^\x00-\x1f\x7f\u2028\u2029]*\Z", _("Write this on one line, without control characters."))


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, email: str | None) -> User:
        return self.get(email=(email or "").lower())

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a user who signs in with `email`; without a password they use the reset mail."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_it_admin=True, **fields)


class User(AbstractBaseUser):
    """A member of the office's staff. What they may do at a site is in `rooms.SiteRole`."""

    email = models.EmailField(
        _("e-mail address"),
        max_length=MAX_EMAIL_LENGTH,
        unique=True,
        error_messages={"unique": _("Somebody already uses this address.")},
    )
    name = models.CharField(_("name"), max_length=120, validators=[one_line])
    unit = models.CharField(_("unit"), max_length=160, blank=True, validators=[one_line])
    phone = models.CharField(_("telephone"), max_length=40, blank=True, validators=[one_line])
    language = models.CharField(_("language"), max_length=5, choices=settings.LANGUAGES, default="pl")
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="Europe/Warsaw", validators=[validate_time_zone]
    )
    is_active = models.BooleanField(_("may sign in"), default=True)
    is_it_admin = models.BooleanField(
        _("IT admin"), default=False, help_text=_("Sees and changes everything, at all sites.")
    )
    joined_at = models.DateTimeField(_("added"), default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            # One spelling per person, so that „unique” means one account.
            models.CheckConstraint(
                condition=Q(email=Lower("email")),
                name="user_email_lower_case",
                violation_error_message=_("Write the address in lower case."),
            )
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def clean(self) -> None:
        self.email = self.email.strip().lower()

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        """The form used in the bar of the page: „A. Wrzesińska”."""
        first, _space, rest = self.name.partition(" ")
        return f"{first[:1]}. {rest}" if rest else self.name or self.email

    # The admin site is for IT admins alone; there are no finer permissions to grant by hand.
    @property
    def is_staff(self) -> bool:
        return self.is_active and self.is_it_admin

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return self.is_staff

    def has_perms(self, perm_list: list[str], obj: Any = None) -> bool:
        return self.is_staff

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_staff


class Institution(models.Model):
    """An office, court or partner outside that takes part by mail."""

    code = models.CharField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=200, validators=[one_line])
    kind = models.CharField(_("kind"), max_length=80, blank=True, validators=[one_line])
    city = models.CharField(_("city"), max_length=80, blank=True, validators=[one_line])
    country = models.CharField(_("country"), max_length=2, default="PL", help_text=_("Two letters, as in ISO 3166."))
    language = models.CharField(_("language of mails"), max_length=5, choices=settings.LANGUAGES, default="pl")

    class Meta:
        verbose_name = _("institution")
        verbose_name_plural = _("institutions")

    def __str__(self) -> str:
        return self.name


class ContactQuerySet(models.QuerySet["Contact"]):
    def with_addresses(self, *, ids: Collection[int], emails: Collection[str]) -> ContactQuerySet:
        """Return contacts with one of the ids, or with one of the addresses given in lower case."""
        return self.annotate(email_lower=Lower("email")).filter(Q(pk__in=ids) | Q(email_lower__in=emails))


class Contact(models.Model):
    """A person or a shared mailbox at an institution. Has no account: mails and one link are all they get."""

    institution = models.ForeignKey(
        Institution, models.PROTECT, related_name="contacts", null=True, blank=True, verbose_name=_("institution")
    )
    name = models.CharField(_("name"), max_length=200, validators=[one_line])
    email = models.EmailField(_("e-mail address"), max_length=MAX_EMAIL_LENGTH)
    language = models.CharField(_("language of mails"), max_length=5, choices=settings.LANGUAGES, default="pl")
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="Europe/Warsaw", validators=[validate_time_zone]
    )
    is_active = models.BooleanField(_("may be invited"), default=True)

    objects = ContactQuerySet.as_manager()

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="contact_email_once",
                violation_error_message=_("A contact with this address exists."),
            )
        ]

    def __str__(self) -> str:
        return self.name or gettext("Guest erased")


class ContactGroup(models.Model):
    """Contacts invited with one click, such as the 16 voivodeship offices."""

    name = models.CharField(_("name"), max_length=120, unique=True, validators=[one_line])
    contacts = models.ManyToManyField(Contact, related_name="groups", verbose_name=_("contacts"), blank=True)

    class Meta:
        verbose_name = _("contact group")
        verbose_name_plural = _("contact groups")

    def __str__(self) -> str:
        return self.name
