"""Text with headings, lists and links, as people type it, made into HTML. Nothing typed becomes a tag of its own.

A line that begins with `# ` or `## ` is a heading, `- ` and `1. ` are lists, an empty line ends a paragraph, two stars
on both sides make words bold, and addresses of pages and mailboxes become links.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from django.utils.html import format_html, format_html_join, urlize
from django.utils.safestring import SafeString

_KINDS = (
    ("h3", re.compile(r"##\s+")),
    ("h2", re.compile(r"#\s+")),
    ("ul", re.compile(r"[-*•]\s+")),
    ("ol", re.compile(r"\d{1,3}[.)]\s+")),
)
_STRONG = re.compile(r"(\*\*[^*\n]+\*\*)")


def to_html(text: str) -> SafeString:
    """Return the text as HTML that may stand in a page: every character that was typed is escaped."""
    lines = [_kind_of(line.strip()) for line in text.splitlines()]
    blocks = (_block(kind, [line for _kind, line in group]) for kind, group in groupby(lines, key=lambda item: item[0]))
    return _joined("\n", (block for found in blocks for block in found))


def _kind_of(line: str) -> tuple[str, str]:
    for kind, pattern in _KINDS:
        if match := pattern.match(line):
            return kind, line[match.end() :]
    return ("p", line) if line else ("", "")


def _block(kind: str, lines: list[str]) -> Iterator[SafeString]:
    if kind in {"h2", "h3"}:
        for line in lines:
            yield format_html("<{0}>{1}</{0}>", SafeString(kind), _inline(line))
    elif kind in {"ul", "ol"}:
        items = format_html_join("", "<li>{}</li>", ((_inline(line),) for line in lines))
        yield format_html("<{0}>{1}</{0}>", SafeString(kind), items)
    elif kind == "p":
        yield format_html("<p>{}</p>", _joined(SafeString("<br>"), map(_inline, lines)))


def _inline(line: str) -> SafeString:
    return _joined("", (_piece(piece) for piece in _STRONG.split(line) if piece))


def _joined(between: str, pieces: Iterable[SafeString]) -> SafeString:
    return format_html_join(between, "{}", ((piece,) for piece in pieces))


def _piece(piece: str) -> SafeString:
    if _STRONG.fullmatch(piece):
        return format_html("<strong>{}</strong>", piece[2:-2])
    return SafeString(urlize(piece, nofollow=True, autoescape=True))
