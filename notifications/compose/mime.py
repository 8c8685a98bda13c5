"""Puts a mail together as calendar programs want it (calendar-mail.md A1 to A9, J1 to J6). Knows no templates.

Headers are encoded by `email.header`, bodies by us, and nothing is folded behind our back.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, quote
from functools import lru_cache

from django.conf import settings
from django.utils.crypto import salted_hmac

from accounts.preferences import office_name
from integrations.ical.render import Person
from integrations.ical.text import one_line
from notifications.compose import keys
from notifications.compose.letter import Letter
from notifications.compose.shelf import Shelf
from notifications.models import Message

# A dot-atom and a domain (RFC 5322 3.4.1); internationalised names of domains stand as xn--.
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+")
_CRLF = "\r\n"
#: Where a header is folded, in characters (RFC 5322 2.1.1).
_LINE = 78


class Unmailable(ValueError):
    """The address can't stand in a mail header: it is empty, has blanks or controls, or letters outside ASCII."""


@dataclass(frozen=True, slots=True)
class CalendarPart:
    """`content`: an iCalendar object whose METHOD is `method`, upper case (A2)."""

    method: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Headers:
    """`parent_id`: the Message-ID of the first mail about this booking to this person, or empty (J2)."""

    message_id: str
    parent_id: str
    sender: Person
    recipient: Person
    subject: str
    language: str
    sent_at: datetime
    #: Where answers go instead of to the sender; only of notices, whose sender nobody reads (J3).
    reply_to: str = ""
    #: Where the recipient switches off mails of this kind (RFC 8058); only of reminders, which are a stream of their
    #: own (J4).
    unsubscribe_url: str = ""
    #: The same for who has to sign in for it: no click of a program is enough.
    choice_url: str = ""


def headers_for(message: Message, letter: Letter, *, subject: str, now: datetime, shelf: Shelf) -> Headers:
    return Headers(
        message_id=_message_id(message, letter),
        parent_id=_parent_id(message, shelf),
        sender=Person(settings.MAIL_FROM, letter.organizer.name),
        recipient=Person(message.recipient, letter.attendee.name),
        subject=subject,
        language=letter.attendee.language,
        sent_at=now,
        unsubscribe_url=letter.reminders_url,
    )


def headers_for_notice(
    message: Message,
    recipient: Person,
    *,
    subject: str,
    language: str,
    now: datetime,
    reply_to: str = "",
    choice_url: str = "",
) -> Headers:
    """Return the headers of a mail to a user that answers no earlier mail and that no calendar reads.

    `reply_to`: a stranger's address as it came; one that can't stand in a header is left out. `choice_url`: the page on
    which the reader, signed in, switches such mails off.
    """
    return Headers(
        message_id=f"<notice.{message.pk}.{secrets.token_hex(8)}@{_own_domain()}>",
        parent_id="",
        sender=Person(settings.MAIL_FROM, office_name(language)),
        recipient=recipient,
        subject=subject,
        language=language,
        sent_at=now,
        reply_to=reply_to if _ADDRESS.fullmatch(reply_to) else "",
        choice_url=choice_url,
    )


def headers_for_account(recipient: Person, *, subject: str, language: str, now: datetime) -> Headers:
    """Return the headers of a mail about an account: it belongs to no session and answers no earlier mail."""
    return Headers(
        message_id=f"<account.{secrets.token_hex(16)}@{_own_domain()}>",
        parent_id="",
        sender=Person(settings.MAIL_FROM, office_name(language)),
        recipient=recipient,
        subject=subject,
        language=language,
        sent_at=now,
    )


def assemble(headers: Headers, *, text: str, html: str, calendar: CalendarPart | None) -> bytes:
    """Return the whole mail, CRLF. Without `html` it is plain text alone.

    With a calendar: mixed(alternative(plain, html, calendar), application/ics); the calendar part is the last of the
    alternatives and names its method; the attachment has the same octets without a method (A1, A2, A5).
    """
    fields = [*_lines(headers), ("MIME-Version", "1.0")]
    top = "".join(f"{name}: {value}{_CRLF}" for name, value in fields)
    return top.encode("ascii") + _body(headers, text=text, html=html, calendar=calendar)


def _body(headers: Headers, *, text: str, html: str, calendar: CalendarPart | None) -> bytes:
    """Return the rest of the mail, from its Content-Type on.

    Not by the library's classes: they take ten times as long, and would fold what is encoded already.
    """
    plain = _text_part(text, "plain")
    if not html:
        return plain
    alternatives = [plain, _text_part(html, "html")]
    if calendar is None:
        return _multipart("alternative", _boundary(headers, 1), alternatives)
    octets = base64.encodebytes(calendar.content).replace(b"\n", b"\r\n")
    of_calendar = f'Content-Type: text/calendar; method="{calendar.method}"; charset="utf-8"'
    alternatives.append(_part(of_calendar, "base64", octets))
    attached = 'Content-Type: application/ics; name="invite.ics"'
    attachment = _part(attached, "base64", octets, 'Content-Disposition: attachment; filename="invite.ics"')
    whole = _multipart("alternative", _boundary(headers, 1), alternatives)
    return _multipart("mixed", _boundary(headers, 0), [whole, attachment])


def _multipart(subtype: str, boundary: str, parts: Sequence[bytes]) -> bytes:
    head = f'Content-Type: multipart/{subtype};\r\n boundary="{boundary}"\r\n\r\n'
    between = f"--{boundary}\r\n"
    return (head + between).encode() + f"\r\n{between}".encode().join(parts) + f"\r\n--{boundary}--\r\n".encode()


def _part(content_type: str, encoding: str, body: bytes, *more: str) -> bytes:
    head = [content_type, f"Content-Transfer-Encoding: {encoding}", *more]
    return "".join(f"{line}\r\n" for line in [*head, ""]).encode() + body


def _lines(headers: Headers) -> list[tuple[str, str]]:
    lines = [
        ("From", _mailbox("From", headers.sender)),
        ("To", _mailbox("To", headers.recipient)),
        ("Subject", _unstructured("Subject", headers.subject)),
        ("Date", _whole(format_datetime(headers.sent_at))),
        ("Message-ID", _whole(headers.message_id)),
    ]
    if headers.reply_to:
        lines.append(("Reply-To", _encoded(Header(headers.reply_to, "us-ascii", header_name="Reply-To"))))
    if headers.parent_id:
        lines += [("In-Reply-To", _whole(headers.parent_id)), ("References", _whole(headers.parent_id))]
    if headers.unsubscribe_url:
        lines += _ways_out(headers.unsubscribe_url)
    elif headers.choice_url:
        lines.append(("List-Unsubscribe", _whole(f"<{headers.choice_url}>")))
    return [
        *lines,
        ("Content-Language", _whole(headers.language)),
        ("Auto-Submitted", _whole("auto-generated")),
        ("X-Auto-Response-Suppress", _whole("OOF, AutoReply")),
    ]


def _ways_out(url: str) -> list[tuple[str, str]]:
    """Return the headers by which mail programs offer to switch such mails off, with one click where that is safe."""
    lines = [("List-Unsubscribe", _whole(f"<{url}>"))]
    if url.startswith("https:"):
        # RFC 8058 3.1 allows no other.
        lines.append(("List-Unsubscribe-Post", _whole("List-Unsubscribe=One-Click")))
    return lines


def _whole(value: str) -> str:
    """Return a value that is never folded: some servers lose a Message-ID that begins on the second line."""
    if not value.isascii() or not value.isprintable():
        raise ValueError("a header that stands as it is must be printable ASCII")
    return value


# What is encoded once is kept: the same people write and read again and again, and encoding takes as long as sending.
@lru_cache(maxsize=4096)
def _mailbox(header: str, person: Person) -> str:
    if not _ADDRESS.fullmatch(person.email):
        raise Unmailable(f"{person.email!r} is not an address that a mail header can hold")
    name = one_line(person.name)
    if not name:
        return _encoded(Header(person.email, "us-ascii", header_name=header))
    if _is_plain(name):
        return _encoded(Header(f'"{quote(name)}" <{person.email}>', "us-ascii", header_name=header))
    value = Header(name, "utf-8", header_name=header)
    value.append(f"<{person.email}>", "us-ascii")
    return _encoded(value)


@lru_cache(maxsize=1024)
def _unstructured(header: str, text: str) -> str:
    text = one_line(text)
    return _encoded(Header(text, "us-ascii" if _is_plain(text) else "utf-8", header_name=header))


def _encoded(header: Header) -> str:
    return header.encode(linesep=_CRLF, maxlinelen=_LINE)


def _is_plain(text: str) -> bool:
    """Say whether `text` may stand as it is: what looks like an encoded word has to be encoded itself (RFC 2047)."""
    return text.isascii() and "=?" not in text


def _text_part(text: str, subtype: str) -> bytes:
    # Quoted-printable: 8bit breaks DKIM as soon as a relay recodes (A9).
    encoded = binascii.b2a_qp(text.encode(), istext=True).replace(b"\n", b"\r\n")
    return _part(f'Content-Type: text/{subtype}; charset="utf-8"', "quoted-printable", encoded)


def _message_id(message: Message, letter: Letter) -> str:
    """Return an identifier of this row and this state: a retry repeats the stored octets, so it repeats this too."""
    uid = re.sub(r"[^A-Za-z0-9.-]", "-", letter.booking.uid.partition("@")[0])
    who = salted_hmac("notifications.message_id", message.recipient.lower(), algorithm="sha256").hexdigest()[:8]
    return f"<{uid}.{letter.sequence}.{who}.{message.pk}-{letter.booking.version}@{_own_domain()}>"


def _own_domain() -> str:
    return str(settings.MAIL_FROM).rpartition("@")[2]


def _parent_id(message: Message, shelf: Shelf) -> str:
    """Return the Message-ID of the first mail about the booking that may have reached this address."""
    assert message.booking
    first = shelf.keep(keys.first_mails(message.booking), lambda: _first_mails(message)).get(message.recipient.lower())
    return first[1] if first and first[0] < message.pk else ""


def _first_mails(message: Message) -> dict[str, tuple[int, str]]:
    """Return key and Message-ID of the first mail to each address about the booking: one query for a batch.

    Mails to one address about one booking leave one after another, so none of the same batch comes too late for it.
    """
    arrived = Message.objects.filter(booking=message.booking_id, may_have_arrived=True).exclude(message_id="")
    newest_first = arrived.order_by("-pk").values_list("recipient", "pk", "message_id")
    return {recipient.lower(): (pk, message_id) for recipient, pk, message_id in newest_first}


def _boundary(headers: Headers, number: int) -> str:
    """Return a line that can't occur in the parts: all are base64 or quoted-printable, where `=_` does not."""
    digest = hashlib.sha256(headers.message_id.encode()).hexdigest()[:24]
    return f"=_narada_{digest}_{number}"
