"""Finds people to invite: colleagues, contacts outside, groups and institutions, with or without Polish accents."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db.models import Count, Q, QuerySet

from accounts.alphabet import folded, sort_key
from accounts.models import Contact, ContactGroup, Institution, User
from accounts.search import containing, words_of


class Kind(StrEnum):
    USER = "user"
    CONTACT = "contact"
    GROUP = "group"
    INSTITUTION = "institution"


@dataclass(frozen=True, slots=True)
class Found:
    """Somebody or several that can be invited with one choice.

    `people`: how many get an invitation. `email` and `language` are empty where that is more than one address.
    """

    kind: Kind
    pk: int
    name: str
    detail: str = ""
    email: str = ""
    language: str = ""
    people: int = 1
    is_active: bool = True


def find_people(text: str, *, limit: int = 10) -> list[Found]:
    """Return whom `text` can mean: every word stands in a name, unit, institution or address, accents aside.

    „lodzki” finds „Łódzki”; „mazowiecki uw” finds „Mazowiecki Urząd Wojewódzki” by its initials. Groups and
    institutions come first, then names that begin with the text, then the rest in Polish order. Four queries, however
    many there are.
    """
    words = words_of(text)
    if not words or limit < 1:
        return []
    # More than asked for, since the database does not know the order that people expect.
    enough = 4 * limit
    found = [
        *_as_groups(_matching(groups_with_people(), ["name"], words)[:enough]),
        *_as_institutions(_matching(_institutions_with_people(), ["name", "city"], words)[:enough]),
        *_as_users(_matching(User.objects.filter(is_active=True), ["name", "unit", "email"], words)[:enough]),
        *_as_contacts(_matching(_active_contacts(), ["name", "institution__name", "email"], words)[:enough]),
    ]
    begins = " ".join(words)
    found.sort(key=lambda item: (item.people == 1, not folded(item.name).startswith(begins), sort_key(item.name)))
    return found[:limit]


def find_colleagues(text: str, *, limit: int = 10) -> list[Found]:
    """Return the people with an account whom `text` can mean, found and sorted as `find_people` does; one query."""
    words = words_of(text)
    if not words or limit < 1:
        return []
    found = _as_users(_matching(User.objects.filter(is_active=True), ["name", "unit", "email"], words)[: 4 * limit])
    begins = " ".join(words)
    found.sort(key=lambda item: (not folded(item.name).startswith(begins), sort_key(item.name)))
    return found[:limit]


def groups_with_people() -> QuerySet[ContactGroup]:
    """Return the groups that somebody can be invited from, each with `people`, the number of its active contacts."""
    people = Count("contacts", filter=Q(contacts__is_active=True))
    return ContactGroup.objects.annotate(people=people).filter(people__gt=0)


def list_groups() -> list[Found]:
    """Return all groups in Polish order, for the page's one-click invitations."""
    return sorted(_as_groups(groups_with_people()), key=lambda item: sort_key(item.name))


def named(keys: Collection[tuple[Kind, int]]) -> dict[tuple[Kind, int], Found]:
    """Return what these keys stand for, in four queries at most. Who is switched off is there and says so."""
    ids = {kind: [pk for key, pk in keys if key == kind] for kind in Kind}
    found: list[Found] = []
    if ids[Kind.USER]:
        found += _as_users(User.objects.filter(pk__in=ids[Kind.USER]))
    if ids[Kind.CONTACT]:
        found += _as_contacts(Contact.objects.filter(pk__in=ids[Kind.CONTACT]).select_related("institution"))
    if ids[Kind.GROUP]:
        found += _as_groups(groups_with_people().filter(pk__in=ids[Kind.GROUP]))
    if ids[Kind.INSTITUTION]:
        people = Count("contacts", filter=Q(contacts__is_active=True))
        institutions = Institution.objects.annotate(people=people).filter(pk__in=ids[Kind.INSTITUTION])
        found += _as_institutions(institutions)
    return {(item.kind, item.pk): item for item in found}


def contacts_behind(*, group_ids: Collection[int] = (), institution_ids: Collection[int] = ()) -> list[Contact]:
    """Return the active contacts of groups and institutions, each once, in Polish order."""
    behind = Q(groups__in=group_ids) | Q(institution__in=institution_ids)
    return sorted(_active_contacts().filter(behind).distinct(), key=lambda contact: sort_key(contact.name))


def _active_contacts() -> QuerySet[Contact]:
    return Contact.objects.filter(is_active=True).select_related("institution")


def _institutions_with_people() -> QuerySet[Institution]:
    """Return the institutions with several contacts; one with a single contact is found as that contact."""
    people = Count("contacts", filter=Q(contacts__is_active=True))
    return Institution.objects.annotate(people=people).filter(people__gt=1)


def _matching(rows: QuerySet[Any], fields: list[str], words: list[str]) -> QuerySet[Any]:
    """Keep the rows in whose `fields` every word stands, those that begin with the words first."""
    begins = Q(haystack__startswith=" ".join(words))
    return containing(rows, fields, words).alias(begins=begins).order_by("-begins", "haystack", "pk")


def _as_groups(groups: Iterable[ContactGroup]) -> list[Found]:
    return [Found(Kind.GROUP, row.pk, row.name, people=getattr(row, "people", 0)) for row in groups]


def _as_institutions(institutions: Iterable[Institution]) -> list[Found]:
    return [
        Found(Kind.INSTITUTION, row.pk, row.name, row.city, people=getattr(row, "people", 0)) for row in institutions
    ]


def _as_users(users: Iterable[User]) -> list[Found]:
    return [
        Found(Kind.USER, user.pk, user.name, user.unit, user.email, user.language, is_active=user.is_active)
        for user in users
    ]


def _as_contacts(contacts: Iterable[Contact]) -> list[Found]:
    return [
        Found(Kind.CONTACT, row.pk, row.name, _institution_of(row), row.email, row.language, is_active=row.is_active)
        for row in contacts
    ]


def _institution_of(contact: Contact) -> str:
    """Return the institution's name, unless the contact is its mailbox and has the same."""
    institution = contact.institution
    return institution.name if institution and institution.name != contact.name else ""
