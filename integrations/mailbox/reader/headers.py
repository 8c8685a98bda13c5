"""Reads the headers of a mail or of one of its parts, whatever a stranger put there (RFC 5322, 2047, 2045)."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from email import policy
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.utils import parsedate_to_datetime

from integrations.mailbox import limits
from integrations.mailbox.reader.clean import one_line
from integrations.mailbox.reader.letters import to_text

_PARSER = BytesParser(policy=policy.compat32)
_HEADER_ENDS = re.compile(rb"\r?\n(?![ \t])")
_MESSAGE_ID = re.compile(r"<([^\s<>]{1,398})>")
#: One of these stands in every mail that a program for mail has written.
_USUAL = {"from", "to", "date", "received", "message-id", "return-path", "subject", "delivered-to"}


class Headers:
    """The headers of a mail or a part, in order; values as text, unfolded, not decoded."""

    def __init__(self, message: Message) -> None:
        self._message = message
        self._items = [(name.lower(), _as_text(value)) for name, value in message.raw_items()]

    def all(self, name: str) -> list[str]:
        """Return the values of the headers of this name, topmost first."""
        return [value for found, value in self._items if found == name]

    def first(self, name: str) -> str:
        return next((value for found, value in self._items if found == name), "")

    def items(self) -> list[tuple[str, str]]:
        """Return name (lower case) and value of every header, topmost first."""
        return self._items

    def decoded(self, name: str, limit: int) -> str:
        """Return the first of this name as people read it: encoded words decoded, one line (RFC 2047)."""
        return decoded(self.first(name), limit)

    @property
    def is_mail(self) -> bool:
        return any(name in _USUAL for name, _value in self._items)

    @property
    def content_type(self) -> str:
        return self._message.get_content_type()

    @property
    def boundary(self) -> bytes:
        return self.parameter("boundary").rstrip().encode("latin-1", "replace")

    @property
    def charset(self) -> str:
        return self.parameter("charset").lower()

    def parameter(self, name: str, header: str = "content-type") -> str:
        """Return a parameter of Content-Type, or of another header, or nothing where it can't be understood."""
        try:
            value = self._message.get_param(name, "", header)
        except (MessageError, ValueError, LookupError, TypeError):
            return ""
        # RFC 2231 values come as charset, language, text.
        return str(value[2] if isinstance(value, tuple) else value or "")

    @property
    def filename(self) -> str:
        found = self.parameter("filename", "content-disposition") or self.parameter("name")
        return decoded(found, limits.MAX_NAME).lower()

    @property
    def is_attachment(self) -> bool:
        return self.first("content-disposition").strip().lower().startswith("attachment")

    @property
    def encoding(self) -> str:
        return self.first("content-transfer-encoding").strip().lower()

    def date(self) -> datetime | None:
        """Return the Date header in UTC, None where there is none that can be understood. Without zone: UTC."""
        try:
            at = parsedate_to_datetime(self.first("date")[:100])
            at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        return at if limits.FIRST_YEAR <= at.year <= limits.LAST_YEAR else None

    def message_ids(self, *names: str) -> tuple[str, ...]:
        """Return the Message-IDs in these headers, with their angle brackets, each once, in order."""
        found = (f"<{one}>" for name in names for value in self.all(name) for one in _MESSAGE_ID.findall(value))
        return tuple(dict.fromkeys(found))[-limits.MAX_REFERENCES :]


def parse_headers(head: bytes) -> Headers:
    """Read a block of headers, without its body. Of too much, the first lines are read, and the beginning of each."""
    if len(head) > limits.MAX_HEADERS:
        lines = _HEADER_ENDS.split(head, limits.MAX_HEADER_LINES)[: limits.MAX_HEADER_LINES]
        head = b"\r\n".join(line[: limits.MAX_HEADER] for line in lines)
    try:
        return Headers(_PARSER.parsebytes(head.lstrip(b"\r\n"), headersonly=True))
    except (MessageError, ValueError, LookupError, TypeError, AttributeError):
        return Headers(Message(policy=policy.compat32))


def decoded(value: str, limit: int) -> str:
    """Return a header's text with its encoded words decoded, on one line, without control characters."""
    value = value[: limits.MAX_HEADER]
    if "=?" in value:
        # What can't be decoded is shown as it came.
        with suppress(MessageError, ValueError, LookupError, TypeError):
            value = "".join(
                to_text(piece, charset or "") if isinstance(piece, bytes) else piece
                for piece, charset in decode_header(value)
            )
    return one_line(value, limit)


def without_comments(value: str) -> str:
    """Leave out what stands in brackets, but not in quotes (RFC 5322 3.2.2)."""
    kept, depth, is_quoted, at = [], 0, False, 0
    while at < len(value):
        char = value[at]
        if char == "\\":
            kept.append(value[at : at + 2] if not depth else "")
            at += 2
            continue
        if char == '"' and not depth:
            is_quoted = not is_quoted
        if char == "(" and not is_quoted:
            depth += 1
        elif char == ")" and not is_quoted and depth:
            depth -= 1
            char = " "
        kept.append(char if not depth else "")
        at += 1
    return "".join(kept)


def _as_text(value: object) -> str:
    # The parser keeps bytes beyond ASCII as lone surrogates.
    text = str(value)[: limits.MAX_HEADER]
    text = to_text(text.encode("ascii", "surrogateescape"), "") if not text.isascii() else text
    return re.sub(r"\r?\n[ \t]?|\r", " ", text).strip()
