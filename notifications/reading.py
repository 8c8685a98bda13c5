"""Takes a finished mail apart for people to read: headers in words, text, HTML, calendar part, attachments."""

from __future__ import annotations

import json
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

# In the order in which people look at them; the rest follows as it stands in the mail.
_FIRST = ("Subject", "From", "To", "Date", "Message-ID")


@dataclass(frozen=True, slots=True)
class Attachment:
    name: str
    content_type: str
    size: int


@dataclass(frozen=True, slots=True)
class ReadMail:
    """What is in a mail. Parts that it hasn't got are empty."""

    headers: tuple[tuple[str, str], ...]
    text: str
    html: str
    calendar: str
    calendar_method: str
    attachments: tuple[Attachment, ...]
    size: int

    @property
    def subject(self) -> str:
        return self.header("Subject")

    @property
    def recipient(self) -> str:
        return self.header("To")

    def header(self, name: str) -> str:
        """Return the value of the first header of this name, or an empty string."""
        return next((value for header, value in self.headers if header.lower() == name.lower()), "")


def read_mail(raw: bytes) -> ReadMail:
    """Return the content of a mail. Never raises for a mail that is odd; what can't be decoded is shown as �."""
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    texts = {"text/plain": "", "text/html": "", "text/calendar": ""}
    method, attachments = "", []
    for part in mail.walk():
        content_type = part.get_content_type()
        if part.is_multipart():
            continue
        if part.get_content_disposition() == "attachment" or content_type not in texts:
            attachments.append(_attachment(part))
        elif not texts[content_type]:
            texts[content_type] = _text_of(part)
            method = str(part.get_param("method", "")) if content_type == "text/calendar" else method
    return ReadMail(
        headers=_headers(mail),
        text=texts["text/plain"],
        html=texts["text/html"],
        calendar=texts["text/calendar"],
        calendar_method=method,
        attachments=tuple(attachments),
        size=len(raw),
    )


def _headers(mail: EmailMessage) -> tuple[tuple[str, str], ...]:
    known = [(name, str(mail[name])) for name in _FIRST if name in mail]
    first = {name.lower() for name in _FIRST}
    return (*known, *((name, str(value)) for name, value in mail.items() if name.lower() not in first))


def _text_of(part: EmailMessage) -> str:
    content = part.get_payload(decode=True)
    charset = part.get_content_charset() or "utf-8"
    octets = content if isinstance(content, bytes) else b""
    try:
        return octets.decode(charset, "replace")
    except LookupError:
        return octets.decode("utf-8", "replace")


def _attachment(part: EmailMessage) -> Attachment:
    content = part.get_payload(decode=True)
    size = len(content) if isinstance(content, bytes) else 0
    return Attachment(part.get_filename() or "", part.get_content_type(), size)


def read_call(raw: bytes) -> str:
    """Return the body of a call of a webhook as people read it: JSON, indented."""
    return json.dumps(json.loads(raw), ensure_ascii=False, indent=2)
