"""Turns bytes into text although the charset lies (calendar-mail.md G1)."""

from __future__ import annotations

import codecs

# Only plain tables and UTF-16: other codecs (idna, punycode, zlib) are slow or no charsets at all.
_TABLES = {
    *(f"iso8859-{number}" for number in (*range(1, 12), *range(13, 17))),
    *(f"cp{number}" for number in (852, 1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258)),
    "koi8-r",
    "koi8-u",
    "mac-latin2",
}
_UTF_16 = {"utf-16", "utf-16-le", "utf-16-be"}


def to_text(data: bytes, charset: str) -> str:
    """Return the text: UTF-8 where it is that, else the declared charset, else Latin-1, which always fits.

    UTF-8 goes first because nothing else looks like it by accident, whatever was declared.
    """
    declared = _known(charset)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or (declared in _UTF_16 and b"\0" in data):
        return data.decode(declared if declared in _UTF_16 else "utf-16", "replace").lstrip("\ufeff")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode(declared if declared in _TABLES else "latin-1", "replace")


def _known(charset: str) -> str:
    try:
        return codecs.lookup(charset.strip().strip("\"'")[:40]).name if charset.isascii() else ""
    except (LookupError, ValueError):
        return ""
