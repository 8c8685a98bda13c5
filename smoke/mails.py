"""Reads mails as a recipient's program does: with Python's parser and the icalendar library, nothing of ours."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol, cast

from icalendar import Calendar, Event


@dataclass(frozen=True)
class Meeting:
    """The event of a calendar part; of a series the one with the rule. `starts_at` is aware."""

    method: str
    uid: str
    sequence: int
    starts_at: datetime
    status: str
    summary: str


@dataclass(frozen=True)
class Received:
    """A mail in somebody's inbox."""

    to: str
    subject: str
    text: str
    meeting: Meeting | None

    def join_address(self, base_url: str) -> str:
        """Return the personal join address in the text. Raises: LookupError."""
        found = re.search(re.escape(base_url) + r"/d/\S+", self.text)
        if found is None:
            raise LookupError(f"no join address in the mail to {self.to}")
        return found[0]


class Inbox(Protocol):
    """Everything that was delivered so far, oldest first; asking gives the service time to deliver."""

    def received(self) -> list[Received]: ...


class Folder:
    """The .eml files that the service writes when it has no mail server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def received(self) -> list[Received]:
        return [read(path.read_bytes()) for path in sorted(self.folder.glob("*.eml"))]


def read(raw: bytes) -> Received:
    """Parse a mail. Raises: ValueError when its calendar part is broken or contradicts its own headers."""
    message: EmailMessage = email.message_from_bytes(raw, policy=email.policy.default)
    text = message.get_body(("plain",))
    return Received(
        to=str(message["To"].addresses[0].addr_spec),
        subject=str(message["Subject"]),
        text=text.get_content() if text else "",
        meeting=_meeting(message),
    )


def _meeting(message: EmailMessage) -> Meeting | None:
    parts = [part for part in message.walk() if part.get_content_type() == "text/calendar"]
    if not parts:
        return None
    (part,) = parts
    calendar = Calendar.from_ical(cast(bytes, part.get_payload(decode=True)))
    events = cast(list[Event], calendar.walk("VEVENT"))
    errors = [*calendar.errors, *(error for event in events for error in event.errors)]
    method = str(calendar["METHOD"])
    if errors or not events or part.get_param("method") != method:
        raise ValueError(f"broken calendar part: {errors}")
    event = next((item for item in events if "RECURRENCE-ID" not in item), events[0])
    return Meeting(
        method=method,
        uid=str(event["UID"]),
        sequence=int(str(event["SEQUENCE"])),
        starts_at=cast(datetime, event.decoded("DTSTART")),
        status=str(event.get("STATUS", "")),
        summary=str(event["SUMMARY"]),
    )
