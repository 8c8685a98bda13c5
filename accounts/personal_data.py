"""What is kept of people without an account: each app says what it keeps, and how that is shown, counted and erased.

Calls go down: the apps register here when they start, and whoever shows, exports or erases asks `keepers()` and knows
no table. A field with text in it that no app names fails a test (`tests/accounts/test_personal_data.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise

#: No mail leads there (RFC 2606 2), and no rule of the database is broken by it.
ERASED_DOMAIN = "erased.invalid"

Words = str | Promise


class Scope(StrEnum):
    """How much is erased."""

    #: By the clock, or but for sessions to come: what is over. Lists that the office invites from stay as they are.
    OVER = "over"
    #: On request: everything, the office's own lists too.
    ALL = "all"


@dataclass(frozen=True, slots=True)
class People:
    """Whose data it is. `addresses`: in lower case. `attendees`, `bookings`: keys of what they take part in, as far as
    it is to be shown or erased. `now`: when that is, aware.
    """

    addresses: frozenset[str]
    now: datetime
    attendees: tuple[int, ...] = ()
    bookings: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is kept: what it is, and the words or figures themselves. `code`: its name in an export."""

    code: str
    what: Words
    value: str


@dataclass(frozen=True, slots=True)
class Item:
    """What is kept in one place. `about`: which session, by number and title as far as this person may know."""

    facts: tuple[Fact, ...]
    about: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that hold data of people, and how they lose it. Those that have lost it are no longer among them.

    `is_counted`: they are rows of these people. Those of others, in which they are named, are counted with nobody: a
    run would count them for each.
    """

    found: QuerySet[Any]
    erase: Callable[[QuerySet[Any]], object]
    is_counted: bool = True

    def change(self) -> int:
        """Erase, and return how many rows that count were changed."""
        keys = list(self.found.values_list("pk", flat=True))
        if keys:
            self.erase(QuerySet(self.found.model).filter(pk__in=keys))
        return len(keys) if self.is_counted else 0


@dataclass(frozen=True, slots=True)
class Keeper:
    """One kind of data that is kept.

    `fields`: by model, "bookings.Attendee", the fields with text or bytes that it answers for. `show`: what there is of
    one person, in the reader's language. `rows`: what would be erased; called and used inside one transaction.
    """

    code: str
    name: Words
    fields: Mapping[str, Sequence[str]]
    show: Callable[[People], Sequence[Item]]
    rows: Callable[[People, Scope], Sequence[Rows]]
    #: What came, or ended, after its person's data was erased.
    late: Callable[[datetime], Sequence[Rows]] | None = None

    def count(self, people: People, scope: Scope) -> int:
        """Return how many rows `erase` would change."""
        return sum(rows.found.count() for rows in self.rows(people, scope) if rows.is_counted)

    def erase(self, people: People, scope: Scope) -> int:
        """Erase what the people are known by; return how many rows have changed. Inside a transaction."""
        return sum(rows.change() for rows in self.rows(people, scope))

    def erase_late(self, now: datetime) -> int:
        """Erase what has come too late for `erase`. Inside a transaction."""
        return sum(rows.change() for rows in self.late(now)) if self.late else 0


@dataclass
class _Register:
    keepers: dict[str, Keeper] = field(default_factory=dict)
    impersonal: dict[str, str] = field(default_factory=dict)
    places: list[Callable[[Iterable[str]], object]] = field(default_factory=list)


_register = _Register()


def keep(*keepers: Keeper) -> None:
    """Register kinds of data, in the order in which they are shown; once, when an app starts."""
    for keeper in keepers:
        _register.keepers[keeper.code] = keeper


def holds_nobody(why: str, *fields: str) -> None:
    """Say of fields, "rooms.Room.name", why no data of people without an account is in them."""
    _register.impersonal.update(dict.fromkeys(fields, why))


def clears_outside(clear: Callable[[Iterable[str]], object]) -> None:
    """Register what clears places outside the database. Called with lower-case addresses after the commit."""
    if clear not in _register.places:
        _register.places.append(clear)


def keepers() -> tuple[Keeper, ...]:
    return tuple(_register.keepers.values())


def fields_without_people() -> Mapping[str, str]:
    """Return, by field, why it holds nobody's data."""
    return dict(_register.impersonal)


def clear_outside(addresses: Iterable[str]) -> None:
    """Clear files and the like of these people. Again is the same as once."""
    for clear in _register.places:
        clear(addresses)


def is_erased(address: str) -> bool:
    """Say whether this is the address of nobody, left in place of one that was erased."""
    return address.endswith(f"@{ERASED_DOMAIN}")
