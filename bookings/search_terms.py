"""What each word of a search can mean: colleagues, contacts and rooms of that name, in three queries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from accounts.models import Contact, User
from accounts.search import containing_any
from bookings.search_text import fits, words_in
from rooms.models import Room

_PERSON = ("name", "email")
_CONTACT = ("name", "email", "institution__name")


@dataclass(frozen=True, slots=True)
class Term:
    """A word, and the keys of those in whose names it begins a word. People who left count: their sessions stay."""

    word: str
    users: tuple[int, ...]
    contacts: tuple[int, ...]
    rooms: tuple[int, ...]

    @property
    def in_titles(self) -> str:
        """Return the word as a `tsquery`: words that begin with it; a single figure stands alone."""
        return f"'{self.word}'" + ("" if len(self.word) == 1 else ":*")


def find_terms(words: tuple[str, ...]) -> tuple[Term, ...]:
    """Return the words of `search_text.SearchText` with what they can mean."""
    if not words:
        return ()
    users = _named(containing_any(User.objects.all(), _PERSON, words).values_list("pk", "haystack"))
    contacts = _named(containing_any(Contact.objects.all(), _CONTACT, words).values_list("pk", "haystack"))
    rooms = {room.pk: set(words_in(name_of(room))) for room in Room.objects.select_related("site")}
    return tuple(Term(word, *(_whose(word, names) for names in (users, contacts, rooms))) for word in words)


def name_of(room: Room) -> str:
    """Return all that a room and its site are called."""
    site = room.site
    return " ".join((room.name, room.code, site.name, site.short_name, site.code, site.city))


def room_codes() -> frozenset[str]:
    """Return the parts of rooms' codes as they are typed, folded: „2.14” of „KOS/2.14” is no day."""
    codes = Room.objects.values_list("code", flat=True)
    return frozenset(part for code in codes for part in code.lower().replace("/", " ").split())


def _named(rows: Iterable[tuple[int, str]]) -> dict[int, set[str]]:
    return {pk: set(words_in(haystack)) for pk, haystack in rows}


def _whose(word: str, names: dict[int, set[str]]) -> tuple[int, ...]:
    return tuple(pk for pk, words in names.items() if fits(word, words))
