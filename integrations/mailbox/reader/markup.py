"""Takes the text out of HTML, as plainly as a mail program would write it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from integrations.mailbox import limits

_BLOCKS = {"p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "table", "ul", "ol", "blockquote", "hr", "pre"}
_UNSEEN = {"head", "style", "script", "title"}
# Where Outlook, on the desk and on the web, puts the mail that is answered.
_QUOTE_IDS = {"divrplyfwdmsg", "appendonsend", "mail-editor-reference-message-container"}
#: Stands on a line of its own before a mail that is quoted whole.
QUOTE_BEGINS = "-----Original Message-----"
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)|<!\[.*?(?:\]>|\Z)", re.DOTALL)


def text_of(html: str) -> str:
    """Return the text of a page; lines of a quotation begin with `> `."""
    reader = _Text()
    # Conditional comments of Word are no comments to every parser, and the parser is slow with open ones.
    reader.feed(_COMMENT.sub("", html[: limits.MAX_HTML]))
    return reader.text()


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[list[str]] = [[]]
        self._depths: list[int] = [0]
        self._unseen = self._quotes = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag in _BLOCKS:
            self._end_line()
        if tag == "blockquote":
            self._quotes += 1
            self._depths[-1] = self._quotes
        if any(name == "id" and (value or "").lower() in _QUOTE_IDS for name, value in attrs):
            self._end_line()
            self._lines[-1].append(QUOTE_BEGINS)
            self._end_line()

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag in _BLOCKS - {"br", "hr"}:
            self._end_line()
        if tag == "blockquote":
            self._quotes = max(0, self._quotes - 1)
            self._depths[-1] = self._quotes
        if tag == "p" and not self._quotes:
            self._end_line(is_kept=True)

    def handle_data(self, data: str) -> None:
        line = self._lines[-1]
        # A line never begins with blanks, so an empty one stays an empty list.
        if not self._unseen and (line or not data.isspace()):
            line.append(_BLANKS.sub(" ", data))

    def text(self) -> str:
        self.close()
        return "\n".join(
            f"{'> ' * min(depth, 5)}{''.join(line).strip()}"
            for line, depth in zip(self._lines, self._depths, strict=True)
        )

    def _end_line(self, *, is_kept: bool = False) -> None:
        """Begin a new line, unless the last one is empty; `is_kept`: an empty line is wanted."""
        if is_kept or self._lines[-1]:
            self._lines.append([])
            self._depths.append(self._quotes)
        else:
            self._depths[-1] = self._quotes
