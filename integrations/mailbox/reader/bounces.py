"""Reads reports that a mail of ours was not delivered, or is late (RFC 3464), and those that follow no standard.

Whose mail it was is told by the Message-ID in the headers that the report sends back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from integrations.mailbox import limits
from integrations.mailbox.facts import Bounce
from integrations.mailbox.reader import bodies, markup
from integrations.mailbox.reader.addresses import address, first_address
from integrations.mailbox.reader.clean import one_line
from integrations.mailbox.reader.headers import Headers, parse_headers
from integrations.mailbox.reader.shape import Part

_MAX_REPORT = 200_000
_RETURNED = {
    "message/rfc822",
    "message/global",
    "text/rfc822-headers",
    "message/rfc822-headers",
    "message/global-headers",
}
_REPORTS = {"message/delivery-status", "message/global-delivery-status"}
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_CODE = re.compile(r"(?<![\d.])([45]\d\d)[ -]")
_ANY_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
_ANY_MESSAGE_ID = re.compile(r"^[ >\t]*message-id:\s*(<[^\s<>]{1,398}>)", re.IGNORECASE | re.MULTILINE)
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_DAEMONS = ("mailer-daemon", "postmaster", "microsoftexchange", "mail-daemon", "mdaemon")
# Where the text of a program ends and the mail that came back begins.
_COPY_BEGINS = re.compile(
    r"^-{2,} ?(this is a copy of|below this line is a copy|original message|a copy of the message|undelivered message"
    r"|returned message)|^(original message headers|diagnostic information for administrators):?",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Report:
    """What a report says. `is_delivery`: it only tells that mails arrived, or were passed on."""

    bounces: tuple[Bounce, ...]
    is_delivery: bool = False


def read_report(whole: Part) -> Report | None:
    """Return what a delivery report says, None for a mail that is none."""
    parts = list(whole.walk())
    reports = [part for part in parts if part.kind in _REPORTS]
    if reports:
        return _standard(whole, parts, reports[0])
    if _is_by_a_daemon(whole.headers):
        return _prose(whole, parts)
    return None


def _standard(whole: Part, parts: list[Part], report: Part) -> Report:
    # A block for the whole mail, then one for each recipient, with empty lines between (RFC 3464 2.1).
    text = bodies.octets(report, _MAX_REPORT).replace(b"\r\n", b"\n")
    blocks = [parse_headers(block) for block in re.split(rb"\n[ \t]*\n+", text.strip(b"\n")) if block.strip()]
    message_id = _returned_id(parts) or next(iter(whole.headers.message_ids("in-reply-to", "references")[-1:]), "")
    about = [block for block in blocks if block.first("final-recipient") or block.first("original-recipient")]
    found = [_bounce(block, message_id) for block in about[: limits.MAX_BOUNCES]]
    bounces = tuple(bounce for bounce in found if bounce is not None)
    return Report(bounces, is_delivery=bool(about) and not bounces)


def _bounce(block: Headers, message_id: str) -> Bounce | None:
    action = block.first("action").partition("(")[0].strip().lower()
    if action not in {"failed", "delayed"}:
        return None
    recipient = first_address(_typed(block.first(name)) for name in ("original-recipient", "final-recipient"))
    words = one_line(_typed(block.first("diagnostic-code")), limits.MAX_WORDS)
    status = _STATUS.search(block.first("status"))
    # Exim and some others say 5.0.0 where the words know better.
    better = _STATUS.search(words) if not status or status[1].endswith(".0.0") else None
    return Bounce(
        recipient=recipient,
        message_id=message_id,
        status=(better or status or [""])[1] if (better or status) else "",
        words=words or one_line(block.first("status"), limits.MAX_WORDS),
        is_permanent=action == "failed",
    )


def _prose(whole: Part, parts: list[Part]) -> Report | None:
    """Read what a person should read: qmail, old Exims, gateways (no standard, so only what is plain)."""
    failed = [found for value in whole.headers.all("x-failed-recipients") for found in _ANY_ADDRESS.findall(value)]
    text = _words_of(parts)
    # What it answers does not count here: an absence note answers a mail of ours too.
    message_id = _returned_id(parts) or _id_in(text)
    if not message_id and not failed:
        return None
    told = _COPY_BEGINS.split(text, maxsplit=1)[0]
    own = {address(value) for value in (whole.headers.first("from"), *whole.headers.all("to"))}
    found = failed or [one for one in _ANY_ADDRESS.findall(told) if address(one) not in own and not _is_daemon(one)]
    if not found:
        return None
    recipient = address(found[0])
    words = _after(told, found[0])
    status, code = _STATUS.search(words), _CODE.search(words)
    known = status[1] if status else f"{code[1][0]}.0.0" if code else ""
    is_late = known.startswith("4") or "delayed" in whole.headers.first("subject").lower()
    return Report((Bounce(recipient, message_id, known, one_line(words, limits.MAX_WORDS), is_permanent=not is_late),))


def _after(text: str, found: str) -> str:
    """Return what is said about a recipient: the words that follow, up to two empty lines on."""
    rest = text[text.find(found) + len(found) :].lstrip(">:) \n")
    return "\n\n".join(rest.split("\n\n")[:2]) or text


def _words_of(parts: list[Part]) -> str:
    for part in parts:
        if part.kind == "text/plain":
            return bodies.text(part, _MAX_REPORT).replace("\r\n", "\n")
    page = next((part for part in parts if part.kind == "text/html"), None)
    return markup.text_of(bodies.text(page, limits.MAX_HTML)) if page is not None else ""


def _returned_id(parts: list[Part]) -> str:
    """Return the Message-ID of the mail that came back."""
    for part in parts:
        if part.kind in _RETURNED:
            ids = parse_headers(bodies.octets(part, limits.MAX_HEADERS)).message_ids("message-id")
            if ids:
                return ids[0]
    return ""


def _id_in(text: str) -> str:
    found = _ANY_MESSAGE_ID.search(text)
    return found[1] if found else ""


def _is_by_a_daemon(headers: Headers) -> bool:
    path = headers.first("return-path").replace(" ", "")
    return path == "<>" or any(_is_daemon(value) for value in headers.all("from"))


def _is_daemon(value: str) -> bool:
    found = _ANY_ADDRESS.search(value)
    return (found[0] if found else value).lower().startswith(_DAEMONS)


def _typed(value: str) -> str:
    """Return what follows `rfc822;` or `smtp;`, xtext decoded where it is an address (RFC 3461 4)."""
    kind, semicolon, rest = value.partition(";")
    rest = rest if semicolon and " " not in kind.strip() else value
    rest = rest.strip()
    return _XTEXT.sub(lambda found: chr(int(found[1], 16)), rest) if kind.strip().lower() == "rfc822" else rest
