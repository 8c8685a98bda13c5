"""Reads addresses out of headers and calendar lines. What is not plainly one address is none."""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.utils import getaddresses
from urllib.parse import unquote

from integrations.mailbox import limits
from integrations.mailbox.facts import Mailbox
from integrations.mailbox.reader.clean import one_line
from integrations.mailbox.reader.headers import Headers, decoded, without_comments

_ADDRESS = re.compile(r"""[^\s@<>()\[\],;:\\"\x00-\x1f\x7f]{1,64}@[^\s@<>()\[\],;:\\"\x00-\x1f\x7f]{1,189}""")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


def address(text: str) -> str:
    """Return the address in lower case, without `mailto:`, or nothing where it is not one."""
    text = text.strip().strip("<>").strip()
    if text[:7].lower() == "mailto:":
        text = unquote(text[7:].partition("?")[0]).strip()
    text = text.lower()
    return text if len(text) <= limits.MAX_EMAIL and _ADDRESS.fullmatch(text) else ""


def sender(headers: Headers) -> tuple[Mailbox | None, str]:
    """Return who the mail is from, and where nobody can be named, why (RFC 5322 3.6.2: one From)."""
    found = headers.all("from")
    if len(found) != 1:
        return None, "it has no From" if not found else f"it has {len(found)} From headers"
    value = found[0]
    mailboxes = _mailboxes(value)
    if len(mailboxes) != 1:
        return None, "its From names nobody" if not mailboxes else "its From names several people"
    # „boss@office.pl" <x@y> is one address and a name; two at signs outside of names are a riddle that programs solve
    # in different ways.
    if _QUOTED.sub("", without_comments(value)).count("@") != 1:
        return None, "its From can be read in more than one way"
    return mailboxes[0], ""


def mailboxes(headers: Headers, *names: str) -> tuple[str, ...]:
    """Return the addresses in these headers, each once, at most `MAX_RECIPIENTS`."""
    found = (one.email for name in names for value in headers.all(name)[:10] for one in _mailboxes(value))
    return tuple(dict.fromkeys(found))[: limits.MAX_RECIPIENTS]


def first_address(values: Iterable[str]) -> str:
    return next((found for value in values if (found := address(value))), "")


def _mailboxes(value: str) -> list[Mailbox]:
    try:
        # Comments are taken out first: the library follows them inwards without end, as it does groups in groups.
        pairs = getaddresses([without_comments(value)])
    except (RecursionError, ValueError, IndexError):
        return []
    return [Mailbox(found, decoded(name, limits.MAX_NAME)) for name, raw in pairs if (found := address(raw))]


def name(text: str) -> str:
    """Return a CN as one line of text."""
    return one_line(text, limits.MAX_NAME)
