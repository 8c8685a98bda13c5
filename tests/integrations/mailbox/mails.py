"""Mails as tests write them: answers to sessions of ours, letters, reports, and what breaks who reads them."""

from __future__ import annotations

from datetime import UTC, datetime

from bookings.models import Attendee, Booking

OURS = "narada@urzad.example"


def reply(
    attendee: Attendee,
    partstat: str = "ACCEPTED",
    *,
    sequence: int = 0,
    stamped_at: datetime = datetime(2026, 11, 9, 8, 0, tzinfo=UTC),
    sender: str = "",
    method: str = "REPLY",
    recurrences: tuple[datetime, ...] = (),
    comment: str = "",
    answers: str = "",
    more: str = "",
    headers: str = "",
) -> bytes:
    """Return the answer of a participant's calendar, CRLF. `answers`: Message-ID of the mail that it answers."""
    booking = attendee.booking
    events = [_event(attendee, partstat, sequence, stamped_at, at, comment, more) for at in recurrences or (None,)]
    calendar = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\nMETHOD:{method}\n{''.join(events)}END:VCALENDAR\n"
    references = f"In-Reply-To: {answers}\nReferences: {answers}\n" if answers else ""
    return _crlf(
        f"{headers}From: <{sender or attendee.email}>\nTo: <{OURS}>\nSubject: Accepted: {booking.number}\n"
        f"Date: Mon, 9 Nov 2026 09:00:00 +0100\n"
        f"Message-ID: <{partstat}.{sequence}.{stamped_at.timestamp():.0f}.{attendee.pk}@client.example>\n{references}"
        f"MIME-Version: 1.0\nContent-Type: text/calendar; method={method}; charset=utf-8\n\n{calendar}"
    )


def vouched(sender: str) -> str:
    """Return the header by which our own mail server says that the sender is genuine."""
    domain = sender.rpartition("@")[2]
    return f"Authentication-Results: mx.urzad.example; dmarc=pass header.from={domain}\n"


def letter(sender: str, text: str, *, answers: str = "", subject: str = "Pytanie", number: int = 1) -> bytes:
    references = f"In-Reply-To: {answers}\nReferences: {answers}\n" if answers else ""
    return _crlf(
        f"From: Jan Nowak <{sender}>\nTo: <{OURS}>\nSubject: {subject}\nMessage-ID: <letter.{number}@client.example>\n"
        f"Date: Mon, 9 Nov 2026 09:00:00 +0100\n{references}MIME-Version: 1.0\n"
        f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{text}\n"
    )


def report(recipient: str, message_id: str, *, words: str = "550 5.1.1 No such user", action: str = "failed") -> bytes:
    """Return a delivery report (RFC 3464) about a mail of ours."""
    return _crlf(
        "Return-Path: <>\nFrom: MAILER-DAEMON@mx.urzad.example\n"
        f"To: <{OURS}>\nSubject: Undelivered Mail\nMessage-ID: <report.{words[:3]}.{recipient}>\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nThis is the mail system.\n\n"
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.urzad.example\n\n"
        f"Final-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: 5.1.1\nDiagnostic-Code: smtp; {words}\n\n"
        f"--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: {message_id}\nSubject: Zaproszenie\n\n--b--\n"
    )


#: More parts than any program writes.
POISON = (
    b"From: <zly@obcy.example>\r\nTo: <narada@urzad.example>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n' + b"--x\r\n\r\nx\r\n" * 50_000 + b"--x--\r\n"
)


def _event(
    attendee: Attendee,
    partstat: str,
    sequence: int,
    stamped_at: datetime,
    recurrence_at: datetime | None,
    comment: str,
    more: str,
) -> str:
    booking: Booking = attendee.booking
    recurrence = f"RECURRENCE-ID:{recurrence_at.astimezone(UTC):%Y%m%dT%H%M%SZ}\n" if recurrence_at else ""
    said = f"COMMENT:{comment}\n" if comment else ""
    return (
        f"BEGIN:VEVENT\nUID:{booking.uid}\nSEQUENCE:{sequence}\nDTSTAMP:{stamped_at:%Y%m%dT%H%M%SZ}\n{recurrence}{said}"
        f"ORGANIZER:mailto:{OURS}\nATTENDEE;PARTSTAT={partstat}:mailto:{attendee.email}\n{more}END:VEVENT\n"
    )


def _crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()
