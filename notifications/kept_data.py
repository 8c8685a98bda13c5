"""Reads what is kept of people without an account: of one, to show and to export; of those who are due, in figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from accounts.personal_data import Item, Scope, keepers
from bookings import guest_queries
from notifications.erasing import due_before


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of data: its code, its name in the reader's language, and what there is of it, newest first."""

    code: str
    name: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class DuePerson:
    """Somebody whose data would go today, known by initials and the domain of the address."""

    initials: str
    domain: str


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a run would erase at this moment. `rows`: by kind of data, its name and how many rows."""

    before: datetime | None
    people: tuple[DuePerson, ...]
    rows: tuple[tuple[str, int], ...]

    @property
    def row_count(self) -> int:
        return sum(count for _name, count in self.rows)


def kept_of(address: str, *, now: datetime) -> list[Kind]:
    """Return all that is kept of whoever has this address, in the active language; nothing of an account."""
    people = guest_queries.people([address], Scope.ALL, now=now)
    if not people.addresses:
        return []
    found = [Kind(keeper.code, str(keeper.name), tuple(keeper.show(people))) for keeper in keepers()]
    return [kind for kind in found if kind.items]


def as_json(address: str, kinds: Sequence[Kind], *, now: datetime) -> dict[str, Any]:
    """Return it for machines (GDPR Article 20): codes as names, times in ISO 8601 with their offset."""
    return {
        "format": "narada-personal-data/1",
        "controller": settings.OFFICE_NAME,
        "made_at": now.isoformat(timespec="seconds"),
        "address": address,
        "data": {kind.code: [_as_json(item) for item in kind.items] for kind in kinds},
    }


def _as_json(item: Item) -> dict[str, Any]:
    facts = {fact.code: fact.value for fact in item.facts if fact.value}
    at = {"at": item.at.isoformat(timespec="seconds")} if item.at else {}
    return {**({"session": item.about} if item.about else {}), **at, **facts}


def dry_run(now: datetime) -> DryRun:
    """Count what `erasing.erase_due` would erase now, by the same rows; nothing is changed."""
    before = due_before(now)
    addresses = guest_queries.addresses_due(before=before) if before else []
    people = guest_queries.people(addresses, Scope.OVER, now=now)
    rows = [(str(keeper.name), keeper.count(people, Scope.OVER) if addresses else 0) for keeper in keepers()]
    names = guest_queries.names_of(people)
    shown = tuple(DuePerson(_initials(names.get(address, "")), address.rpartition("@")[2]) for address in addresses)
    return DryRun(before, shown, tuple(rows))


def _initials(name: str) -> str:
    return " ".join(f"{word[0]}." for word in name.split()[:3] if word[0].isalnum())
