"""Shows what somebody typed as text: {{ note.text|plain_text }}. Nothing in it is markup but what is made here."""

from __future__ import annotations

import re

from django import template
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

#: A full address of a page, up to where a sentence goes on. Anything else that could be one stays text.
_ADDRESS = re.compile(r"https?://[^\s<>\"'„”“]{3,2000}", re.IGNORECASE)
_ENDS = ".,;:!?…"
_PAIRS = {")": "(", "]": "[", "}": "{"}


@register.filter
def plain_text(text: str) -> SafeString:
    """Return paragraphs with their line breaks; addresses that begin with http:// or https:// are links.

    A link shows where it leads, tells that place nothing of us, and gets no hold of our page.
    """
    blocks = [block.strip("\n") for block in re.split(r"\n{2,}", text.replace("\r\n", "\n"))]
    return format_html_join("", "<p>{}</p>", ((_with_links(block),) for block in blocks if block.strip()))


def _with_links(text: str) -> SafeString:
    parts, done = [], 0
    for found in _ADDRESS.finditer(text):
        address = _trimmed(found.group())
        parts.append(escape(text[done : found.start()]))
        parts.append(format_html('<a href="{}" rel="noopener noreferrer nofollow">{}</a>', address, address))
        done = found.start() + len(address)
    parts.append(escape(text[done:]))
    return mark_safe("".join(parts).replace("\n", "<br>"))  # noqa: S308  every part is escaped above


def _trimmed(address: str) -> str:
    """Return the address without what belongs to the sentence around it: a full stop, a bracket that closes."""
    while address:
        last = address[-1]
        if last in _ENDS or (last in _PAIRS and address.count(last) > address.count(_PAIRS[last])):
            address = address[:-1]
        else:
            break
    return address
