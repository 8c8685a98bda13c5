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
#: Letters without a width that web pages and mail programs leave behind in what is copied.
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_BARE_ADDRESS = re.compile(r"[^\s<>,;]+@[^\s<>,;]*")
_LABEL = re.compile(r"\A(?:(?:to|cc|bcc|from|do|dw|udw|od)\s*:|[-–•*·]|\d{1,4}[.)])\s*", re.IGNORECASE)
_QUOTES = "\"'„”“»«‘’"
_QUOTED = re.compile(r"'(?P<inside>[^']*)'(?P<rest>[^']*)")
_AROUND = _QUOTES + "<>()[]"
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
    """What typed text holds. `names`: words without an address. `wrong`: what looks like an address and is none.

    `left`: both, in the order of the text.
    """

    entries: tuple[Entry, ...] = ()
    names: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


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
    found: dict[str, Entry] = {}
    names, wrong, left = [], [], []
    for name, address in _pairs(text):
        if address and is_address(address):
            # Each address once; of several spellings the one that comes with a name.
            key = address.lower()
            known_as = "" if name.lower() == key else name
            if key not in found or (known_as and not found[key].name):
                found[key] = Entry(ADDRESS, email=address, name=known_as, language=_known(language))
        elif address:
            wrong.append(address)
            left.append(address)
        elif name:
            names.append(name)
            left.append(name)
    return Typed(tuple(found.values()), *(tuple(dict.fromkeys(texts)) for texts in (names, wrong, left)))


def _participant(entry: Entry) -> Participant:
    if entry.kind == Kind.USER:
        return Participant(user_id=entry.pk)
    if entry.kind == Kind.CONTACT:
        return Participant(contact_id=entry.pk)
    return Participant(email=entry.email, name=entry.name, language=entry.language)


def _known(language: str | None) -> str:
    return language if language in _LANGUAGES else ""


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield name and address of each piece; the address is empty where a piece has none.

    A line of a table („Jan Nowak TAB jan@nowak.example”) is one person; the line with the names of its columns nobody.
    """
    lines = _UNSEEN.sub("", text).splitlines()
    rows = [_table_row(line) for line in lines]
    for number, (line, row) in enumerate(zip(lines, rows, strict=True)):
        if row:
            yield row
        elif "\t" not in line or "@" in line or not any(rows[number + 1 : number + 2]):
            yield from _pairs_of_text(line)


def _table_row(line: str) -> tuple[str, str] | None:
    """Return name and address of a line that was copied from a table, with one bare address in it."""
    cells = [cell.strip() for cell in line.split("\t")]
    at = [number for number, cell in enumerate(cells) if "@" in cell]
    if len(cells) < 2 or len(at) != 1 or not _BARE_ADDRESS.fullmatch(cells[at[0]]):
        return None
    before = [cell for cell in cells[: at[0]] if cell and not cell.rstrip(".)").isdigit()]
    after = [cell for cell in cells[at[0] + 1 :] if cell]
    return _name(" ".join(before) if before else "".join(after[:1])), _bare(cells[at[0]])


def _pairs_of_text(text: str) -> Iterator[tuple[str, str]]:
    waiting = ""
    for piece, has_comma in _pieces(text):
        named = _NAMED.fullmatch(piece)
        if waiting and not named:
            yield waiting, ""
            waiting = ""
        if named:
            # „Nowak, Jan <jan@nowak.example>”: what stood before the comma is the family name.
            yield ", ".join(filter(None, [waiting, _name(named["name"])])), _bare(named["email"])
            waiting = ""
        elif "@" in piece:
            yield from _in_words(piece)
        elif has_comma:
            waiting = _name(piece)
        else:
            yield _name(piece), ""
    if waiting:
        yield waiting, ""


def _name(text: str) -> str:
    """Return a name without what mail programs and lists put around it: quotation marks, „Do:”, a number, a bullet."""
    text = _LABEL.sub("", clean_line(text).strip())
    if quoted := _QUOTED.fullmatch(text.strip('"')):
        # „'Jan Nowak' via Lista”, as mailing lists write for their members.
        text = quoted["inside"] + quoted["rest"]
    return text.strip(_QUOTES + " ")


def _in_words(piece: str) -> Iterator[tuple[str, str]]:
    """Read „Jan Nowak jan@nowak.example anna@kos.example”: words before an address are its name."""
    before: list[str] = []
    for word in piece.split():
        if "@" in word:
            yield _name(" ".join(before)), _bare(word)
            before = []
        else:
            before.append(word)
    if before:
        yield _name(" ".join(before)), ""


def _bare(address: str) -> str:
    address = clean_line(address).strip(_AROUND)
    if address.lower().startswith("mailto:"):
        # What follows the question mark of a link is its subject.
        address = address[len("mailto:") :].partition("?")[0]
    return address.strip(_AROUND).rstrip(".")


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Split at line ends, and at semicolons and commas outside quotation marks; say which pieces end at a comma."""
    piece: list[str] = []
    quoted = False
    for letter in text + "\n":
        is_comma = letter == "," and not quoted
        if is_comma or letter in "\r\n\t" or (letter == ";" and not quoted):
            joined = "".join(piece).strip()
            if joined:
                yield joined, is_comma
            piece, quoted = [], False
            continue
        quoted ^= letter == '"'
        piece.append(letter)
