"""Invitations to rooms as Outlook, Thunderbird and Gmail send them, and what the rooms answer."""

from __future__ import annotations

import base64
import hashlib
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from email.policy import SMTP
from typing import Any

from icalendar import Calendar, Event

from integrations.mailbox import room as attendant
from integrations.mailbox.models import InboundMail
from integrations.mailbox.reader import read_mail
from integrations.mailbox.signals import answered
from rooms.models import Room

#: Monday 9 November 2026, 8:00 in Warsaw.
NOW = datetime(2026, 11, 9, 7, 0, tzinfo=UTC)
ANNA = "anna.wrzesinska@urzad.example"
ROOM = "sala214@rooms.urzad.example"
SECOND = "sala216@rooms.urzad.example"
_numbers = itertools.count(1)

_ZONES = {
    "Europe/Warsaw": """\
BEGIN:VTIMEZONE
TZID:Europe/Warsaw
BEGIN:DAYLIGHT
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
TZNAME:CEST
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
TZNAME:CET
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
END:VTIMEZONE
""",
    "Central European Standard Time": """\
BEGIN:VTIMEZONE
TZID:Central European Standard Time
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
""",
}


@dataclass
class Meeting:
    """A meeting in somebody's calendar. Times are local, „20261124T100000”; `zone`: as its program names it, or „Z”."""

    uid: str = "040000008200E00074C5B7101A82E00800000000B0E0C5D1"
    title: str = "Narada zespołu"
    start: str = "20261124T100000"
    end: str = "20261124T110000"
    zone: str = "Central European Standard Time"
    rrule: str = ""
    exdates: tuple[str, ...] = ()
    recurrence: str = ""
    sequence: int = 0
    stamp: str = "20261109T063000Z"
    rooms: tuple[str, ...] = (ROOM,)
    organizer: str = ANNA
    more: str = ""
    overrides: tuple[Meeting, ...] = field(default=())

    def vevent(self) -> str:
        zone = {"": "", "Z": "", "DATE": ";VALUE=DATE"}.get(self.zone, f";TZID={self.zone}")
        mark = "Z" if self.zone == "Z" else ""
        lines = [
            "BEGIN:VEVENT",
            f"UID:{self.uid}",
            f"SUMMARY;LANGUAGE=pl-PL:{self.title}",
            f"DTSTART{zone}:{self.start}{mark}",
            f"DTEND{zone}:{self.end}{mark}",
            f"ORGANIZER;CN=Anna Wrzesińska:mailto:{self.organizer}",
            f"ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;CN=Anna:mailto:{self.organizer}",
            *(f"ATTENDEE;ROLE=NON-PARTICIPANT;CUTYPE=RESOURCE;RSVP=TRUE:mailto:{room}" for room in self.rooms),
            f"DTSTAMP:{self.stamp}",
            f"SEQUENCE:{self.sequence}",
        ]
        if self.rrule:
            lines.append(f"RRULE:{self.rrule}")
        lines += [f"EXDATE{zone}:{day}{mark}" for day in self.exdates]
        if self.recurrence:
            lines.append(f"RECURRENCE-ID{zone}:{self.recurrence}{mark}")
        return "\n".join([*lines, *filter(None, [self.more]), "END:VEVENT"]) + "\n"

    def ics(self, method: str) -> str:
        events = self.vevent() + "".join(item.vevent() for item in self.overrides)
        zone = _ZONES.get(self.zone, "")
        return f"BEGIN:VCALENDAR\nMETHOD:{method}\nPRODID:Test\nVERSION:2.0\n{zone}{events}END:VCALENDAR\n"


def mail_of(
    meeting: Meeting,
    *,
    method: str = "REQUEST",
    sender: str = "",
    message_id: str = "",
    authentication: str = "dmarc=pass header.from={domain}",
    to: str = "",
) -> bytes:
    """Return the mail as Exchange sends it: alternative of text and calendar, base64."""
    sender = sender or meeting.organizer
    content = meeting.ics(method).replace("\n", "\r\n").encode()
    domain = sender.partition("@")[2]
    lines = [
        f"Authentication-Results: mx.urzad.example; {authentication.format(domain=domain)}",
        f"From: Anna <{sender}>",
        f"To: {to or ', '.join(meeting.rooms)}",
        f"Subject: {meeting.title}".encode("ascii", "replace").decode(),
        f"Message-ID: {message_id or f'<{next(_numbers)}@mail.urzad.example>'}",
        "Date: Mon, 9 Nov 2026 06:30:00 +0000",
        "MIME-Version: 1.0",
        'Content-Type: multipart/alternative; boundary="_000_"',
        "",
        "--_000_",
        'Content-Type: text/plain; charset="utf-8"',
        "",
        "Zapraszam.",
        "--_000_",
        f'Content-Type: text/calendar; charset="utf-8"; method={method}',
        "Content-Transfer-Encoding: base64",
        "",
        base64.encodebytes(content).decode().replace("\n", "\r\n").rstrip(),
        "--_000_--",
        "",
    ]
    return "\r\n".join(lines).encode()


@dataclass(frozen=True)
class Answer:
    """A mail that a room sent."""

    recipient: str
    subject: str
    raw: bytes
    booking: Any

    @property
    def mail(self) -> Message:
        return message_from_bytes(self.raw, policy=SMTP)

    @property
    def text(self) -> str:
        part = next(part for part in self.mail.walk() if part.get_content_type() == "text/plain")
        return part.get_payload(decode=True).decode()

    @property
    def ics(self) -> bytes:
        part = next(part for part in self.mail.walk() if part.get_content_type() == "text/calendar")
        return part.get_payload(decode=True)

    @property
    def event(self) -> Event:
        (event,) = Calendar.from_ical(self.ics).walk("VEVENT")
        return event

    @property
    def partstat(self) -> str:
        return self.event["ATTENDEE"].params["PARTSTAT"]

    @property
    def room(self) -> str:
        return str(self.event["ATTENDEE"]).removeprefix("mailto:")

    @property
    def on(self) -> str:
        """The date that it is about alone, „12-01”; empty for the whole."""
        found = self.event.get("RECURRENCE-ID")
        return f"{found.dt:%m-%d}" if found else ""


@contextmanager
def outgoing() -> Iterator[list[Answer]]:
    """Collect what rooms send meanwhile."""
    sent: list[Answer] = []

    def keep(sender: Any, *, recipient: str, subject: str, raw: bytes, booking: Any, **_: Any) -> None:
        sent.append(Answer(recipient, subject, raw, booking))

    answered.connect(keep)
    try:
        yield sent
    finally:
        answered.disconnect(keep)


def receive(raw: bytes, *rooms: Room, now: datetime = NOW) -> tuple[str, list[Answer]]:
    """Hand a mail to the rooms that it names, as the inbox does; return the outcome and what they sent."""
    with outgoing() as sent:
        outcome = hand_over(raw, *rooms, now=now)
    return outcome, sent


def hand_over(raw: bytes, *rooms: Room, now: datetime = NOW) -> str:
    mail = read_mail(raw, own_addresses=(), auth_server="mx.urzad.example")
    named = {room.mailbox: room for room in Room.objects.exclude(mailbox="").select_related("site")}
    invited = [
        named[item.mailbox.email]
        for item in (mail.calendar.events[0].attendees if mail.calendar else ())
        if item.mailbox.email in named
    ]
    row = InboundMail.objects.create(
        digest=hashlib.sha256(raw + str(next(_numbers)).encode()).hexdigest(),
        raw=raw,
        size=len(raw),
        source="command",
        received_at=now,
        sender=mail.sender.email if mail.sender else "",
    )
    outcome = attendant.answer(mail, row, list(rooms) or invited, now=now)
    row.outcome, row.state, row.handled_at = outcome, InboundMail.State.DONE, now
    row.save()
    return outcome


def said(sent: list[Answer]) -> list[tuple[str, str]]:
    """Return what was said of which date: („”, „ACCEPTED”)."""
    return [(item.on, item.partstat) for item in sent]


def later(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)
