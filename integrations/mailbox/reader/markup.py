"""Takes the text out of HTML, as plainly as a mail program would write it.

The parser of the standard library takes minutes for a page of tags that are never closed. One expression finds tags and
text here, in one pass; what it takes for text that is none does no harm in a mail.
"""

from __future__ import annotations

import re
from contextlib import suppress
from html import unescape

from integrations.mailbox import limits

_BLOCKS = {"p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "table", "ul", "ol", "blockquote", "hr", "pre"}
# Where Outlook, on the desk and on the web, puts the mail that is answered.
_QUOTE_IDS = {"divrplyfwdmsg", "appendonsend", "mail-editor-reference-message-container"}
#: Stands on a line of its own before a mail that is quoted whole.
QUOTE_BEGINS = "-----Original Message-----"
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_UNSEEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<(style|script|head|title)\b[^<>]{0,2000}>.*?(?:</\1\s{0,20}>|\Z)", re.DOTALL | re.IGNORECASE
)
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:]{0,30})([^<>]*)>|<[!?][^<>]*>")
_ID = re.compile(r"""\bid\s{0,5}=\s{0,5}["']?([\w.-]{1,80})""", re.IGNORECASE)


def text_of(html: str) -> str:
    """Return the text of a page; lines of a quotation begin with `> `."""
    page = _UNSEEN.sub("", html[: limits.MAX_HTML])
    reader, at = _Text(), 0
    for tag in _TAG.finditer(page):
        reader.text(page[at : tag.start()])
        at = tag.end()
        if tag[2]:
            reader.tag(tag[2].lower(), tag[3], is_end=bool(tag[1]))
    reader.text(page[at:])
    return reader.whole()


class _Text:
    """Gathers lines; each knows how deep in quotations it stands."""

    def __init__(self) -> None:
        self._lines: list[list[str]] = [[]]
        self._depths: list[int] = [0]
        self._quotes = 0

    def text(self, words: str) -> None:
        # A line never begins with blanks, so an empty one stays an empty list.
        if words and (self._lines[-1] or not words.isspace()):
            self._lines[-1].append(words)

    def tag(self, name: str, attributes: str, *, is_end: bool) -> None:
        if name == "blockquote":
            self._quotes = max(0, self._quotes + (-1 if is_end else 1))
        if name in _BLOCKS:
            self._end_line(is_kept=name == "br")
            if name == "p" and is_end:
                self._end_line(is_kept=True)
        found = _ID.search(attributes) if "id" in attributes.lower() else None
        if found and found[1].lower() in _QUOTE_IDS:
            self._end_line()
            self.text(QUOTE_BEGINS)
            self._end_line()

    def whole(self) -> str:
        lines = ("".join(line) for line in self._lines)
        return "\n".join(
            f"{'> ' * min(depth, 5)}{_BLANKS.sub(' ', _unescaped(line)).strip()}"
            for line, depth in zip(lines, self._depths, strict=True)
        )

    def _end_line(self, *, is_kept: bool = False) -> None:
        """Begin a new line, unless the last one is empty and is not to be kept."""
        if is_kept or self._lines[-1]:
            self._lines.append([])
            self._depths.append(self._quotes)
        else:
            self._depths[-1] = self._quotes


def _unescaped(line: str) -> str:
    # A character reference may have more digits than Python makes a number of.
    with suppress(ValueError):
        return unescape(line)
    return line
