"""The participants of a booking form: how they are written into it, and how typed addresses become entries of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from django.conf import settings

from accounts import queries
from accounts.queries import Found, Kind
from bookings.models import Attendee
from bookings.rules import Participant, clean_line, is_address

#: A kind of entry beside those of `accounts.queries.Kind`: an address that stands for itself.
ADDRESS = "address"
_KEY = re.compile(r"(?P<kind>user|contact|group|institution):(?P<pk>[0-9]{1,18})")
_ADDRESS = re.compile(r"address:(?P<language>[a-z]{2})?:(?P<email>[^\s:]+)(?: (?P<name>[^\n]*))?")
_NAMED = re.compile(r"(?P<name>[^<]*)<(?P<email>[^<>]*)>")
_LANGUAGES = {code for code, _name in settings.LANGUAGES}


@dataclass(frozen=True, slots=True)
class Entry:
    """One choice: somebody known, a group or an institution by their key, or a plain address."""

    kind: str
    pk: int = 0
    email: str = ""
    name: str = ""
    language: str = ""

    @property
    def token(self) -> str:
        """How the form carries it: „contact:12”, „address:pl:jan@nowak.example Jan Nowak”."""
        if self.kind == ADDRESS:
            return f"address:{self.language}:{self.email} {self.name}".rstrip()
        return f"{self.kind}:{self.pk}"

    @property
    def key(self) -> tuple[Kind, int]:
        return Kind(self.kind), self.pk


@dataclass(frozen=True, slots=True)
class Typed:
    """What typed text holds. `names`: words without an address. `wrong`: what looks like an address and is none."""

    entries: tuple[Entry, ...] = ()
    names: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()


def read_token(token: str) -> Entry:
    """Return the entry that a form carried. What is unreadable becomes an address, for the judge to refuse by name."""
    if match := _KEY.fullmatch(token):
        return Entry(match["kind"], pk=int(match["pk"]))
    if match := _ADDRESS.fullmatch(token):
        return Entry(ADDRESS, email=match["email"], name=clean_line(match["name"] or ""), language=_known(match[1]))
    return Entry(ADDRESS, email=clean_line(token) or "?")


def read_tokens(tokens: Iterable[str]) -> tuple[Entry, ...]:
    return tuple(dict.fromkeys(read_token(token) for token in tokens))


def entry_of(found: Found) -> Entry:
    return Entry(found.kind, pk=found.pk)


def entry_of_attendee(attendee: Attendee) -> Entry:
    if attendee.user_id:
        return Entry(Kind.USER, pk=attendee.user_id)
    if attendee.contact_id:
        return Entry(Kind.CONTACT, pk=attendee.contact_id)
    return Entry(ADDRESS, email=attendee.email, name=clean_line(attendee.name), language=_known(attendee.language))


def in_other_language(entry: Entry) -> Entry:
    """Return a plain address with the next of the languages that mails are written in."""
    codes = [code for code, _name in settings.LANGUAGES]
    at = codes.index(entry.language) if entry.language in codes else 0
    return replace(entry, language=codes[(at + 1) % len(codes)])


def members(entry: Entry) -> list[Entry]:
    """Return the people behind a group or an institution, one by one."""
    ids = {entry.pk}
    behind = queries.contacts_behind(
        group_ids=ids if entry.kind == Kind.GROUP else (),
        institution_ids=ids if entry.kind == Kind.INSTITUTION else (),
    )
    return [Entry(Kind.CONTACT, pk=contact.pk) for contact in behind]


def to_participants(entries: Iterable[Entry]) -> tuple[Participant, ...]:
    """Return whom the entries invite, each once; groups and institutions are opened with one query for all."""
    entries = list(entries)
    found = [_participant(entry) for entry in entries if entry.kind not in (Kind.GROUP, Kind.INSTITUTION)]
    groups = [entry.pk for entry in entries if entry.kind == Kind.GROUP]
    institutions = [entry.pk for entry in entries if entry.kind == Kind.INSTITUTION]
    if groups or institutions:
        behind = queries.contacts_behind(group_ids=groups, institution_ids=institutions)
        found += [Participant(contact_id=contact.pk) for contact in behind]
    return tuple(dict.fromkeys(found))


def read_typed(text: str, *, language: str) -> Typed:
    """Read addresses as people type and paste them: „Jan Nowak <jan@nowak.example>, …”, one to a line, with semicolons.

    `language`: of the mails to these addresses.
    """
    entries, names, wrong = [], [], []
    for name, address in _pairs(text):
        if not address:
            names.append(name)
        elif is_address(address):
            entries.append(Entry(ADDRESS, email=address, name=name, language=_known(language)))
        else:
            wrong.append(address)
    return Typed(tuple(dict.fromkeys(entries)), tuple(dict.fromkeys(names)), tuple(dict.fromkeys(wrong)))


def _participant(entry: Entry) -> Participant:
    if entry.kind == Kind.USER:
        return Participant(user_id=entry.pk)
    if entry.kind == Kind.CONTACT:
        return Participant(contact_id=entry.pk)
    return Participant(email=entry.email, name=entry.name, language=entry.language)


def _known(language: str | None) -> str:
    return language if language in _LANGUAGES else ""


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield name and address of each piece; the address is empty where a piece has none."""
    waiting = ""
    for piece, has_comma in _pieces(text):
        named = _NAMED.fullmatch(piece)
        if waiting and not named:
            yield waiting, ""
            waiting = ""
        if named:
            # „Nowak, Jan <jan@nowak.example>”: what stood before the comma is the family name.
            name = clean_line(named["name"].strip("\"' "))
            yield ", ".join(filter(None, [waiting, name])), _bare(named["email"])
            waiting = ""
        elif "@" in piece:
            yield from _in_words(piece)
        elif has_comma:
            waiting = clean_line(piece.strip("\"' "))
        else:
            yield clean_line(piece.strip("\"' ")), ""
    if waiting:
        yield waiting, ""


def _in_words(piece: str) -> Iterator[tuple[str, str]]:
    """Read „Jan Nowak jan@nowak.example anna@kos.example”: words before an address are its name."""
    before: list[str] = []
    for word in piece.split():
        if "@" in word:
            yield clean_line(" ".join(before).strip("\"' ")), _bare(word)
            before = []
        else:
            before.append(word)
    if before:
        yield clean_line(" ".join(before)), ""


def _bare(address: str) -> str:
    return clean_line(address).removeprefix("mailto:").strip("<>'\"").rstrip(".")


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Split at line ends, semicolons and commas outside quotation marks; say which pieces end at a comma."""
    piece: list[str] = []
    quoted = False
    for letter in text + "\n":
        is_comma = letter == "," and not quoted
        if is_comma or letter in "\r\n\t;":
            joined = "".join(piece).strip()
            if joined:
                yield joined, is_comma
            piece, quoted = [], False
            continue
        quoted ^= letter == '"'
        piece.append(letter)
