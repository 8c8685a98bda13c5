"""Cuts a mail into its parts, on the bytes, with every number bounded while it is counted.

The parser of the standard library looks at every line of every part before anybody can say stop, attachments included
(calendar-mail.md L7). Here one search finds the boundaries; only headers are given to that parser, and only the parts
that are read are ever decoded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from integrations.mailbox import limits
from integrations.mailbox.reader.errors import Unreadable
from integrations.mailbox.reader.headers import Headers, parse_headers

_HEADERS_END = re.compile(rb"\r?\n(?:\r?\n|\Z)")
_ANYTHING = re.compile(rb"[^\r\n\t \0]")
_EMPTY_LINE = re.compile(rb"\r?\n")
_MAX_BOUNDARY = 200


@dataclass(slots=True)
class Part:
    """One part: its headers, and where its body begins and ends in the mail. `parts` of a multipart, in order."""

    headers: Headers
    raw: bytes = field(repr=False)
    start: int
    end: int
    parts: list[Part] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """The media type, lower case: "text/calendar"."""
        return self.headers.content_type

    @property
    def size(self) -> int:
        return self.end - self.start

    @property
    def body(self) -> bytes:
        return self.raw[self.start : self.end]

    def walk(self) -> Iterator[Part]:
        """Yield this part and all below it, in the order in which they stand. A mail inside the mail is one part."""
        yield self
        for part in self.parts:
            yield from part.walk()


@dataclass(slots=True)
class Mail:
    """`count`: how many parts it has in all; of more than `MAX_PARTS` side by side only so many are in the tree."""

    whole: Part
    count: int


@dataclass(slots=True)
class _Count:
    parts: int = 0


def split_mail(raw: bytes) -> Mail:
    """Return the mail as a tree of parts.

    Raises: Unreadable when it is empty, too big, no mail, nested too deep, or has absurdly many parts.
    """
    if not _ANYTHING.search(raw):
        raise Unreadable("the mail is empty")
    if len(raw) > limits.MAX_MAIL:
        raise Unreadable(f"the mail is bigger than {limits.MAX_MAIL // 1_000_000} MB")
    whole = _read_part(raw, 0, len(raw))
    if not whole.headers.is_mail:
        raise Unreadable("this is not a mail: it has none of the headers that every mail has")
    count = _Count()
    _split(whole, count, depth=1)
    return Mail(whole, count.parts)


def _read_part(raw: bytes, start: int, end: int) -> Part:
    # A body that begins at once has no headers.
    found = _EMPTY_LINE.match(raw, start, end) or _HEADERS_END.search(raw, start, end)
    head = raw[start : found.start() if found else end]
    return Part(parse_headers(head), raw, found.end() if found else end, end)


def _split(part: Part, count: _Count, *, depth: int) -> None:
    if not part.kind.startswith("multipart/"):
        return
    if depth > limits.MAX_DEPTH:
        raise Unreadable(f"its parts are nested more than {limits.MAX_DEPTH} deep")
    boundary = part.headers.boundary
    if not boundary or len(boundary) > _MAX_BOUNDARY:
        return
    for start, end in _between(part, boundary, count):
        if len(part.parts) < limits.MAX_PARTS:
            child = _read_part(part.raw, start, end)
            part.parts.append(child)
            _split(child, count, depth=depth + 1)


def _between(part: Part, boundary: bytes, count: _Count) -> Iterator[tuple[int, int]]:
    """Yield start and end of what stands between the boundary lines (RFC 2046 5.1.1)."""
    line = rb"--" + re.escape(boundary) + rb"(--)?[ \t]*(?:\r?\n|\Z)"
    first = re.compile(line).match(part.raw, part.start, part.end)
    # The line end before a boundary belongs to it. Looking for "\n--…" keeps the search a plain one.
    later = re.compile(rb"\n" + line)
    at = first or later.search(part.raw, part.start, part.end)
    while at and not at[1]:
        count.parts += 1
        if count.parts > limits.MAX_PARTS_AT_ALL:
            raise Unreadable(f"it has more than {limits.MAX_PARTS_AT_ALL} parts")
        start = at.end()
        # One byte back: an empty part has the line end of its boundary for the one before the next.
        following = later.search(part.raw, max(start - 1, part.start), part.end)
        end = following.start() if following else part.end
        if following and end > start and part.raw[end - 1 : end] == b"\r":
            end -= 1
        yield start, max(end, start)
        at = following
