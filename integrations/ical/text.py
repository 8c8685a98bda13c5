"""Takes out of people's texts what calendars and mail headers must never see."""

from __future__ import annotations

import re
import unicodedata

# Controls, line and paragraph separators, byte order mark, and what turns the direction of the text around it.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\u202a-\u202e\u2066-\u2069]")
_LINE_END = re.compile("\r\n|[\r\n\x0b\x0c\x85\u2028\u2029]")
# What UTF-8 can't write; the database never holds one, a caller's string may.
_SURROGATE = re.compile("[\ud800-\udfff]")


def one_line(text: str) -> str:
    """Return `text` in NFC on one line, blanks folded: fit for a SUMMARY, a CN or a mail header."""
    text = _SURROGATE.sub("\ufffd", text)
    return " ".join(_CONTROL.sub(" ", unicodedata.normalize("NFC", text)).split())


def paragraphs(text: str) -> str:
    """Return `text` in NFC with its line breaks as `\\n` and no other control character."""
    text = unicodedata.normalize("NFC", _SURROGATE.sub("\ufffd", text))
    lines = (_CONTROL.sub(" ", line).rstrip() for line in _LINE_END.sub("\n", text).split("\n"))
    return "\n".join(lines).strip("\n")
