"""Writes accounts: what people change about themselves, and what files say about people and institutions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from allauth.account.forms import ResetPasswordForm
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest

from accounts.models import Contact, ContactGroup, Institution, User
from accounts.upsert import Tally, Upserted, upsert


def set_language(user: User, language: str) -> None:
    """Make `language` the one of the user's pages and mails. It must be one of settings.LANGUAGES."""
    if user.language != language:
        user.language = language
        user.save(update_fields=["language"])


def update_profile(user: User, *, language: str, time_zone: str, phone: str) -> None:
    """Raises: ValidationError for a language, zone or number that the model refuses."""
    user.language, user.time_zone, user.phone = language, time_zone, phone
    user.full_clean(exclude=["password", "email", "name", "unit"], validate_unique=False, validate_constraints=False)
    user.save(update_fields=["language", "time_zone", "phone"])


class AddressInUse(Exception):
    """Another contact has the address: of two, one would never be found by it."""


def correct_contact(contact: Contact, *, email: str) -> None:
    """Give a contact another address, under which sessions to come invite it. Raises: AddressInUse."""
    if Contact.objects.filter(email__iexact=email).exclude(pk=contact.pk).exists():
        raise AddressInUse
    contact.email = email
    contact.save(update_fields=["email"])


def leave_groups(contact: Contact, *, group_ids: Collection[int]) -> list[ContactGroup]:
    """Take the contact out of those of these groups that it is in; return them. One that is left stays left once."""
    groups = list(contact.groups.filter(pk__in=group_ids).order_by("pk"))
    membership = ContactGroup.contacts.through
    return [
        group
        for group in groups
        if membership.objects.filter(contactgroup_id=group.pk, contact_id=contact.pk).delete()[0]
    ]


@dataclass(frozen=True, slots=True)
class InstitutionFacts:
    """An institution with the mailbox that invitations go to, as a file gives it. `email` is in lower case."""

    code: str
    name: str
    kind: str
    city: str
    country: str
    language: str
    email: str
    time_zone: str
    group: str


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """A member of staff as a file gives them; roles at sites are stored by `rooms.services`. `email` in lower case."""

    email: str
    name: str
    unit: str
    phone: str
    language: str
    is_it_admin: bool


@dataclass(frozen=True, slots=True)
class OutsideTallies:
    institutions: Tally
    contacts: Tally
    groups: Tally


def store_institutions(facts: Sequence[InstitutionFacts]) -> OutsideTallies:
    """Bring institutions, their contacts and contact groups into line with a checked list. Runs in a transaction.

    A contact is known by its address, or else by its name within the institution, so that a new address replaces the
    old one. Contacts are added to groups and never taken out of them.
    """
    codes = [item.code for item in facts]
    institutions = upsert(
        Institution,
        existing={row.code: row for row in Institution.objects.filter(code__in=codes)},
        wanted={
            item.code: {
                "code": item.code,
                "name": item.name,
                "kind": item.kind,
                "city": item.city,
                "country": item.country,
                "language": item.language,
            }
            for item in facts
        },
    )
    contacts = _store_contacts(facts, institutions.rows)
    groups = _store_groups({item.email: item.group for item in facts if item.group}, contacts.rows)
    return OutsideTallies(institutions.tally(), contacts.tally(), groups)


def _store_contacts(
    facts: Sequence[InstitutionFacts], institutions: Mapping[str, Institution]
) -> Upserted[str, Contact]:
    emails = {item.email for item in facts}
    by_email = {row.email.lower(): row for row in Contact.objects.with_addresses(ids=(), emails=emails)}
    by_name = {
        (row.institution_id, row.name): row
        for row in Contact.objects.filter(institution__in=[row.pk for row in institutions.values()]).order_by("-pk")
        if row.email.lower() not in emails
    }
    existing, wanted = {}, {}
    for item in facts:
        institution = institutions[item.code]
        known = by_email.get(item.email) or by_name.get((institution.pk, item.name))
        if known:
            existing[item.email] = known
        wanted[item.email] = {
            "institution_id": institution.pk,
            "name": item.name,
            "email": known.email if known and known.email.lower() == item.email else item.email,
            "language": item.language,
            "time_zone": item.time_zone,
        }
    return upsert(Contact, existing=existing, wanted=wanted)


def _store_groups(group_by_email: Mapping[str, str], contacts: Mapping[str, Contact]) -> Tally:
    names = set(group_by_email.values())
    groups = upsert(
        ContactGroup,
        existing={row.name: row for row in ContactGroup.objects.filter(name__in=names)},
        wanted={name: {"name": name} for name in dict.fromkeys(group_by_email.values())},
    )
    membership = ContactGroup.contacts.through
    there = set(membership.objects.filter(contactgroup__name__in=names).values_list("contactgroup__name", "contact_id"))
    missing = [
        (name, contacts[email].pk) for email, name in group_by_email.items() if (name, contacts[email].pk) not in there
    ]
    membership.objects.bulk_create(
        membership(contactgroup_id=groups.rows[name].pk, contact_id=contact_id) for name, contact_id in missing
    )
    return groups.tally(also_changed=frozenset(name for name, _contact in missing))


def store_people(facts: Sequence[PersonFacts]) -> Upserted[str, User]:
    """Bring users into line with a checked list, by address. New ones get no password: they ask for a reset mail."""
    emails = [item.email for item in facts]
    return upsert(
        User,
        existing={user.email: user for user in User.objects.filter(email__in=emails)},
        wanted={
            item.email: {
                "email": item.email,
                "name": item.name,
                "unit": item.unit,
                "phone": item.phone,
                "language": item.language,
                "is_it_admin": item.is_it_admin,
            }
            for item in facts
        },
        on_creation=lambda _email: {"password": make_password(None)},
    )


def send_password_link(user: User, *, request: HttpRequest) -> bool:
    """Mail a link for choosing a password; say whether the person may sign in and so gets one.

    An IT admin who adds a colleague never gets to know a password. `request`: allauth asks for it.
    """
    form = ResetPasswordForm({"email": user.email})
    if not user.is_active or not form.is_valid():
        return False
    form.save(request)
    return True


def forget_other_addresses(user: User) -> None:
    """Forget addresses that the user had before: nobody signs in or resets a password with them."""
    EmailAddress.objects.filter(user=user).exclude(email=user.email).delete()


def set_password(user: User, password: str) -> None:
    """Store the hash of a password that the caller made; people change theirs on their own page."""
    user.set_password(password)
    user.save(update_fields=["password"])
