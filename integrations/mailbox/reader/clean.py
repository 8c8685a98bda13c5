"""Takes out of strangers' texts what must not reach a page, a mail or the database."""

from __future__ import annotations

import re
import unicodedata

# Controls, separators of lines and paragraphs, byte order mark, what turns the direction of text, and what is not seen.
_UNWANTED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE_END = re.compile("\r\n|[\r\n\x0b\x0c\x85\u2028\u2029]")
_MANY_EMPTY_LINES = re.compile(r"\n{3,}")


def one_line(text: str, limit: int) -> str:
    """Return at most `limit` characters of the text, in NFC, on one line, blanks folded."""
    # What is cut away is not worked on: composing and folding shorten a text by less than half.
    text = paragraphs_as_they_are(text[: limit * 8])
    return " ".join(text.split())[:limit].rstrip()


def paragraphs(text: str, limit: int) -> str:
    """Return at most `limit` characters of the text, in NFC, lines ending in `\\n`, never two empty ones in a row."""
    lines = (line.rstrip() for line in paragraphs_as_they_are(text).split("\n"))
    return _MANY_EMPTY_LINES.sub("\n\n", "\n".join(lines)).strip("\n")[:limit].rstrip()


def paragraphs_as_they_are(text: str) -> str:
    """Return the text in NFC without control characters, line ends as `\\n`."""
    text = _SURROGATE.sub("\ufffd", text)
    text = _UNWANTED.sub("", _LINE_END.sub("\n", text)).replace("\t", " ").replace("\xa0", " ")
    return unicodedata.normalize("NFC", text)
