"""Puts a room's answer together as a mail (calendar-mail.md H5, J1, J2). compat32, as all mails that go out.

The shape is Thunderbird's: mixed(alternative(plain, calendar), application/ics).
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from email import charset, encoders, policy
from email.generator import BytesGenerator
from email.header import Header
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime, quote
from io import BytesIO

from django.conf import settings

from integrations.ical.render import Person
from integrations.ical.text import one_line

_QUOTED_PRINTABLE = charset.Charset("utf-8")
_QUOTED_PRINTABLE.body_encoding = charset.QP
_LINES = policy.compat32.clone(linesep="\r\n")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,390}>")


@dataclass(frozen=True, slots=True)
class Letter:
    """`answers`: Message-ID of the mail that it answers. `calendar`: an iCalendar object (REPLY), or nothing."""

    message_id: str
    sender: Person
    recipient: Person
    subject: str
    text: str
    calendar: bytes
    answers: str
    language: str
    sent_at: datetime


def new_message_id() -> str:
    return f"<room.{secrets.token_hex(16)}@{str(settings.MAIL_FROM).rpartition('@')[2]}>"


def assemble(letter: Letter) -> bytes:
    """Return the whole mail, CRLF."""
    root = _body(letter)
    for name, value in _headers(letter):
        root[name] = value  # type: ignore[assignment]  # typed for str; compat32 encodes Header objects
    written = BytesIO()
    BytesGenerator(written, mangle_from_=False, policy=_LINES).flatten(root)
    return written.getvalue()


def _body(letter: Letter) -> MIMEBase:
    plain = MIMEText(letter.text, "plain", _QUOTED_PRINTABLE)  # type: ignore[arg-type]  # typed for a name
    if not letter.calendar:
        return plain
    alternative = MIMEMultipart("alternative", boundary=_boundary(letter, 1))
    alternative.attach(plain)
    part = MIMEBase("text", "calendar", method="REPLY", charset="utf-8")
    part.set_payload(letter.calendar)
    encoders.encode_base64(part)
    alternative.attach(part)
    attachment = MIMEBase("application", "ics", name="invite.ics")
    attachment.set_payload(letter.calendar)
    encoders.encode_base64(attachment)
    attachment.add_header("Content-Disposition", "attachment", filename="invite.ics")
    mixed = MIMEMultipart("mixed", boundary=_boundary(letter, 0))
    mixed.attach(alternative)
    mixed.attach(attachment)
    return mixed


def _headers(letter: Letter) -> list[tuple[str, Header]]:
    lines = [
        ("From", _mailbox("From", letter.sender)),
        ("To", _mailbox("To", letter.recipient)),
        ("Subject", _unstructured("Subject", letter.subject)),
        ("Date", _Whole(format_datetime(letter.sent_at))),
        ("Message-ID", _Whole(letter.message_id)),
    ]
    # A stranger's Message-ID is repeated only where it is one.
    if _MESSAGE_ID.fullmatch(letter.answers):
        lines += [("In-Reply-To", _Whole(letter.answers)), ("References", _Whole(letter.answers))]
    return [
        *lines,
        ("Content-Language", _Whole(letter.language)),
        ("Auto-Submitted", _Whole("auto-replied")),
        ("X-Auto-Response-Suppress", _Whole("OOF, AutoReply")),
    ]


class _Whole(Header):
    """A header that is never folded: some servers lose a Message-ID that begins on the second line."""

    def __init__(self, value: str) -> None:
        if not value.isascii() or not value.isprintable():
            raise ValueError("a header that stands as it is must be printable ASCII")
        super().__init__(value, "us-ascii")

    def encode(self, *_args: object, **_options: object) -> str:
        return str(self)


def _mailbox(header: str, person: Person) -> Header:
    name = one_line(person.name)
    if not name:
        return Header(person.email, "us-ascii", header_name=header)
    if _is_plain(name):
        return Header(f'"{quote(name)}" <{person.email}>', "us-ascii", header_name=header)
    value = Header(name, "utf-8", header_name=header)
    value.append(f"<{person.email}>", "us-ascii")
    return value


def _unstructured(header: str, text: str) -> Header:
    text = one_line(text)
    return Header(text, "us-ascii" if _is_plain(text) else "utf-8", header_name=header)


def _is_plain(text: str) -> bool:
    return text.isascii() and "=?" not in text


def _boundary(letter: Letter, number: int) -> str:
    digest = hashlib.sha256(letter.message_id.encode()).hexdigest()[:24]
    return f"=_narada_{digest}_{number}"
