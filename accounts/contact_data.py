"""The office's address book, as data of the people in it; and the tables here that hold nobody else's."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.admin.models import LogEntry
from django.db.models import CharField, F, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat, Lower
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.any_of import text_of
from accounts.models import Contact, ContactGroup
from accounts.personal_data import ERASED_DOMAIN, Fact, Item, Keeper, People, Rows, Scope, holds_nobody, keep


def _contacts(people: People, scope: Scope) -> QuerySet[Contact]:
    """The address book is a list of the office's own: by the clock only what is out of use leaves it."""
    found = Contact.objects.filter(text_of(Lower("email"), people.addresses))
    return found if scope == Scope.ALL else found.filter(is_active=False)


def _show(people: People) -> Sequence[Item]:
    contacts = _contacts(people, Scope.ALL).select_related("institution").order_by("pk")
    return [
        Item(
            facts=(
                Fact("name", _("name"), contact.name),
                Fact("email", _("e-mail address"), contact.email),
                Fact("institution", _("institution"), contact.institution.name if contact.institution else ""),
                Fact("language", _("language of mails"), contact.get_language_display()),
                Fact("time_zone", _("time zone"), contact.time_zone),
            )
        )
        for contact in contacts
    ]


def _rows(people: People, scope: Scope) -> Sequence[Rows]:
    contacts = _contacts(people, scope)
    keys = [str(pk) for pk in contacts.values_list("pk", flat=True)]
    of_contacts = Q(text_of("object_id", keys), content_type__app_label="accounts", content_type__model="contact")
    of_attendees = Q(
        text_of("object_id", map(str, people.attendees)),
        content_type__app_label="bookings",
        content_type__model="attendee",
    )
    told = LogEntry.objects.filter(of_contacts | of_attendees).exclude(object_repr="", change_message="")
    return [
        Rows(told, lambda rows: rows.update(object_repr="", change_message="")),
        Rows(contacts, _erase_contacts),
    ]


def _erase_contacts(contacts: QuerySet[Contact]) -> None:
    ContactGroup.contacts.through.objects.filter(contact__in=contacts.values("pk")).delete()
    nobody = Concat(Value("erased-c"), Cast(F("pk"), CharField()), Value(f"@{ERASED_DOMAIN}"))
    contacts.update(name="", email=nobody, is_active=False, institution=None)


CONTACTS = Keeper(
    code="address_book",
    name=pgettext_lazy("personal data", "The address book of the office"),
    fields={
        "accounts.Contact": ("name", "email", "language", "time_zone"),
        "admin.LogEntry": ("object_repr", "change_message"),
    },
    show=_show,
    rows=_rows,
)

_STAFF = "Of people with an account, which is theirs until they leave the office."
_OFFICE = "Of the office or of an institution, not of a person."
_MACHINE = "Made by Django for itself."


def register() -> None:
    keep(CONTACTS)
    holds_nobody(
        _STAFF,
        *(f"accounts.User.{name}" for name in ("password", "email", "name", "unit", "phone", "language", "time_zone")),
        "account.EmailAddress.email",
        "account.EmailConfirmation.key",
    )
    holds_nobody(
        _OFFICE,
        *(f"accounts.Institution.{name}" for name in ("code", "name", "kind", "city", "country", "language")),
        "accounts.ContactGroup.name",
        "accounts.PrivacyNotice.language",
        "accounts.PrivacyNotice.text",
    )
    holds_nobody("Keys and figures.", "accounts.Erasure.origin", "accounts.Erasure.rows")
    holds_nobody(
        _MACHINE,
        "admin.LogEntry.object_id",
        "auth.Permission.name",
        "auth.Permission.codename",
        "auth.Group.name",
        "contenttypes.ContentType.app_label",
        "contenttypes.ContentType.model",
    )
    # What a page says of a participant is read once, from the session of whoever did it, and ends with it.
    holds_nobody("Of who is signed in, for 12 hours.", "sessions.Session.session_key", "sessions.Session.session_data")
