"""Decodes the body of a part, as far as it is read at all (RFC 2045 6)."""

from __future__ import annotations

import binascii
import re

from integrations.mailbox.reader.letters import to_text
from integrations.mailbox.reader.shape import Part

_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")


def octets(part: Part, limit: int) -> bytes:
    """Return the decoded body, cut after about `limit` bytes; broken base64 as far as it goes."""
    # Base64 takes four bytes for three, line ends included a little more; quoted-printable up to three for one.
    body = part.raw[part.start : min(part.end, part.start + 3 * limit)]
    if part.headers.encoding == "base64":
        return _base64(body)[:limit]
    if part.headers.encoding == "quoted-printable":
        return binascii.a2b_qp(body)[:limit]
    return body[:limit]


def text(part: Part, limit: int) -> str:
    """Return the decoded body as text, cut after about `limit` bytes."""
    return to_text(octets(part, limit), part.headers.charset)


def _base64(body: bytes) -> bytes:
    # An encoder ends with padding; what follows is a footer that some relay added.
    kept = _NOT_BASE64.sub(b"", body.partition(b"=")[0])
    kept = kept[: len(kept) - 1] if len(kept) % 4 == 1 else kept
    try:
        return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))
    except binascii.Error:
        return b""
