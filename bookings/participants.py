"""Turns what somebody typed or chose into the people to invite: each address once, known people recognised."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bookings.rules import BookingRequest, Code, Participant, Refusal, clean_line, is_address
from rooms import prepared

MAX_NAME_LENGTH = 200
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Invitee:
    """Somebody who will be invited, with name, language and zone as they are known now."""

    email: str
    name: str
    language: str
    time_zone: str
    user_id: int | None = None
    contact_id: int | None = None
    is_organizer: bool = False


@dataclass(frozen=True, slots=True)
class Resolved:
    """The people of a request, organizer first, and what is wrong with the rest. Nobody without an organizer."""

    invitees: tuple[Invitee, ...]
    refusals: tuple[Refusal, ...]
    organizer_is_active: bool


@dataclass(frozen=True, slots=True)
class _Person:
    """Somebody the office knows: what an invitation needs of a user or a contact."""

    pk: int
    email: str
    name: str
    language: str
    time_zone: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class _Directory:
    users: dict[int, _Person]
    contacts: dict[int, _Person]
    users_by_email: dict[str, _Person]
    contacts_by_email: dict[str, _Person]


_PEOPLE = """
SELECT 'user', id, email, name, language, time_zone, is_active FROM accounts_user WHERE id = ANY (%(users)s)
UNION ALL
SELECT 'contact', id, email, name, language, time_zone, is_active FROM accounts_contact WHERE id = ANY (%(contacts)s)
"""
# Only when addresses were typed: a user who may not sign in any more is no user to them.
_PEOPLE_BY_ADDRESS = """
UNION ALL
SELECT 'user', id, email, name, language, time_zone, is_active FROM accounts_user
WHERE email = ANY (%(emails)s) AND is_active
UNION ALL
SELECT 'contact', id, email, name, language, time_zone, is_active FROM accounts_contact
WHERE lower(email) = ANY (%(emails)s)
"""


def resolve(request: BookingRequest, *, found: Iterable[Row] | None = None) -> Resolved:
    """Return everybody to invite, in one query however many they are. `found`: its rows, where they have been read."""
    directory = _directory(prepared.fetch(*reading(request)) if found is None else found)
    organizer = directory.users.get(request.organizer_id)
    if organizer is None:
        return Resolved((), (), organizer_is_active=False)
    invited: dict[str, Invitee] = {organizer.email: _from_user(organizer, is_organizer=True)}
    refusals: list[Refusal] = []
    for participant in request.participants:
        outcome = _resolve_one(participant, directory, language=organizer.language, time_zone=request.time_zone)
        if isinstance(outcome, Refusal):
            refusals.append(outcome)
        else:
            invited.setdefault(outcome.email.lower(), outcome)
    return Resolved(tuple(invited.values()), tuple(refusals), organizer.is_active)


def reading(request: BookingRequest) -> tuple[str, prepared.Values]:
    """Return the statement of `resolve`, for who sends it along with others."""
    # Only what is an address is looked up: PostgreSQL's text has no zero byte.
    emails = {item.email.strip().lower() for item in request.participants if is_address(item.email.strip())}
    values: dict[str, Any] = {
        "users": [request.organizer_id, *(item.user_id for item in request.participants if item.user_id)],
        "contacts": [item.contact_id for item in request.participants if item.contact_id],
        "emails": list(emails),
    }
    return _PEOPLE + _PEOPLE_BY_ADDRESS if emails else _PEOPLE, values


def _directory(found: Iterable[Row]) -> _Directory:
    rows = list(found)
    users = [_Person(*row[1:]) for row in rows if row[0] == "user"]
    contacts = [_Person(*row[1:]) for row in rows if row[0] == "contact"]
    return _Directory(
        users={user.pk: user for user in users},
        contacts={contact.pk: contact for contact in contacts},
        users_by_email={user.email: user for user in users},
        contacts_by_email={contact.email.lower(): contact for contact in contacts},
    )


def _resolve_one(
    participant: Participant, directory: _Directory, *, language: str, time_zone: str
) -> Invitee | Refusal:
    if participant.user_id is not None:
        user = directory.users.get(participant.user_id)
        return _from_user(user) if user and user.is_active else Refusal(Code.PARTICIPANT_UNKNOWN, "participants")
    if participant.contact_id is not None:
        contact = directory.contacts.get(participant.contact_id)
        if contact and contact.is_active:
            return _from_contact(contact)
        return Refusal(Code.PARTICIPANT_UNKNOWN, "participants")
    address = participant.email.strip()
    if not is_address(address):
        shown = clean_line(participant.email)[:80]
        return Refusal(Code.ADDRESS_INVALID, "participants", data={"address": shown})
    if user := directory.users_by_email.get(address.lower()):
        return _from_user(user)
    if contact := directory.contacts_by_email.get(address.lower()):
        return _from_contact(contact)
    name = clean_line(participant.name)[:MAX_NAME_LENGTH]
    return Invitee(address, name, participant.language or language, time_zone)


def _from_user(user: _Person, *, is_organizer: bool = False) -> Invitee:
    return Invitee(user.email, user.name, user.language, user.time_zone, user_id=user.pk, is_organizer=is_organizer)


def _from_contact(contact: _Person) -> Invitee:
    return Invitee(contact.email, contact.name, contact.language, contact.time_zone, contact_id=contact.pk)
